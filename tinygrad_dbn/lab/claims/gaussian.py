"""RBMs and DBNs of real x, judged by exact likelihoods beside normal densities (claims G0, I5).

Theis, Gerwinn, Sinz & Bethge (2011) judge such models of patches of photographs, by estimates, and find simpler ones
above them. With ten hidden units the sums are exact.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ... import exact
from ...autodiff.kernels.blas import one_thread
from ...datasets.photographs import patches
from ...learning import greedy, linear
from ...models import DBN, GaussianRBM
from .choosing import best_of, listed
from .digits import small_digits
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import dots_and_filters

Parts = tuple[Any, Any, Any]
"""X to train on, to choose the rate by and to test on, (T, D) each."""

HIDDEN, SIDE, RATES = 10, 6, (0.003, 0.01, 0.03)
SYSTEMS = ("independent normals", "RBM, variances 1", "RBM", "RBM, ML", "DBN", "normal")


def _digits(seed: int, quick: bool) -> Parts:
    """8 × 8 digits, whose 17 grey levels become real by a uniform number each; about the mean, over the deviation."""
    (X, _), (test, _) = small_digits(seed)
    rng = np.random.default_rng([seed, 1])
    levels = np.concatenate([X, test])[: 400 if quick else None] * 16.0
    real = (levels + rng.random(levels.shape)) / 17
    train, valid, test = np.split(real, (len(real) * np.array([10, 12]) // 18))
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (valid - mean) / deviation, (test - mean) / deviation


def _patches(seed: int, quick: bool, white: bool) -> Parts:
    """Patches of 6 × 6 pixels, those to test on of another part of the photographs than the others.

    About the mean, over the deviation of the pixel; or white: all their covariances are taken away.
    """
    rng = np.random.default_rng([seed, 2])
    counts = (300, 100, 100) if quick else (2000, 500, 1000)
    parts = ((0.0, 0.75), (0.0, 0.75), (0.75, 1.0))
    drawn = [patches(n, SIDE, rng, part).reshape(n, -1).astype(float) for n, part in zip(counts, parts, strict=True)]
    mean = drawn[0].mean(axis=0)
    variances, U = np.linalg.eigh(np.cov(drawn[0].T))
    scale = U / np.sqrt(variances) @ U.T if white else np.diag(1 / drawn[0].std(axis=0))
    train, valid, test = ((X - mean) @ scale for X in drawn)
    return train, valid, test


DATA: dict[str, Callable[[int, bool], Parts]] = {
    "digits": _digits,
    "patches": partial(_patches, white=False),
    "white patches": partial(_patches, white=True),
}
CONDITIONS = tuple(f"{data}: {system}" for data in DATA for system in SYSTEMS)


@one_thread()
def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Mean log p of an example, nats, exact; and what the first hidden units add to x where they are on."""
    name, system = condition.split(": ")
    train, valid, test = DATA[name](seed, quick)
    if "normal" in system:
        value = _normal(train, independent=system != "normal")
        return {"train": value(train), "test": value(test), "rate": "none", "variance": "none", "filters": []}
    layers = 2 if system == "DBN" else 1

    def trained(rate: float) -> Any:
        start = GaussianRBM.for_data(train, HIDDEN, np.random.default_rng([seed, 0]), learns_variance="1" not in system)
        epochs = 2 if quick else 30
        with np.errstate(over="ignore", invalid="ignore"):  # of a rate at which it diverges, and says so
            *_, last = greedy(
                train, (train.shape[1], *[HIDDEN] * layers), seed=seed, epochs=epochs, rate=rate, batch=50,
                rule="ml" if "ML" in system else "cd", lowest=start, schedule=linear(epochs),
            )  # fmt: skip
        return last.model if layers == 2 else last.rbms[0]

    def nats(model: Any, X: Any) -> float:
        return float(exact.log_likelihood(model, X).mean())

    rate, model = best_of(RATES, trained, lambda model: -nats(model, valid), quick)
    lowest: Any = model.lowest if isinstance(model, DBN) else model
    return {
        "train": nats(model, train),
        "test": nats(model, test),
        "rate": rate,
        "variance": f"{np.exp(lowest.log_variance).mean():.2f}",
        "filters": np.round(lowest.W, 4).tolist() if seed == 0 and system == "RBM" else [],
    }


def _normal(X: Any, independent: bool) -> Callable[[Any], float]:
    """The mean log-density, nats, of a normal density with the mean and the covariances, or variances alone, of X."""
    mean, covariance = X.mean(axis=0), np.cov(X.T, bias=True)
    if independent:
        covariance = np.diag(np.diag(covariance))
    _, log_volume = np.linalg.slogdet(2 * np.pi * covariance)

    def nats(x: Any) -> float:
        far = ((x - mean) @ np.linalg.inv(covariance) * (x - mean)).sum(axis=1)
        return float(-(log_volume + far).mean() / 2)

    return nats


def _draw(results: Results, dark: bool) -> bytes:
    panels = []
    for name in DATA:
        W = np.array(results[f"{name}: RBM", 0]["filters"])
        panels.append((name, W.reshape(2, HIDDEN // 2, *[int(W.shape[1] ** 0.5)] * 2)))
    groups = [(name, [f"{name}: {system}" for system in SYSTEMS]) for name in DATA]
    return dots_and_filters(results, groups, "test", "log p of other examples, nats", panels, dark)


EXPERIMENT = Experiment(
    claim="G0, I5",
    title="RBMs of real x, beside normal densities",
    method=(
        f"GaussianRBMs of {HIDDEN} hidden units. Digits: scikit-learn's 8 × 8, their grey levels made real by uniform "
        "numbers, 998 to train on, 200 to choose the rate by, 599 to test. Patches: 6 × 6 pixels of the left three "
        "quarters of scikit-learn's two photographs, 2 000 to train on and 500 to choose by, and 1 000 of the right "
        "quarter to test. Each pixel is about its mean, over its deviation; white patches have no covariances left "
        "that a normal density could tell. CD-1, or exact maximum likelihood (ML), 30 epochs at a rate that falls to "
        f"zero (from the one of {listed(RATES)}, whose training ends highest on the examples to choose by). Variances "
        "are learned, or 1 all the time. DBN: an RBM of 10 units upon the RBM by CD-1. Normal: a normal density with "
        "the mean and all covariances of the examples trained on; independent normals: with their variances alone. "
        "All likelihoods are exact, sums over the hidden states."
    ),
    conditions=CONDITIONS,
    seeds=3,
    measure=measure,
    columns={"train": "train, nats", "test": "test, nats", "rate": "rate chosen", "variance": "mean variance of x | h"},
    comparisons=tuple(
        Comparison("test", f"{name}: {better}", f"{name}: {worse}", lower=False, says=f"{name}: {better} above {worse}")
        for name in DATA
        for better, worse in (
            ("RBM", "independent normals"), ("RBM", "RBM, variances 1"), ("RBM, ML", "RBM"), ("DBN", "RBM"),
            ("normal", "DBN"),
        )
    ),
    draw=_draw,
)  # fmt: skip
