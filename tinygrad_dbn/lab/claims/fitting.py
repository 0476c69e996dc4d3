"""Underfitting and overfitting: which a better optimiser cures, and which a better regulariser (claim B4)."""

from typing import Any

import numpy as np

from ...learning import Dropout, adam, error_rate, fit, sgd
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import small_digits
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import pairs

UNDER, OVER = "deep net, few steps", "wide net, wrong labels"
CURES = ("SGD", "Adam", "SGD, validated rate", "SGD, dropout")
CONDITIONS = tuple(f"{case}: {cure}" for case in (UNDER, OVER) for cure in CURES)
SGD_RATES, ADAM_RATES = (0.1, 0.3, 1.0), (0.001, 0.003, 0.01)
HELD_OUT = 200  # of the training digits, to choose the rate by


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Errors in per cent after a training."""
    case, cure = condition.split(": ")
    (X, y), test = small_digits(seed)
    hidden, count, epochs = ((60,) * 7, 1000, 10) if case == UNDER else ((300,), 400, 200)
    held_out = X[-HELD_OUT:], y[-HELD_OUT:]
    X, y = X[:count], y[:count] if case == UNDER else mislabelled(y[:count], seed)
    net = as_width(FeedForward.init((64, *hidden, 10), np.random.default_rng([seed, 0])), np.float32)
    rates, optimiser = (ADAM_RATES, adam) if cure == "Adam" else (SGD_RATES, sgd)
    settings: dict[str, Any] = {
        "epochs": 2 if quick else epochs, "batch": 20, "seed": seed,
        "dropout": Dropout(0.5, inverted=True) if "dropout" in cure else None,
        "weight_decay": 0.003 if "dropout" in cure else 0.0,
    }  # fmt: skip
    by = (X, y) if cure in ("SGD", "Adam") else held_out
    rate, fitted = best_of(
        rates,
        lambda rate: fit(net, (X, y), optimiser=optimiser(rate), **settings),
        lambda fitted: float(fitted.model.nll(*by).mean()),
        quick,
    )
    test_error = error_rate(fitted.model, *test)
    return {"train": 100 * fitted.best.train_error, "test": 100 * test_error, "rate": rate}


def _draw(results: Results, dark: bool) -> bytes:
    groups = [(case, [f"{case}: {cure}" for cure in CURES]) for case in (UNDER, OVER)]
    return pairs(results, groups, ("train", "test"), "error, %", dark)


def mislabelled(y: Any, seed: int) -> Any:
    """The classes y (T,) of digits, a fifth of them wrong: each as likely to be any other."""
    rng, y = np.random.default_rng([seed, 1]), y.copy()
    wrong = rng.permutation(len(y))[: len(y) // 5]
    y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return y


def _cured(figure: str, case: str, cure: str, says: str) -> Comparison:
    return Comparison(figure, f"{case}: {cure}", f"{case}: SGD", says=says)


EXPERIMENT = Experiment(
    claim="B4",
    title="A better optimiser, or a better regulariser",
    method=(
        "Sigmoid nets on scikit-learn's digits, 597 others to test, from the same random weights under each cure. To "
        "underfit: seven hidden layers of 60 units, 1 000 digits, 10 epochs of SGD. To overfit: 64-300-10, 400 digits, "
        "of which a fifth have wrong labels, 200 epochs of SGD; the train error counts the wrong labels as they are. "
        "The better optimiser is Adam, for as many steps. SGD and Adam each have the rate at which they end lowest in "
        "what they minimise, the NLL of the digits trained on. Regularisers have the rate at which they end lowest on "
        "200 other digits, whose labels are right: SGD itself, for a rate at which not all is learned is one, and SGD "
        "with dropout of ½ of the hidden units and weight decay 0.003. "
        f"Rates of SGD: {listed(SGD_RATES)}; of Adam: from {ADAM_RATES[0]:g} on."
    ),
    conditions=CONDITIONS,
    seeds=6,
    measure=measure,
    columns={"train": "train error, %", "test": "test error, %", "rate": "rate chosen"},
    comparisons=(
        _cured("train", UNDER, "Adam", "underfitting: the optimiser lowers the train error"),
        _cured("test", UNDER, "Adam", "underfitting: the optimiser lowers the test error"),
        _cured("test", UNDER, "SGD, dropout", "underfitting: the regulariser lowers the test error"),
        _cured("test", OVER, "Adam", "overfitting: the optimiser lowers the test error"),
        _cured("test", OVER, "SGD, validated rate", "overfitting: a rate chosen on other digits lowers the test error"),
        _cured("test", OVER, "SGD, dropout", "overfitting: the regulariser lowers the test error"),
        Comparison(
            "test",
            f"{OVER}: SGD, dropout",
            f"{OVER}: SGD, validated rate",
            says="overfitting: the regulariser lowers it by more than a rate chosen on other digits",
        ),
    ),
    draw=_draw,
)
