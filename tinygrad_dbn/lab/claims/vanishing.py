"""The gradient's length in every layer, beside what it cannot exceed; and what keeps the error up (claims B3, B4)."""

from functools import partial
from typing import Any

import numpy as np

from ...learning import (
    RBMModule,
    error_rate,
    fine_tune,
    fit,
    layer_gradients,
    momentum,
    pretrain,
    reading,
    steps_per_epoch,
)  # fmt: skip
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import small_digits
from .experiment import Comparison, Experiment, Figures
from .pictures import layers

DEPTH, BATCH = 5, 20
RATES = (0.05, 0.12, 0.3, 0.6)
CONDITIONS = ("random", "pre-trained")


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """|∇_{a^(k)}| before training and its bound, each layer; then the errors after training, in per cent."""
    train, test = small_digits(seed)
    sizes, (epochs, before) = (60,) * DEPTH, (2, 1) if quick else (60, 30)
    together = epochs + DEPTH * before  # of pre-training and fine-tuning: what nets from random weights have too
    settings: dict[str, Any] = {"batch": BATCH, "seed": seed}
    if condition == "random":
        net = as_width(FeedForward.init((64, *sizes, 10), np.random.default_rng([seed, 0])), np.float32)
        training = partial(fit, net, train, epochs=together, **settings)
    else:
        stack = pretrain(sizes, RBMModule(epochs=before, optimiser=momentum(0.05), batch=BATCH), train[0], seed)
        net = stack.network(10, seed)
        training = partial(fine_tune, stack, train, classes=10, epochs=epochs, **settings)
    gradients = layer_gradients(net, train)
    rate, fitted = best_of(
        RATES,
        lambda rate: training(optimiser=momentum(rate)),
        lambda fitted: float(fitted.model.nll(*train).mean()),
        quick,
    )
    train_error, test_error = fitted.history[-1].train_error, error_rate(fitted.model, *test)
    return {
        "lengths": [g.mean for g in gradients],
        "bounds": [g.bound for g in gradients],
        "share": 100 * gradients[0].mean / gradients[-1].mean,
        "train": 100 * train_error,
        "test": 100 * test_error,
        "rate": rate,
        "steps": together * steps_per_epoch(len(train[1]), BATCH),
        "verdict": reading(train_error, test_error, len(test[1])).verdict,
    }


EXPERIMENT = Experiment(
    claim="B3, B4",
    title="Vanishing gradients, and which error they leave",
    method=(
        "Nets of five hidden layers of 60 sigmoids on scikit-learn's digits, 1 200 to train and 597 to test. The "
        "length of the gradient in each layer's pre-activation before training, the mean over the training digits; "
        "dashed, the output layer's times Π |W| · ¼ down to there, which it cannot exceed. Then momentum: "
        "60 epochs from RBMs of 30 epochs a layer (CD-1), and 210 from random weights, which is as many gradient "
        f"steps; for each net the rate (of {listed(RATES)}) that ends at the lowest NLL on the digits "
        "trained on, for whether those are learned is the claim."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={
        "share": "first layer's gradient, % of the last",
        "train": "train error, %",
        "test": "test error, %",
        "rate": "rate chosen",
        "steps": "gradient steps",
        "verdict": "what dominates",
    },
    comparisons=(
        Comparison("train", "pre-trained", "random", says="at equal cost, pre-training lowers the training error"),
        Comparison("test", "pre-trained", "random", says="and the test error"),
        Comparison("share", "pre-trained", "random", lower=False, says="more of the gradient reaches the first layer"),
    ),
    draw=lambda results, dark: layers(results, CONDITIONS, dark),
)
