"""The inner loops of log Z: products of odds.

Let n units be enumerated and m be summed in closed form. With a_i(s) = b_i + W_i·s,

    Z = Σ_s e^(c·s) Π_i (1 + e^(a_i(s))).

A state s is split into high, middle and low bits. Within a *block* (one pattern of high bits) let h_i be the largest
value that a_i takes there. Then a_i = h_i + μ_i(middle) + τ_i(low) with μ, τ ≤ 0 from two small tables, and

    1 + e^(a_i) = e^max(h_i, 0) · (p_i + q_i e^μ e^τ),    p_i = e^−max(h_i, 0),  q_i = e^min(h_i, 0).

The first factor leaves the block as a logarithm. The second lies between e^−min(max(h_i, 0), range of a_i) and 2; one
fused multiply-add makes it, one multiplication takes it into the product, and that is the whole inner loop.

Nothing under- or overflows unseen. How far the product can fall below its largest possible value is bounded before the
block starts; where that is more than a double holds, the same product is kept as mantissas and integer exponents,
which are set apart after every group of factors that does fit. A sum of blocks is value · 2^exponent as well, so that
rescaling is by powers of two and rounds nothing. `certify.py` bounds what is left.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

import math
from typing import Any

import numpy as np

from ...autodiff.kernels.floats import exp, fma, log1p
from ...autodiff.kernels.jit import njit
from .sizes import FAR, LOW, MAX_FALL, MIDDLE, NOTHING, UNITS

SIZE = 1 << LOW  # known when it is compiled: loops of no fixed length cost a fifth
TILE = 16  # middle patterns at a time: their products and four rows of e^τ share the L1 cache
LN2 = math.log(2.0)

# No liberty is given: sums run in the order that is written, what is fused says `fma`, and `exp` and `log1p` are the
# engine's own. So log Z has the same bits on every machine.
options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


@njit(**options)
def multiply(products, p, e, table, first, last):
    """products[r, s] *= Π_(first ≤ i < last) (p_i + e[r, i] table[i, s]), four units for each pass over products.

    Four rows of the table stay in the L1 cache while all rows of products pass by, however many units there are. Four
    units take twelve vector registers, of which AVX2 has sixteen; eight spill, which costs 0.4 of the speed.
    """
    whole = first + (last - first) // 4 * 4
    for i in range(first, whole, 4):
        p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
        for r in range(products.shape[0]):
            e0, e1, e2, e3 = e[r, i], e[r, i + 1], e[r, i + 2], e[r, i + 3]
            for s in range(SIZE):
                products[r, s] *= (fma(e0, table[i, s], p0) * fma(e1, table[i + 1, s], p1)) * (
                    fma(e2, table[i + 2, s], p2) * fma(e3, table[i + 3, s], p3)
                )
    for i in range(whole, last):
        for r in range(products.shape[0]):
            for s in range(SIZE):
                products[r, s] *= fma(e[r, i], table[i, s], p[i])


@njit(**options)
def halve(terms):
    """The sum of 2^k terms, by adding the upper half to the lower until one is left. The terms are overwritten."""
    half = terms.shape[0] // 2
    while half:
        for s in range(half):
            terms[s] += terms[s + half]
        half //= 2
    return terms[0]


@njit(**options)
def logits(weights, first, count):
    """Σ_j s_j weights[first + j] for every state s of `count` bits, less its maximum: (2^count,); maximum; range."""
    out = np.zeros(1 << count)
    top, span = 0.0, 0.0
    for j in range(count):
        top += max(weights[first + j], 0.0)
        span += abs(weights[first + j])
    for s in range(1 << count):
        for j in range(count):
            if (s >> j) & 1:
                out[s] += weights[first + j]
        out[s] -= top
    return out, top, span


@njit(**options)
def split(x):
    """e^x as value · 2^exponent, value between 0.7 and 1.5."""
    exponent = int(np.rint(x / LN2))
    return exp(x - exponent * LN2), exponent


@njit(**options)
def add(value, exponent, other, other_exponent):
    """value · 2^exponent + other · 2^other_exponent, in the same form."""
    if exponent < other_exponent:
        value, exponent, other, other_exponent = other, other_exponent, value, exponent
    gap = exponent - other_exponent
    return value + math.ldexp(other, -min(gap, FAR)), exponent


@njit(**options)
def normalise(products, exponents):
    """Bring every product into [1, 2), the power of two taken out going to its exponent. Exact."""
    bits = products.view(np.int64)
    for r in range(products.shape[0]):
        for s in range(SIZE):
            exponents[r, s] += (bits[r, s] >> 52) - 1023
            bits[r, s] = bits[r, s] & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000


@njit(**options)
def scale_down(products, exponents, top):
    """Normalised products · 2^(exponent − top), for exponents up to top; below 2^−1000 they are 0."""
    bits = products.view(np.int64)
    for s in range(SIZE):
        bits[s] = bits[s] + ((exponents[s] - top) << 52) if exponents[s] > top - 1000 else 0


@njit(**options)
def narrow_tile(tile, p, q, weights, table, factor, products, e):
    """The weights of a tile's states but for their low bits' biases, where no product leaves the range of a double.

    weights: e^(c·s) of the middle patterns.
    """
    rows, m = e.shape
    for r in range(rows):
        for i in range(m):
            e[r, i] = q[i] * factor[tile + r, i]
        for s in range(SIZE):
            products[r, s] = weights[tile + r]
    multiply(products, p, e, table, 0, m)


@njit(**options)
def wide_tile(tile, p, q, low, c_middle, table, factor, products, exponents, e, top, fall, tau, mu):
    """The weights of a tile's states where a product may leave that range: mantissa · 2^exponent, set apart in time."""
    rows, m = e.shape
    low_weights, low_shifts = low
    for r in range(rows):
        for i in range(m):
            e[r, i] = q[i] * factor[tile + r, i]
        weight, shift = split(c_middle[tile + r])
        for s in range(SIZE):
            products[r, s], exponents[r, s] = weight * low_weights[s], shift + low_shifts[s]
    first, used = 0, 0.0
    for i in range(m):
        if used + fall[i] > MAX_FALL or i - first == UNITS:
            multiply(products, p, e, table, first, i)
            normalise(products, exponents)
            first, used = i, 0.0
        used += fall[i]
        if used > MAX_FALL:  # this unit alone is too much: its factor is taken from its logarithm
            for r in range(rows):
                for s in range(SIZE):
                    a = top[i] + mu[tile + r, i] + tau[i, s]
                    log_factor = max(a, 0.0) - max(top[i], 0.0) + log1p(exp(-abs(a)))
                    one, shift = split(log_factor)
                    products[r, s] *= one
                    exponents[r, s] += shift
            normalise(products, exponents)
            first, used = i + 1, 0.0
    multiply(products, p, e, table, first, m)
    normalise(products, exponents)


