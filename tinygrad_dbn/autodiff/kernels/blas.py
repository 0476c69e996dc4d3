"""BLAS on a fixed number of threads, where every bit counts.

With more threads a BLAS cuts a matrix product along other lines, and the last bits move with their number – with the
number that it is told to use, not with the cores that there are. Code that promises the same bits on any machine
computes its products inside `one_thread`, or, where they are large enough for more, inside `fixed_threads`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from threading import Lock
from typing import Any

SCIPYS = "scipy.linalg.cython_blas"
"""The module in which code that Numba compiled looks for BLAS, by this name, when it first multiplies matrices."""

_lock, _inside = Lock(), 0
_limit: Any = None
_COUNT: ContextVar[int] = ContextVar("threads", default=1)


@cache
def load() -> None:
    """Load SciPy's BLAS for compiled code to find: the module alone.

    Importing it as usual runs all of `scipy.linalg` before it, of which it needs nothing, and which takes a quarter of
    the first call of a compiled function. A `scipy.linalg` that is imported later works with the module that is there,
    and `from scipy.linalg import cython_blas` finds it.
    """
    import scipy

    spec = PathFinder.find_spec(SCIPYS, [f"{scipy.__path__[0]}/linalg"])
    if "scipy.linalg" in sys.modules or spec is None or spec.loader is None:
        import scipy.linalg.cython_blas
    else:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[SCIPYS] = module


@cache
def _controller() -> Any:
    # The controller sees the libraries that are loaded when it is made: NumPy's, and SciPy's, which compiled code
    # calls.
    import numpy  # noqa: F401
    from threadpoolctl import ThreadpoolController

    load()
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context (or the call of a function that it decorates) BLAS runs on a single thread.

    >>> @one_thread()
    ... def product(a, b):
    ...     return a @ b
    """
    global _inside, _limit
    with _lock:  # the first in says one, the last out says what it was: BLAS has one number for all threads
        if not _inside:
            _limit = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limit.restore_original_limits()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within this context trainings run their matrix products on `count` threads of BLAS instead of one.

    It pays for layers of several hundred units, on as many cores that have nothing else to do: on busy ones BLAS waits
    for its threads in vain. The bits of a training depend on this number, never on the machine's own.
    Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"threads({count}): BLAS runs on at least one thread")
    token = _COUNT.set(count)
    try:
        yield
    finally:
        _COUNT.reset(token)


@contextmanager
def fixed_threads() -> Iterator[None]:
    """Like `one_thread`, on as many threads as the `threads` around it say."""
    with _controller().limit(limits=_COUNT.get(), user_api="blas"):
        yield
