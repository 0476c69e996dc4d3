"""Whose line is being run: the caller's own, which errors name, or one of the library's."""

import sys
from pathlib import Path

import numpy as np

PACKAGE, _ENGINE = (str(path) for path in (Path(__file__).resolve().parents[1], Path(__file__).resolve().parent))
_NUMPY = str(Path(np.__file__).parent)


def callers_line() -> str:
    """The line outside this package, and outside NumPy, that is being run, as file:line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((PACKAGE, _NUMPY)):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def asked_by_the_user() -> bool:
    """False for the ops that the library's own models apply."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return not frame.f_code.co_filename.startswith(PACKAGE)
