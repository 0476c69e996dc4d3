"""The Fisher information of an RBM: how sharply its distribution depends on each parameter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..models import RBM
from .marginals import log_marginal
from .states import states
from .tables import check_table


def fisher_information(rbm: RBM) -> NDArray[np.float64]:
    """E[s sᵀ] for the score s = ∂ log p(x) / ∂θ, x drawn from the model: (P, P), nats per unit of parameter squared.

    Parameters in the order of the model's leaves: W row by row, then b, then c; P = HD + D + H. The score is
    E[φ | x] − E[φ] with φ = (h xᵀ, x, h), so the matrix is the covariance of E[φ | x] (claim G0; Amari, Kurata &
    Nagaoka 1992). It is also minus the expected Hessian of log p. Time 2^D · P², memory 2^D · P.
    Raises `TooLarge` beyond a table's budget.
    """
    hidden, visible = rbm.W.shape
    check_table("fisher_information", visible, hidden * visible + hidden + visible)
    x, p = states(visible), np.exp(log_marginal(rbm, 0))
    means = rbm.hidden_given_visible(x)
    phi = np.concatenate([(means[:, :, None] * x[:, None, :]).reshape(len(x), -1), x, means], axis=1)
    score = phi - p @ phi
    return np.asarray((p[:, None] * score).T @ score)