@njit(**options)
def split_low(c_low):
    """e^(c·s) of all low states, as values and exponents."""
    weights, shifts = np.empty(SIZE), np.empty(SIZE, np.int64)
    for s in range(SIZE):
        weights[s], shifts[s] = split(c_low[s])
    return weights, shifts


@njit(**options)
def exponentials(a):
    """e^a for an array (n,)."""
    out = np.empty(a.shape[0])
    for s in range(a.shape[0]):
        out[s] = exp(a[s])
    return out


@njit(**options)
def narrow_block(p, q, low_weights, weights, table, factor, products, e):
    """The sum of a block's weights, where no product leaves the range of a double: (value, exponent).

    low_weights, weights: e^(c·s) of the low and of the middle patterns.
    """
    rows = e.shape[0]
    sums = np.zeros(SIZE)
    for tile in range(0, factor.shape[0], rows):
        narrow_tile(tile, p, q, weights, table, factor, products, e)
        for r in range(rows):
            for s in range(SIZE):
                sums[s] += products[r, s]
    for s in range(SIZE):
        sums[s] *= low_weights[s]
    return halve(sums), 0


@njit(**options)
def wide_block(p, q, c_low, c_middle, table, factor, products, e, top, fall, tau, mu):
    """The same sum where a product may leave that range."""
    rows = e.shape[0]
    exponents = np.empty(products.shape, np.int64)
    low = split_low(c_low)
    value, exponent = 0.0, NOTHING
    for tile in range(0, factor.shape[0], rows):
        wide_tile(tile, p, q, low, c_middle, table, factor, products, exponents, e, top, fall, tau, mu)
        for r in range(rows):
            row_exponent = exponents[r].max()
            scale_down(products[r], exponents[r], row_exponent)
            value, exponent = add(value, exponent, halve(products[r]), row_exponent)
    return value, exponent


