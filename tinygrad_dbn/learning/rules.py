"""Three rules for an RBM of any visible units. Each takes the model and a batch, and gives a direction of ascent shaped
like the model.

The gradient of the mean log-likelihood is E[−∂E/∂θ | x] − E[−∂E/∂θ] (claim G0). The rules differ in the second term.
"""

from typing import Any

import numpy as np

from .. import exact
from ..autodiff.differentiate import grad
from ..autodiff.trees import finite
from ..models import AnyRBM
from ..models.validation import whole
from ..randomness import Random, generator


def maximum_likelihood(rbm: AnyRBM, X: Any, rng: np.random.Generator | None = None) -> Any:
    """The exact gradient of the mean log-likelihood of X (T, D): the second term by enumeration of all states.

    Time grows as 2^min(D, H), or 2^H where x is not of zeros and ones; memory does not, but for such x. `rng` is not
    used; it is there so that rules can be exchanged.
    """
    return exact.gradient(rbm, X)


def contrastive_divergence(rbm: AnyRBM, X: Any, rng: Random, k: int = 1) -> Any:
    """CD-k (Hinton 2002): the second term from the states x_k that k rounds of Gibbs sampling make of X (T, D).

    Computed as the gradient of mean F(x_k) − F(x) with x_k held fixed. It is not the gradient of the likelihood.
    Raises ValueError for k below 1, and for an X that is not at least one row of finite numbers.
    """
    rng, k = generator(rng), whole("k", k, 1)
    check_rows(rbm, "X", X)
    x_k = rbm.gibbs(X, rng, k)
    return grad(lambda m: (m.free_energy(x_k) - m.free_energy(X)).mean())(rbm)


def persistent_contrastive_divergence(rbm: AnyRBM, X: Any, rng: Random, particles: Any, k: int = 1) -> tuple[Any, Any]:
    """PCD (Tieleman 2008): the second term from chains that are never set back to the data.

    particles (N, D): where the chains stand. Returned are the direction and where they stand after k more rounds of
    Gibbs sampling, to be handed in with the next batch. N need not be the number of rows of X (T, D).
    Raises ValueError for k below 1, and for X and particles that are not at least one row of D finite numbers.
    """
    rng, k = generator(rng), whole("k", k, 1)
    check_rows(rbm, "X", X)
    check_rows(rbm, "particles", particles)
    particles = rbm.gibbs(particles, rng, k)
    return grad(lambda m: m.free_energy(particles).mean() - m.free_energy(X).mean())(rbm), particles


def check_rows(rbm: AnyRBM, name: str, given: Any) -> None:
    """Raise ValueError unless it is at least one row of D finite numbers.

    Whether they are what units can be is more work: `greedy` looks at that once, not at each step.
    """
    shape, width = np.shape(given), rbm.W.shape[1]
    if len(shape) != 2 or not shape[0] or shape[1] != width:
        raise ValueError(f"{name} of shape {shape} for {width} visible units: give at least one row of them")
    if not finite(given):
        raise ValueError(f"{name} has NaN or inf: leave such rows out, or fill them in")
