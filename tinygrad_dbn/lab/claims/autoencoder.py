"""The deep autoencoder: where it starts, how it steps, and what PCA can do with as many numbers (claims F2 to F5)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...autodiff import ops
from ...extras import needing
from ...learning import (
    GaussianCodeModule,
    RBMModule,
    descend,
    hessian_free,
    momentum,
    pretrain,
    reconstruction_loss,
    sgd,
    steps_per_epoch,
)
from ...models import Autoencoder
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist, small_digits
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import dots_codes_and_digits


@dataclass(frozen=True)
class Digits:
    """Digits, the sizes of an autoencoder of them from x to the code, and how it is trained."""

    parts: Callable[[int], tuple[tuple[Any, Any], tuple[Any, Any]]]
    """(X, y) to train on and to test on, by a seed."""
    sizes: tuple[int, ...]
    batch: int
    rates: tuple[float, ...]
    """Of the descent's momentum: the one whose training ends at the lowest training error is taken."""
    epochs: int = 60
    """Of descent from RBMs."""
    before: int = 20
    """Of each RBM."""
    newton: int = 40
    """Steps of Hessian-free optimisation."""
    most: int | None = None
    """How many examples are taken of each part."""


def large_digits(seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """MNIST's 28 × 28 digits: 3 000 to train, 1 500 to test."""
    digits = mnist(seed)
    return (digits.train.X, digits.train.y), (digits.test.X, digits.test.y)


SMALL = Digits(small_digits, (64, 100, 50, 6), batch=20, rates=(0.006, 0.02, 0.06, 0.15))
DIGITS = {
    "8×8": SMALL,
    "two numbers": replace(SMALL, sizes=(64, 100, 50, 2)),
    "28×28": Digits(large_digits, (784, 1000, 500, 250, 30), batch=50, rates=(0.002, 0.006, 0.02, 0.06)),
}
CONDITIONS = (
    "8×8: PCA", "8×8: random, SGD", "8×8: random, SGD, equal cost", "8×8: RBMs, SGD", "8×8: random, Hessian-free",
    "two numbers: PCA", "two numbers: RBMs, SGD",
    "28×28: PCA", "28×28: random, SGD", "28×28: random, SGD, equal cost", "28×28: RBMs, SGD",
)  # fmt: skip


def digits_of(name: str, quick: bool) -> Digits:
    """Of a condition's first words; for a quick run smaller."""
    digits = DIGITS[name]
    if not quick:
        return digits
    sizes = tuple(min(n, limit) for n, limit in zip(digits.sizes, (784, 100, 50, 25, 10), strict=False))
    return replace(digits, sizes=sizes, epochs=2, before=1, newton=2, most=500)


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """½|x − x̂|², the mean over digits; the codes of test digits, if of two numbers; of 28×28 a digit of each class."""
    name, system = condition.split(": ")
    digits = digits_of(name, quick)
    (X, _), (test, classes) = ((X[: digits.most], y[: digits.most]) for X, y in digits.parts(seed))
    encode, decode, found = _by_pca(digits, X) if system == "PCA" else _trained(name, system, X, seed, quick)
    errors = {
        part: float(np.mean(np.sum((decode(encode(x)) - x) ** 2, axis=1)) / 2)
        for part, x in (("train", X), ("test", test))
    }
    found |= errors
    if name == "two numbers":
        found |= {"codes": np.round(encode(test), 4).tolist(), "classes": classes.tolist()}
    if name == "28×28":
        first = test[[int(np.argmax(classes == digit)) for digit in range(10)]]
        found |= {"digits": _rounded(first), "reconstructions": _rounded(decode(encode(first)))}
    return found


def _rounded(pictures: Any) -> list[list[float]]:
    return [[round(float(p), 3) for p in picture] for picture in pictures]


Coder = tuple[Callable[[Any], Any], Callable[[Any], Any], Figures]
"""What encodes, what decodes, and how it was trained."""


def _by_pca(digits: Digits, X: Any) -> Coder:
    with needing("PCA", "sklearn"):
        from sklearn.decomposition import PCA

    pca = PCA(digits.sizes[-1]).fit(X)
    return pca.transform, pca.inverse_transform, {"steps": 0, "rate": "none"}


def _trained(name: str, system: str, X: Any, seed: int, quick: bool) -> Coder:
    """The autoencoder: from random weights by as many steps, or products with weights, as from RBMs and for them.

    A CD-1 epoch of every RBM has as many products as one of the autoencoder, and as many steps as one for each RBM.
    """
    digits, (output, loss) = digits_of(name, quick), reconstruction_loss()
    if "RBMs" in system:
        start = Autoencoder.unroll(_stack(name, seed, quick))
    else:
        random = Autoencoder.init(digits.sizes, np.random.default_rng([seed, 0]), tied=False, code="linear")
        start = as_width(random, np.float32)
    steps = digits.epochs + (1 if "equal cost" in system else len(digits.sizes) - 1) * digits.before

    def descended(rate: float) -> Any:
        *_, last = descend(
            start, (X,), lambda model, x: loss(output(model, x), x), momentum(rate),
            epochs=digits.epochs if "RBMs" in system else steps, batch=digits.batch, seed=seed,
        )  # fmt: skip
        return last.model

    if "Hessian-free" in system:
        *_, last = hessian_free(start, output, loss, (X,), steps=digits.newton)
        model, found = last.model, {"steps": digits.newton, "rate": "none"}
    else:
        rate, model = best_of(digits.rates, descended, lambda model: float(model.squared_error(X).mean()), quick)
        found = {"steps": steps * steps_per_epoch(len(X), digits.batch), "rate": rate}
    return (
        lambda x: np.asarray(model.encode(x)),
        lambda code: np.asarray(ops.sigmoid(model.decode_logits(code))),
        found,
    )


def _stack(name: str, seed: int, quick: bool) -> list[Any]:
    """The RBMs that the autoencoder is unrolled from, the highest of Gaussian hidden units: the code."""
    digits = digits_of(name, quick)
    (X, _), _ = digits.parts(seed)
    below = [RBMModule(digits.before, optimiser=sgd(0.1), batch=digits.batch)] * (len(digits.sizes) - 2)
    code = GaussianCodeModule(digits.before, batch=digits.batch)
    stack = pretrain(digits.sizes[1:], [*below, code], X[: digits.most], seed)
    return [layer.model for layer in stack.layers]  # type: ignore[attr-defined]


def _draw(results: Results, dark: bool) -> bytes:
    small, codes, large = ([c for c in CONDITIONS if c.startswith(name)] for name in DIGITS)
    rows = {"autoencoder from RBMs": "28×28: RBMs, SGD", "PCA": "28×28: PCA"}
    return dots_codes_and_digits(results, (small, large), codes, rows, dark)


EXPERIMENT = Experiment(
    claim="F2, F3, F4, F5",
    title="Deep autoencoders of digits, and PCA",
    method=(
        "8×8: 64-100-50-6 and back on scikit-learn's digits, 1 200 to train, 597 to test, in batches of 20. 28×28: "
        "784-1000-500-250-30 and back on MNIST's, 3 000 to train, 1 500 to test, in batches of 50. Two numbers: "
        "64-100-50-2, to look at. The code is linear, the rest are sigmoids. SGD: with momentum, 60 epochs from "
        "unrolled RBMs (CD-1, 20 epochs each; the code's units are Gaussian), and from random weights as many gradient "
        "steps as both together, or, equal cost, as many products with weights, of which a step on one RBM has fewer: "
        f"80 epochs for 120 or 140. Each at the rate (of {listed(SMALL.rates)}; for 28×28 from 0.002 on) that "
        "ends lowest on the digits trained on, for that these are fitted badly is the claim. "
        "Hessian-free: 40 steps on all examples from the same random weights (Martens 2010). PCA: as many components "
        "as the code has units. Hinton and Salakhutdinov (2006) trained on 60 000 digits, by conjugate gradients."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={"train": "train ½|x − x̂|²", "test": "test ½|x − x̂|²", "steps": "steps", "rate": "rate chosen"},
    comparisons=(
        *(
            comparison
            for name in ("8×8", "28×28")
            for comparison in (
                Comparison(
                    "train", f"{name}: RBMs, SGD", f"{name}: random, SGD",
                    says=f"F2, {name}: by as many steps, pre-training lowers the training error",
                ),
                Comparison(
                    "train", f"{name}: RBMs, SGD", f"{name}: random, SGD, equal cost",
                    says=f"F2, {name}: at equal cost, pre-training lowers the training error",
                ),
                Comparison(
                    "test", f"{name}: RBMs, SGD", f"{name}: PCA", says=f"F3, {name}: below PCA of the same code size"
                ),
            )
        ),
        Comparison("test", "two numbers: RBMs, SGD", "two numbers: PCA", says="F4: with two numbers too"),
        Comparison(
            "train", "8×8: random, Hessian-free", "8×8: random, SGD",
            says="F5: Hessian-free below SGD, both from random",
        ),
    ),
    draw=_draw,
)  # fmt: skip
