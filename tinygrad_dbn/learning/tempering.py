"""Parallel tempering: persistent chains at many temperatures that exchange their states (Desjardins et al. 2010; claim
G0).

Chain m samples from the RBM with all parameters times β_m, from 0 (equal chances, which mix at once) to 1 (the model).
After each Gibbs round neighbours exchange their x with the probability that leaves both distributions as they are,
min(1, exp(F_a(x_a) + F_b(x_b) − F_a(x_b) − F_b(x_a))). So the chain at β = 1 reaches modes that it would not leave, or
find, by itself.
"""

from typing import Any

import numpy as np

from ..autodiff.differentiate import grad
from ..autodiff.trees import finite
from ..exact.annealing import tempered
from ..exact.data import need_linear
from ..models.validation import whole
from ..randomness import Random, generator
from .rules import check_rows

TEMPERATURES = 10  # of `greedy`'s rule "pt"


def parallel_tempering(rbm: Any, X: Any, rng: Random, particles: Any, k: int = 1) -> tuple[Any, Any]:
    """The second term of the likelihood's gradient from chains at the temperatures of `particles` (M, N, D).

    N chains at each of M temperatures, β rising evenly from 0 to 1, of which the last are the model's. Returned are the
    direction of ascent on rows X (T, D), and where the chains stand after k more rounds, to be handed in with the next
    batch. x are zeros and ones, or units of K values. Raises ValueError for others, for k below 1, and for X and
    particles that are not such finite numbers, of at least 2 temperatures.
    """
    rng = generator(rng)
    need_linear(rbm)
    whole("k", k, 1)
    check_rows(rbm, "X", X)
    particles = np.asarray(particles)
    if particles.ndim != 3 or len(particles) < 2 or not particles.shape[1] or particles.shape[2] != rbm.W.shape[1]:
        raise ValueError(
            f"particles of shape {particles.shape} for {rbm.W.shape[1]} visible units: give (M, N, D), N rows for each "
            "of at least 2 temperatures, for instance rows of the data"
        )
    if not finite(particles):
        raise ValueError("particles have NaN or inf: start them, for instance, at rows of the data")
    betas = np.linspace(0, 1, len(particles)).tolist()  # Python's floats keep the width of the parameters
    ladder = [tempered(rbm, np.zeros_like(rbm.b), beta) for beta in betas]
    for _ in range(k):
        particles = exchanged(ladder, [at.gibbs(x, rng) for at, x in zip(ladder, particles, strict=True)], rng)
    model = particles[-1]
    direction = grad(lambda m: m.free_energy(model).mean() - m.free_energy(X).mean())(rbm)
    return direction, particles


def exchanged(ladder: list[Any], particles: Any, rng: np.random.Generator) -> Any:
    """Chains (M, N, D) after each has been offered its neighbour's state, from the hottest pair to the coldest."""
    chains = np.array(particles)
    for m in range(len(ladder) - 1):
        hot, cold = ladder[m], ladder[m + 1]
        own = hot.free_energy(chains[m]) + cold.free_energy(chains[m + 1])
        others = hot.free_energy(chains[m + 1]) + cold.free_energy(chains[m])
        swap = np.log1p(-rng.random(len(own))) < own - others  # of 1 − u, which is not 0
        chains[[m, m + 1]] = np.where(swap[:, None], chains[[m + 1, m]], chains[[m, m + 1]])
    return chains
