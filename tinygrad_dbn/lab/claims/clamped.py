"""Samples of a class: a DBN of digits whose label units are held (claim G4; Hinton, Osindero & Teh 2006)."""

from functools import cache
from typing import Any

import numpy as np

from ...datasets import Labelled
from ...extras import needing
from ...learning import RBMModule, momentum
from ...models import DBN
from ...models.autoencoder import as_width
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import samples

CONDITIONS = ("clamped to a class", "free running")
EACH = 20  # samples of each class


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """How many of 20 samples of each class a classifier that never saw the DBN takes for that class, in per cent."""
    with needing("an SVM", "sklearn"):
        from sklearn.svm import SVC

    digits = mnist(seed)
    dbn = _trained(seed, quick)
    judge = SVC(C=10, gamma=0.02).fit(digits.train.X, digits.train.y)
    rng = np.random.default_rng([seed, 2])
    wanted = np.repeat(np.arange(10), EACH)
    clamp = np.full((len(wanted), dbn.top.W.shape[1]), np.nan)
    if condition == CONDITIONS[0]:
        clamp[:, -10:] = np.eye(10)[wanted]
    drawn = np.asarray(dbn.sample(len(wanted), rng, steps=20 if quick else 1000, mean=True, clamp=clamp))
    taken = judge.predict(drawn)
    return {
        "agree": 100 * float((taken == wanted).mean()),
        "classes": len(set(taken.tolist())),
        "samples": np.round(drawn[:: EACH // 10].astype(float), 3).tolist() if seed == 0 else [],
    }


@cache
def _trained(seed: int, quick: bool) -> DBN:
    """784-300-(300 + 10)-600: the top RBM sees the label beside the second hidden layer."""
    digits: Labelled = mnist(seed)
    width, epochs = (30, 1) if quick else (300, 30)
    first, second, top = (
        RBMModule(epochs=n, k=k, optimiser=momentum(0.05), batch=50)
        for n, k in ((epochs, 1), (epochs, 1), (2 * epochs, 5))
    )
    lower: Any = first.train(digits.train.X, width, 10 * seed + 1)
    middle: Any = second.train(lower.encode(digits.train.X), width, 10 * seed + 2)
    features = middle.encode(lower.encode(digits.train.X))
    with_label = np.concatenate([features, np.eye(10, dtype=features.dtype)[digits.train.y]], axis=1)
    highest: Any = top.train(with_label, 2 * width, 10 * seed + 3)
    return DBN.with_classes([as_width(layer.model, np.float64) for layer in (lower, middle, highest)], 10)


def _draw(results: Results, dark: bool) -> bytes:
    return samples([(c, results[c, 0]["samples"]) for c in CONDITIONS if (c, 0) in results], (28, 28), dark)


EXPERIMENT = Experiment(
    claim="G4",
    title="A deep belief network in action",
    method=(
        "784-300-(300 + 10 label units)-600 on 3 000 digits of MNIST, trained greedily, CD-5 in the top. 1 000 rounds "
        "of Gibbs sampling in the top RBM with its label units held or free, then one pass down. An RBF support "
        "vector machine, trained on the same digits, says which class each of 200 samples looks like."
    ),
    conditions=CONDITIONS,
    seeds=2,
    measure=measure,
    columns={"agree": "samples taken for the class asked for, %", "classes": "classes among the samples"},
    comparisons=(Comparison("agree", *CONDITIONS, lower=False, says="holding the label decides what is sampled"),),
    draw=_draw,
)
