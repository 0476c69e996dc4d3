"""A kernel is a plain Python function of scalars. This file turns one into a function of arrays.

For float32 and float64 Numba compiles it into a NumPy ufunc, at its first use with that width. For an array of
Python objects (SymPy symbols, exact rationals) NumPy calls the very same function on every element. So the code
that is proved is the code that ships.

Kernels call `np.exp`, `np.log1p` and the like on scalars: Numba knows these names, and NumPy passes them on to an
object's own method `.exp()`, `.log1p()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np

Kernel = Callable[..., Any]

_MEANINGS: ContextVar[bool] = ContextVar("meanings", default=False)


@contextmanager
def meanings() -> Iterator[None]:
    """Within this context, ops on object arrays compute their mathematical meaning instead of their kernel.

    A stable kernel branches (σ(x) divides by 1 + e^−|x|), and on symbols every branch must be explored: a model with
    a dozen units has thousands. That kernel and meaning agree on every branch is a theorem of its own for each op, so
    a theorem about a model may start from the meanings. Floats never take this road.
    """
    token = _MEANINGS.set(True)
    try:
        yield
    finally:
        _MEANINGS.reset(token)


def using_meanings() -> bool:
    """True inside `meanings()`."""
    return _MEANINGS.get()


def float_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype an op computes in: floats are kept, integers and booleans promoted to float64, objects kept.

    Python's own numbers adopt the width of the arrays beside them.

    >>> float_dtype(np.ones(2, np.float32), 3)
    dtype('float32')
    """
    dtype = np.result_type(*values)
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype in (np.float64, np.float32, np.object_):
        return dtype
    raise TypeError(f"dtype {dtype} is not supported: convert to float32 or float64, for instance x.astype(float)")


@cache
def compiled(kernel: Kernel, arity: int, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """The NumPy ufunc that Numba makes of a scalar kernel, for one float width."""
    import numba  # here, because importing it takes longer than everything else together

    width = numba.from_dtype(dtype)
    ufunc: Callable[..., Any] = numba.vectorize([width(*[width] * arity)], cache=True)(kernel)
    return ufunc


@cache
def on_objects(function: Kernel, arity: int) -> Callable[..., Any]:
    """The same scalar function as a ufunc over arrays of Python objects."""
    return np.frompyfunc(function, arity, 1)


def elementwise(kernel: Kernel, meaning: Kernel, values: tuple[Any, ...]) -> Any:
    """Run a scalar kernel over broadcast arrays, in the arithmetic of their dtype."""
    dtype = float_dtype(*values)
    arrays = [np.asarray(value, dtype) for value in values]
    if dtype.hasobject:
        function = meaning if using_meanings() else kernel
        return np.asarray(on_objects(function, len(arrays))(*arrays), object)
    with np.errstate(all="ignore"):  # each op's row says what it does at inf and NaN; NumPy need not warn as well
        return np.asarray(compiled(kernel, len(arrays), dtype)(*arrays))
