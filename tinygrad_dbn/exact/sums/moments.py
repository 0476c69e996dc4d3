"""The inner loops of the RBM's expectations: the products of odds again, divided by one factor at a time.

The derivatives of log Z are moments of the model. With the notation of `odds.py` and w(s) the weight of a state,

    Z E[s_j]  =  Σ_s w(s) s_j,        Z E[s_j (1 − σ_i)]  =  Σ_s w(s) s_j p_i / f_i(s),

where f_i = p_i + q_i e^μ e^τ is the factor of unit i, and p_i / f_i = 1 − σ(a_i). Two factors are divided out by one
division: w / (f_0 f_1), multiplied by the other one, is w / f_i for each. Nothing else is done for every (unit, state)
but two additions, one to a sum over the middle bits and one to a sum over the low bits: the moments with the single
bits are in those sums, and are taken out once for each block. p_i, the same throughout a block, waits until then as
well.

Under weights that are given instead of w, such as a posterior's, nothing is divided out: σ_i = q_i e^μ e^τ / f_i takes
one division for each (unit, state), and its moments are found from the same sums (`share_blocks`).

All terms are positive. A weight never falls below what doubles hold (`sizes.MAX_FALL`), nor does its quotient by the
factors it contains; where it might, weights are scaled down from mantissas and exponents, one unit is divided out at a
time, and the widest units have their 1 − σ from the logit itself.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

import math

import numpy as np

from ...autodiff.kernels.floats import exp, fma
from ...autodiff.kernels.jit import njit
from . import odds, sizes
from .odds import SIZE, TILE, options
from .sizes import FAR, MAX_FALL, NOTHING, UNITS

# `reassoc` lets a row be summed by vectors. A sum in any order has the bound that `certify.moments_error` counts.
any_order = {**options, "fastmath": {"reassoc"}}


@njit(**any_order)
def divide_two(weights, p, e, table, i, low, middle, tile):
    """Add weights / f_k, for k = i and i + 1, to low[k] (over the tile's rows) and middle[k, tile:] (over low states).

    Two units take eleven vector registers, of which AVX2 has sixteen; four spill, which costs 0.3 of the speed.
    """
    p0, p1 = p[i], p[i + 1]
    for r in range(weights.shape[0]):
        e0, e1 = e[r, i], e[r, i + 1]
        sum0, sum1 = 0.0, 0.0
        for s in range(SIZE):
            f0, f1 = fma(e0, table[i, s], p0), fma(e1, table[i + 1, s], p1)
            quotient = weights[r, s] / (f0 * f1)
            by0, by1 = quotient * f1, quotient * f0
            low[i, s] += by0
            low[i + 1, s] += by1
            sum0 += by0
            sum1 += by1
        middle[i, tile + r], middle[i + 1, tile + r] = sum0, sum1


@njit(**any_order)
def divide_one(weights, p, e, table, i, low, middle, tile):
    """The same for unit i alone."""
    for r in range(weights.shape[0]):
        total = 0.0
        for s in range(SIZE):
            by = weights[r, s] / fma(e[r, i], table[i, s], p[i])
            low[i, s] += by
            total += by
        middle[i, tile + r] = total


@njit(**any_order)
def divide_alone(weights, sign, logit, tau, mu, i, low, middle, tile):
    """The same for a unit whose factor no double holds, from its logits a: weights · σ(−sign · a), p included."""
    for r in range(weights.shape[0]):
        total = 0.0
        for s in range(SIZE):
            a = sign * (logit + mu[tile + r, i] + tau[i, s])
            small = exp(-abs(a))
            by = weights[r, s] * ((small if a > 0 else 1.0) / (1.0 + small))
            low[i, s] += by
            total += by
        middle[i, tile + r] = total


@njit(**any_order)
def divide_by_none(weights, low, middle, tile):
    """The same for the weights themselves, in the last row of low and middle."""
    m = low.shape[0] - 1
    for r in range(weights.shape[0]):
        total = 0.0
        for s in range(SIZE):
            low[m, s] += weights[r, s]
            total += weights[r, s]
        middle[m, tile + r] = total


@njit(**options)
def divide(weights, p, e, table, top, fall, tau, mu, low, middle, tile):
    """Every unit of one tile, two together where their factors' product is one that a double holds."""
    m = p.shape[0]
    divide_by_none(weights, low, middle, tile)
    i = 0
    while i < m:
        if i + 2 <= m and fall[i] + fall[i + 1] <= MAX_FALL:
            divide_two(weights, p, e, table, i, low, middle, tile)
            i += 2
        else:
            if fall[i] <= MAX_FALL:
                divide_one(weights, p, e, table, i, low, middle, tile)
            else:
                divide_alone(weights, 1.0, top[i], tau, mu, i, low, middle, tile)
            i += 1


@njit(**options)
def scale_by(values, factor):
    """values · factor, in place."""
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            values[i, k] *= factor


@njit(**any_order)
def take_out(sums, bits, out, first):
    """out[first + j] = Σ of the sums[s] where bit j of s is set, for j < bits. Returns Σ sums, which it overwrites."""
    half = 1 << bits
    for j in range(bits - 1, -1, -1):
        half //= 2
        on = 0.0
        for s in range(half):
            on += sums[s + half]
            sums[s] += sums[s + half]
        out[first + j] = on
    return sums[0]


@njit(**options)
def weigh_wide(tile, p, q, shared, low_pairs, top, fall, products, exponents, e, exponent, low, middle):
    """The same where one may, relative to 2^exponent, which is raised, and the sums so far scaled, where need be."""
    (tau, table, mu, factor), _, (_, c_middle, _, _) = shared
    odds.wide_tile(tile, p, q, low_pairs, c_middle, table, factor, products, exponents, e, top, fall, tau, mu)
    highest = exponents.max()
    if highest > exponent:
        shrink = math.ldexp(1.0, max(exponent - highest, -FAR))
        scale_by(low, shrink)
        scale_by(middle, shrink)
        exponent = highest
    for r in range(products.shape[0]):
        odds.scale_down(products[r], exponents[r], exponent)
    return exponent


@njit(**options)
def add_block(block, low, middle, p, fall, weight, total):
    """Add to `total` the sums of one block times its weight, from those over its middle bits and over its low bits.

    p_i, which `divide` leaves out of factors that a double holds, comes in here.
    """
    m, n = low.shape[0] - 1, total.shape[1] - 1
    middle_bits, sums = n_bits(middle.shape[1]), np.empty(n + 1)
    for i in range(m + 1):
        left_out = p[i] if i < m and fall[i] <= MAX_FALL else 1.0
        # sizes.LOW and not a global LOW, which Numba would take for a literal: other code, and other last bits.
        sums[n] = take_out(middle[i], middle_bits, sums, sizes.LOW)
        take_out(low[i], sizes.LOW, sums, 0)
        for j in range(sizes.LOW + middle_bits, n):
            sums[j] = sums[n] if (block >> (j - sizes.LOW - middle_bits)) & 1 else 0.0
        for j in range(n + 1):
            total[i, j] += left_out * sums[j] * weight


@njit(**options)
def sum_blocks(W, b, c, first, last, wide):
    """The moments' sums over the states of blocks first … last − 1: (m + 1, n + 1) values, and their one exponent.

    Row i < m: Σ w(s) (1 − σ_i(s)) s_j for every j < n, and at the end without s_j. Row m: Σ w(s) s_j, and Σ w(s).
    Arguments as in `odds.sum_blocks`.
    """
    m, n = W.shape
    shared = odds.tables(W, c)
    (tau, table, mu, factor), (most, span), (c_low, c_middle, c_most, c_span) = shared
    patterns = factor.shape[0]
    rows = min(TILE, patterns)
    products, e, exponents = np.empty((rows, SIZE)), np.empty((rows, m)), np.empty((rows, SIZE), np.int64)
    top, p, q, fall = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    low, middle = np.zeros((m + 1, SIZE)), np.zeros((m + 1, patterns))
    low_pairs, low_weights, weights = odds.split_low(c_low), odds.exponentials(c_low), odds.exponentials(c_middle)
    total, total_exponent = np.zeros((m + 1, n + 1)), NOTHING
    for block in range(first, last):
        scale, total_fall = odds.enter(block, W, b, c, most, span, c_most, c_span, top, p, q, fall)
        narrow = wide is None or (total_fall <= MAX_FALL and m <= UNITS)
        exponent = 0 if narrow else NOTHING
        low.fill(0.0)
        for tile in range(0, patterns, rows):
            if wide is None or narrow:  # the first says to Numba what is to be left out
                odds.narrow_tile(tile, p, q, weights, table, factor, products, e)
                for r in range(rows):
                    for s in range(SIZE):
                        products[r, s] *= low_weights[s]
            else:
                exponent = weigh_wide(
                    tile, p, q, shared, low_pairs, top, fall, products, exponents, e, exponent, low, middle
                )
            divide(products, p, e, table, top, fall, tau, mu, low, middle, tile)
        weight, shift = odds.split(scale)
        exponent += shift
        if exponent > total_exponent:
            scale_by(total, math.ldexp(1.0, -min(exponent - total_exponent, FAR)))
            total_exponent = exponent
        weight *= math.ldexp(1.0, -min(total_exponent - exponent, FAR))
        add_block(block, low, middle, p, fall, weight, total)
    return total, total_exponent


@njit(**any_order)
def share(weights, p, e, table, i, low, middle, tile):
    """Add weights · σ_i to low[i] (over the tile's rows) and middle[i, tile:] (over low states)."""
    for r in range(weights.shape[0]):
        total = 0.0
        for s in range(SIZE):
            odds_of_s = e[r, i] * table[i, s]
            by = weights[r, s] * (odds_of_s / (p[i] + odds_of_s))
            low[i, s] += by
            total += by
        middle[i, tile + r] = total


@njit(**options)
def share_blocks(W, b, weights, first, last):
    """The same moments under weights w (2^n,) that are given, over the states of blocks first … last − 1.

    (m + 1, n + 1) values. Row i < m: Σ w(s) σ_i(s) s_j for every j < n, and at the end without s_j. Row m: Σ w(s) s_j,
    and Σ w(s).
    """
    m, n = W.shape
    c = np.zeros(n)
    (tau, table, mu, factor), (most, span), (_, _, c_most, c_span) = odds.tables(W, c)
    patterns = factor.shape[0]
    rows = min(TILE, patterns)
    e, none_left_out = np.empty((rows, m)), np.ones(m)
    top, p, q, fall = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    low, middle = np.zeros((m + 1, SIZE)), np.zeros((m + 1, patterns))
    total = np.zeros((m + 1, n + 1))
    for block in range(first, last):
        odds.enter(block, W, b, c, most, span, c_most, c_span, top, p, q, fall)
        low.fill(0.0)
        for tile in range(0, patterns, rows):
            start = (block * patterns + tile) * SIZE
            some = weights[start : start + rows * SIZE].reshape((rows, SIZE))
            divide_by_none(some, low, middle, tile)
            for i in range(m):
                for r in range(rows):
                    e[r, i] = q[i] * factor[tile + r, i]
                if fall[i] <= MAX_FALL:
                    share(some, p, e, table, i, low, middle, tile)
                else:
                    divide_alone(some, -1.0, top[i], tau, mu, i, low, middle, tile)
        add_block(block, low, middle, none_left_out, fall, 1.0, total)
    return total


@njit(**options)
def n_bits(patterns):
    """k for 2^k patterns."""
    bits = 0
    while 1 << bits < patterns:
        bits += 1
    return bits
