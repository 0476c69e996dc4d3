"""Sums over the states of a layer as matrix products, for models of plain float64 arrays.

The logits a = b + hW are linear in h, so for an example x, with v = W (x − ½) and the bits of h in two halves,

    p(x) = Σ_h p(h) Π_i e^(x_i a_i) / (1 + e^(a_i))  =  e^((x − ½)·b) Σ_h ω(h) Π_j e^(h_j v_j),
    ω(h) = p(h) Π_i 1 / (2 cosh(a_i / 2)),

is Σ over high halves of E_high ∘ (ω E_low): one matrix product, in which D does not appear. E_low takes one
multiplication for each entry; E_high is not written out, for the sum goes over its upper and its lower units in turn.
With all states of the layer below for x it gives that layer's distribution. ω(h) has the form of an RBM's e^−F(h), so
that a product of odds gives it for every h (`free_energies.py`).

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
from ..states import blocks, some_states
from . import certify, enumeration, sizes
from .batches import at_a_time, in_order, some_rows

Floats = NDArray[np.float64]

LN2 = math.log(2)


def ranges(hidden: int, T: int, per_batch: int) -> list[tuple[int, int]]:
    """T examples cut into chunks of whole batches, of about a second each: a function of the sum alone."""
    seconds = per_batch * 2.0**hidden * (2 * budget.SECONDS_PER_FLOP) + 1e-3
    rows = per_batch * max(1, round(1 / seconds))
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
    per_batch = at_a_time(X)
    width = min(per_batch, last - first)
    own = local()  # each thread's arrays for a batch: memory that is new costs as much as what is done in it

    def batch(start: int) -> tuple[Floats, Floats]:
        if not hasattr(own, "arrays"):
            own.arrays = [np.empty((1 << bits, width)) for bits in (half, hidden - half)]
        x = some_rows(X, start, min(start + per_batch, last), visible)
        value, error, *_ = sum_batch(weights, x, [array[:, : len(x)] for array in own.arrays])
        return value, error

    with one_thread():
        weights = weigh(layer, prior, error)
        values, errors = zip(*in_order(batch, range(first, last, per_batch)), strict=True)
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


@dataclass(frozen=True, eq=False)
class Terms:
    """p(x_t) as Σ_(u, l) sums[u, l, t] upper[u, t] lower[l, t], but for factors that all its terms have.

    u and l are states of the upper and of the lower units of half of h; the other half is summed already.
    """

    sums: Floats
    upper: Floats
    lower: Floats

    def total(self) -> Floats:
        """The sum: (T,)."""
        return np.asarray((self._of_upper() * self.upper).sum(axis=0))

    def moments(self) -> Floats:
        """The same sum of h_j times each term, for every unit j of that half: (units, T)."""
        of_lower = np.einsum("ult,ut->lt", self.sums, self.upper) * self.lower
        of_upper = self._of_upper() * self.upper
        return np.concatenate([every_state(len(of_x)).T @ of_x for of_x in (of_lower, of_upper)])

    def _of_upper(self) -> Floats:
        return np.asarray(np.einsum("ult,lt->ut", self.sums, self.lower))


def terms_of(sums: Floats, upper: Floats, lower: Floats) -> Terms:
    """The terms of sums over one half, (states of the other, T), and of the other's factors."""
    return Terms(sums.reshape(len(upper), len(lower), -1), upper, lower)


def every_state(count: int) -> Floats:
    """All 2^n = `count` states of n units, (2^n, n)."""
    return some_states(0, count, count.bit_length() - 1)


