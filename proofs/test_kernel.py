"""The kernel refuses every attack, and each of its guards is needed: without it, some attack gets through."""

import ast
import inspect
import types

import pytest
from sympy import log

from proofs import kernel
from proofs.attacks import ATTACKS, cube, tangent
from proofs.kernel import (
    Sigma,
    assume,
    family,
    induction,
    inst,
    real,
    ring,
    scale,
    sequence,
    total,
    transport,
)

SOURCE = inspect.getsource(kernel)


def guards(tree):
    """Each ``if condition: raise ProofError(...)`` with the name of the function or method it guards."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
                    yield function.name, node


def without(name, condition):
    """The kernel with one guard switched off."""
    tree = ast.parse(SOURCE)
    for function, node in guards(tree):
        if (function, ast.unparse(node.test)) == (name, condition):
            node.test = ast.copy_location(ast.Constant(False), node.test)
    module = types.ModuleType("weakened")
    exec(compile(tree, f"<kernel without: {condition}>", "exec"), vars(module))
    return module


GUARDS = [(name, ast.unparse(node.test)) for name, node in guards(ast.parse(SOURCE))]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack_is_refused(attack):
    with pytest.raises(kernel.ProofError):
        attack(kernel)


@pytest.mark.parametrize(("name", "condition"), GUARDS, ids=[f"{n}: {c}" for n, c in GUARDS])
def test_guard_is_needed(name, condition):
    assert any(gets_through(attack, without(name, condition)) for attack in ATTACKS.values())


def gets_through(attack, weakened):
    """True if the attack ends with a theorem.  Without its guards a rule may also trip over what it was
    fed."""
    try:
        return type(attack(weakened)) is weakened.Thm
    except (weakened.ProofError, ArithmeticError, AttributeError, TypeError, ValueError):
        return False


def test_no_guard_is_overlooked():
    raises = [n for n in ast.walk(ast.parse(SOURCE)) if isinstance(n, ast.Raise)]
    assert len(raises) == len(GUARDS) + 1  # `_Immutable.__setattr__` refuses without asking


def test_theorems_that_hold():
    """The guards forbid the false, not the true."""
    (q, r), (A,) = family("q r"), real("A", positive=True)
    ring(Sigma(A * q + r) - A * Sigma(q) - Sigma(r))
    ring(Sigma(q * Sigma(r)) - Sigma(q) * Sigma(r))
    induction(cube(kernel), cube(kernel).state[0] - cube(kernel).state[1], sequence("u", indexed=True))
    normalised = assume(Sigma(q) - 1), assume(Sigma(r) - 1)
    (t,) = real("t", positive=True)
    summed = total(scale(inst(tangent(kernel), {t: r / q}), q))
    assert transport(Sigma(q * log(q / r)), summed, *normalised).rel == ">="


def test_a_theorem_prints_as_a_sentence():
    (q,) = family("q")
    assert repr(assume(Sigma(q) - 1)) == "for q[i] > 0: Sigma(q[i]) - 1 == 0 |- Sigma(q[i]) - 1 == 0"
