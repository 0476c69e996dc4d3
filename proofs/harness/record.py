"""What is kept of a theorem and of its runs: for the ledger that pytest prints, and for the book."""

import re
import sys
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


@dataclass(frozen=True)
class Run:
    """One run of a theorem: as stated where `version` is None, or the spoiled version of that name."""

    statement: Statement
    version: str | None
    seconds: float
    executed: tuple[str, ...] = ()
    """The functions of the package that it called, as `watched` lists them; none unless there is to be a record."""
    derivation: tuple[str, ...] = ()
    """The steps of a derivation of the kernel, as `steps` writes them; none unless there is to be a record."""


def watched(body):
    """(what the body returns, the functions of the package that it called: "exact/states.py:20 states", sorted)."""
    called = {}  # by identity: code whose constants are balls has no hash

    def look(frame, event, _):
        if event == "call":
            called[id(frame.f_code)] = frame.f_code

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        result = body()
    finally:
        sys.setprofile(before)
    ours = [code for code in called.values() if code.co_filename.startswith(str(PACKAGE))]
    return result, sorted(
        f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_firstlineno} {code.co_qualname.split('.<locals>')[0]}"
        for code in ours
        if "<" not in code.co_name
    )


def steps(theorem):
    """The derivation of a theorem of the kernel, a line for each step in order; none for anything else."""
    numbers, lines = {}, []

    def visit(thm):
        if id(thm) in numbers:
            return
        for parent in thm.parents:
            visit(parent)
        numbers[id(thm)] = len(numbers) + 1
        basis = ", ".join(str(numbers[id(parent)]) for parent in thm.parents)
        lines.append(f"{numbers[id(thm)]}. {readable(thm)}   [{thm.rule}{' of ' + basis if basis else ''}]")

    if hasattr(theorem, "rule"):
        visit(theorem)
    return lines


def readable(thm):
    """The statement without the hashes that tell loops apart."""
    return re.sub(r"#[0-9a-f]{64}", "", repr(thm)).replace("==", "=").replace(">=", "≥").replace("|-", "⊢")