def sum_batch(
    weights: Weights, X: Floats, out: Sequence[Floats | None] = (None, None)
) -> tuple[Floats, Floats, Floats, Terms]:
    """log p(x) for rows X (T, D), nats, and bounds on its errors, (T,) each; and what a posterior is made of.

    That is p(x) as the products give it, but for its factors, (T,), which is inf where it is lost among what
    underflows, so that no product has a share in the posterior there; and its terms, over states of the high half of h.
    out: arrays for E_low and for the terms' sums over low halves.
    """
    layer = weights.layer
    v, low, high = factors(layer, X)
    terms = terms_of(np.matmul(weights.omega, outer(*low, out[0]), out=out[1]), *high)
    scaled = terms.total()
    certain = scaled >= 2.0 ** (len(v) + sizes.MARGIN) * lost_by_a_term(v)
    value = log_scaled(np.where(certain, scaled, 1.0))
    value += (X - 0.5) @ layer.b + np.maximum(v, 0).sum(axis=0) + weights.peak
    if not certain.all():
        value[~certain] = by_logarithms(layer, X[~certain], weights.prior)
    error = certify.mixture_error(layer, weights.largest, value, weights.error)
    return value, error, np.where(certain, scaled, np.inf), terms


Factors = tuple[Floats, Floats]  # of some units' states: those of the upper ones (states, T), those of the lower ones


def factors(layer: DirectedLayer, X: Floats) -> tuple[Floats, Factors, Factors]:
    """v = W (x − ½) (H, T) of rows X (T, D), and the factors of the low half of h, E_low, and of the high half, E_high.

    Without e^max(v_j, 0), which leaves e^−max(v_j, 0) for h_j = 0 and e^min(v_j, 0) for h_j = 1.
    """
    v = layer.W @ (X - 0.5).T
    half, of_bits = len(v) // 2, (ops.exp(-np.maximum(v, 0)), ops.exp(np.minimum(v, 0)))
    return v, products(of_bits, 0, half), products(of_bits, half, len(v))


def log_scaled(scaled: Floats) -> Floats:
    """log of sums (T,) that were scaled by 2^(3 SHIFT). The power of two is taken out exactly."""
    mantissa, exponent = np.frexp(scaled)
    return np.asarray(np.log(mantissa) + (exponent - 3 * sizes.SHIFT) * LN2)


def exponentials(a: Floats) -> Floats:
    """2^SHIFT e^a for a ≤ 0."""
    large = a > -600
    found = np.asarray(ops.exp(np.where(large, a, a + sizes.SHIFT * LN2)))
    found[large] *= 2.0**sizes.SHIFT
    return found


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
    """−F(x) for every state x of the visible units: (2^D,), nats. Raises ValueError beyond what float64 resolves."""
    from .free_energies import write_blocks  # which imports Numba

    arrays, ranges, filling = enumeration.of(rbm)
    every = np.empty(1 << rbm.W.shape[1] + filling)
    list(in_order(lambda some: write_blocks(*arrays, *some, every), ranges))
    return every[: 1 << rbm.W.shape[1]]  # in which the units that fill up are off


def log_normalisers(layer: DirectedLayer) -> Floats:
    """Σ_i log(1 + e^(a_i)) for every state h: (2^H,), nats."""
    return log_weights(RBM(layer.W.T, np.zeros(len(layer.W)), layer.b))


def log_omega(layer: DirectedLayer, prior: Floats) -> Floats:
    """log ω(h) = log p(h) − Σ_i log(2 cosh(a_i / 2)) for every state h: (2^H,), nats.

    As log(2 cosh(a / 2)) = log(1 + e^a) − a / 2 and a is linear in h, that is a sum of odds' logarithms less a bias.
    """
    halves = RBM(layer.W.T, -layer.W.sum(axis=1) / 2, layer.b)
    return np.asarray(prior + (layer.b.sum() / 2 - log_weights(halves)))


def products(of_bits: tuple[Floats, Floats], first: int, last: int) -> Factors:
    """2^SHIFT Π_(first ≤ j < last) of_bits[h_j][j] for the states of those units, as `Factors`."""
    from .doubling import doubled  # which imports Numba

    (off, on), middle = of_bits, (first + last) // 2
    return doubled(off, on, middle, last, 2.0**sizes.SHIFT), doubled(off, on, first, middle, 1.0)


def outer(upper: Floats, lower: Floats, out: Floats | None = None) -> Floats:
    """The factors of every state of the upper units by every state of the lower: (states, T)."""
    T = lower.shape[1]
    out = np.empty((len(upper) * len(lower), T)) if out is None else out
    np.multiply(upper[:, None], lower, out=out.reshape(len(upper), len(lower), T))
    return out
