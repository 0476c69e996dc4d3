"""The bound over all hidden layers at once, and its gap split by layer.

Recognition is a chain too: q(h1, …, h(L−1) | x) = q(h1 | x) q(h2 | h1) … Its bound is

    log p(x)  ≥  E_q [ log p(x, h1, …, h(L−1)) − log q(h1, …, h(L−1) | x) ].

The model's own posterior is a chain in the same order, p(h1 | x) p(h2 | h1) …, for given h_k nothing above it depends
on what is below. So the chain rule of the KL divergence splits the gap exactly (claims H4, I5):

    log p(x) − bound  =  Σ_k  E_q(h_(k−1) | x) [ KL( q(h_k | h_(k−1)) ‖ p(h_k | h_(k−1)) ) ],      h_0 = x.

The top layer hL adds nothing: given h(L−1) its posterior is the RBM's, which is known. For L = 2 this is `audit`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...autodiff.operators import Value
from ...models import DBN, RBM, DirectedLayer
from ...showing import Shown, are_numbers, count
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, Place, spending
from ..data import as_float64, examples, have_compiled_sums
from ..distributions import log_bernoulli_table, with_hidden
from ..likelihood import log_likelihood
from ..marginals import log_marginal
from ..states import states
from ..sums import float64, posteriors, recognition
from .bound import layer_bound


@dataclass(frozen=True, eq=False)
class LayeredAudit(Shown):
    """The parts of log p(x) = bound + Σ_k KL_k, nats, and the residual: 0 but for rounding."""

    log_likelihood: NDArray[np.float64]
    """(T,)"""
    bound: NDArray[np.float64]
    """(T,)"""
    kl: NDArray[np.float64]
    """(T, L−1): what is lost at h1, h2, … h(L−1)."""
    residual: NDArray[np.float64]
    """log p − bound − Σ kl, (T,)."""

    def _summary(self) -> str:
        if not are_numbers(self.bound):
            return super()._summary()
        lost = " + ".join(f"{kl:.4f}" for kl in self.kl.mean(axis=0))
        parts = f"log p {self.log_likelihood.mean():.4f} = bound {self.bound.mean():.4f} + KL {lost}"
        return f"{count(len(self.bound), 'example')}, in the mean {parts} nats"


def deep_bound(model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """The recognition chain's bound for rows X (T, D): (T,), nats. At most `bound`, and equal to it for L = 2.

    Its gradient in the generative parameters is what the wake phase follows, and in the recognition parameters what the
    sleep phase is taken for (claim I7). Time as `audit_layers`.
    """
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("deep_bound", costs.of(costs.deep_bound, dbn, X), max_seconds, max_bytes):
        value = log_marginal(dbn, len(dbn.layers))
        for layer, below in reversed(_steps(dbn, X)):
            value = layer_bound(layer, below, value)
        return value


def audit_layers(
    model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> LayeredAudit:
    """log p(x), the recognition chain's bound, the gap of each layer, and the residual, for rows X (T, D).

    log p is a sum over states from the top down, the bound an expectation from the top down, each KL a comparison with
    the layer's exact posterior, averaged over the recognition chain from x up: three computations, one identity. Time Σ
    2^(n_k + n_(k+1)) over inner layers, plus T · 2^n1: by matrix products for arrays of floats, by tables of that size
    for Tensors and objects.
    """
    dbn = with_hidden(model)
    X = examples(dbn, X)
    with spending("audit_layers", costs.of(costs.audit_layers, dbn, X), max_seconds, max_bytes):
        log_p, lower = log_likelihood(dbn, X), deep_bound(dbn, X)
        kls = _lost_by_products(*as_float64((dbn, X))) if have_compiled_sums(dbn, X) else _lost(dbn, X)
        return LayeredAudit(log_p, lower, kls, log_p - lower - kls.sum(axis=1))


def _lost(dbn: DBN, X: Any) -> Any:
    """What is lost at each layer, by its definition: (T, L−1), nats."""
    reached: Any = None  # q(h_(k−1) | x), (T, 2^n_(k−1)); for k = 1 it is x itself
    lost = []
    for k, (layer, below) in enumerate(_steps(dbn, X), start=1):
        q, kl = lost_at(layer, below, log_marginal(dbn, k))
        lost.append(kl if reached is None else ops.matmul(reached, kl))
        reached = q if reached is None else ops.matmul(reached, q)
    return ops.stack(lost, axis=1)


def lost_at(layer: DirectedLayer, X: Value, prior: Value) -> tuple[Value, Value]:
    """A layer's q(h | x), (T, 2^H), and KL(q(h | x) ‖ p(h | x)), (T,) nats, for rows X (T, D), from log p(h) (2^H,)."""
    log_q = log_bernoulli_table(layer.recognition_logits(X))
    joint = layer.log_conditional(X, states(layer.W.shape[0])) + prior
    q = ops.exp(log_q)
    return q, ops.sum(ops.chain(q, log_q - ops.log_softmax(joint, axis=-1)), axis=-1)


def _lost_by_products(dbn: DBN, X: Any) -> Any:
    """The same as `_lost`: each layer's KL for every state below it, led down to the examples by the layers' q."""
    prior, error = float64.log_marginal(dbn, len(dbn.layers), Place())
    found: list[Any] = []
    for layer, below in reversed(_steps(dbn, X)):
        q = recognition.independent(layer, below)
        mixture = posteriors.mixture(layer, below, prior, error)
        found = [recognition.divergence(mixture, q), *(q.expectation(kl) for kl in found)]
        prior, error = mixture.value, float(mixture.error.max())
    return np.stack(found, axis=1)


def _steps(dbn: DBN, X: Any) -> list[tuple[DirectedLayer, Any]]:
    """Each directed layer, and what it looks down on: the examples, then every state of h1, of h2, …"""
    return [(layer, states(layer.W.shape[1]) if k else X) for k, layer in enumerate(dbn.layers)]
