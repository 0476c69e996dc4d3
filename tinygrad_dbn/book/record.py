"""The record that `pytest --record` leaves: claims, theorems, and what each run executed."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import records
from ..files import shown

Theorem = dict[str, Any]
LEVELS = "ABXESR"
FORMAT = "tinygrad_dbn record 5"
_CLAIM = dict.fromkeys(("number", "title", "statement", "command", "picture"), str)
_REFUSAL = dict.fromkeys(("kind", "what", "witness"), str)
_THEOREM = {
    **dict.fromkeys(("sentence", "claim", "level", "sizes", "where", "state", "checked"), str),
    **dict.fromkeys(("claims", "trusts", "uses", "spoiled", "traced", "executed", "derivation", "accepted"), list[str]),
    **dict.fromkeys(("refused", "versions"), int),
    "rewritten": dict[str, str],
    "refusals": dict[str, _REFUSAL],  # type: ignore[valid-type]  # a record's type is, for `records.typed`, its fields' types
    "seconds": float,
}
SCHEMA = {
    "chapters": dict[str, str],
    "claims": list[_CLAIM],  # type: ignore[valid-type]
    "levels": dict[str, str],
    "trusted": list[str],
    "theorems": list[_THEOREM],  # type: ignore[valid-type]
}


@dataclass(frozen=True)
class Record:
    """A run of the proofs."""

    chapters: dict[str, str]
    claims: list[dict[str, str]]
    levels: dict[str, str]
    trusted: list[str]
    theorems: list[Theorem]

    def about(self, claim: str) -> list[Theorem]:
        """The theorems that name a claim, the strongest level first."""
        return sorted((t for t in self.theorems if claim in t["claims"]), key=lambda t: LEVELS.index(t["level"]))


def load(path: Path) -> Record:
    """The record in a file. Raises ValueError where it is none, or where a theorem of it failed or ran in part."""
    give = f"write one with pytest --record {shown(path)}"
    try:
        content = records.read(path, FORMAT, {}, SCHEMA, give)
    except OSError as error:
        raise ValueError(str(error)) from error
    record = Record(**content)
    unknown = [t["level"] for t in record.theorems if t["level"] not in record.levels or t["level"] not in LEVELS]
    if unknown:
        raise ValueError(f"{shown(path)} has a theorem of level {unknown[0]!r:.40}; {give}")
    decided = ("proved", "sampled", "refuted")
    partly = (t for t in record.theorems if t["state"] not in decided or set(t["refusals"]) != set(t["spoiled"]))
    bad = [t["sentence"] for t in partly]
    if bad:
        raise ValueError(f"in {path} this theorem failed or ran in part: {bad[0]}; mend it first")
    return record


def checkout() -> Path:
    """The folder of the repository that this package is run from. Raises ValueError where there are no proofs in it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "proofs" / "harness" / "theorem.py").exists():
        raise ValueError(f"{root} has no proofs: they are in the repository, not in the installed package; clone it")
    return root


def prove(root: Path, *arguments: str, quiet: bool = False) -> int:
    """Run pytest on the proofs with further arguments, and return its exit code."""
    command = [sys.executable, "-m", "pytest", "proofs", "-q", *arguments]
    return subprocess.run(command, cwd=root, check=False, stdout=subprocess.DEVNULL if quiet else None).returncode
