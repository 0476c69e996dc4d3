"""What is kept of a theorem and of its runs: for the ledger that pytest prints, and for the book."""

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from cProfile import Profile
from dataclasses import dataclass
from pathlib import Path

import tinygrad_dbn

PACKAGE = Path(tinygrad_dbn.__file__).parent


@dataclass(frozen=True)
class Statement:
    """What a theorem declares. `theorem` explains the fields; `where` is the file and line of its proof."""

    sentence: str
    claim: str
    level: str
    sizes: str
    trusts: tuple[str, ...]
    uses: tuple[str, ...]
    spoiled: tuple[str, ...]
    """The names of the spoiled versions."""
    rewritten: dict[str, str]
    """What those change that rewrite a function: the version's name → the function, and the old and the new text."""
    where: str
    traced: tuple[str, ...] = ()
    """The shipped functions whose traces, read at open sizes, it is about."""


@dataclass(frozen=True)
class Refusal:
    """Why a spoiled version is false."""

    kind: str
    """What was found: a point where two formulas differ, a value, one beyond its bound, an agreement of what was said
    to differ; or a model of the hypotheses of what the kernel does not derive."""
    what: str
    """What was compared."""
    witness: str
    """What shows that the statement is false."""


@dataclass(frozen=True)
class Run:
    """One run of a theorem: as stated where `version` is None, or the spoiled version of that name."""

    statement: Statement
    version: str | None
    seconds: float
    refusal: Refusal | None = None
    """Why a spoiled version was refused."""
    executed: tuple[str, ...] = ()
    """The functions of the package that it called, as `watched` lists them; none unless there is to be a record."""
    derivation: tuple[str, ...] = ()
    """The steps of a derivation of the kernel, as `steps` writes them; none unless there is to be a record."""
    checked: str = ""
    """Who checked a theorem of the kernel, as `proofs.coq.asked` says."""
    accepted: tuple[str, ...] = ()
    """The digests of the Coq files that Coq accepted of it."""

    @classmethod
    def of(cls, values):
        """The run whose `asdict` these values are."""
        refusal = values["refusal"] and Refusal(**values["refusal"])
        return cls(**{**values, "statement": Statement(**values["statement"]), "refusal": refusal})


def watched(body):
    """(what the body returns, the functions of the package that it called: "exact/states.py:20 states", sorted)."""
    with noted() as called:
        result = body()
    ours = [code for code in called.values() if code.co_filename.startswith(str(PACKAGE))]
    return result, sorted(
        f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_firstlineno} {code.co_qualname.split('.<locals>')[0]}"
        for code in ours
        if "<" not in code.co_name
    )


_NOTING = []
"""The profiles that are being taken, the outermost first, each with what it adds to. Only the last one runs."""


@contextmanager
def noted(called=None):
    """Within it, the code that is called is noted; at its end a dictionary has it, which it gives: identity → code.

    By Python's profiler, which is written in C: a function of our own at every call would take four times as long as
    the theorems themselves.
    """
    called = {} if called is None else called  # by identity: code whose constants are balls has no hash
    before, profile = sys.getprofile(), Profile(subcalls=False, builtins=False)
    if _NOTING:
        _NOTING[-1][0].disable()
    _NOTING.append((profile, called))
    profile.enable()
    try:
        yield called
    finally:
        profile.disable()
        _NOTING.pop()
        found = {id(entry.code): entry.code for entry in profile.getstats() if not isinstance(entry.code, str)}
        called.update(found)
        if _NOTING:
            _NOTING[-1][1].update(found)
            _NOTING[-1][0].enable()
        else:
            sys.setprofile(before)


@contextmanager
def unnoted():
    """Within it nothing is noted: for what calls nothing of the package, and takes long enough without a profiler."""
    if _NOTING:
        _NOTING[-1][0].disable()
    try:
        yield
    finally:
        if _NOTING:
            _NOTING[-1][0].enable()


TRACES = ContextVar("what the traces of shipped code call", default=None)
"""A dictionary as `noted` adds to, and traces their ops, while a theorem's body runs; None outside of one."""


def read_by(body):
    """(what the body returns, the code that ran while it traced shipped functions: identity → code)."""
    token = TRACES.set({})
    try:
        return body(), TRACES.get()
    finally:
        TRACES.reset(token)


PLAIN = {
    "combine",
    "rewrite",
    "linear",
    "swap",
    "pick",
    "inst",
    "log_of_product",
    "log_of_exp",
    "exp_of_log",
    "evident",
}
"""Rules that make most of a derivation and are no news to its reader: arithmetic, normal forms and their lemmas."""


def steps(theorem):
    """The derivation of a theorem of the kernel, a line for each step in order; none for anything else.

    Only the last step and those by other rules than the `PLAIN` ones have a line. A line names the lines it rests on.
    """
    if not hasattr(theorem, "rule"):
        return []
    lines, rests_on = [], {}

    def visit(thm):
        """The numbers of the lines that stand for a theorem: its own, or those of what it was derived from."""
        if id(thm) not in rests_on:
            basis = sorted({n for parent in thm.parents for n in visit(parent)})
            if thm is theorem or thm.rule not in PLAIN:
                of = f" of {', '.join(map(str, basis))}" if basis else ""
                lines.append(f"{len(lines) + 1}. {readable(thm)}   [{thm.rule}{of}]")
                basis = [len(lines)]
            rests_on[id(thm)] = basis
        return rests_on[id(thm)]

    visit(theorem)
    return lines


def readable(thm):
    """The theorem in signs that one reads: = for ==, ≥ for >=, ⊢ for |-."""
    return repr(thm).replace("==", "=").replace(">=", "≥").replace("|-", "⊢")
