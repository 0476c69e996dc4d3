"""The inner loop of sums over layers: the logarithm of a product of odds, for every state.

With the notation of `odds.py`, c·s + Σ_i log(1 + e^(a_i(s))) of all states s of n units. For an RBM that is −F, and
what a directed layer's states weigh has the same form (`matrices.log_omega`). The products are those of log Z, one
multiplication for each (unit, state); so a state takes one logarithm, where a sum of softplus takes m of them.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

import numpy as np

from ...autodiff.kernels.floats import log
from ...autodiff.kernels.jit import njit
from . import odds
from .odds import LN2, SIZE, TILE, options
from .sizes import MAX_FALL, UNITS


@njit(**options)
def write_blocks(W, b, c, first, last, out):
    """out[s] = c·s + Σ_i log(1 + e^(a_i(s))), nats, for the states of blocks first … last − 1. Sizes as in `odds`."""
    m = W.shape[0]
    (tau, table, mu, factor), (most, span), (c_low, c_middle, c_most, c_span) = odds.tables(W, c)
    patterns = factor.shape[0]
    rows = min(TILE, patterns)
    products, e, exponents = np.empty((rows, SIZE)), np.empty((rows, m)), np.zeros((rows, SIZE), np.int64)
    top, p, q, fall = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    weights = odds.exponentials(c_middle)
    low = np.ones(SIZE), np.zeros(SIZE, np.int64)  # the low bits' share of c·s stays a logarithm, and is added at last
    for block in range(first, last):
        scale, total_fall = odds.enter(block, W, b, c, most, span, c_most, c_span, top, p, q, fall)
        narrow = total_fall <= MAX_FALL and m <= UNITS
        if narrow:
            exponents.fill(0)
        for tile in range(0, patterns, rows):
            if narrow:
                odds.narrow_tile(tile, p, q, weights, table, factor, products, e)
            else:
                odds.wide_tile(tile, p, q, low, c_middle, table, factor, products, exponents, e, top, fall, tau, mu)
            start = (block * patterns + tile) * SIZE
            for r in range(rows):
                for s in range(SIZE):
                    logarithm = log(products[r, s]) + exponents[r, s] * LN2
                    out[start + r * SIZE + s] = scale + (logarithm + c_low[s])
