"""Batches of states or examples, each computed by one thread, and their results in order.

So the bits do not depend on the number of threads.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import budget
from ..states import some_states
from . import sizes

Floats = NDArray[np.float64]


def threads() -> ThreadPoolExecutor:
    """A pool of as many threads as there are cores."""
    return ThreadPoolExecutor(budget.cores())


def in_order(pool: ThreadPoolExecutor, f: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
    """f of every item in order, on the threads of `pool` where there is more than one."""
    return pool.map(f, items) if len(items) > 1 else map(f, items)


def over_states(pool: ThreadPoolExecutor, units: int, f: Callable[[Floats, slice], Any]) -> Iterable[Any]:
    """f(states, which) of all states of so many units, BATCH at a time and in order; which: their numbers."""
    count = 1 << units

    def batch(first: int) -> Any:
        last = min(first + sizes.BATCH, count)
        return f(some_states(first, last, units), slice(first, last))

    return in_order(pool, batch, range(0, count, sizes.BATCH))


def some_rows(X: Floats | None, first: int, last: int, visible: int) -> Floats:
    """Rows first … last − 1 of X (T, D), or with None those states of D = `visible` units."""
    return some_states(first, last, visible) if X is None else X[first:last]
