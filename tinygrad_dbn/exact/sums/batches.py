"""Batches of states or examples, each computed by one thread, and their results in order.

So the bits do not depend on the number of threads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import budget
from ..states import some_states
from . import sizes

Floats = NDArray[np.float64]


def in_order(f: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """f of every item in order, on as many threads as there are cores where there is more than one item."""
    if len(items) < 2:
        yield from map(f, items)
        return
    with ThreadPoolExecutor(min(len(items), budget.cores())) as pool:
        yield from pool.map(f, items)


def over_states(units: int, f: Callable[[Floats, slice], Any]) -> Iterator[Any]:
    """f(states, which) of all states of so many units, BATCH at a time and in order; which: their numbers."""
    count = 1 << units

    def batch(first: int) -> Any:
        last = min(first + sizes.BATCH, count)
        return f(some_states(first, last, units), slice(first, last))

    return in_order(batch, range(0, count, sizes.BATCH))


def at_a_time(X: Floats | None) -> int:
    """How many rows of X (T, D) make a batch, or with None how many states."""
    return sizes.STATES if X is None else sizes.ROWS


def some_rows(X: Floats | None, first: int, last: int, visible: int) -> Floats:
    """Rows first … last − 1 of X (T, D), or with None those states of D = `visible` units."""
    return some_states(first, last, visible) if X is None else X[first:last]
