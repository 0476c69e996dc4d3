"""The Fisher information of an RBM: how sharply its distribution depends on each parameter."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import RBM
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .data import of_kind
from .marginals import log_marginal
from .states import some_states
from .sums.sizes import BATCH

Array = NDArray[np.float64]


def fisher_information(
    rbm: RBM, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> NDArray[np.float64]:
    """E[s sᵀ] for the score s = ∂ log p(x) / ∂θ, x drawn from the model: (P, P), nats per unit of parameter squared.

    Parameters in the order of the model's leaves: W row by row, then b, then c; P = HD + D + H. The score is E[φ | x] −
    E[φ] with φ = (h xᵀ, x, h), so the matrix is the covariance of E[φ | x] (claim G0; Amari, Kurata & Nagaoka 1992). It
    is also minus the expected Hessian of log p. Time 2^D · P², memory P² and 2^D numbers.
    """
    of_kind(rbm, "RBM")
    with spending("fisher_information", costs.of(costs.fisher_information, rbm), max_seconds, max_bytes):
        p = np.exp(log_marginal(rbm, 0))
        mean = sum(weights @ phi for weights, phi in _expected_statistics(rbm, p))
        total: Any = 0.0
        for weights, phi in _expected_statistics(rbm, p):
            score = phi - mean
            total = total + (weights[:, None] * score).T @ score
        return np.asarray(total)


def _expected_statistics(rbm: RBM, p: Array) -> Iterator[tuple[Array, Array]]:
    """p(x) and E[φ | x] of all states x, BATCH at a time: (S,) and (S, P)."""
    for first in range(0, len(p), BATCH):
        x = some_states(first, min(first + BATCH, len(p)), rbm.W.shape[1])
        means = np.asarray(rbm.hidden_given_visible(x))
        products = (means[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        yield p[first : first + BATCH], np.concatenate([products, x, means], axis=1)
