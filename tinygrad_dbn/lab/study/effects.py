"""What a study measures beside its courses: the bias of CD-k, annealed sampling against the truth, and claim I6."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from ... import datasets, exact
from ...autodiff.differentiate import grad
from ...autodiff.kernels.blas import one_thread
from ...exact.distributions import distinct
from ...learning import greedy, sgd
from ...models import DBN, RBM, DirectedLayer
from ..measurements import Interval, annealed_interval, bias_of_cd

STEPS = (1, 2, 5, 10, 25, 100, 1000)
VISIBLE, HIDDEN = 8, 6  # of the random RBMs


@dataclass(frozen=True)
class Bias:
    """How far the expected update of CD-k points away from the gradient, after an epoch of a training."""

    epoch: int
    log_likelihood: float
    angles: tuple[float, ...]
    """For each k of STEPS, in degrees."""


@one_thread()
def bias(epochs: tuple[int, ...] = (100, 200, 400), seed: int = 0) -> list[Bias]:
    """At three moments of an exact training on bars and stripes 3 × 3 (claim G0; Hinton 2002)."""
    X = datasets.bars_and_stripes(3).train
    found = []
    for at in greedy(X, (9, 8), seed=seed, epochs=max(epochs), rule="ml", rate=0.1, batch=14):
        if at.epoch in epochs:
            angles = tuple(each.angle for each in bias_of_cd(at.rbms[0], distinct(X), STEPS))
            found.append(Bias(at.epoch, float(exact.log_likelihood(at.rbms[0], X).mean()), angles))
    return found


@dataclass(frozen=True)
class Estimate:
    """An estimate of one RBM's log Z and its interval, beside the exact log Z: nats."""

    backwards: bool
    exact: float
    interval: Interval


@one_thread()
def estimates(
    models: int, seed: int = 0, temperatures: tuple[int, ...] = (10, 100), scale: float = 6.0
) -> list[Estimate]:
    """Of random RBMs with weights of standard deviation `scale`, annealed forwards and backwards."""
    rng = np.random.default_rng(seed)
    found = []
    for count in temperatures:
        for _ in range(models):
            W, b, c = (rng.normal(0, scale, shape) for shape in ((HIDDEN, VISIBLE), VISIBLE, HIDDEN))
            rbm = RBM(W, b, c)
            truth = float(exact.log_partition(rbm))
            for backwards in (False, True):
                found.append(Estimate(backwards, truth, annealed_interval(rbm, count, rng, truth, backwards=backwards)))
    return found


def by_setting(found: list[Estimate]) -> dict[tuple[int, bool], list[Estimate]]:
    """The estimates of each (number of temperatures, backwards): the fewest temperatures first, and forwards first."""
    settings = sorted({(e.interval.temperatures, e.backwards) for e in found})
    return {s: [e for e in found if (e.interval.temperatures, e.backwards) == s] for s in settings}


def coverage(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share of which `hits` of `n` were seen (Clopper & Pearson 1934)."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high


@dataclass(frozen=True)
class Fall:
    """A second layer trained by exact ascent on the bound: means over the data after each step, nats."""

    bound: tuple[float, ...]
    log_likelihood: tuple[float, ...]


@one_thread()
def bound_up_likelihood_down(steps: int = 60, rate: float = 0.5) -> Fall:
    """Claim I6, on bars and stripes 2 × 2: a fresh RBM upon one that CD-1 trained, its top climbing the exact bound."""
    X = datasets.bars_and_stripes(2).train
    *_, trained = greedy(X, (4, 4), seed=0, epochs=400, rule="cd", rate=0.1, batch=20)
    layers, top = (DirectedLayer.from_rbm(trained.rbms[0]),), RBM.init(4, 4, np.random.default_rng(0))
    gradient = grad(lambda top: exact.bound(DBN(layers, top), X).mean())
    step, audits = sgd(rate), []
    for i in range(steps + 1):
        if i:
            top, _ = step(top, (), gradient(top))
        audits.append(exact.audit(DBN(layers, top), X))
    return Fall(tuple(float(a.bound.mean()) for a in audits), tuple(float(a.log_likelihood.mean()) for a in audits))
