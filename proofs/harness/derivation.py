"""What a theorem's run leaves for the book: the shipped functions that it called, and the steps of a derivation."""

import re
import sys
from pathlib import Path

import tinygrad_dbn

PACKAGE = Path(tinygrad_dbn.__file__).parent


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
