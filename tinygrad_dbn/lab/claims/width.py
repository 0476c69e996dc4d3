"""Test error against the width of the hidden layers (claim C6)."""

from typing import Any

import numpy as np

from ...learning import AutoencoderModule, RBMModule, error_rate, fine_tune, fit, pretrain, sgd
from ...models import FeedForward
from ...models.autoencoder import as_width
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import curves

KINDS, WIDTHS = ("random", "autoencoder", "RBM"), (25, 50, 100, 200, 400, 800)
CONDITIONS = tuple(f"{kind} {width}" for width in WIDTHS for kind in KINDS)


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent of a net of two hidden layers of one width, the model chosen by the validation digits."""
    kind, width = condition.split()
    digits, n = mnist(seed), int(width)
    settings: dict[str, Any] = {"optimiser": sgd(0.1), "batch": 20, "epochs": 2 if quick else 30, "seed": seed}
    if quick:
        n = min(n, 30)
    if kind == "random":
        net = FeedForward.init((784, n, n, 10), np.random.default_rng([seed, 0]))
        fitted = fit(as_width(net, np.float32), digits.train, digits.valid, **settings)
    else:
        Module: Any = RBMModule if kind == "RBM" else AutoencoderModule
        module = Module(epochs=1 if quick else 10, optimiser=sgd(0.05), batch=20)
        stack = pretrain((n, n), module, digits.train.X, seed)
        fitted = fine_tune(stack, digits.train, digits.valid, classes=10, **settings)
    return {
        "test": 100 * error_rate(fitted.model, digits.test.X, digits.test.y),
        "train": 100 * fitted.best.train_error,
    }


def _draw(results: Results, dark: bool) -> bytes:
    lines = {kind: [(float(width), f"{kind} {width}") for width in WIDTHS] for kind in KINDS}
    return curves(results, lines, "test", ("width of both hidden layers", "test error, %"), dark)


EXPERIMENT = Experiment(
    claim="C6",
    title="How wide the hidden layers should be",
    method=(
        "Nets 784-n-n-10 on 3 000 digits of MNIST, 30 epochs of gradient descent at rate 0.1, the model chosen by 500 "
        "others and tested on 1 500. Pre-training: 10 epochs a layer at rate 0.05, one setting for every width; a "
        "paper would search rates for each."
    ),
    conditions=CONDITIONS,
    seeds=2,
    measure=measure,
    columns={"test": "test error, %", "train": "train error, %"},
    comparisons=(
        Comparison("test", "RBM 800", "RBM 25", says="with RBMs, 800 units err less than 25"),
        Comparison("test", "autoencoder 800", "autoencoder 25", says="with autoencoders, 800 units err less than 25"),
    ),
    draw=_draw,
)
