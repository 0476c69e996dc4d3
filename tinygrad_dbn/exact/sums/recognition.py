"""Bounds and divergences of many examples as matrix products, for models of plain float64 arrays.

With q(h | x) a product over units, or a table, and log p(x | h) = x·a − Σ_i log(1 + e^(a_i)), a = b + hW linear in h,

    E_q[log p(x, h)]  =  x·(b + μW) + E_q[g],        g(h) = log p(h) − Σ_i log(1 + e^(a_i)),        μ = E_q[h].

g does not depend on the examples, so it is computed once; and where q is a product, E_q[g] for all of them is one
matrix product of g, high halves of h by low halves, with the products of (1 − μ_j, μ_j) of both halves. Of what has the
size (examples × states) only one batch is in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import DirectedLayer
from ..states import some_states
from . import matrices, sizes
from .batches import in_order, over_states
from .posteriors import Mixture

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recognition:
    """q(h | x) for T examples."""

    means: Floats
    """μ, (T, H)."""
    entropy: Floats
    """(T,), nats."""
    expectation: Callable[[Floats], Floats]
    """E_q[g], (T,), of any g over the states (2^H,)."""


def independent(layer: DirectedLayer, X: Floats) -> Recognition:
    """q(h | x) = Π_j μ_j^h_j (1 − μ_j)^(1 − h_j) of a layer's recognition half, for rows X (T, D) (claim I3)."""
    logits = np.asarray(layer.recognition_logits(X))
    means, others = np.asarray(ops.sigmoid(logits)), np.asarray(ops.sigmoid(-logits))
    size = np.abs(logits)  # entropy of one unit: log(1 + e^−|l|) + |l| / (1 + e^|l|), both positive
    entropy = (np.asarray(ops.softplus(-size)) + size * np.asarray(ops.sigmoid(-size))).sum(axis=1)
    hidden, half = means.shape[1], means.shape[1] // 2

    def expectation(g: Floats) -> Floats:
        table = g.reshape(-1, 1 << half)

        def batch(first: int) -> Floats:
            of_bits = others[first : first + sizes.ROWS].T.copy(), means[first : first + sizes.ROWS].T.copy()
            low, high = (matrices.products(of_bits, *units) for units in ((0, half), (half, hidden)))
            return matrices.terms_of(table @ matrices.outer(*low), *high).total() * 2.0 ** (-2 * sizes.SHIFT)

        return np.concatenate(list(in_order(batch, range(0, len(means), sizes.ROWS))))

    return Recognition(means, entropy, expectation)


def table(q: Any) -> Recognition:
    """Any q(h | x), written out as an array (T, 2^H)."""
    means, entropy = zip(*_over_rows(q, _moments), strict=True)
    expectation = lambda g: np.concatenate(_over_rows(q, lambda some: some @ g))
    return Recognition(np.concatenate(means), np.concatenate(entropy), expectation)


def _over_rows(q: Any, f: Callable[[Floats], Any]) -> list[Any]:
    """f of some rows of a table at a time, in order."""
    per_batch = max(1, sizes.CELLS // q.shape[1])

    def batch(first: int) -> Any:
        return f(np.asarray(q[first : first + per_batch], np.float64))

    return list(in_order(batch, range(0, len(q), per_batch)))


def _moments(some: Floats) -> tuple[Floats, Floats]:
    """The means (T, H) and the entropies (T,) of some rows of a table (T, 2^H)."""
    hidden = some.shape[1].bit_length() - 1
    means = np.zeros((len(some), hidden))
    for first in range(0, some.shape[1], sizes.BATCH):
        part = some[:, first : first + sizes.BATCH]
        means += part @ some_states(first, first + part.shape[1], hidden)
    return means, -(some * np.log(np.where(some > 0, some, 1.0))).sum(axis=1)


def recognised(layer: DirectedLayer, X: Floats, q: Any) -> Recognition:
    """The q that is given as a table, or the layer's own."""
    return independent(layer, X) if q is None else table(q)


def bound(layer: DirectedLayer, X: Floats, value: Floats, q: Recognition) -> Floats:
    """E_q[log p(x | h) + value(h) − log q(h | x)] for rows X (T, D) and value (2^H,): (T,), nats.

    With log p(h) for value it is the variational bound; with the bound of the layers above, theirs.
    """
    g = value - matrices.log_normalisers(layer)
    return np.asarray(q.expectation(g) + (X * (layer.b + q.means @ layer.W)).sum(axis=1) + q.entropy)


def divergence(mixture: Mixture, q: Recognition) -> Floats:
    """KL(q ‖ p(h | x)) for the examples of a mixture: (T,), nats.

    It is computed apart from the mixture's log p(x) and from `bound`: by the posterior log ω(h) + h·v − log N(x) of
    `posteriors.py`, whose N(x) is summed anew, over the high half of h first.
    """
    v = (mixture.rows(0, len(mixture.value)) - 0.5) @ mixture.weights.layer.W.T
    log_omega = mixture.weights.log_omega
    return np.asarray(mixture.log_normalisers() - q.expectation(log_omega) - (q.means * v).sum(axis=1) - q.entropy)


def log_mean(logits: Floats) -> Floats:
    """log of the mean over T rows of Π_j q(h_j), logits (T, H), for every state h: (2^H,), nats.

    A batch of states at a time, so that what is held is (T × BATCH); a mean of logarithms that may be far below zero.
    """
    bias = np.asarray(ops.softplus(logits)).sum(axis=1)

    def batch(h: Floats, some: slice) -> Floats:
        return np.asarray(ops.logsumexp(h @ logits.T - bias, axis=1))

    total = np.concatenate(list(over_states(logits.shape[1], batch)))
    return np.asarray(total - np.log(len(logits)))
