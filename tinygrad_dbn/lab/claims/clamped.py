"""A DBN of digits in action: samples of each class, and the class of digits (claim G4; Hinton, Osindero & Teh 2006)."""

from functools import cache
from typing import Any

import numpy as np

from ...extras import needing
from ...learning import RBMModule, momentum, sgd, up_down
from ...models import DBN, class_logits
from ...models.autoencoder import as_width
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import samples

CONDITIONS = ("greedy, clamped", "up-down, clamped", "up-down, free running")
EACH = 20  # samples of each class
K = 5  # rounds of Gibbs sampling in the top, for a step


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Per cent: samples that a classifier takes for the class asked for, and test digits whose class the DBN misses."""
    with needing("an SVM", "sklearn"):
        from sklearn.svm import SVC

    (X, y), test = _digits(seed, quick), mnist(seed).test
    stage, way = condition.split(", ")
    dbn = as_width(_greedy(seed, quick) if stage == "greedy" else _fine_tuned(seed, quick), np.float64)
    judge = SVC(C=10, gamma=0.02).fit(X, y)
    rng = np.random.default_rng([seed, 2])
    wanted = np.repeat(np.arange(10), EACH)
    clamp = np.full((len(wanted), dbn.top.W.shape[1]), np.nan)
    if way == "clamped":
        clamp[:, -10:] = np.eye(10)[wanted]
    drawn = np.asarray(dbn.sample(len(wanted), rng, steps=20 if quick else 1000, mean=True, clamp=clamp))
    taken = judge.predict(drawn)
    guessed = np.asarray(class_logits(dbn, test.X.astype(np.float64), 10)).argmax(axis=1)
    missed = guessed != test.y
    return {
        "agree": 100 * float((taken == wanted).mean()),
        "classes": len(set(taken.tolist())),
        "error": 100 * float(missed.mean()),
        "agree of each class": [100 * float((taken == wanted)[wanted == y].mean()) for y in range(10)],
        "error of each class": [100 * float(missed[test.y == y].mean()) for y in range(10)],
        "samples": np.round(drawn[:: EACH // 10].astype(float), 3).tolist() if seed == 0 else [],
    }


def _digits(seed: int, quick: bool) -> tuple[Any, Any]:
    train = mnist(seed).train
    return (train.X[:300], train.y[:300]) if quick else (train.X, train.y)


@cache
def _greedy(seed: int, quick: bool) -> DBN:
    """784-300-(300 + 10)-600: the top RBM sees the label beside the second hidden layer."""
    X, y = _digits(seed, quick)
    width, epochs = (30, 1) if quick else (300, 30)
    first, second, top = (
        RBMModule(epochs=n, k=k, optimiser=momentum(0.05), batch=50)
        for n, k in ((epochs, 1), (epochs, 1), (2 * epochs, K))
    )
    lower: Any = first.train(X, width, 10 * seed + 1)
    middle: Any = second.train(lower.encode(X), width, 10 * seed + 2)
    features = middle.encode(lower.encode(X))
    with_label = np.concatenate([features, np.eye(10, dtype=features.dtype)[y]], axis=1)
    highest: Any = top.train(with_label, 2 * width, 10 * seed + 3)
    return DBN.with_classes([layer.model for layer in (lower, middle, highest)], 10)


@cache
def _fine_tuned(seed: int, quick: bool) -> DBN:
    X, y = _digits(seed, quick)
    settings: dict[str, Any] = {"epochs": 1 if quick else 60, "seed": 10 * seed + 4, "k": K, "optimiser": sgd(0.05)}
    *_, last = up_down(_greedy(seed, quick), X, np.eye(10)[y], **settings)
    tuned: DBN = last.model
    return tuned


def _draw(results: Results, dark: bool) -> bytes:
    """Of seed 0: samples, and under each class how many per cent of its samples agree, of its digits are missed."""
    panels = []
    for condition in CONDITIONS:
        if (condition, 0) in results:
            found = results[condition, 0]
            each = zip(found["agree of each class"], found["error of each class"], strict=True)
            words = [f"{y}\n{a:.0f}\n{e:.0f}" for y, (a, e) in enumerate(each)]
            asked = condition.endswith("clamped")  # else no class was asked for, and the columns are any samples
            panels.append((condition, found["samples"], words if asked else [""] * 10))
    return samples(panels, (28, 28), "class\nsamples that agree, %\ndigits missed, %", dark)


EXPERIMENT = Experiment(
    claim="G4",
    title="A deep belief network in action",
    method=(
        "784-300-(300 + 10 label units)-600 on 3 000 digits of MNIST, trained greedily, CD-5 in the top; then by "
        "up-down with the labels, 60 epochs of rate 0.05. 1 000 rounds of Gibbs sampling in the top RBM with its label "
        "units held or free, then one pass down. An RBF support vector machine, trained on the same digits, says which "
        "class each of 200 samples looks like. The class of 1 500 test digits is that of the lowest free energy of the "
        "top, given recognised features. The paper: 784-500-(500 + 10)-2000, 60 000 digits, 300 epochs, 1.25 % missed."
    ),
    conditions=CONDITIONS,
    seeds=2,
    measure=measure,
    columns={
        "agree": "samples taken for the class asked for, %",
        "classes": "classes among the samples",
        "error": "test digits missed, %",
    },
    comparisons=(
        Comparison("agree", *CONDITIONS[1:], lower=False, says="holding the label decides what is sampled"),
        Comparison("agree", *CONDITIONS[1::-1], lower=False, says="up-down: samples agree more often"),
        Comparison("error", *CONDITIONS[1::-1], says="up-down: fewer digits are missed"),
    ),
    draw=_draw,
)
