"""The gradient's length in every layer, beside what it cannot exceed; and what keeps the error up (claims B3, B4)."""

from typing import Any

import numpy as np

from ...learning import RBMModule, error_rate, fine_tune, fit, layer_gradients, momentum, pretrain, reading
from ...models import FeedForward
from ...models.autoencoder import as_width
from .digits import small_digits
from .experiment import Comparison, Experiment, Figures
from .pictures import layers

DEPTH = 5
CONDITIONS = ("random", "pre-trained")


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """|∇_{a^(k)}| before training and its bound, each layer; then the errors after training, in per cent."""
    train, test = small_digits(seed)
    sizes, epochs = (60,) * DEPTH, 2 if quick else 60
    settings: dict[str, Any] = {"optimiser": momentum(0.05), "batch": 20, "epochs": epochs, "seed": seed}
    if condition == "random":
        net = as_width(FeedForward.init((64, *sizes, 10), np.random.default_rng([seed, 0])), np.float32)
        gradients = layer_gradients(net, train)
        fitted = fit(net, train, **settings)
    else:
        stack = pretrain(
            sizes, RBMModule(epochs=1 if quick else 30, optimiser=momentum(0.05), batch=20), train[0], seed
        )
        gradients = layer_gradients(stack.network(10, seed), train)
        fitted = fine_tune(stack, train, classes=10, **settings)
    train_error, test_error = fitted.history[-1].train_error, error_rate(fitted.model, *test)
    return {
        "lengths": [g.mean for g in gradients],
        "bounds": [g.bound for g in gradients],
        "share": 100 * gradients[0].mean / gradients[-1].mean,
        "train": 100 * train_error,
        "test": 100 * test_error,
        "verdict": reading(train_error, test_error, len(test[1])).verdict,
    }


EXPERIMENT = Experiment(
    claim="B3, B4",
    title="Vanishing gradients, and which error they leave",
    method=(
        "Nets of five hidden layers of 60 sigmoids on scikit-learn's digits, 1 200 to train and 597 to test. The "
        "length of the gradient in each layer's pre-activation before training, the mean over the training digits; "
        "dashed, the output layer's times Π |W| · ¼ down to there, which it cannot exceed. Then 60 epochs of "
        "momentum, rate 0.05. Pre-trained: from RBMs, CD-1, 30 epochs each."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={
        "share": "first layer's gradient, % of the last",
        "train": "train error, %",
        "test": "test error, %",
        "verdict": "what dominates",
    },
    comparisons=(
        Comparison("train", "pre-trained", "random", says="pre-training lowers the training error"),
        Comparison("test", "pre-trained", "random", says="and the test error"),
        Comparison("share", "pre-trained", "random", lower=False, says="more of the gradient reaches the first layer"),
    ),
    draw=lambda results, dark: layers(results, CONDITIONS, dark),
)
