"""The kernel refuses every attack, and each of its guards is needed: without it, some attack gets through."""

import ast
import inspect
import sys
import types

import pytest
from sympy import log
from sympy.core.cache import clear_cache

from proofs.kernel import attacks_on_rules, rules, terms
from proofs.kernel.attacks import ATTACKS, cube, tangent
from proofs.kernel.rules import (
    Sigma,
    Sigma_t,
    add,
    assume,
    family,
    fubini,
    induction,
    inst,
    nonneg,
    positive,
    real,
    ring,
    scale,
    sequence,
    total,
    transport,
)

assert attacks_on_rules.__name__  # importing it adds to ATTACKS
SOURCES = {module.__name__: inspect.getsource(module) for module in (terms, rules)}


def guards(tree):
    """Each ``if condition: raise ProofError(...)`` with the name of the function or method it guards."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
                    yield function.name, node


def without(name, condition):
    """The kernel, upon its terms, with one guard switched off."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for path, source in SOURCES.items():
            tree = ast.parse(source)
            for function, node in guards(tree):
                if (function, ast.unparse(node.test)) == (name, condition):
                    node.test = ast.copy_location(ast.Constant(False), node.test)
            module = types.ModuleType(path)
            monkeypatch.setitem(sys.modules, path, module)
            exec(compile(tree, f"<{path} without: {condition}>", "exec"), vars(module))
    return module


@pytest.fixture(autouse=True)
def no_memories():
    """SymPy remembers results, and would take the loops of a weakened kernel for those of the kernel itself."""
    yield
    clear_cache()


GUARDS = [(name, ast.unparse(node.test)) for source in SOURCES.values() for name, node in guards(ast.parse(source))]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack_is_refused(attack):
    with pytest.raises(rules.ProofError):
        attack(rules)


@pytest.mark.parametrize(("name", "condition"), GUARDS, ids=[f"{n}: {c}" for n, c in GUARDS])
def test_guard_is_needed(name, condition):
    weakened = without(name, condition)
    assert any(gets_through(attack, weakened) for attack in ATTACKS.values())


def gets_through(attack, weakened):
    """True if the attack ends with a theorem.  Without its guards a rule may also trip over what it was
    fed."""
    try:
        return type(attack(weakened)) is weakened.Thm
    except (weakened.ProofError, ArithmeticError, AttributeError, TypeError, ValueError):
        return False


def test_no_guard_is_overlooked():
    raises = [n for source in SOURCES.values() for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Raise)]
    assert len(raises) == len(GUARDS) + 1  # `Immutable.__setattr__` refuses without asking


def test_theorems_that_hold():
    """The guards forbid the false, not the true."""
    (q, r), (A,) = family("q r"), real("A", positive=True)
    ring(Sigma(A * q + r) - A * Sigma(q) - Sigma(r))
    ring(Sigma(q * Sigma(r)) - Sigma(q) * Sigma(r))
    induction(cube(rules), cube(rules).state[0] - cube(rules).state[1], sequence("u", indexed=True))
    normalised = assume(Sigma(q) - 1), assume(Sigma(r) - 1)
    (t,) = real("t", positive=True)
    summed = total(scale(inst(tangent(rules), {t: r / q}), q))
    assert transport(Sigma(q * log(q / r)), summed, *normalised).rel == ">="


def test_a_theorem_prints_as_a_sentence():
    (q,) = family("q")
    assert repr(assume(Sigma(q) - 1)) == "for q[i] > 0: Sigma(q[i]) - 1 == 0 |- Sigma(q[i]) - 1 == 0"


def test_what_stays_strict():
    """A positive term times what may be zero is no longer strict; sums of theorems are as strict as their strictest."""
    (z,), (t,) = real("z", nonnegative=True), real("t", positive=True)
    assert scale(positive(t), z).rel == ">="
    assert scale(positive(t), t).rel == ">"
    assert add(positive(t), nonneg(z)).rel == ">"
    assert add(nonneg(t), ring(t - t)).rel == ">="
    assert add(ring(t - t), ring(z - z)).rel == "=="
    assert total(positive(t)).rel == ">"


def test_sums_over_two_sets_change_places_and_take_factors_out():
    (g,), (q,), (w,) = family("g", over="i,t"), family("q"), family("w", over="t")
    ring(Sigma(q * Sigma_t(g * w)) - Sigma_t(w * Sigma(q * g)), fubini(q * g * w))
    with pytest.raises(rules.ProofError, match="left over"):
        ring(Sigma(q * Sigma_t(g * w)) - Sigma_t(w * Sigma(q * g)))
