"""Theorems as tests: each runs once as stated, and once for every version that was spoiled on purpose.

A test that cannot fail proves nothing, so a theorem lists its spoiled versions, and each must be *refused as false*:
the body raises `Refuted` with a witness that shows it, or the kernel raises `ProofError`. A spoiled version that is
accepted, or refused without a witness, or that crashes in any other way, turns the theorem red.

    @theorem(
        "the gap of the bound is a KL divergence",
        claim="H4", level="A", sizes="any finite set", trusts=("python-flint's balls",),
        spoiled=[
            Spoiled("q not normalised", normalised=False),                              # the statement
            Spoiled("bias lost", mutated(RBM, "free_energy", " - x @ self.b", "")),     # the shipped code
        ],
    )
    def test_gap(normalised=True):
        ...

A statement is spoiled through a keyword of the body: its default is the theorem. Shipped code is spoiled through its
source, for the duration of one test.
"""

import ast
import functools
import inspect
import textwrap
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from proofs.coq import asked
from proofs.harness.evidence import Refuted, require
from proofs.harness.record import Refusal, Run, Statement, read_by, steps, watched
from proofs.kernel import normal
from proofs.kernel.refutation import refute, theorems_in
from proofs.kernel.terms import ProofError
from tinygrad_dbn.autodiff.op import Op

__all__ = ["LEVELS", "Refuted", "Spoiled", "mutated", "require", "theorem"]

DERIVED = pytest.StashKey()
"""The theorems of the kernel that this process derived: {name: (theorem, sentence)}."""

LEVELS = {
    "A": "all sizes: derived by the kernel",
    "B": "all parameters at the sizes run: decided on the shipped code's symbolic output",
    "X": "exact points: rationals, no rounding",
    "E": "enclosure: a rigorous inequality in ball arithmetic",
    "S": "sampled",
    "R": "refuted: an exact counterexample to a tempting stronger claim",
}


@dataclass(frozen=True, init=False)
class Spoiled:
    """A spoiled version: keywords handed to the body, or a patch ``f(monkeypatch)``, such as `mutated`; or both."""

    name: str
    patch: Callable | None
    statement: dict

    def __init__(self, name, patch=None, /, **statement):
        if patch is None and not statement:
            raise ValueError(f"spoiled version {name!r} spoils nothing: give a patch, or a keyword of the body")
        for field, value in (("name", name), ("patch", patch), ("statement", statement)):
            object.__setattr__(self, field, value)


def theorem(sentence, *, claim, level, sizes, spoiled, trusts=(), uses=(), traced=()):
    """Declare a test to be a theorem.

    ``claim`` is its number in the lecture, ``level`` one of `LEVELS`, ``sizes`` what it covers, ``trusts`` the facts it
    assumes, ``uses`` the theorems it rests on, and ``traced`` the shipped functions that it reads at open sizes: each
    must be called in a trace that the body takes. The body may use fixtures, but not `request`, and
    `pytest.mark.parametrize`; parameters with a default are for spoiling the statement.

    Raises ValueError, at collection, for an unknown level or a theorem that nothing can turn red.
    """
    spoiled = tuple(spoiled)
    names = tuple(version.name for version in spoiled)
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(LEVELS)}")
    if not spoiled:
        raise ValueError(f"theorem {sentence!r} lists no spoiled versions: a theorem must be able to fail")
    if len(set(names)) < len(names):
        raise ValueError(f"theorem {sentence!r} has two spoiled versions of one name")
    rewritten = {version.name: version.patch.says for version in spoiled if hasattr(version.patch, "says")}

    shipped = {_name(getattr(f, "forward", f)): f if isinstance(f, Op) else _code(f) for f in traced}

    def declare(body):
        parameters = inspect.signature(body).parameters.values()
        keywords = {p.name for p in parameters if p.default is not p.empty}
        for version in spoiled:
            if not version.statement.keys() <= keywords:
                raise ValueError(f"spoiled version {version.name!r} sets a keyword that {body.__name__} lacks")
        where = f"{body.__module__.replace('.', '/')}.py:{inspect.getsourcelines(body)[1]}"
        basis = tuple(trusts), tuple(uses)
        statement = Statement(sentence, claim, level, sizes, *basis, names, rewritten, where, tuple(shipped))
        test = _test_of(body, statement, shipped, [p.name for p in parameters if p.name not in keywords])
        return pytest.mark.parametrize("version", [None, *spoiled], ids=["holds", *names])(test)

    return declare


