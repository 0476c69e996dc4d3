"""An embedding of unlabelled pairs beside few labels (claim C2; Weston, Ratle & Collobert 2008)."""

from typing import Any

import numpy as np

from ...learning import Embedding, error_rate, fit, momentum, steps_per_epoch
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import curves

PLACES: dict[str, dict[str, Any]] = {
    "output": {"margin": 3.0},
    "hidden": {"layer": 1, "margin": 3.0},
    "auxiliary": {"layer": 1, "auxiliary": 50},
}
KINDS, LABELS = ("alone", *PLACES), (100, 300, 1000)
CONDITIONS = tuple(f"{kind} {labels}" for labels in LABELS for kind in KINDS)
RATES, WEIGHTS, RATE, BATCH = (0.02, 0.05, 0.12), (0.01, 0.1, 1.0), 0.05, 50


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent of the best of several trainings by validation NLL, on 1 500 digits that none of them saw."""
    kind, labels = condition.split()
    digits, count = mnist(seed), int(labels)
    width, steps = (20, 20) if quick else (200, 3000)
    everything = digits.train.X[:300] if quick else digits.train.X
    labelled = digits.train.X[:count], digits.train.y[:count]

    def trained(rate: float, embedding: Embedding | None = None) -> Any:
        net = FeedForward.init((784, width, width, 10), np.random.default_rng([seed, 0]))
        epochs = -(-steps // steps_per_epoch(count, BATCH))
        return fit(
            as_width(net, np.float32), labelled, digits.valid, optimiser=momentum(rate), epochs=epochs, batch=BATCH,
            seed=seed, embedding=embedding,
        )  # fmt: skip

    def embedded(weight: float) -> Any:
        return trained(RATE, Embedding(everything, weight, **PLACES[kind]))

    nll, rate, weight = (lambda fitted: fitted.best.valid_nll), f"{RATE:g}", "none"
    if kind == "alone":
        rate, fitted = best_of(RATES, trained, nll, quick)
    else:
        weight, fitted = best_of(WEIGHTS, embedded, nll, quick)
    return {
        "test": 100 * error_rate(fitted.model, digits.test.X, digits.test.y),
        "rate": rate,
        "weight": weight,
        "steps": fitted.descent.epoch * steps_per_epoch(count, BATCH),
    }


def _draw(results: Results, dark: bool) -> bytes:
    lines = {kind: [(float(labels), f"{kind} {labels}") for labels in LABELS] for kind in KINDS}
    return curves(results, lines, "test", ("training digits with a label", "test error, %"), dark)


EXPERIMENT = Experiment(
    claim="C2",
    title="Few labels, and an embedding of all digits",
    method=(
        "Nets 784-200-200-10 on 100, 300 and 1 000 digits of MNIST with labels, 3 000 gradient steps of momentum, the "
        "model of lowest NLL on 500 validation digits, tested on 1 500. Alone at the rate of lowest validation "
        f"NLL of {listed(RATES)}; with the embedding at 0.05, of pairs of all 3 000 training digits, half of them "
        f"among the ten nearest, and the best λ of {listed(WEIGHTS)}: about as many trainings. A step with pairs "
        "costs three times one without. Margin 3 at the output and at the first hidden layer, 1 at an auxiliary layer "
        "of 50 units upon that."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={"test": "test error, %", "rate": "rate chosen", "weight": "λ chosen", "steps": "gradient steps"},
    comparisons=tuple(
        Comparison("test", f"{place} {labels}", f"alone {labels}", says=f"{labels} labels: embedding at {at}, lower")
        for labels in LABELS
        for place, at in zip(PLACES, ("the output", "a hidden layer", "an auxiliary layer"), strict=True)
    ),
    draw=_draw,
)
