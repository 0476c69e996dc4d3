"""What a study measures beside its courses: the bias of CD-k, annealed sampling against the truth, and claim I6."""

from dataclasses import dataclass

import numpy as np

from ... import datasets, exact
from ...autodiff.differentiate import grad
from ...autodiff.kernels.blas import one_thread
from ...learning import greedy, sgd
from ...models import DBN, RBM, DirectedLayer

STEPS = (1, 2, 5, 10, 25, 100, 1000)


@dataclass(frozen=True)
class Bias:
    """How far the expected CD-k, and PCD with stationary chains, point away from the gradient: degrees."""

    epoch: int
    log_likelihood: float
    angles: tuple[float, ...]
    """For each k of STEPS."""
    persistent: float


@one_thread()
def bias(epochs: tuple[int, ...] = (100, 200, 400), seed: int = 0) -> list[Bias]:
    """At three moments of an exact training on bars and stripes 3 × 3 (claim G0; Hinton 2002)."""
    data = datasets.bars_and_stripes(3)
    found = []
    for at in greedy(data.train, (9, 8), seed=seed, epochs=max(epochs), rule="ml", rate=0.1, batch=14):
        if at.epoch in epochs:
            rbm = at.rbms[0]
            gradient = exact.gradient(rbm, data.train)
            angles = [exact.compare(exact.expected_cd(rbm, data.train, k), gradient).angle for k in STEPS]
            persistent = exact.compare(exact.expected_pcd(rbm, data.train), gradient).angle
            log_p = float(exact.log_likelihood(rbm, data.train).mean())
            found.append(Bias(at.epoch, log_p, tuple(angles), persistent))
    return found


@dataclass(frozen=True)
class Interval:
    """One 95 % interval of annealed importance sampling, less the exact log Z: nats."""

    temperatures: int
    backwards: bool
    low: float
    centre: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the truth is in it."""
        return self.low <= 0 <= self.high


@one_thread()
def intervals(
    models: int, seed: int = 0, temperatures: tuple[int, ...] = (10, 100), scale: float = 6.0
) -> list[Interval]:
    """Intervals for random RBMs of 8 visible and 6 hidden units, forwards and backwards, from 100 chains each."""
    rng = np.random.default_rng(seed)
    found = []
    for count in temperatures:
        betas = np.linspace(0, 1, count)
        for _ in range(models):
            rbm = RBM(rng.normal(0, scale, (6, 8)), rng.normal(0, scale, 8), rng.normal(0, scale, 6))
            truth = float(exact.log_partition(rbm))
            for backwards, estimate in enumerate((exact.annealed, exact.annealed_backwards)):
                one = estimate(rbm, 100, betas, rng)
                places = (one.low - truth, one.log_partition - truth, one.high - truth)
                found.append(Interval(count, bool(backwards), *map(float, places)))
    return found


def coverage(found: list[Interval], confidence: float = 0.95) -> tuple[int, int, float, float]:
    """How many of how many intervals hold the truth, and that share's own interval (Clopper & Pearson 1934)."""
    from scipy.special import betaincinv

    n, held = len(found), sum(one.holds for one in found)
    tail = (1 - confidence) / 2
    low = float(betaincinv(held, n - held + 1, tail)) if held else 0.0
    high = float(betaincinv(held + 1, n - held, 1 - tail)) if held < n else 1.0
    return held, n, low, high


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