def _test_of(body, statement, traced, fixtures):
    """The test function: pytest calls it with the fixtures that the body asks for, and with one version or None.

    traced: the code of the functions that the theorem says it reads, or the op of the table, by their names.
    """

    forms = {}  # normal forms that the theorem as stated needed

    @functools.wraps(body)
    def test(version, request, **given):
        prove, kept = functools.partial(body, **given), {}
        start = time.perf_counter()
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(normal, "KNOWN", {} if version is None else dict(forms))
                if version is not None:
                    kept["refusal"] = _refusal(prove, version, request.config)
                else:
                    kept |= _proved(prove, statement, traced, request.config)
                    forms.update(normal.KNOWN)
        finally:
            run = Run(statement, version and version.name, time.perf_counter() - start, **kept)
            request.node.user_properties.append(("theorem", asdict(run)))  # plain values can go to another process

    del test.__wrapped__  # pytest is to see the signature below, not that of the body
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    test.__signature__ = inspect.Signature([inspect.Parameter(p, kind) for p in ("version", "request", *fixtures)])
    test.theorem = statement
    return test


def _proved(body, statement, traced, config):
    """What is kept of the theorem as stated: with --record what it ran, with --coq that Coq accepts it.

    The test fails where the theorem names a shipped function that no trace of its body called.
    """
    kept = {}
    if config.getoption("record", None):
        (derived, called), kept["executed"] = watched(lambda: read_by(body))
        kept["derivation"] = steps(derived)
    else:
        derived, called = read_by(body)
    if unread := ", ".join(name for name, code in traced.items() if id(code) not in called):
        why = f"it says that it traces {unread}, and no trace that its body takes calls that: trace it, or leave it out"
        pytest.fail(why, pytrace=False)
    if theorems := theorems_in(derived):
        kept["checked"] = asked.NOT_ASKED
        if asking := config.getoption("coq", None):
            kept |= {"accepted": asked.must_accept(theorems, asking), "checked": asked.ACCEPTED}
        named = {f"{body.func.__name__}_{k}": (thm, statement.sentence) for k, thm in enumerate(theorems, 1)}
        config.stash.setdefault(DERIVED, {}).update(named)
    return kept


def _refusal(body, version, config):
    """Why the spoiled version is refused. The test fails where it is accepted, or where nothing shows that it is false.

    This is the one place that says what counts as "refused as false". What the kernel refuses is derived once more
    with its checks off, and a finite model found in which it is false; with --coq, Coq is to refuse that derivation
    as well.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        if version.patch is not None:
            version.patch(monkeypatch)
        spoiled = functools.partial(body, **version.statement)
        try:
            spoiled()
        except Refuted as error:
            refusal = error.refusal
        except ProofError as error:
            found = refute(spoiled)
            refusal = Refusal("countermodel", str(error), repr(found) if found else "")
            if found and config.getoption("coq", None) == asked.EVERYTHING:
                asked.must_refuse(found.thm)
        else:
            pytest.fail(f"the spoiled version {version.name!r} was accepted", pytrace=False)
    if not refusal.witness:
        why = f"the spoiled version {version.name!r} was refused without a witness: {refusal.what}"
        pytest.fail(why, pytrace=False)
    return refusal


def mutated(owner, attribute, old, new):
    """A patch that rewrites the source of the shipped function ``owner.attribute``: exactly one ``old`` to ``new``.

    ``owner`` is a module or a class; ``attribute`` names a function, a method of any kind or a property of it. The
    function keeps its identity and receives the new code, so every reference to it is spoiled too, in whatever table it
    may be. What was compiled or cached from it before is not.

    The patch raises LookupError unless ``old`` occurs exactly once, TypeError for a closure or what is no Python
    function. Neither counts as a refutation.
    """

    def patch(monkeypatch):
        function = _plain_function(inspect.getattr_static(owner, attribute), attribute)
        source = textwrap.dedent(inspect.getsource(function))
        if (count := source.count(old)) != 1:
            raise LookupError(f"{old!r} occurs {count} times in the source of {attribute}, not once")
        definition = ast.parse(source.replace(old, new)).body[0]
        definition.decorator_list = []
        namespace = {}
        code = compile(ast.Module([definition], []), f"<{attribute}, spoiled>", "exec")
        exec(code, function.__globals__, namespace)
        for part in ("__code__", "__defaults__", "__kwdefaults__"):
            monkeypatch.setattr(function, part, getattr(namespace[function.__name__], part))

    owner_name = owner.__name__.removeprefix("tinygrad_dbn.")
    patch.says = f"{owner_name}.{attribute}: {old.strip()} → {new.strip() or 'nothing'}"
    return patch


def _name(function):
    """The name of a shipped function in its package."""
    return f"{function.__module__.removeprefix('tinygrad_dbn.')}.{function.__qualname__}"


def _code(function):
    """The code of a shipped function, in whatever it is wrapped."""
    return inspect.unwrap(getattr(function, "__func__", function)).__code__


def _plain_function(value, name):
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if isinstance(value, property | functools.cached_property):
        value = value.fget if isinstance(value, property) else value.func
    value = inspect.unwrap(value)
    if not inspect.isfunction(value):
        raise TypeError(f"{name} is no Python function")
    if value.__closure__:
        raise TypeError(f"{name} is a closure: spoil what it encloses")
    return value
