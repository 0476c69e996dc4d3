"""The record that `pytest --record` leaves: claims, theorems, and what each run executed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Theorem = dict[str, Any]
LEVELS = "ABXESR"


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
    try:
        content = json.loads(path.read_text())
        record = Record(**{name: content[name] for name in Record.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no record of the proofs ({error}); write one with pytest --record {path}"
        ) from error
    bad = [t["sentence"] for t in record.theorems if t["state"] not in ("proved", "refuted")]
    if bad:
        raise ValueError(f"in {path} this theorem failed or ran in part: {bad[0]}; mend it first")
    return record


def checkout() -> Path:
    """The folder of the repository that this package is run from. Raises ValueError where there are no proofs in it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "proofs" / "theorem.py").exists():
        raise ValueError(f"{root} has no proofs: they are in the repository, not in the installed package; clone it")
    return root


def prove(root: Path, *arguments: str, quiet: bool = False) -> int:
    """Run pytest on the proofs with further arguments, and return its exit code."""
    command = [sys.executable, "-m", "pytest", "proofs", "-q", *arguments]
    return subprocess.run(command, cwd=root, check=False, stdout=subprocess.DEVNULL if quiet else None).returncode
