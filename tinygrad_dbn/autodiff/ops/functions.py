"""Functions that are called as NumPy's of the same name, and are made of rows."""

from typing import Any

import numpy as np

from ..callers import callers_line
from ..operators import COMPOSED, Value
from . import linear, shapes
from .shapes import index, reshape


def matmul(a: Value, b: Value) -> Value:
    """a @ b. A vector on the left is a row, on the right a column, and the axis it lent is taken away again.

    Shapes (…, m, k) and (…, k, n) give (…, m, n). Raises ValueError where the inner lengths differ.
    """
    left, right = np.ndim(a) == 1, np.ndim(b) == 1
    y = linear.matmul(reshape(a, shape=(1, -1)) if left else a, reshape(b, shape=(-1, 1)) if right else b)
    if not (left or right):
        return y
    shape = np.shape(y)
    return reshape(y, shape=shape[:-2] + (() if left else shape[-2:-1]) + (() if right else shape[-1:]))


COMPOSED["matmul"] = matmul


def concatenate(xs: Any, axis: int = 0) -> Value:
    """The arrays one after another along an axis, as `numpy.concatenate`."""
    return shapes.concatenate(*_listed("concatenate", xs, axis), axis=axis)


def stack(xs: Any, axis: int = 0) -> Value:
    """The arrays side by side along a new axis, as `numpy.stack`."""
    return shapes.stack(*_listed("stack", xs, axis), axis=axis)


def _listed(name: str, xs: Any, axis: Any) -> Any:
    """The arrays that were given as one list; in `concatenate(a, b)` the b is no axis."""
    if not (axis is None or isinstance(axis, int | np.integer)):
        raise TypeError(
            f"{name}: axis is {type(axis).__name__} of shape {np.shape(axis)}, not an integer; the arrays are one "
            f"list, write ops.{name}([a, b])\n  in {callers_line()}"
        )
    return xs


def take_along(x: Value, at: Any, axis: int = -1) -> Value:
    """x's elements at the positions `at` along an axis, one list of positions for each line, as
    `numpy.take_along_axis`: `take_along(log_p, y[:, None])` picks each row's class.

    It is an `index`, whose rules are its rules. Raises TypeError for positions that are no integers, ValueError where
    `at` has another number of axes than x, IndexError beyond the axis.

    >>> take_along(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]))
    array([[2.],
           [3.]])
    """
    at, shape = np.asarray(at), np.shape(x)
    if at.dtype.kind not in "iu":
        raise TypeError(f"take_along: positions are integers, not {at.dtype}; write at.astype(int)")
    if at.ndim != len(shape) or not at.ndim:
        raise ValueError(
            f"take_along: positions of shape {at.shape} into an array of shape {shape}; give both the same axes"
        )
    grid = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    grid[axis] = at
    return index(x, at=tuple(grid))
