"""How far the bound can still rise while the first layer stays as it is (claims I2, I5).

With the first layer fixed the bound depends on the layers above through their prior p(h1) alone, by

    mean_x Σ_h1 q(h1 | x) log p(h1)  =  Σ_h1 q̄(h1) log p(h1)  =  −H(q̄) − KL(q̄ ‖ p(h1)),

where q̄ = mean_x q(h1 | x) is the aggregated posterior: what the next RBM is trained on. So the bound is highest where
p(h1) = q̄, it lies KL(q̄ ‖ p(h1)) below that, and a change of the upper layers moves it by

    ΔF  =  KL(q̄ ‖ old) − KL(q̄ ‖ new).

The likelihood under the prior q̄ is at least that ceiling. It need not be the highest likelihood (claim I6).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...autodiff.operators import Value
from ...models import DBN, RBM
from ...showing import Shown
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, spending
from ..data import are_floats, examples
from ..distributions import log_bernoulli_table, with_hidden
from ..marginals import log_mixture, log_prior
from ..sums import recognition
from .bound import bound, layer_bound


@dataclass(frozen=True, eq=False)
class Ceiling(Shown):
    """Means over the rows, nats."""

    bound: float
    """The highest bound that any prior over h1 gives, the first layer being fixed."""
    log_likelihood: float
    """The log-likelihood under that prior."""
    room: float
    """How far the model's own bound lies below the ceiling: KL(q̄ ‖ p(h1))."""
    prior: NDArray[np.float64]
    """q̄ over the states of h1, (2^n1,)."""


def log_aggregated_posterior(
    model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """log q̄(h1) = log mean_x q(h1 | x) over rows X (T, D), by the recognition model: (2^n1,), nats.

    Time T · 2^n1.
    """
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("log_aggregated_posterior", costs.of(costs.log_aggregated_posterior, dbn, X), max_seconds, max_bytes):
        logits = dbn.layers[0].recognition_logits(X)
        if are_floats(logits):
            return recognition.log_mean(logits)
        log_q = log_bernoulli_table(logits)
        return ops.logsumexp(log_q, axis=0) - ops.logsumexp(0 * log_q, axis=0)  # log T, in any arithmetic


def ceiling(model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Ceiling:
    """The bound's ceiling for the model's first layer on rows X (T, D), and the likelihood there (claims I2, I5).

    Computed from the definition of the bound with q̄ put in the prior's place; `room` from the divergence. An RBM is
    taken as its tied DBN. Time T · 2^n1.
    """
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("ceiling", costs.of(costs.ceiling, dbn, X), max_seconds, max_bytes):
        layer, log_prior_at = dbn.layers[0], np.asarray(log_aggregated_posterior(dbn, X))
        return Ceiling(
            _number(np.mean(layer_bound(layer, X, log_prior_at))),
            _number(np.mean(log_mixture(X, layer, log_prior_at))),
            _number(prior_divergence(dbn, X)),
            np.exp(log_prior_at),
        )


def prior_divergence(
    model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """KL(q̄ ‖ p(h1)) for rows X (T, D): nats. All that training the layers above the first one can gain."""
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("prior_divergence", costs.of(costs.prior_divergence, dbn, X), max_seconds, max_bytes):
        log_q = log_aggregated_posterior(dbn, X)
        return ops.sum(ops.chain(ops.exp(log_q), log_q - log_prior(dbn)))


def bound_gain(
    old: RBM | DBN, new: DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> tuple[float, float]:
    """ΔF of the mean bound on rows X (T, D) when only the layers above h1 change, in two ways, nats (claim I5).

    First the difference of the two bounds, second KL(q̄ ‖ old prior) − KL(q̄ ‖ new prior). They agree. Raises
    ValueError where the first layers differ, for then the second is not what the bound gains.
    """
    before, after = with_hidden(old), with_hidden(new)
    X = examples(before, X)
    for name in (field.name for field in fields(before.layers[0])):
        if not np.array_equal(getattr(before.layers[0], name), getattr(after.layers[0], name, ())):
            raise ValueError(f"the first layers differ in {name}: bound_gain compares priors over one and the same h1")
    with spending("bound_gain", costs.of(costs.bound_gain, before, after, X), max_seconds, max_bytes):
        change = _number(np.mean(bound(after, X)) - np.mean(bound(before, X)))
        return change, _number(prior_divergence(before, X) - prior_divergence(after, X))


def _number(value: Any) -> Any:
    """A float; in other arithmetics an array of the one number."""
    array = np.asarray(value)
    return float(array) if array.dtype.kind == "f" else array
