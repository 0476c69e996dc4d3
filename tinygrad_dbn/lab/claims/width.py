"""Test error against the width of the hidden layers (claim C6)."""

from functools import cache
from typing import Any

import numpy as np

from ...learning import (
    AutoencoderModule,
    RBMModule,
    Stack,
    error_rate,
    fine_tune,
    fit,
    momentum,
    pretrain,
    steps_per_epoch,
)  # fmt: skip
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import curves

KINDS, WIDTHS = ("random", "autoencoder", "RBM"), (25, 50, 100, 200, 400)
CONDITIONS = tuple(f"{kind} {width}" for width in WIDTHS for kind in KINDS)
RATES, BATCH = (0.05, 0.12, 0.3, 0.6), 50
PRETRAINING_RATES = {"RBM": 0.02, "autoencoder": 0.005}


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent of a net of two hidden layers of one width, its rate and model chosen by validation NLL."""
    kind, width = condition.split()
    n, digits = min(int(width), 30) if quick else int(width), mnist(seed)
    epochs, before = (2, 1) if quick else (20, 10)
    together = epochs + 2 * before  # of pre-training and fine-tuning: what nets from random weights have too

    def trained(rate: float) -> Any:
        settings: dict[str, Any] = {"optimiser": momentum(rate), "batch": BATCH, "seed": seed}
        if kind == "random":
            net = as_width(FeedForward.init((784, n, n, 10), np.random.default_rng([seed, 0])), np.float32)
            return fit(net, digits.train, digits.valid, epochs=together, **settings)
        stack = _stack(kind, n, seed, before)
        return fine_tune(stack, digits.train, digits.valid, classes=10, epochs=epochs, **settings)

    rate, fitted = best_of(RATES, trained, lambda fitted: fitted.best.valid_nll, quick)
    return {
        "test": 100 * error_rate(fitted.model, digits.test.X, digits.test.y),
        "train": 100 * fitted.best.train_error,
        "rate": rate,
        "steps": together * steps_per_epoch(len(digits.train), BATCH),
    }


@cache  # for all rates
def _stack(kind: str, n: int, seed: int, epochs: int) -> Stack:
    Module: Any = RBMModule if kind == "RBM" else AutoencoderModule
    module = Module(epochs=epochs, optimiser=momentum(PRETRAINING_RATES[kind]), batch=BATCH)
    return pretrain((n, n), module, mnist(seed).train.X, seed)


def _draw(results: Results, dark: bool) -> bytes:
    lines = {kind: [(float(width), f"{kind} {width}") for width in WIDTHS] for kind in KINDS}
    return curves(results, lines, "test", ("width of both hidden layers", "test error, %"), dark)


EXPERIMENT = Experiment(
    claim="C6",
    title="How wide the hidden layers should be",
    method=(
        "Nets 784-n-n-10 on 3 000 digits of MNIST, tested on 1 500 others. Momentum: 20 epochs after pre-training of "
        "10 a layer, and 40 from random weights, which is as many gradient steps. For every width, kind and seed the "
        f"rate of fine-tuning (of {listed(RATES)}) and the epoch are those of lowest NLL on 500 validation "
        "digits; pre-training has one rate for all widths, 0.02 for RBMs and 0.005 for autoencoders."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={"test": "test error, %", "train": "train error, %", "rate": "rate chosen", "steps": "gradient steps"},
    comparisons=(
        Comparison("test", "RBM 400", "RBM 25", says="with RBMs, 400 units err less than 25"),
        Comparison("test", "autoencoder 400", "autoencoder 25", says="with autoencoders, 400 units err less than 25"),
        Comparison(
            "test", "RBM 400", "random 400", says="at 400 units, as many steps, RBMs err less than random weights"
        ),
        Comparison("test", "random 25", "RBM 25", says="at 25 units, as many steps, random weights err less than RBMs"),
    ),
    draw=_draw,
)
