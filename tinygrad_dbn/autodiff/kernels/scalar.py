"""A kernel is a plain Python function of scalars. This file turns one into a function of arrays.

For float32 and float64 Numba compiles it into a NumPy ufunc, at its first use with that width. For an array of
Python objects (SymPy symbols, exact rationals) NumPy calls the very same function on every element. So the code
that is proved is the code that ships.

Kernels call `np.exp`, `np.log1p` and the like on scalars. NumPy passes them on to an object's own method `.exp()`,
`.log1p()`, as the file `special` does with what NumPy has not; for floats both stand for the file `floats`, where they
are polynomials.
"""

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dis import get_instructions
from functools import cache, wraps
from hashlib import sha256
from types import CodeType, FunctionType
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


_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Within this context NumPy warns of nothing, and ops, which would say so for each of them, need not."""
    token = _QUIET.set(True)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _QUIET.reset(token)


def quietly(run: Callable[..., Any], arrays: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """run(*arrays, **options) without NumPy's warnings: each op's row says what it does at inf and NaN."""
    if _QUIET.get():
        return run(*arrays, **options)
    with np.errstate(all="ignore"):
        return run(*arrays, **options)


_TYPED = (np.ndarray, np.generic, bool, int, float)
_NUMBERS = (bool, int, float)
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def float_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype an op computes in: floats are kept, integers and booleans promoted to float64, objects kept.

    Python's own numbers adopt the width of the arrays beside them.

    >>> float_dtype(np.ones(2, np.float32), 3)
    dtype('float32')
    """
    first = values[0]
    dtype: np.dtype[Any]
    if type(first) is np.ndarray and first.dtype in _FLOATS:  # the common case, in a fraction of the time
        dtype = first.dtype
        for other in values:
            if not (type(other) in _NUMBERS or (type(other) is np.ndarray and other.dtype is dtype)):
                break
        else:
            return dtype
    dtype = np.result_type(*(v if isinstance(v, _TYPED) else np.asarray(v) for v in values))
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype in _FLOATS or dtype.kind == "O":
        return dtype
    raise TypeError(f"dtype {dtype} is not supported: convert to float32 or float64, for instance x.astype(float)")


def promoted(values: tuple[Any, ...]) -> tuple[np.dtype[Any], Sequence[Any]]:
    """The dtype an op computes in, and the values as arrays of it."""
    first = values[0]
    if type(first) is np.ndarray and first.dtype in _FLOATS:
        dtype = first.dtype
        for other in values:
            if type(other) is not np.ndarray or other.dtype is not dtype:
                break
        else:
            return dtype, values
    dtype = float_dtype(*values)
    return dtype, [np.asarray(value, dtype) for value in values]


def native(array: Any) -> Any:
    """The array in the machine's own byte order, which is how every op computes.

    >>> native(np.ones(2, ">f8")).dtype
    dtype('float64')
    """
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


# What Numba compiles: nothing but the kernel, which comes in by name, so that LLVM inlines it into NumPy's loop.
_BODIES: dict[int, Kernel] = {
    1: lambda x: inlined(kernel(x)),  # type: ignore[name-defined]  # noqa: F821
    2: lambda x, y: inlined(kernel(x, y)),  # type: ignore[name-defined]  # noqa: F821
    3: lambda x, y, z: inlined(kernel(x, y, z)),  # type: ignore[name-defined]  # noqa: F821
}


@cache
def compiled(kernel: Kernel, arity: int, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """The NumPy ufunc that Numba makes of a scalar kernel, for one float width.

    The kernel is compiled as it stands, but `np` and `special` mean `floats`, whose functions run on whole vectors.
    """
    from . import jit

    if jit.disabled():
        return _in_python(kernel, arity, dtype)
    import numba  # here, because importing it takes longer than everything else together

    from . import floats

    scalar = floats.inline(
        FunctionType(kernel.__code__, {**kernel.__globals__, "np": floats, "special": floats}, kernel.__name__)
    )
    names = {"__name__": __name__, "kernel": scalar, "inlined": floats.inlined}
    body = FunctionType(_BODIES[arity].__code__, names, kernel.__name__)
    body.__qualname__ = kernel.__name__
    width = numba.from_dtype(dtype)
    with jit.explained(kernel):
        return jit.ufunc(body, width(*[width] * arity), kernel_version(kernel))


def kernel_version(kernel: Kernel) -> str:
    """What the machine code of a kernel depends on: its own code, and the elementary functions."""
    from . import floats

    def parts(code: CodeType) -> tuple[Any, ...]:
        constants = [parts(c) if isinstance(c, CodeType) else c for c in code.co_consts]
        return code.co_code, constants, code.co_names

    return sha256(repr((parts(kernel.__code__), floats.VERSION)).encode()).hexdigest()


def names_read(kernel: Kernel) -> set[str]:
    """The names outside of a kernel that it reads, other than Python's own functions.

    >>> sorted(names_read(lambda x: np.exp(x) if abs(x) < LIMIT else SCALE * x))
    ['LIMIT', 'SCALE', 'np']
    """

    def of(code: CodeType) -> set[str]:
        found = {step.argval for step in get_instructions(code) if step.opname == "LOAD_GLOBAL"}
        return found.union(*(of(c) for c in code.co_consts if isinstance(c, CodeType)))

    ours = {name for name in of(kernel.__code__) if name in kernel.__globals__ or not hasattr(builtins, name)}
    return ours.union(kernel.__code__.co_freevars)


def _in_python(kernel: Kernel, arity: int, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """The kernel called on every element, where Numba is switched off. It computes in float64, as `floats` does."""
    function = np.frompyfunc(kernel, arity, 1)

    def run(*arrays: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(*(np.asarray(x, np.float64) for x in arrays))).astype(dtype)

    return run


@cache
def on_objects(function: Kernel, arity: int) -> Callable[..., Any]:
    """The same scalar function as a ufunc over arrays of Python objects."""
    return np.frompyfunc(function, arity, 1)


def elementwise(kernel: Kernel, meaning: Kernel) -> Callable[..., Any]:
    """A scalar kernel as a function of arrays: over all their elements, broadcast, in the arithmetic of their dtype."""

    @wraps(kernel)
    def forward(*values: Any) -> Any:
        dtype, arrays = promoted(values)
        if dtype.hasobject:
            function = meaning if using_meanings() else kernel
            return np.asarray(on_objects(function, len(arrays))(*arrays), object)
        y = quietly(compiled(kernel, len(arrays), dtype), arrays, {})
        return y if type(y) is np.ndarray else np.asarray(y)  # a ufunc makes a scalar of no axes

    return forward
