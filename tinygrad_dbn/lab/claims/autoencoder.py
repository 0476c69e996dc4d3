"""The deep autoencoder: where it starts, how it steps, and what PCA can do with as many numbers (claims F2 to F5)."""

from functools import cache
from typing import Any

import numpy as np

from ...learning import (
    RBMModule,
    descend,
    hessian_free,
    momentum,
    pretrain,
    reconstruction_loss,
    sgd,
    steps_per_epoch,
)  # fmt: skip
from ...models import Autoencoder
from ...models.autoencoder import as_width
from .digits import small_digits
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import dots_and_codes

CONDITIONS = ("PCA", "random, SGD", "RBMs, SGD", "random, Hessian-free", "two numbers, PCA", "two numbers, RBMs, SGD")
HIDDEN, BATCH = (100, 50), 20


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """½|x − x̂|², the mean over digits, and with two numbers the codes of test digits."""
    (X, _), (test, classes) = small_digits(seed)
    code = 2 if "two" in condition else 6
    if "PCA" in condition:
        from sklearn.decomposition import PCA

        pca = PCA(code).fit(X)
        errors = {
            name: float(((pca.inverse_transform(pca.transform(part)) - part) ** 2).sum(axis=1).mean() / 2)
            for name, part in (("train", X), ("test", test))
        }
        codes, steps = pca.transform(test), 0
    else:
        model, steps = _trained(condition, (64, *HIDDEN, code), X, seed, quick)
        errors = {"train": float(model.squared_error(X).mean()), "test": float(model.squared_error(test).mean())}
        codes = np.asarray(model.encode(test))
    return {
        **errors,
        "steps": steps,
        **({"codes": np.round(codes, 4).tolist(), "classes": classes.tolist()} if code == 2 else {}),
    }


def _trained(condition: str, sizes: tuple[int, ...], X: Any, seed: int, quick: bool) -> tuple[Any, int]:
    """The autoencoder, and the gradient steps it took: as many from random weights as from RBMs and for them."""
    output, loss = reconstruction_loss()
    start = as_width(Autoencoder.init(sizes, np.random.default_rng([seed, 0]), tied=False, code="linear"), np.float32)
    if "RBMs" in condition:
        start = Autoencoder.unroll(_stack(sizes[1:-1], sizes[-1], seed, quick), code="linear")
    if "Hessian-free" in condition:
        *_, newton = hessian_free(start, output, loss, (X,), steps=2 if quick else 40)
        return newton.model, 2 if quick else 40
    epochs, before = _epochs(quick)
    together = epochs + (len(sizes) - 1) * before
    settings = {"epochs": epochs if "RBMs" in condition else together, "batch": BATCH, "seed": seed}
    *_, last = descend(start, (X,), lambda model, x: loss(output(model, x), x), momentum(0.02), **settings)  # type: ignore[arg-type]
    return last.model, together * steps_per_epoch(len(X), BATCH)


def _epochs(quick: bool) -> tuple[int, int]:
    """Of descent from RBMs, and of each RBM before."""
    return (2, 1) if quick else (60, 20)


@cache
def _stack(hidden: tuple[int, ...], code: int, seed: int, quick: bool) -> list[Any]:
    (X, _), _ = small_digits(seed)
    module = RBMModule(epochs=_epochs(quick)[1], optimiser=sgd(0.1), batch=BATCH)
    return [layer.model for layer in pretrain((*hidden, code), module, X, seed).layers]  # type: ignore[attr-defined]


def _draw(results: Results, dark: bool) -> bytes:
    return dots_and_codes(results, CONDITIONS[:4], "test", "½|x − x̂|² on test digits", CONDITIONS[4:], dark)


EXPERIMENT = Experiment(
    claim="F2, F3, F4, F5",
    title="Deep autoencoders of digits, and PCA",
    method=(
        "64-100-50-6 and back on scikit-learn's digits, 1 200 to train, 597 to test; the code is linear, the rest are "
        "sigmoids. SGD: momentum of rate 0.02, 60 epochs from three unrolled RBMs (CD-1, 20 epochs each), and 120 from "
        "random weights, which is as many gradient steps. Hessian-free: 40 steps on all examples from the same random "
        "weights (Martens 2010). PCA: six components. And the same with two numbers, to look at."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={"train": "train ½|x − x̂|²", "test": "test ½|x − x̂|²", "steps": "steps"},
    comparisons=(
        Comparison(
            "train", "RBMs, SGD", "random, SGD", says="F2: at equal cost, pre-training lowers the training error"
        ),
        Comparison("test", "RBMs, SGD", "PCA", says="F3: below PCA of the same code size"),
        Comparison("test", "two numbers, RBMs, SGD", "two numbers, PCA", says="F4: with two numbers too"),
        Comparison("train", "random, Hessian-free", "random, SGD", says="F5: Hessian-free below SGD, both from random"),
    ),
    draw=_draw,
)
