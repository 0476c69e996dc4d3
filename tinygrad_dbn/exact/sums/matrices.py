"""Sums over the states of a layer as matrix products, for models of plain float64 arrays.

The logits a = b + hW are linear in h, so for an example x, with v = W (x − ½) and the bits of h in two halves,

    p(x) = Σ_h p(h) Π_i e^(x_i a_i) / (1 + e^(a_i))  =  e^((x − ½)·b) Σ_h ω(h) Π_j e^(h_j v_j),
    ω(h) = p(h) Π_i 1 / (2 cosh(a_i / 2)),

is Σ over high halves of E_high ∘ (ω E_low): one matrix product, in which D does not appear, and products of e^(v_j)
built by doubling, one multiplication for each entry. With all states of the layer below for x it gives that layer's
distribution.

Every entry is at most 1, before a factor 2^SHIFT moves it to where doubles have most room below. What underflows all
the same is bounded, and where a sum is not far above that bound it is taken again through logarithms.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...autodiff.kernels.blas import one_thread
from ...models import RBM, DirectedLayer
from .. import budget
from ..states import blocks, some_states
from . import certify, sizes

Floats = NDArray[np.float64]

LN2 = math.log(2)


def layer_below(layer: DirectedLayer, prior: Floats, error: float) -> tuple[Floats, float]:
    """log p(h) for every state of a layer's n lower units, (2^n,) nats, from log p(g) of its N upper ones; an error.

    error bounds that of the prior, the one returned that of every result. Flops 2 · 2^(n + N).
    """
    n = layer.W.shape[1]
    value, errors = mixture(layer, rows_of(None, n), 1 << n, prior, error)
    return value, float(errors.max())


def rows_of(X: Floats | None, visible: int) -> Callable[[int, int], Floats]:
    """What gives some rows of X, or with None some of all states."""
    return lambda first, last: some_states(first, last, visible) if X is None else X[first:last]


def ranges(hidden: int, T: int) -> list[tuple[int, int]]:
    """T examples cut into chunks of whole batches, of about a second each: a function of the sum alone."""
    seconds = sizes.ROWS * 2.0**hidden * (2 * budget.SECONDS_PER_FLOP) + 1e-3
    rows = sizes.ROWS * max(1, round(1 / seconds))
    return [(first, min(first + rows, T)) for first in range(0, T, rows)]


def mixture_chunk(W: Floats, b: Floats, prior: Floats, rows: Any, first: int, last: int) -> tuple[float, ...]:
    """`mixture` for some of its examples (rows, or none of them for all states): the values, then their errors.

    What it sums over is computed anew, so that a chunk carries the layer and the prior alone.
    """
    layer = DirectedLayer(W, b, W, np.zeros(len(W)))
    given = rows_of(rows[first:last].astype(float) if len(rows) else None, W.shape[1])
    start = 0 if len(rows) else first
    values, errors = mixture(layer, lambda a, z: given(start + a, start + z), last - first, prior, 0.0)
    return (*values.tolist(), *errors.tolist())


def mixture(
    layer: DirectedLayer, rows: Callable[[int, int], Floats], T: int, prior: Floats, error: float
) -> tuple[Floats, Floats]:
    """log Σ_h p(x | h) p(h) for T examples, of which rows(first, last) gives some, from log p(h) (2^H,): (T,) nats.

    And (T,) bounds on the errors, where `error` bounds that of the prior. Flops 2 · T · 2^H, on all cores; logarithms
    and exponentials 2^H · D. Each batch of examples is computed by one thread: the bits do not know of the others.
    """
    hidden = layer.W.shape[0]
    half = hidden // 2
    largest = certify.largest(prior)
    own = local()  # each thread's room for a batch: memory that is new costs as much as what is done in it

    def room() -> list[Floats]:
        if not hasattr(own, "room"):
            own.room = [np.empty((1 << bits, min(sizes.ROWS, T))) for bits in (half, hidden - half, hidden - half)]
        return own.room  # type: ignore[no-any-return]

    def batch(first: int) -> tuple[Floats, Floats]:
        X = rows(first, min(first + sizes.ROWS, T))
        centred = X - 0.5
        v = layer.W @ centred.T
        factors = np.exp(-np.maximum(v, 0)), np.exp(np.minimum(v, 0))  # of h_j = 0 and 1, without e^max(v_j, 0)
        low, high, sums = (array[:, : len(X)] for array in room())
        np.matmul(omega, products(factors, 0, half, low), out=sums)
        sums *= products(factors, half, hidden, high)
        scaled = sums.sum(axis=0)
        lost = lost_by_a_term(v)
        certain = scaled >= 2.0 ** (hidden + sizes.MARGIN) * lost
        mantissa, exponent = np.frexp(np.where(certain, scaled, 1.0))  # so that 2^SHIFT leaves as it came: exactly
        value = np.log(mantissa) + (exponent - 3 * sizes.SHIFT) * LN2
        value += centred @ layer.b + np.maximum(v, 0).sum(axis=0) + peak
        if not certain.all():
            value[~certain] = by_logarithms(layer, X[~certain], prior)
        return value, certify.mixture_error(layer, largest, value, error)

    with one_thread(), ThreadPoolExecutor(budget.cores()) as pool:
        weights = log_omega(layer, prior, pool)
        peak = float(weights.max())
        omega = exponentials(weights - peak).reshape(-1, 1 << half)
        values, errors = zip(*pool.map(batch, range(0, T, sizes.ROWS)), strict=True)
    return np.concatenate(values), np.concatenate(errors)


def exponentials(a: Floats) -> Floats:
    """2^SHIFT e^a for a ≤ 0."""
    return np.where(a > -600, np.exp(a) * 2.0**sizes.SHIFT, np.exp(a + sizes.SHIFT * LN2))


def lost_by_a_term(v: Floats) -> Floats:
    """What a term of a sum that is scaled by 2^(3 SHIFT) can lose by underflow, for logits v (H, T): (T,).

    An entry below 2^−1074 is lost before it meets two of at most 2^SHIFT; a factor e^−|v|, below e^−700, before it
    meets three. The rest, 2^7 and 2^4, is for what is rounded on the way.
    """
    entry, factor = 2.0 ** (2 * sizes.SHIFT - 1074 + 7), 2.0 ** (3 * sizes.SHIFT - 1074 + 4)
    return np.where(np.abs(v).max(axis=0) < 700, entry, factor)


def log_joint(layer: DirectedLayer, X: Floats, prior: Floats, normalised: bool = False) -> Floats:
    """log p(x, h) for rows X (T, D) and every state of h, from log p(h) (2^H,): (T, 2^H), nats. Or p(h | x).

    As log ω(h) + h·v + (x − ½)·b; h·v is built by doubling, one addition for each entry.
    """
    hidden, centred = layer.W.shape[0], X - 0.5
    v, out = centred @ layer.W.T, np.empty((len(X), 1 << hidden))
    out[:, 0] = centred @ layer.b
    per_batch = max(1, sizes.CELLS >> hidden)

    def fill(first: int) -> None:
        table = out[first : first + per_batch]
        for j in range(hidden):
            np.add(table[:, : 1 << j], v[first : first + per_batch, j, None], out=table[:, 1 << j : 2 << j])
        table += weights
        if normalised:
            table -= table.max(axis=1, keepdims=True)
            np.exp(table, out=table)
            table /= table.sum(axis=1, keepdims=True)

    with ThreadPoolExecutor(budget.cores()) as pool:
        weights = log_omega(layer, prior, pool)
        list(pool.map(fill, range(0, len(X), per_batch)))
    return out


def by_logarithms(layer: DirectedLayer, X: Floats, prior: Floats) -> Floats:
    """The same log Σ_h p(x | h) p(h) for rows X (T, D), whatever its size: T · 2^H exponentials."""
    peak, total = np.full(len(X), -np.inf), np.zeros(len(X))
    for i, h in enumerate(blocks(layer.W.shape[0], sizes.BATCH)):
        a = layer.visible_logits(h)
        joint = X @ a.T + (prior[i * sizes.BATCH : (i + 1) * sizes.BATCH] - ops.softplus(a).sum(axis=1))
        new = np.maximum(peak, joint.max(axis=1))
        finite = np.where(np.isneginf(new), 0.0, new)  # states of probability 0 alone: e^−inf, not e^NaN
        total = total * np.exp(peak - finite) + np.exp(joint - finite[:, None]).sum(axis=1)
        peak = new
    with np.errstate(divide="ignore"):
        return np.asarray(peak + np.log(total))


def log_weights(rbm: RBM) -> Floats:
    """−F(x) for every state x of the visible units: (2^D,), nats."""
    return np.concatenate([-rbm.free_energy(x) for x in blocks(rbm.W.shape[1])])


def log_omega(layer: DirectedLayer, prior: Floats, pool: ThreadPoolExecutor) -> Floats:
    """log ω(h) = log p(h) − Σ_i log(2 cosh(a_i / 2)) for every state h: (2^H,), nats."""
    hidden = layer.W.shape[0]

    def batch(first: int) -> Floats:
        h = some_states(first, min(first + sizes.BATCH, 1 << hidden), hidden)
        a = np.abs(layer.visible_logits(h))
        return np.asarray(-(a / 2 + ops.softplus(-a)).sum(axis=1))

    return np.concatenate(list(pool.map(batch, range(0, 1 << hidden, sizes.BATCH)))) + prior


def products(factors: tuple[Floats, Floats], first: int, last: int, out: Floats | None = None) -> Floats:
    """2^SHIFT Π_(first ≤ j < last) factors[h_j][j] for every state of those units: (2^(last − first), T)."""
    off, on = factors
    out = np.empty((1 << (last - first), on.shape[1])) if out is None else out
    out[0] = 2.0**sizes.SHIFT
    for k in range(last - first):
        size = 1 << k
        np.multiply(out[:size], on[first + k], out=out[size : 2 * size])
        out[:size] *= off[first + k]
    return out