@njit(**options)
def tables(W, c):
    """What all blocks have in common: τ and μ of every unit and of c, and their largest values and ranges.

    ((τ (m, SIZE), e^τ, μ (2^middle, m), e^μ), (largest (m,), range (m,)) of a_i within a block without its high bits),
    and (low (SIZE,), middle (2^middle,), largest, range) of c·s.
    """
    m, n = W.shape
    middle = min(MIDDLE, n - LOW)
    tau, mu = np.empty((m, SIZE)), np.empty((1 << middle, m))
    table, factor = np.empty(tau.shape), np.empty(mu.shape)
    most, span = np.empty(m), np.empty(m)
    for i in range(m):
        low, top_low, span_low = logits(W[i], 0, LOW)
        for s in range(SIZE):
            tau[i, s], table[i, s] = low[s], exp(low[s])
        high, top_middle, span_middle = logits(W[i], LOW, middle)
        for r in range(1 << middle):
            mu[r, i], factor[r, i] = high[r], exp(high[r])
        most[i], span[i] = top_low + top_middle, span_low + span_middle
    low, top_low, span_low = logits(c, 0, LOW)
    high, top_middle, span_middle = logits(c, LOW, middle)
    return (tau, table, mu, factor), (most, span), (low, high, top_low + top_middle, span_low + span_middle)


@njit(**options)
def enter(block, W, b, c, most, span, c_most, c_span, top, p, q, fall):
    """A block's h_i, p_i, q_i and how far each factor can fall, written to top, p, q and fall.

    Returns the logarithm of what is taken out of every term of the block, and how far its products can fall.
    """
    m, n = W.shape
    inner = LOW + min(MIDDLE, n - LOW)
    scale = c_most
    for j in range(inner, n):
        if (block >> (j - inner)) & 1:
            scale += c[j]
    total_fall, lost = c_span, 0.0
    for i in range(m):
        h = b[i]
        for j in range(inner, n):
            if (block >> (j - inner)) & 1:
                h += W[i, j]
        h += most[i]
        small = exp(-abs(h))
        p[i], q[i] = (small, 1.0) if h > 0 else (1.0, small)
        top[i], fall[i] = h, min(max(h, 0.0), span[i])
        total_fall += fall[i]
        share = max(h, 0.0) - lost  # Kahan's sum
        new = scale + share
        scale, lost = new, (new - scale) - share
    return scale, total_fall


@njit(**options)
def sum_blocks(W, b, c, first, last, wide):
    """Σ e^(c·s) Π_i (1 + e^(a_i(s))) over the states of blocks first … last − 1, as (value, exponent).

    W (m, n), b (m,), c (n,), float64 and contiguous, n at least LOW. Bits 0 … LOW − 1 of a state are its low bits,
    the next MIDDLE its middle bits, the rest the number of its block. Blocks are added in order, with compensation.
    wide: True, or None where no product of any block can leave the range of a double. Numba compiles for the type of
    an argument, and for None it leaves out the code that would not run, which is half of it.
    """
    m = W.shape[0]
    (tau, table, mu, factor), (most, span), (c_low, c_middle, c_most, c_span) = tables(W, c)
    rows = min(TILE, factor.shape[0])
    products, e = np.empty((rows, SIZE)), np.empty((rows, m))
    top, p, q, fall = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    low_weights, weights = exponentials(c_low), exponentials(c_middle)
    total, lost, total_exponent = 0.0, 0.0, NOTHING
    for block in range(first, last):
        scale, total_fall = enter(block, W, b, c, most, span, c_most, c_span, top, p, q, fall)
        if wide is None or (total_fall <= MAX_FALL and m <= UNITS):
            value, exponent = narrow_block(p, q, low_weights, weights, table, factor, products, e)
        else:
            value, exponent = wide_block(p, q, c_low, c_middle, table, factor, products, e, top, fall, tau, mu)
        outer, shift = split(scale)
        value, exponent = value * outer, exponent + shift

        if exponent > total_exponent:
            gap = min(exponent - total_exponent, FAR)
            total, lost, total_exponent = math.ldexp(total, -gap), math.ldexp(lost, -gap), exponent
        share = math.ldexp(value, -min(total_exponent - exponent, FAR)) - lost
        new = total + share
        total, lost = new, (new - total) - share
    return total, total_exponent
