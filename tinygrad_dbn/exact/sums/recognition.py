"""Bounds and divergences of many examples as matrix products, for models of plain float64 arrays.

With q(h | x) a product over units, or a table, and log p(x | h) = x·a − Σ_i log(1 + e^(a_i)), a = b + hW linear in h,

    E_q[log p(x, h)]  =  x·(b + μW) + E_q[g],        g(h) = log p(h) − Σ_i log(1 + e^(a_i)),        μ = E_q[h].

g knows nothing of the examples, so it is computed once; and where q is a product, E_q[g] for all of them is one matrix
product of g, high halves of h by low halves, with the products of (1 − μ_j, μ_j) of both halves. Nothing of the size
(examples × states) is ever held but one batch.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import DirectedLayer
from .. import budget
from ..states import some_states
from . import matrices, sizes
from .posteriors import Mixture, spread

Floats = NDArray[np.float64]


class Recognition(Protocol):
    """q(h | x) for T examples: μ (T, H), its entropy (T,) nats, and E_q[g] (T,) of any g over the states (2^H,)."""

    means: Floats
    entropy: Floats

    def of(self, g: Floats) -> Floats: ...


class Independent:
    """q(h | x) = Π_j μ_j^h_j (1 − μ_j)^(1 − h_j), of a layer's recognition half (claim I3)."""

    def __init__(self, layer: DirectedLayer, X: Floats, pool: ThreadPoolExecutor) -> None:
        logits = np.asarray(layer.recognition_logits(X))
        self.means, self.others, self.pool = np.asarray(ops.sigmoid(logits)), np.asarray(ops.sigmoid(-logits)), pool
        size = np.abs(logits)  # entropy of one unit: log(1 + e^−|l|) + |l| / (1 + e^|l|), both positive
        self.entropy = (np.asarray(ops.softplus(-size)) + size * np.asarray(ops.sigmoid(-size))).sum(axis=1)

    def of(self, g: Floats) -> Floats:
        hidden = self.means.shape[1]
        half = hidden // 2
        table = g.reshape(-1, 1 << half)

        def batch(first: int) -> Floats:
            factors = self.others[first : first + sizes.ROWS].T, self.means[first : first + sizes.ROWS].T
            sums = table @ matrices.products(factors, 0, half)
            sums *= matrices.products(factors, half, hidden)
            return np.asarray(sums.sum(axis=0) * 2.0 ** (-2 * sizes.SHIFT))

        return np.concatenate(list(spread(self.pool, batch, range(0, len(self.means), sizes.ROWS))))


class Table:
    """Any q(h | x), written out: (T, 2^H)."""

    def __init__(self, q: Any, pool: ThreadPoolExecutor) -> None:
        self.q, self.pool = q, pool
        self.per_batch = max(1, sizes.CELLS // q.shape[1])
        parts = [*zip(*self._spread(self._moments), strict=True)]
        self.means, self.entropy = (np.concatenate(part) for part in parts)

    def of(self, g: Floats) -> Floats:
        return np.concatenate(self._spread(lambda some: some @ g))

    def _spread(self, f: Any) -> list[Any]:
        def batch(first: int) -> Any:
            return f(np.asarray(self.q[first : first + self.per_batch], np.float64))

        return list(spread(self.pool, batch, range(0, len(self.q), self.per_batch)))

    def _moments(self, some: Floats) -> tuple[Floats, Floats]:
        hidden = some.shape[1].bit_length() - 1
        means = np.zeros((len(some), hidden))
        for first in range(0, some.shape[1], sizes.BATCH):
            part = some[:, first : first + sizes.BATCH]
            means += part @ some_states(first, first + part.shape[1], hidden)
        return means, -(some * np.log(np.where(some > 0, some, 1.0))).sum(axis=1)


def recognised(layer: DirectedLayer, X: Floats, q: Any, pool: ThreadPoolExecutor) -> Recognition:
    """The q that is given as a table, or the layer's own."""
    return Independent(layer, X, pool) if q is None else Table(q, pool)


def bound(layer: DirectedLayer, X: Floats, value: Floats, q: Recognition, pool: ThreadPoolExecutor) -> Floats:
    """E_q[log p(x | h) + value(h) − log q(h | x)] for rows X (T, D) and value (2^H,): (T,), nats.

    With log p(h) for value it is the variational bound; with the bound of the layers above, theirs.
    """
    g = value - _log_normalisers(layer, pool)
    return np.asarray(q.of(g) + (X * (layer.b + q.means @ layer.W)).sum(axis=1) + q.entropy)


def divergence(mixture: Mixture, q: Recognition) -> Floats:
    """KL(q ‖ p(h | x)) for the examples of a mixture: (T,), nats.

    It is computed apart from the mixture's log p(x) and from `bound`: by the posterior log ω(h) + h·v − log N(x) of
    `posteriors.py`, whose N(x) is summed anew, over the high half of h first.
    """
    v = (mixture.rows(0, mixture.T) - 0.5) @ mixture.layer.W.T
    return np.asarray(mixture.log_normalisers() - q.of(mixture.log_omega) - (q.means * v).sum(axis=1) - q.entropy)


def log_mean(logits: Floats) -> Floats:
    """log of the mean over T rows of Π_j q(h_j), logits (T, H), for every state h: (2^H,), nats.

    A batch of states at a time, so that what is held is (T × BATCH); a mean of logarithms that may be far below zero.
    """
    hidden, bias = logits.shape[1], np.asarray(ops.softplus(logits)).sum(axis=1)
    with threads() as pool:

        def batch(first: int) -> Floats:
            h = some_states(first, min(first + sizes.BATCH, 1 << hidden), hidden)
            return np.asarray(ops.logsumexp(h @ logits.T - bias, axis=1))

        total = np.concatenate(list(spread(pool, batch, range(0, 1 << hidden, sizes.BATCH))))
    return np.asarray(total - np.log(len(logits)))


def _log_normalisers(layer: DirectedLayer, pool: ThreadPoolExecutor) -> Floats:
    """Σ_i log(1 + e^(a_i)) for every state of the hidden units: (2^H,), nats."""
    hidden = layer.W.shape[0]

    def batch(first: int) -> Floats:
        h = some_states(first, min(first + sizes.BATCH, 1 << hidden), hidden)
        return np.asarray(ops.softplus(layer.visible_logits(h)).sum(axis=1))

    return np.concatenate(list(spread(pool, batch, range(0, 1 << hidden, sizes.BATCH))))


def threads() -> ThreadPoolExecutor:
    """A pool of as many threads as there are cores."""
    return ThreadPoolExecutor(budget.cores())
