"""Sums over the states of a layer as matrix products, for models of plain float64 arrays.

The logits a = b + hW are linear in h, so for an example x, with v = W (x − ½) and the bits of h in two halves,

    p(x) = Σ_h p(h) Π_i e^(x_i a_i) / (1 + e^(a_i))  =  e^((x − ½)·b) Σ_h ω(h) Π_j e^(h_j v_j),
    ω(h) = p(h) Π_i 1 / (2 cosh(a_i / 2)),

is Σ over high halves of E_high ∘ (ω E_low): one matrix product, in which D does not appear, and products of e^(v_j),
one multiplication for each entry. With all states of the layer below for x it gives that layer's
distribution.

`ops.exp` runs in vector lanes, where NumPy's takes one number after another on processors without AVX-512.

Every entry is at most 1, before a factor 2^SHIFT moves it to where doubles have most room below. What underflows all
the same is bounded, and where a sum is not far above that bound it is taken again through logarithms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...autodiff.kernels.blas import one_thread
from ...models import RBM, DirectedLayer
from .. import budget
from ..states import blocks
from . import certify, sizes
from .batches import in_order, over_states, some_rows

Floats = NDArray[np.float64]

LN2 = math.log(2)


def ranges(hidden: int, T: int) -> list[tuple[int, int]]:
    """T examples cut into chunks of whole batches, of about a second each: a function of the sum alone."""
    seconds = sizes.ROWS * 2.0**hidden * (2 * budget.SECONDS_PER_FLOP) + 1e-3
    rows = sizes.ROWS * max(1, round(1 / seconds))
    return [(first, min(first + rows, T)) for first in range(0, T, rows)]


def mixture_chunk(W: Floats, b: Floats, prior: Floats, rows: Any, first: int, last: int) -> tuple[float, ...]:
    """`mixture` for some of its examples (rows, or none of them for all states): the values, then their errors.

    The states' weights are computed anew, so that a chunk carries the layer and the prior alone.
    """
    layer = DirectedLayer(W, b, W, np.zeros(len(W)))
    X = rows[first:last].astype(float) if len(rows) else None
    start = 0 if len(rows) else first
    values, errors = mixture(layer, X, prior, 0.0, start, start + last - first)
    return (*values.tolist(), *errors.tolist())


def mixture(
    layer: DirectedLayer, X: Floats | None, prior: Floats, error: float, first: int = 0, last: int | None = None
) -> tuple[Floats, Floats]:
    """log Σ_h p(x | h) p(h) for rows first … last − 1 of X, or with None for those states x, from log p(h) (2^H,).

    In nats, with bounds on the errors, where `error` bounds that of the prior; all rows unless stated. Flops
    2 · T · 2^H, on all cores; logarithms and exponentials 2^H · D. Each batch of examples is computed by one thread, so
    the bits do not depend on the number of threads.
    """
    hidden, visible = layer.W.shape
    half = hidden // 2
    if last is None:
        last = 1 << visible if X is None else len(X)
    width = min(sizes.ROWS, last - first)
    own = local()  # each thread's arrays for a batch: memory that is new costs as much as what is done in it

    def batch(start: int) -> tuple[Floats, Floats]:
        if not hasattr(own, "arrays"):
            own.arrays = [np.empty((1 << bits, width)) for bits in (half, hidden - half, hidden - half)]
        x = some_rows(X, start, min(start + sizes.ROWS, last), visible)
        value, error, *_ = sum_batch(weights, x, [array[:, : len(x)] for array in own.arrays])
        return value, error

    with one_thread():
        weights = weigh(layer, prior, error)
        values, errors = zip(*in_order(batch, range(first, last, sizes.ROWS)), strict=True)
    return np.concatenate(values), np.concatenate(errors)


@dataclass(frozen=True, eq=False)
class Weights:
    """A layer's hidden states, weighed: what all examples have in common in a sum over them.

    prior: log p(h), (2^H,), nats, within `error`, and of at most `largest` where it is finite. log_omega: log ω(h),
    (2^H,), nats, at most `peak`. omega: 2^SHIFT ω(h) e^−peak, high halves of h by low halves.
    """

    layer: DirectedLayer
    prior: Floats
    error: float
    largest: float
    log_omega: Floats
    peak: float
    omega: Floats


def weigh(layer: DirectedLayer, prior: Floats, error: float) -> Weights:
    """The weights of a layer's hidden states, from log p(h) (2^H,) within `error`, in nats."""
    logarithm = log_omega(layer, prior)
    peak = float(logarithm.max())
    omega = exponentials(logarithm - peak).reshape(-1, 1 << layer.W.shape[0] // 2)
    return Weights(layer, prior, error, certify.largest(prior), logarithm, peak, omega)


def sum_batch(
    weights: Weights, X: Floats, out: Sequence[Floats | None] = (None, None, None)
) -> tuple[Floats, Floats, Floats, Floats]:
    """log p(x) for rows X (T, D), nats, and bounds on its errors, (T,) each; and what a posterior is made of.

    That is p(x) as the products give it, but for its factors, (T,), which is inf where it is lost among what
    underflows, so that no product has a share in the posterior there; and its terms, summed over the low half of h,
    (2^(H − half), T). out: arrays for E_low, E_high and the terms.
    """
    layer = weights.layer
    low_out, high_out, terms_out = out
    v, low, high = factors(layer, X, low_out, high_out)
    terms = np.matmul(weights.omega, low, out=terms_out)
    terms *= high
    scaled = terms.sum(axis=0)
    certain = scaled >= 2.0 ** (len(v) + sizes.MARGIN) * lost_by_a_term(v)
    value = log_scaled(np.where(certain, scaled, 1.0))
    value += (X - 0.5) @ layer.b + np.maximum(v, 0).sum(axis=0) + weights.peak
    if not certain.all():
        value[~certain] = by_logarithms(layer, X[~certain], weights.prior)
    error = certify.mixture_error(layer, weights.largest, value, weights.error)
    return value, error, np.where(certain, scaled, np.inf), terms


def factors(
    layer: DirectedLayer, X: Floats, low: Floats | None = None, high: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """v = W (x − ½) (H, T) of rows X (T, D), and the factors E_low (2^half, T) and E_high (2^(H − half), T).

    Without e^max(v_j, 0), which leaves e^−max(v_j, 0) for h_j = 0 and e^min(v_j, 0) for h_j = 1.
    """
    v = layer.W @ (X - 0.5).T
    half, of_bits = len(v) // 2, (ops.exp(-np.maximum(v, 0)), ops.exp(np.minimum(v, 0)))
    return v, products(of_bits, 0, half, low), products(of_bits, half, len(v), high)


def log_scaled(scaled: Floats) -> Floats:
    """log of sums (T,) that were scaled by 2^(3 SHIFT). The power of two is taken out exactly."""
    mantissa, exponent = np.frexp(scaled)
    return np.asarray(np.log(mantissa) + (exponent - 3 * sizes.SHIFT) * LN2)


def exponentials(a: Floats) -> Floats:
    """2^SHIFT e^a for a ≤ 0."""
    return np.asarray(np.where(a > -600, ops.exp(a) * 2.0**sizes.SHIFT, ops.exp(a + sizes.SHIFT * LN2)))


def lost_by_a_term(v: Floats) -> Floats:
    """What a term of a sum that is scaled by 2^(3 SHIFT) can lose by underflow, for logits v (H, T): (T,).

    An entry below 2^−1074 is lost before it meets two of at most 2^SHIFT; a product of factors e^−|v|, which may be
    below e^−700 where their |v| are more than that together, before it meets three. The rest, 2^7 and 2^6, is for what
    is rounded on the way.
    """
    entry, factor = 2.0 ** (2 * sizes.SHIFT - 1074 + 7), 2.0 ** (3 * sizes.SHIFT - 1074 + 6)
    return np.where(np.abs(v).sum(axis=0) < 700, entry, factor)


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
            table[:] = ops.exp(table)
            table /= table.sum(axis=1, keepdims=True)

    weights = log_omega(layer, prior)
    list(in_order(fill, range(0, len(X), per_batch)))
    return out


def by_logarithms(layer: DirectedLayer, X: Floats, prior: Floats) -> Floats:
    """The same log Σ_h p(x | h) p(h) for rows X (T, D), whatever its size: T · 2^H exponentials."""
    peak, total = np.full(len(X), -np.inf), np.zeros(len(X))
    for i, h in enumerate(blocks(layer.W.shape[0], sizes.BATCH)):
        a = layer.visible_logits(h)
        joint = X @ a.T + (prior[i * sizes.BATCH : (i + 1) * sizes.BATCH] - ops.softplus(a).sum(axis=1))
        new = np.maximum(peak, joint.max(axis=1))
        finite = np.where(np.isneginf(new), 0.0, new)  # states of probability 0 alone: e^−inf, not e^NaN
        total = total * ops.exp(peak - finite) + ops.exp(joint - finite[:, None]).sum(axis=1)
        peak = new
    with np.errstate(divide="ignore"):
        return np.asarray(peak + np.log(total))


def log_weights(rbm: RBM) -> Floats:
    """−F(x) for every state x of the visible units: (2^D,), nats."""
    return np.concatenate([-rbm.free_energy(x) for x in blocks(rbm.W.shape[1])])


def log_omega(layer: DirectedLayer, prior: Floats) -> Floats:
    """log ω(h) = log p(h) − Σ_i log(2 cosh(a_i / 2)) for every state h: (2^H,), nats."""

    def batch(h: Floats, some: slice) -> Floats:
        size = np.abs(layer.visible_logits(h))
        return np.asarray(-(size.sum(axis=1) / 2 + log_factors(size)))

    return np.concatenate(list(over_states(layer.W.shape[0], batch))) + prior


def log_factors(size: Floats) -> Floats:
    """Σ_i log(1 + e^−|a_i|) of rows of |a| (T, D): (T,), nats. One logarithm for many factors, each between 1 and 2."""
    factors = np.asarray(ops.exp(-size))
    factors += 1.0
    groups = (factors[:, i : i + sizes.UNITS].prod(axis=1) for i in range(0, size.shape[1], sizes.UNITS))
    return np.asarray(sum(np.log(group) for group in groups))


def products(factors: tuple[Floats, Floats], first: int, last: int, out: Floats | None = None) -> Floats:
    """2^SHIFT Π_(first ≤ j < last) factors[h_j][j] for every state of those units: (2^(last − first), T).

    Every state of the upper units by every state of the lower, so that the table is written once.
    """
    middle, T = (first + last) // 2, factors[0].shape[1]
    lower, upper = doubled(factors, first, middle, 1.0), doubled(factors, middle, last, 2.0**sizes.SHIFT)
    out = np.empty((len(upper) * len(lower), T)) if out is None else out
    np.multiply(upper[:, None], lower, out=out.reshape(len(upper), len(lower), T))
    return out


def doubled(factors: tuple[Floats, Floats], first: int, last: int, scale: float) -> Floats:
    """The same times `scale` instead, a unit at a time."""
    off, on = factors
    out = np.empty((1 << (last - first), on.shape[1]))
    out[0] = scale
    for k in range(last - first):
        size = 1 << k
        np.multiply(out[:size], on[first + k], out=out[size : 2 * size])
        out[:size] *= off[first + k]
    return out
