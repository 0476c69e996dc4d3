"""Whose line is being run: the caller's own, which errors name, or one of the library's."""

import sys
import warnings
from pathlib import Path
from types import FrameType

import numpy as np

PACKAGE, _ENGINE = (str(path) for path in (Path(__file__).resolve().parents[1], Path(__file__).resolve().parent))
_NUMPY = str(Path(np.__file__).parent)


def callers_line() -> str:
    """The line outside this package, and outside NumPy, that is being run, as file:line."""
    frame = _outside(PACKAGE, _NUMPY)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def asked_by_the_user() -> bool:
    """False for the ops that the library's own models apply."""
    return not _outside(_ENGINE).f_code.co_filename.startswith(PACKAGE)


def warn(message: str, kind: type[Warning]) -> None:
    """Warn, naming the line outside this package that is being run."""
    frame = _outside(PACKAGE)
    there = frame.f_globals
    said = there.setdefault("__warningregistry__", {})  # where Python keeps what it has said of a module's lines
    warnings.warn_explicit(message, kind, frame.f_code.co_filename, frame.f_lineno, there.get("__name__"), said)


def _outside(*folders: str) -> FrameType:
    """What runs outside these folders, and called what runs inside them."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(folders):
        frame = frame.f_back
    return frame
