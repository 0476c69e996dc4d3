"""The gradient's length in every layer, beside what it cannot exceed; and what keeps the error up (claims B3, B4)."""

import numpy as np

from ...learning import (
    Fit,
    RBMModule,
    error_rate,
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
SIZES = (60,) * DEPTH
RATES = (0.05, 0.12, 0.3, 0.6)
RBM_RATES = (0.02, 0.05)
EPOCHS, BEFORE = 60, 30
CONDITIONS = ("random", "random, equal cost", "pre-trained")


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """|∇_{a^(k)}| before training and its bound, each layer; then the errors after training, in per cent."""
    train, test = small_digits(seed)
    epochs, before = (2, 1) if quick else (EPOCHS, BEFORE)

    def loss(fitted: Fit) -> float:
        return float(fitted.model.nll(*train).mean())

    def tuned(net: FeedForward, epochs: int) -> tuple[str, Fit]:
        train_at = lambda rate: fit(net, train, epochs=epochs, batch=BATCH, seed=seed, optimiser=momentum(rate))
        return best_of(RATES, train_at, loss, quick)

    def pre_trained(rate: float) -> tuple[FeedForward, tuple[str, Fit]]:
        stack = pretrain(SIZES, RBMModule(epochs=before, optimiser=momentum(rate), batch=BATCH), train[0], seed)
        net = stack.network(10, seed)
        return net, tuned(net, epochs)

    if condition == "pre-trained":
        rbm_rate, (net, (rate, fitted)) = best_of(RBM_RATES, pre_trained, lambda found: loss(found[1][1]), quick)
        rate, steps = f"{rbm_rate}; {rate}", epochs + DEPTH * before
    else:
        # A CD-1 epoch of every RBM has as many products with weights as two epochs of the net.
        steps = epochs + (2 if condition == "random, equal cost" else DEPTH) * before
        net = as_width(FeedForward.init((64, *SIZES, 10), np.random.default_rng([seed, 0])), np.float32)
        rate, fitted = tuned(net, steps)
    gradients = layer_gradients(net, train)
    train_error, test_error = fitted.history[-1].train_error, error_rate(fitted.model, *test)
    return {
        "lengths": [g.mean for g in gradients],
        "bounds": [g.bound for g in gradients],
        "share": 100 * gradients[0].mean / gradients[-1].mean,
        "train": 100 * train_error,
        "test": 100 * test_error,
        "rate": rate,
        "steps": steps * steps_per_epoch(len(train[1]), BATCH),
        "verdict": reading(train_error, test_error, len(test[1])).verdict,
    }


EXPERIMENT = Experiment(
    claim="B3, B4",
    title="Vanishing gradients, and which error they leave",
    method=(
        "Nets of five hidden layers of 60 sigmoids on scikit-learn's digits, 1 200 to train and 597 to test. The "
        "length of the gradient in each layer's pre-activation before training, the mean over the training digits; "
        "dashed, the output layer's times Π |W| · ¼ down to there, which it cannot exceed. Then momentum: "
        f"{EPOCHS} epochs from RBMs of {BEFORE} epochs a layer (CD-1); and from random weights "
        f"{EPOCHS + DEPTH * BEFORE}, which is as many gradient steps, or {EPOCHS + 2 * BEFORE}, equal cost, which is "
        "as many products with weights, since a step on one RBM has fewer. For each net the rate (of "
        f"{listed(RATES)}), and for RBMs theirs (of {listed(RBM_RATES)}), at which it ends at the lowest NLL on the "
        "digits trained on, for whether those are learned is the claim."
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
        *(
            Comparison(figure, "pre-trained", random, says=f"{cost}, pre-training lowers the {figure} error")
            for random, cost in (("random", "by as many steps"), ("random, equal cost", "at equal cost"))
            for figure in ("train", "test")
        ),
        Comparison("share", "pre-trained", "random", lower=False, says="more of the gradient reaches the first layer"),
    ),
    draw=lambda results, dark: layers(results, ("random", "pre-trained"), dark),
)
