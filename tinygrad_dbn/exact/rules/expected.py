"""What the sampled learning rules do on average, exactly: their expected updates, without any sampling.

CD-k and persistent CD replace an expectation in the likelihood's gradient by samples. A small model's Gibbs chain is a
matrix over its states, so the average over all its randomness is a few matrix products; and each rule's bias is
`compare(update, gradient)`, a number and not an opinion. Directions are of ascent and shaped like the model, as the
rules of `td.learning` return them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import RBM
from ...models.validation import whole
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, spending
from ..data import of_kind, rows
from ..distributions import bernoulli_table, distinct
from ..marginals import log_marginal
from ..states import states

Array = NDArray[np.float64]
Ensemble = tuple[Array, Array]  # states of a layer (S, n), and their probabilities (S,)


def expected_cd(rbm: RBM, X: Any, k: int = 1, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> RBM:
    """The mean of CD-k's update over all runs of its Gibbs chains from rows X (T, D) (claim G0; Hinton 2002).

    E[h xᵀ], E[x], E[h] under the data less the same after k rounds x → h → x. As k grows it becomes the gradient. Time
    (k + 1) · 2^(D + H). Raises ValueError for k below 1.
    """
    of_kind(rbm, "RBM")
    X, k = rows(rbm, X), whole("k", k, 1)
    with spending("expected_cd", costs.of(costs.expected_cd, rbm, X, k), max_seconds, max_bytes):
        data = distinct(X)
        return difference(rbm, data, after_gibbs(rbm, data, k))


def expected_pcd(rbm: RBM, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> RBM:
    """The mean update of persistent CD whose chains have reached their stationary distribution (Tieleman 2008).

    That distribution is p(x), so this is the gradient of the mean log-likelihood of rows X (T, D): PCD's bias is only
    that its chains lag behind the parameters. Computed from moments, not by differentiation (claim G0).
    """
    of_kind(rbm, "RBM")
    X = rows(rbm, X)
    with spending("expected_pcd", costs.of(costs.expected_pcd, rbm, X), max_seconds, max_bytes):
        return difference(rbm, distinct(X), equilibrium(rbm))


def equilibrium(rbm: RBM) -> Ensemble:
    """p(x) over all visible states: where the Gibbs chain ends."""
    return states(rbm.W.shape[1]), np.exp(log_marginal(rbm, 0))


def after_gibbs(rbm: RBM, start: Ensemble, k: int) -> Ensemble:
    """The distribution over all visible states after k ≥ 1 rounds of block Gibbs sampling x → h → x from `start`."""
    hidden, visible = rbm.W.shape
    every = states(visible)
    down = np.asarray(bernoulli_table(rbm.visible_logits(states(hidden))))
    up = np.asarray(bernoulli_table(rbm.hidden_logits(every)))
    x, p = start
    p = p @ np.asarray(bernoulli_table(rbm.hidden_logits(x))) @ down
    for _ in range(k - 1):
        p = p @ up @ down
    return every, p


def difference(rbm: RBM, positive: Ensemble, negative: Ensemble) -> RBM:
    """E[h xᵀ], E[x] and E[h] under one distribution of x, less the same under another."""

    def statistics(ensemble: Ensemble) -> tuple[Array, Array, Array]:
        x, p = ensemble
        h = np.asarray(rbm.hidden_given_visible(x))
        return moment(p, h, x), p @ x, p @ h

    (W, b, c), (W_, b_, c_) = statistics(positive), statistics(negative)
    return RBM(W - W_, b - b_, c - c_)


def moment(p: Array, h: Array, x: Array) -> Array:
    """E[h xᵀ], (H, D), for h (S, H) and x (S, D) of probabilities p (S,)."""
    return (p[:, None] * h).T @ x
