"""BLAS on one thread, where every bit counts.

With several threads a BLAS cuts a matrix product along other lines, and the last bits move with their number. Code that
promises the same bits on any machine's threads computes its products inside `one_thread`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    # The controller sees the libraries that are loaded when it is made: NumPy's, and SciPy's, which compiled code
    # calls.
    import numpy  # noqa: F401
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context (or the call of a function that it decorates) BLAS runs on a single thread.

    >>> @one_thread()
    ... def product(a, b):
    ...     return a @ b
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield
