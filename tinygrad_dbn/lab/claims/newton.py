"""Hessian-free optimisation against pre-training and SGD, at every cost (claim F5; Martens 2010).

Costs are counted in gradients: one is that of the loss over all training digits, three products with every weight
matrix and every digit. So an epoch of SGD costs 1; an epoch of CD-1 in every RBM of the stack too, since it has six
products with each of half of the matrices; and Hessian-free what `HessianFree.cost` counts.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from ...autodiff.kernels.blas import one_thread
from ...learning import (
    GaussianCodeModule,
    RBMModule,
    descend,
    hessian_free,
    momentum,
    pretrain,
    reconstruction_loss,
)  # fmt: skip
from ...models import Autoencoder, FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import courses

CONDITIONS = ("sparse start, Hessian-free", "RBMs, SGD", "random start, SGD", "sparse start, SGD")
RATES = (0.003, 0.01, 0.03)
LINKS = 15  # of each unit to the layer below that are not zero at a sparse start (Martens 2010, section 5)
DECAY = 2e-5
Course = Iterator[tuple[float, Any]]
"""(cost so far, model) at several moments of a training."""


@one_thread()
def measure(condition: str, seed: int, quick: bool) -> Figures:
    """½|x − x̂|², the mean over digits: on the training digits all the way, on others where the budget ends."""
    digits = mnist(seed)
    X, test, budget = (digits.train.X[:40], digits.test.X[:40], 30) if quick else (digits.train.X, digits.test.X, 300)
    sizes = (784, 20, 10, 3) if quick else (784, 400, 200, 100, 50, 25, 6)

    def trained(rate: float) -> list[tuple[float, float, Any]]:
        course = _training(condition, sizes, X, seed, budget, rate)
        return [(cost, float(model.squared_error(X).mean()), model) for cost, model in course if cost <= budget]

    if "Hessian" in condition:
        rate, course = "none", trained(0.0)  # of which it makes no use
    else:
        rate, course = best_of(RATES, trained, lambda course: course[-1][1], quick)
    cost, error, model = course[-1]
    return {
        "train": error,
        "test": float(model.squared_error(test).mean()),
        "cost": cost,
        "rate": rate,
        "course": [[round(at, 3), round(lost, 5)] for at, lost, _ in course],
    }


def _training(condition: str, sizes: tuple[int, ...], X: Any, seed: int, budget: int, rate: float) -> Course:
    """A training until it has cost its budget, or more."""
    output, loss = reconstruction_loss()
    start, before = _start(condition.split(", ")[0], sizes, X, seed, epochs=-(-budget // 15))
    if "Hessian" in condition:
        # As many steps as the budget has gradients are enough: each costs more than one.
        some: dict[str, Any] = {"curvature": len(X) // 4, "seed": seed, "weight_decay": DECAY, "steps": budget}
        for at in hessian_free(start, output, loss, (X,), **some):
            yield at.cost, at.model
            if at.cost > budget:
                return
    else:
        whole = lambda model, x: loss(output(model, x), x)
        for now in descend(
            start, (X,), whole, momentum(rate), epochs=budget - before, batch=50, seed=seed, weight_decay=DECAY
        ):  # fmt: skip
            if now.epoch % 5 == 0 or now.epoch == budget - before:
                yield before + now.epoch, now.model


def _start(name: str, sizes: tuple[int, ...], X: Any, seed: int, epochs: int) -> tuple[Autoencoder, int]:
    """Where a training starts, and what that has cost."""
    rng = np.random.default_rng([seed, 0])
    if name == "RBMs":
        middle = RBMModule(epochs=epochs, optimiser=momentum(0.05), batch=50)
        modules: list[Any] = [*[middle] * (len(sizes) - 2), GaussianCodeModule(epochs=epochs, batch=50)]
        stack = pretrain(sizes[1:], modules, X, seed)
        return Autoencoder.unroll([layer.model for layer in stack.layers]), epochs  # type: ignore[attr-defined]
    random = sparse_start(sizes, rng) if name == "sparse start" else None
    model = random or Autoencoder.init(sizes, rng, tied=False, code="linear")
    return as_width(model, X.dtype), 0


def sparse_start(sizes: tuple[int, ...], rng: np.random.Generator) -> Autoencoder:
    """Weights of which each unit has 15 from the layer that it is fed by, standard normal, and biases 0.

    All of them, where that layer is narrower. Source: Martens (2010), section 5.
    """

    def links(inputs: int, units: int) -> Any:
        W = np.zeros((units, inputs))
        for row in W:
            chosen = rng.permutation(inputs)[:LINKS]
            row[chosen] = rng.standard_normal(len(chosen))
        return W

    up = tuple(links(below, above) for below, above in pairwise(sizes))
    down = tuple(links(above, below).T for below, above in pairwise(sizes))
    encoder = FeedForward(up, tuple(np.zeros(n) for n in sizes[1:]), "sigmoid", "linear")
    return Autoencoder(encoder, down, tuple(np.zeros(n) for n in sizes[:-1]))


def _draw(results: Results, dark: bool) -> bytes:
    labels = ("cost, gradients over all training digits", "½|x − x̂|² on training digits")
    return courses(results, CONDITIONS, "course", labels, dark)


EXPERIMENT = Experiment(
    claim="F5",
    title="Hessian-free optimisation, and pre-training with SGD, by cost",
    method=(
        "784-400-200-100-50-25-6 and back on 3 000 digits of MNIST, a net that Martens (2010) trains on 20 000 curves; "
        "all with weight decay 2e-5. Hessian-free as there: damping from 45, up to 250 iterations of conjugate "
        "gradients, products over a quarter of the digits, drawn anew for each step, from weights of 15 links a unit. "
        f"SGD with momentum, batches of 50, the rate (of {listed(RATES)}) that ends lowest on training digits, "
        "from the same weights, from dense random ones, and from RBMs of 20 epochs of CD-1, which count. Costs are in "
        "gradients: the products with weight matrices over those of one gradient of the loss over all training "
        "digits. Each training ends where its next step would go beyond 300; that rates are tried is not counted."
    ),
    conditions=CONDITIONS,
    seeds=3,
    measure=measure,
    columns={"train": "train ½|x − x̂|²", "test": "test ½|x − x̂|²", "cost": "cost, gradients", "rate": "rate"},
    comparisons=(
        Comparison("train", *CONDITIONS[:2], says="F5: at equal cost, Hessian-free ends below pre-training and SGD"),
        Comparison("train", CONDITIONS[0], CONDITIONS[3], says="Hessian-free ends below SGD from the same weights"),
        Comparison("train", CONDITIONS[0], CONDITIONS[2], says="Hessian-free ends below SGD from dense weights"),
        Comparison(
            "train", CONDITIONS[1], CONDITIONS[2], says="F2: pre-training and SGD end below SGD from dense ones"
        ),
        Comparison("train", CONDITIONS[1], CONDITIONS[3], says="F2: and below SGD from sparse ones"),
        Comparison("test", CONDITIONS[1], CONDITIONS[3], says="and so they do on digits not trained on"),
    ),
    draw=_draw,
)
