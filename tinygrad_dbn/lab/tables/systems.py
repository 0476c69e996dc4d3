"""The tables' columns: what is trained, and how its settings are drawn.

A system draws settings from a generator, learns from the training part with them, and says how many examples of the
other parts it gets wrong. Settings are plain numbers, so that a trial can be written down and run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ...datasets import Labelled
from ...learning import (
    AutoencoderModule,
    RBMModule,
    Stack,
    error_rate,
    fine_tune,
    fit,
    masking,
    momentum,
    pretrain,
    steps_per_epoch,
)  # fmt: skip
from ...models import FeedForward
from ...models.autoencoder import as_width

Settings = dict[str, float]
NOISE = {"basic": 0.1, "rot": 0.1, "bg-rand": 0.4, "bg-img": 0.25, "rot-bg-img": 0.25, "rect": 0.1, "rect-img": 0.25,
         "convex": 0.1}  # fmt: skip
"""ν of the denoising autoencoders: the papers' choice for each problem."""


@dataclass(frozen=True)
class Result:
    """What came out of a training. Errors are shares of misclassified examples."""

    valid_error: float
    valid_nll: float
    """Mean −log of the probability given to the class, nats: what settings are chosen by."""
    steps: int
    """Gradient steps taken, those of pre-training and of fine-tuning together; 0 for a support vector machine."""
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
    learned = machine(X, y)
    valid_error, nll = (
        1 - float(learned.score(valid.X, valid.y)),
        scaled_nll(learned.decision_function(valid.X), valid.y),
    )
    if not task.test:
        return Result(valid_error, nll, 0, None)
    X, y = np.concatenate([X, valid.X]), np.concatenate([y, valid.y])
    return Result(valid_error, nll, 0, 1 - float(machine(X, y).score(test.X, test.y)))


def scaled_nll(decisions: Any, y: Any) -> float:
    """The mean −log softmax(s · decisions)_y, nats, at the scale s > 0 where it is lowest.

    A machine gives no probabilities; on a few hundred examples its errors tie, and this does not. decisions: (T,) of
    two classes, or (T, classes).
    """
    from scipy.optimize import minimize_scalar

    logits = np.stack([-decisions / 2, decisions / 2], axis=1) if np.ndim(decisions) == 1 else np.asarray(decisions)
    logits = logits.astype(float)

    def nll(log_scale: float) -> float:
        a = np.exp(log_scale) * logits
        return float((logsumexp(a, axis=1) - a[np.arange(len(y)), y]).mean())

    return float(minimize_scalar(nll, bounds=(-7, 7), method="bounded").fun)


# ---- Networks --------------------------------------------------------------------------------------------------------

BATCH = 50


@dataclass(frozen=True)
class Length:
    """How long something goes on: so many passes over the examples, and no fewer than so many gradient steps."""

    epochs: int
    steps: int = 0

    def over(self, examples: int) -> int:
        """In epochs of so many examples."""
        return max(self.epochs, -(-self.steps // steps_per_epoch(examples, BATCH)))


# Of fine-tuning: at most; without a better model; and in any case, for deep nets of sigmoids stand on a plateau first.
MOST, PATIENCE, LEAST = Length(100, 6000), Length(20, 1000), Length(60, 3000)


PRETRAINING_RATES = {"RBM": (0.005, 0.05), "autoencoder": (0.001, 0.01), "denoising": (0.001, 0.01)}
"""Lowest and highest: an autoencoder's loss is a sum over all inputs, with gradients that much longer than CD's."""


def _draw_net(kind: str, rng: np.random.Generator, full: bool) -> Settings:
    """Settings of a network: width of every hidden layer, rates, and how long each layer is pre-trained."""
    return {
        "hidden": int(rng.choice((500, 1000, 2000) if full else (150, 300))),
        "pretraining_rate": _log_uniform(rng, *PRETRAINING_RATES.get(kind, (1.0, 1.0))),
        "pretraining_steps": int(rng.choice((3000, 6000, 12_000) if full else (1000, 2000))),
        "rate": _log_uniform(rng, 0.01, 0.1),
    }


def _module(kind: str, epochs: int, rate: float, name: str) -> Any:
    step = momentum(rate)
    if kind == "RBM":
        return RBMModule(epochs=epochs, optimiser=step, batch=BATCH)
    noise = masking(NOISE[name]) if kind == "denoising" else None
    return AutoencoderModule(epochs=epochs, optimiser=step, batch=BATCH, corruption=noise)


def _network(kind: str, depth: int) -> System:
    """At equal cost: a net from random weights has the steps that others spend on pre-training on top (claim C5)."""

    def run(settings: Settings, task: Task) -> Result:
        sizes, problem, seed = (int(settings["hidden"]),) * depth, task.problem, task.seed
        epochs = Length(1, int(settings["pretraining_steps"])).over(len(problem.train))
        before = depth * epochs * steps_per_epoch(len(problem.train), BATCH)
        more = -(-before // steps_per_epoch(task.labelled, BATCH)) if kind == "net" else 0
        tuning: dict[str, Any] = {
            "optimiser": momentum(settings["rate"]), "batch": BATCH, "seed": seed,
            "epochs": MOST.over(task.labelled) + more, "least": LEAST.over(task.labelled) + more,
            "patience": PATIENCE.over(task.labelled),
        }  # fmt: skip
        if kind == "net":
            layers = problem.train.X.shape[1], *sizes, problem.classes
            net = as_width(FeedForward.init(layers, np.random.default_rng([seed, 0])), np.float32)
            fitted = fit(net, task.examples, problem.valid, **tuning)
        else:
            module = _module(kind, epochs, settings["pretraining_rate"], task.name)
            stack: Stack = pretrain(sizes, module, problem.train.X, seed)
            fitted = fine_tune(stack, task.examples, problem.valid, classes=problem.classes, **tuning)
        steps = fitted.descent.epoch * steps_per_epoch(task.labelled, BATCH) + (0 if kind == "net" else before)
        test_error = error_rate(fitted.model, problem.test.X, problem.test.y) if task.test else None
        return Result(fitted.best.valid_error, fitted.best.valid_nll, steps, test_error)

    return System(partial(_draw_net, kind), run)


SYSTEMS: dict[str, System] = {
    "SVM": System(_draw_svm, _run_svm),
    "SAA-3": _network("autoencoder", 3),
    "DBN-3": _network("RBM", 3),
    "SdA-3": _network("denoising", 3),
    **{f"{kind}-{depth}": _network(kind, depth) for kind in ("net", "autoencoder", "RBM") for depth in range(1, 5)},
}
