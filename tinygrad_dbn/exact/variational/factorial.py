"""The best factorial q(h1 | x) = Π_j μ_j^h_j (1 − μ_j)^(1 − h_j): how tight the bound can be without dependence.

As a function of one mean alone the bound is concave, and highest at

    logit μ_j = E[log p(x, h_j = 1, rest) − log p(x, h_j = 0, rest)],   the rest drawn from their own means.

Setting one mean after another to that never lowers the bound, and ends in a fixed point (mean field; Saul, Jaakkola &
Jordan 1996). There can be several: so several starts, the best of them kept. No sampling: the expectation is a sum over
all states.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import DBN, RBM
from ...models.validation import whole
from ...randomness import Random, generator
from ...showing import Shown
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, Place, spending
from ..data import as_float64, examples, have_compiled_sums
from ..distributions import log_bernoulli_table, with_hidden
from ..marginals import log_prior
from ..states import states
from ..sums import float64, matrices

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factorial(Shown):
    """The best factorial q found for each example."""

    means: Array
    """μ, (T, n1): q(h_j = 1 | x)."""
    q: Array
    """The distribution itself, (T, 2^n1) in the order of `states`, as `bound` and `audit` take it."""
    bound: Array
    """Its variational bound, (T,), nats."""
    fixed_points: NDArray[np.int64]
    """How many different bounds the starts ended in (to 1e-6 nats), (T,)."""


def best_factorial(
    model: RBM | DBN,
    X: Any,
    rng: Random,
    starts: int = 8,
    *,
    tolerance: float = 1e-12,
    sweeps: int = 1000,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> Factorial:
    """Coordinate ascent for every row of X (T, D) from the recognition model's means and `starts` − 1 random ones.

    A start ends when a sweep raises no bound by more than `tolerance`, relative, or after `sweeps` sweeps. The bound
    found is at least the recognition model's and at most log p(x) (claim H2). It is the best of the fixed points
    reached; that no other is higher is not proved. For an RBM, whose posterior is factorial, nothing is lost (claim
    H3). Time T · 2^n1 · n1 a sweep. How many it will take is not known: the prediction assumes `costs.SWEEPS` a
    start, or `sweeps` where that is fewer. Raises ValueError for starts or sweeps below 1.
    """
    rng = generator(rng)
    starts, sweeps = whole("starts", starts, 1), whole("sweeps", sweeps, 1)
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("best_factorial", costs.of(costs.best_factorial, dbn, X, starts, sweeps), max_seconds, max_bytes):
        log_p, first = _log_joint(dbn, X), dbn.layers[0].recognition_logits(X)
        best, highest, ends = first, np.full(len(X), -np.inf), []
        for logits in [first, *(rng.logistic(size=first.shape) for _ in range(starts - 1))]:
            *_, (logits, bounds) = coordinate_ascent(log_p, logits, tolerance, sweeps)
            ends.append(bounds)
            best = np.where((bounds > highest)[:, None], logits, best)
            highest = np.maximum(bounds, highest)
        found = (np.diff(np.sort(ends, axis=0), axis=0) > 1e-6).sum(axis=0) + 1
        return Factorial(np.asarray(ops.sigmoid(best)), np.exp(log_bernoulli_table(best)), highest, found)


def _log_joint(dbn: DBN, X: Any) -> Array:
    """log p(x, h1) for rows X and every state of h1: (T, 2^n1), nats."""
    if have_compiled_sums(dbn, X):
        dbn, X = as_float64((dbn, X))
        return matrices.log_joint(dbn.layers[0], X, float64.log_prior(dbn, Place())[0])
    return np.asarray(dbn.layers[0].log_conditional(X, states(dbn.sizes[1])) + log_prior(dbn))


def coordinate_ascent(
    log_p: Array, logits: Array, tolerance: float = 1e-12, sweeps: int = 1000
) -> Iterator[tuple[Array, Array]]:
    """The logits of the means (T, n) and the bound (T,), at the start and after every sweep over the units.

    log_p (T, 2^n) is log p(x, h) of every state h. The bounds never fall, but for rounding.
    """
    bounds = factorial_bound(log_p, logits)
    yield logits, bounds
    for _ in range(sweeps):
        logits = logits.copy()
        for j in range(logits.shape[1]):
            off, on = np.moveaxis(_expected_but(log_p, logits, j), -1, 0)
            logits[:, j] = on - off
        before, bounds = bounds, factorial_bound(log_p, logits)
        yield logits, bounds
        if (bounds - before <= tolerance * (1 + np.abs(bounds))).all():
            return


def factorial_bound(log_p: Array, logits: Array) -> Array:
    """Σ_h q(h) (log p(x, h) − log q(h)) for the factorial q of the given logits (T, n): (T,), nats."""
    log_q = log_bernoulli_table(logits)
    return np.asarray(ops.sum(ops.chain(np.exp(log_q), log_p - log_q), axis=-1))


def _expected_but(table: Array, logits: Array, j: int) -> Array:
    """E[table | h_j = 0] and E[table | h_j = 1], (T, 2), the other units drawn from their means: (T, 2^n) in.

    One unit is averaged out at a time, each halving the table: those above j lead, those below come last.
    """
    T, n = logits.shape
    on, off = np.asarray(ops.sigmoid(logits)), np.asarray(ops.sigmoid(-logits))
    for i in range(n - 1, j, -1):
        table = table.reshape(T, 2, -1)
        table = off[:, i, None] * table[:, 0] + on[:, i, None] * table[:, 1]
    for i in range(j):
        table = table.reshape(T, -1, 2)
        table = off[:, i, None] * table[..., 0] + on[:, i, None] * table[..., 1]
    return table.reshape(T, 2)
