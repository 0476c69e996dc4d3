"""Two rules for an RBM. Each takes the model and a batch, and returns a direction of ascent shaped like the model.

The gradient of the mean log-likelihood is E[−∂E/∂θ | x] − E[−∂E/∂θ] (claim G0). The rules differ in the second term.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import exact
from ..autodiff.differentiate import grad
from ..models import RBM


def maximum_likelihood(rbm: RBM, X: Any, rng: np.random.Generator | None = None) -> RBM:
    """The exact gradient of the mean log-likelihood of X (T, D): the second term by enumeration of all states.

    Time grows as 2^min(D, H), memory does not. `rng` is not used; it is there so that rules can be exchanged.
    """
    return exact.gradient(rbm, X)  # type: ignore[no-any-return]


def contrastive_divergence(rbm: RBM, X: Any, rng: np.random.Generator, k: int = 1) -> RBM:
    """CD-k (Hinton 2002): the second term from the states x_k that k rounds of Gibbs sampling make of X (T, D).

    Computed as the gradient of mean F(x_k) − F(x) with x_k held fixed. It is not the gradient of the likelihood.
    Raises ValueError for k below 1.
    """
    if k < 1:
        raise ValueError(f"CD-{k}: k is at least 1, one round of Gibbs sampling")
    x_k = rbm.gibbs(X, rng, k)
    return grad(lambda m: (m.free_energy(x_k) - m.free_energy(X)).mean())(rbm)  # type: ignore[no-any-return]
