"""A line kernel is a plain function of a line x and of the line y that it fills. This file runs it along any axes.

As with the scalar kernels in `kernels`: for float32 and float64 Numba compiles it, at its first use with that width,
and on Python objects (symbols, rationals, balls) the very same function runs as it stands.

In a line kernel `np` stands for `floats` when it is compiled, and `peak` for `floats.peak`. Sums go through `np.add`:
compiled, that is a sum whose order is free, which lets it run in vector lanes. The order depends on the line's length
alone, so that results are the same bits on any number of threads. A float32 line is summed in float64.
"""

from collections.abc import Callable
from functools import cache
from math import prod
from types import FunctionType
from typing import Any

import numpy as np

from ..operators import Axis
from .scalar import kernel_version

LineKernel = Callable[[Any, Any], None]


def peak(x: Any) -> Any:
    """The largest element of a line of objects. For floats `floats.peak` stands here, which has a say about ±∞."""
    return x.max()


def along(kernel: LineKernel, x: Any, axis: Axis, collapses: bool, keepdims: bool = False) -> Any:
    """Run a line kernel on the lines that the axes span; each gives as long a line, or a number if it `collapses`."""
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(sorted(axis))
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = x if axes == last else np.moveaxis(x, axes, last)
    batch, length = moved.shape[: x.ndim - len(axes)], moved.shape[x.ndim - len(axes) :]
    lines = np.ascontiguousarray(moved.reshape(prod(batch), prod(length)))
    y = np.empty((len(lines), 1) if collapses else lines.shape, x.dtype)
    if x.dtype == object:
        for given, made in zip(lines, y, strict=True):
            kernel(given, made)
    else:
        compiled(kernel, x.dtype)(lines, y)
    if collapses:
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        return y.reshape(kept if keepdims else batch)
    return y.reshape(moved.shape) if axes == last else np.moveaxis(y.reshape(moved.shape), last, axes)


def _over_lines(x: Any, y: Any) -> None:
    """What Numba compiles, with the line kernel brought in by name."""
    for i in range(len(x)):
        kernel(x[i], y[i])  # type: ignore[name-defined]  # noqa: F821


@cache
def compiled(kernel: LineKernel, dtype: np.dtype[Any]) -> Callable[..., None]:
    """The line kernel over the rows of a C-contiguous matrix, for one float width."""
    from . import jit

    if jit.disabled():
        return _in_python(kernel)
    import numba  # here, because importing it takes longer than everything else together

    from . import floats

    names = {**kernel.__globals__, "np": floats, "peak": floats.peak}
    line = floats.inline(FunctionType(kernel.__code__, names, kernel.__name__))
    body = FunctionType(_over_lines.__code__, {"__name__": __name__, "kernel": line}, kernel.__name__)
    body.__qualname__ = kernel.__name__
    width = numba.from_dtype(dtype)
    given, made = numba.types.Array(width, 2, "C", readonly=True), numba.types.Array(width, 2, "C")
    with jit.explained(kernel):
        function: Callable[..., None] = jit.njit(
            body, signatures=[numba.void(given, made)], version=kernel_version(kernel), error_model="numpy"
        )
    return function


def _in_python(kernel: LineKernel) -> Callable[..., None]:
    """The line kernel on one line after another, where Numba is switched off. It computes in float64."""

    def finite_peak(x: Any) -> Any:
        largest = x.max(initial=-np.inf)
        return largest if np.isfinite(largest) else 0.0

    of_floats = FunctionType(kernel.__code__, {**kernel.__globals__, "peak": finite_peak}, kernel.__name__)

    def run(lines: Any, made: Any) -> None:
        with np.errstate(all="ignore"):
            for x, y in zip(lines, made, strict=True):
                of_floats(x.astype(np.float64), y)

    return run
