"""What the compiled loops over states take: an RBM's arrays, its blocks of states, and whether products fit a double.

All enumerate the visible units: `odds.py` adds the states' weights, `moments.py` their moments, and `free_energies.py`
writes down the logarithm of each.
"""

import numpy as np
from numpy.typing import NDArray

from ...models import RBM
from .. import budget
from . import certify, chunks, sizes
from .checkpoint import Range

Floats = NDArray[np.float64]
INNER = sizes.LOW + sizes.MIDDLE  # the bits of a state that differ within a block
MOMENTS = 4  # times as long as in log Z takes a block whose moments are summed


def smaller_side(rbm: RBM) -> RBM:
    """The RBM, transposed where that leaves fewer visible units to enumerate."""
    hidden, visible = rbm.W.shape
    return rbm if visible <= hidden else rbm.transposed()


def of(rbm: RBM, times: float = 1.0) -> tuple[tuple[Floats, Floats, Floats], list[Range], int]:
    """What the loops take, where a block takes `times` as long as in log Z.

    W (m, n), b (m,) and c (n,) of `odds.sum_blocks`; the ranges of blocks; and how many of the n units, the last, have
    no weight and only fill up the low bits. Each of those doubles every sum. Raises ValueError for logits beyond what
    float64 resolves.
    """
    W, b, c = rbm.W, rbm.c, rbm.b
    certify.refuse_beyond_doubles(W, b, c)
    n = W.shape[1]
    filling = max(0, sizes.LOW - n)
    arrays = (np.pad(W, ((0, 0), (0, filling))), b, np.pad(c, (0, filling)))
    count = 1 << max(0, n - sizes.LOW - sizes.MIDDLE)
    return arrays, chunks.ranges(count, times * seconds_per_block(W, c)), filling


def seconds_per_block(W: Floats, c: Floats) -> float:
    """The estimated time of one block of states of `odds.sum_blocks`, on one core."""
    m, n = W.shape
    span = ranges_in_a_block(W)
    groups = 0.0 if wide(W, c) is None else 1 + np.minimum(span, sizes.MAX_FALL).sum() / sizes.MAX_FALL
    alone = (span > sizes.MAX_FALL).sum()  # units that need a logarithm for every state
    per_state = (m + 8) * budget.SECONDS_PER_FACTOR + groups * 2e-9 + alone * 8 * budget.SECONDS_PER_EXP
    return float(per_state * 2.0 ** min(max(n, sizes.LOW), INNER))


def wide(W: Floats, c: Floats) -> bool | None:
    """What `odds.sum_blocks` is told: None where no product can leave the range of a double, whatever the biases b."""
    fits = ranges_in_a_block(np.vstack([W, c])).sum() <= sizes.MAX_FALL and len(W) <= sizes.UNITS
    return None if fits else True


def ranges_in_a_block(W: Floats) -> Floats:
    """How far each row's product with a state ranges within a block, whose high bits are the same: (m,)."""
    return np.asarray(np.abs(W[:, :INNER]).sum(axis=1))
