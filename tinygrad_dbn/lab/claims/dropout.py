"""Dropout, and dropout after pre-training, on digits of MNIST (claims E3, E5)."""

from typing import Any

import numpy as np

from ...learning import Dropout, RBMModule, error_rate, fine_tune, fit, momentum, pretrain, sgd
from ...models import FeedForward
from ...models.autoencoder import as_width
from .digits import mnist
from .experiment import Comparison, Experiment, Figures
from .pictures import dots

CONDITIONS = ("plain", "dropout", "pre-trained", "pre-trained, dropout")


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent of the model that the validation digits chose."""
    digits = mnist(seed)
    width, epochs = (60, 3) if quick else (400, 60)
    settings: dict[str, Any] = {
        "optimiser": momentum(0.05), "batch": 50, "epochs": epochs,
        "dropout": Dropout(0.5, inverted=True) if "dropout" in condition else None,
    }  # fmt: skip
    if "pre-trained" in condition:
        module = RBMModule(epochs=1 if quick else 15, optimiser=sgd(0.05), batch=20)
        stack = pretrain((width, width), module, digits.train.X, seed)
        fitted = fine_tune(stack, digits.train, digits.valid, classes=10, seed=seed, **settings)
    else:
        net = FeedForward.init((784, width, width, 10), np.random.default_rng([seed, 0]))
        fitted = fit(as_width(net, np.float32), digits.train, digits.valid, seed=seed, **settings)
    return {
        "test": 100 * error_rate(fitted.model, digits.test.X, digits.test.y),
        "train": 100 * fitted.best.train_error,
        "epochs": fitted.best_epoch,
    }


EXPERIMENT = Experiment(
    claim="E5",
    title="Dropout, with and without pre-training",
    method=(
        "Nets 784-400-400-10 of sigmoids on 3 000 digits of MNIST, trained for 60 epochs of momentum, rate 0.05; the "
        "model with the fewest of 500 validation digits wrong is tested on 1 500. Hidden units are dropped with "
        "probability ½. Pre-trained: two RBMs, CD-1, 15 epochs each. Each seed deals the 5 000 digits anew."
    ),
    conditions=CONDITIONS,
    seeds=6,
    measure=measure,
    columns={"test": "test error, %", "train": "train error, %", "epochs": "epoch chosen"},
    comparisons=(
        Comparison("test", "dropout", "plain", says="dropout errs less than none"),
        Comparison("test", "pre-trained", "plain", says="pre-training errs less than none"),
        Comparison(
            "test", "pre-trained, dropout", "pre-trained", says="after pre-training, dropout errs less than none"
        ),
    ),
    draw=lambda results, dark: dots(results, CONDITIONS, "test", "test error, %", dark),
)
