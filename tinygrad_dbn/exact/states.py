"""The states of n binary units, in their one order: bit j of state s is (s >> j) & 1."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..models.validation import whole
from .budget import MAX_BYTES, Cost, spending

BLOCK = 1 << 12  # states at a time: what keeps memory independent of their number


def states(n: int, *, max_bytes: float = MAX_BYTES) -> NDArray[np.float64]:
    """All states of n units, (2^n, n) of zeros and ones, row s being state s.

    Raises ValueError for n below 0 or above 26, `TooLarge` for a table beyond `max_bytes`.

    >>> states(2)
    array([[0., 0.],
           [1., 0.],
           [0., 1.],
           [1., 1.]])
    """
    n = whole("n", n, 0, 26, "sum block by block beyond that")
    with spending("states", Cost(held=8 * (n + 2) * 2.0**n, units=n), math.inf, max_bytes):
        return some_states(0, 1 << n, n)


def blocks(n: int, size: int = BLOCK) -> Iterator[NDArray[np.float64]]:
    """The same states in order, `size` at a time."""
    for start in range(0, 1 << n, size):
        yield some_states(start, min(start + size, 1 << n), n)


def some_states(start: int, stop: int, n: int) -> NDArray[np.float64]:
    """States start … stop − 1 of n units: (stop − start, n)."""
    numbers, bits = np.arange(start, stop), np.empty((stop - start, n))
    for j in range(n):
        bits[:, j] = (numbers >> j) & 1
    return bits
