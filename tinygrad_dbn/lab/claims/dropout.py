"""Dropout, and dropout after pre-training, on digits of MNIST (claims E3, E5)."""

from functools import partial
from typing import Any

import numpy as np

from ...learning import Dropout, RBMModule, error_rate, fine_tune, fit, momentum, pretrain, steps_per_epoch
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist
from .experiment import Comparison, Experiment, Figures
from .pictures import dots

RATES, BATCH = (0.05, 0.12, 0.3, 0.6), 50
CONDITIONS = ("plain", "dropout", "pre-trained", "pre-trained, dropout")


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent of the model that the validation digits chose."""
    digits = mnist(seed)
    width, epochs, before = (60, 3, 1) if quick else (200, 60, 15)
    together = epochs + 2 * before  # of pre-training and fine-tuning: what nets from random weights have too
    drop = Dropout(0.5, inverted=True) if "dropout" in condition else None
    settings: dict[str, Any] = {"batch": BATCH, "seed": seed, "dropout": drop}
    if "pre-trained" in condition:
        module = RBMModule(epochs=before, optimiser=momentum(0.02), batch=BATCH)
        stack = pretrain((width, width), module, digits.train.X, seed)
        train = partial(fine_tune, stack, digits.train, digits.valid, classes=10, epochs=epochs, **settings)
    else:
        net = as_width(FeedForward.init((784, width, width, 10), np.random.default_rng([seed, 0])), np.float32)
        train = partial(fit, net, digits.train, digits.valid, epochs=together, **settings)
    rate, fitted = best_of(
        RATES, lambda rate: train(optimiser=momentum(rate)), lambda fitted: fitted.best.valid_nll, quick
    )
    return {
        "test": 100 * error_rate(fitted.model, digits.test.X, digits.test.y),
        "train": 100 * fitted.best.train_error,
        "rate": rate,
        "epochs": fitted.best_epoch,
        "steps": together * steps_per_epoch(len(digits.train), BATCH),
    }


EXPERIMENT = Experiment(
    claim="E5",
    title="Dropout, with and without pre-training",
    method=(
        "Nets 784-200-200-10 of sigmoids on 3 000 digits of MNIST, momentum; the rate (of "
        f"{listed(RATES)}) and epoch of lowest NLL on 500 validation digits are tested on 1 500. Hidden units are "
        "dropped with chance ½. Pre-trained: 60 epochs from two RBMs, CD-1, of 15 epochs each; from random weights 90, "
        "which is as many gradient steps. Each seed deals the 5 000 digits anew."
    ),
    conditions=CONDITIONS,
    seeds=6,
    measure=measure,
    columns={
        "test": "test error, %",
        "train": "train error, %",
        "rate": "rate chosen",
        "epochs": "epoch chosen",
        "steps": "gradient steps",
    },
    comparisons=(
        Comparison("test", "dropout", "plain", says="dropout errs less than none"),
        Comparison("test", "pre-trained", "plain", says="at equal cost, pre-training errs less than none"),
        Comparison(
            "test", "pre-trained, dropout", "pre-trained", says="after pre-training, dropout errs less than none"
        ),
    ),
    draw=lambda results, dark: dots(results, CONDITIONS, "test", "test error, %", dark),
)
