"""Two modes for finding mistakes: `strict` refuses what broadcasting and promotion would let pass, `nan_hunt` names
the op in which the first NaN was born.

Both look at the ops that the caller writes, in the forward pass and in the backward pass.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

_STRICT: ContextVar[bool] = ContextVar("strict", default=False)
_HUNTING: ContextVar[bool] = ContextVar("hunting", default=False)
_PACKAGE, _ENGINE = (str(path) for path in (Path(__file__).resolve().parents[1], Path(__file__).resolve().parent))


@contextmanager
def strict() -> Iterator[None]:
    """Within this context an op refuses arrays of different widths, and to lend an axis to one of them.

    Scalars go with everything. The library's own models are exempt: they know what they broadcast. Raises TypeError
    for float32 beside float64, ValueError for shapes such as (3,) beside (2, 3).
    """
    token = _STRICT.set(True)
    try:
        yield
    finally:
        _STRICT.reset(token)


@contextmanager
def nan_hunt(on: bool = True) -> Iterator[None]:
    """Within this context the first NaN that comes out of an op, or of its derivative, raises FloatingPointError.

    The error names the op, the shapes and the caller's line. A NaN that was put in is nobody's fault and passes.
    """
    token = _HUNTING.set(on)
    try:
        yield
    finally:
        _HUNTING.reset(token)


def is_strict() -> bool:
    """True where `strict()` is on and the op is not one that the library's models apply."""
    return _STRICT.get() and _asked_by_the_user()


def is_hunting() -> bool:
    """True inside `nan_hunt()`."""
    return _HUNTING.get()


def _asked_by_the_user() -> bool:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return not frame.f_code.co_filename.startswith(_PACKAGE)


def refuse_promotion(inputs: tuple[Any, ...]) -> None:
    """Raise where arrays differ in width or in their number of axes."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.ndim]
    widths = {x.dtype for x in arrays if x.dtype.kind == "f"}
    if len(widths) > 1:
        raise TypeError(
            "strict mode refuses to mix float32 and float64; convert one of them, as in x.astype(np.float64)"
        )
    axes = sorted({x.ndim for x in arrays})
    if len(axes) > 1:
        raise ValueError(
            f"strict mode refuses to lend axes: the arrays have {' and '.join(map(str, axes))}; "
            "write the new axis out, as in x[None, :]"
        )


def has_nan(*values: Any) -> bool:
    """True if an array of floats among the values has a NaN."""
    return any(isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f" and np.isnan(x).any() for x in values)
