"""Support vector machines, on pixels or on the features of a stack that gives no weights to start a network from."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ...extras import needing
from ...learning import Convolution, KernelPCAModule, Stack, SubspaceModule, pretrain
from .tasks import Result, Settings, Space, System, Task, log_uniform

SPREAD = 50.0
"""The mean square of features' distance from their mean, to which they are scaled: nearly that of digits' pixels."""
SUBSPACE, WINDOW, STRIDE = 2, (14, 14), (7, 7)

Encoder = Callable[[Any], Any]


def _draw_svm(rng: np.random.Generator, space: Space) -> Settings:
    return {"C": log_uniform(rng, 0.5, 500), "gamma": log_uniform(rng, 0.002, 0.2)}


def _run_svm(settings: Settings, task: Task) -> Result:
    return _on_features(settings, task, lambda X: X)


SVM = System(_draw_svm, _run_svm, tries=5)


def _on_features(settings: Settings, task: Task, encode: Encoder) -> Result:
    """scikit-learn's SVC with an RBF kernel.

    For the test it learns from the validation part too, as the papers' did; not where only some labels are given, for
    then it would learn from more labels than that.
    """
    with needing("an SVM", "sklearn"):
        from sklearn.svm import SVC

    def machine(X: Any, y: Any) -> Any:
        return SVC(C=settings["C"], gamma=settings["gamma"], cache_size=500).fit(X, y)

    (X, y), valid, test = task.examples, task.problem.valid, task.problem.test
    X, valid_X = encode(X), encode(valid.X)
    learned = machine(X, y)
    valid_error, nll = (
        1 - float(learned.score(valid_X, valid.y)),
        scaled_nll(learned.decision_function(valid_X), valid.y),
    )
    if not task.test:
        return Result(valid_error, nll, 0, None)
    if task.labelled == len(task.problem.train):
        learned = machine(np.concatenate([X, valid_X]), np.concatenate([y, valid.y]))
    return Result(valid_error, nll, 0, 1 - float(learned.score(encode(test.X), test.y)))


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


# ---- Features of stacks without weights ------------------------------------------------------------------------------


def _draw_kernel(rng: np.random.Generator, space: Space) -> Settings:
    return {
        "degree": int(rng.integers(0, 3)),
        "features": int(rng.choice((50, 100, 200))),
        "examples": 3000 if space.full else 1000,
        **_draw_svm(rng, space),
    }


def kernel_machine(levels: int) -> System:
    """Layers of kernel PCA, between which the labels choose the components to keep (Cho & Saul 2009)."""

    def run(settings: Settings, task: Task) -> Result:
        X, (_, y) = task.problem.train.X, task.examples
        degree: Any = int(settings["degree"])
        module = KernelPCAModule(degree, y, examples=min(int(settings["examples"]), len(X)))
        stack = pretrain((int(settings["features"]),) * levels, module, X, task.seed)
        return _on_features(settings, task, scaled(stack.encode, X))

    return System(_draw_kernel, run)


def _draw_subspaces(rng: np.random.Generator, space: Space) -> Settings:
    return {"features": int(rng.choice((15, 30, 45))), "steps": 100 if space.full else 40, **_draw_svm(rng, space)}


def subspaces(levels: int) -> System:
    """Subspaces of windows of 14 × 14 pixels, and those of all windows' features upon them (Le et al. 2011).

    As in the paper the machine sees the features of both levels. The second has twice as many features as a window.
    """

    def run(settings: Settings, task: Task) -> Result:
        X, features, steps = task.problem.train.X, int(settings["features"]), int(settings["steps"])
        module = SubspaceModule(SUBSPACE, steps)
        lower = Convolution(module, task.problem.shape, WINDOW, STRIDE)
        stack = pretrain((features, 2 * features)[:levels], (lower, module)[:levels], X, task.seed)
        return _on_features(settings, task, scaled(lambda X: _all_levels(stack, X), X))

    return System(_draw_subspaces, run)


def _all_levels(stack: Stack, X: Any) -> Any:
    return np.concatenate(stack.levels(X), axis=1)


def scaled(encode: Encoder, X: Any) -> Encoder:
    """The features about their mean over X, times a number that makes their mean square length `SPREAD`."""
    h = encode(X)
    mean = h.mean(axis=0)
    scale = np.sqrt(SPREAD / np.square(h - mean).sum(axis=1).mean())
    return lambda X: (encode(X) - mean) * scale
