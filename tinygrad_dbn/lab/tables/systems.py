"""The tables' columns: what is trained, and how its settings are drawn.

A system draws settings from a generator, learns from the training part with them, and says how many examples of the
other parts it gets wrong. Settings are plain numbers, so that a trial can be written down and run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Labelled
from ...learning import AutoencoderModule, RBMModule, Stack, error_rate, fine_tune, fit, masking, pretrain, sgd
from ...models import FeedForward
from ...models.autoencoder import as_width

Settings = dict[str, float]
NOISE = {"basic": 0.1, "rot": 0.1, "bg-rand": 0.4, "bg-img": 0.25, "rot-bg-img": 0.25, "rect": 0.1, "rect-img": 0.25,
         "convex": 0.1}  # fmt: skip
"""ν of the denoising autoencoders: the papers' choice for each problem."""


@dataclass(frozen=True)
class Result:
    """Shares of misclassified examples."""

    valid_error: float
    test_error: float | None


@dataclass(frozen=True)
class Task:
    """What a system is to learn, and whether its test part is to be looked at."""

    problem: Labelled
    name: str
    labelled: int
    """How many of the training examples, the first ones, may be learned from with their labels."""
    seed: int
    test: bool

    @property
    def examples(self) -> tuple[Any, Any]:
        """The training examples that have labels: X, y."""
        return self.problem.train.X[: self.labelled], self.problem.train.y[: self.labelled]


@dataclass(frozen=True)
class System:
    """A column. draw(rng, full) makes settings; run(settings, task) learns with them and counts errors."""

    draw: Callable[[np.random.Generator, bool], Settings]
    run: Callable[[Settings, Task], Result]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# ---- Support vector machines -----------------------------------------------------------------------------------------


def _draw_svm(rng: np.random.Generator, full: bool) -> Settings:
    return {"C": _log_uniform(rng, 0.5, 500), "gamma": _log_uniform(rng, 0.002, 0.2)}


def _run_svm(settings: Settings, task: Task) -> Result:
    """scikit-learn's SVC with an RBF kernel; for the test it learns from both other parts, as the papers' did."""
    from sklearn.svm import SVC

    def machine(X: Any, y: Any) -> Any:
        return SVC(C=settings["C"], gamma=settings["gamma"], cache_size=500).fit(X, y)

    (X, y), valid, test = task.examples, task.problem.valid, task.problem.test
    valid_error = 1 - float(machine(X, y).score(valid.X, valid.y))
    if not task.test:
        return Result(valid_error, None)
    X, y = np.concatenate([X, valid.X]), np.concatenate([y, valid.y])
    return Result(valid_error, 1 - float(machine(X, y).score(test.X, test.y)))


# ---- Networks --------------------------------------------------------------------------------------------------------


def _draw_net(rng: np.random.Generator, full: bool) -> Settings:
    """Settings of a network: width of every hidden layer, rates, and how long each layer is pre-trained."""
    return {
        "hidden": int(rng.choice((500, 1000, 2000) if full else (250, 500))),
        "pretraining_rate": _log_uniform(rng, 0.005, 0.1),
        "pretraining_epochs": int(rng.choice((15, 30, 60) if full else (10, 20))),
        "rate": _log_uniform(rng, 0.03, 0.3),
    }


def _module(kind: str, settings: Settings, name: str) -> Any:
    epochs, step = int(settings["pretraining_epochs"]), sgd(settings["pretraining_rate"])
    if kind == "RBM":
        return RBMModule(epochs=epochs, optimiser=step, batch=20)
    noise = masking(NOISE[name]) if kind == "denoising" else None
    return AutoencoderModule(epochs=epochs, optimiser=step, batch=20, corruption=noise)


def _network(kind: str, depth: int) -> System:
    def run(settings: Settings, task: Task) -> Result:
        sizes, problem, seed = (int(settings["hidden"]),) * depth, task.problem, task.seed
        tuning: dict[str, Any] = {"optimiser": sgd(settings["rate"]), "batch": 20, "epochs": 200, "patience": 15}
        if kind == "net":
            net = FeedForward.init(
                (problem.train.X.shape[1], *sizes, problem.classes), np.random.default_rng([seed, 0])
            )
            fitted = fit(as_width(net, np.float32), task.examples, problem.valid, seed=seed, **tuning)
        else:
            stack: Stack = pretrain(sizes, _module(kind, settings, task.name), problem.train.X, seed)
            fitted = fine_tune(stack, task.examples, problem.valid, classes=problem.classes, seed=seed, **tuning)
        test_error = error_rate(fitted.model, problem.test.X, problem.test.y) if task.test else None
        return Result(fitted.best.valid_error, test_error)

    return System(_draw_net, run)


SYSTEMS: dict[str, System] = {
    "SVM": System(_draw_svm, _run_svm),
    "SAA-3": _network("autoencoder", 3),
    "DBN-3": _network("RBM", 3),
    "SdA-3": _network("denoising", 3),
    **{f"{kind}-{depth}": _network(kind, depth) for kind in ("net", "autoencoder", "RBM") for depth in range(1, 5)},
}
