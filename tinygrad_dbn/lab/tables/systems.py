"""The tables' columns: what is trained, and how its settings are drawn.

A system draws settings from a generator, learns from the training part with them, and says how many examples of the
other parts it gets wrong. Settings are plain numbers, so that a trial can be written down and run again.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...learning import (
    AutoencoderModule,
    Embedding,
    RBMModule,
    SparseModule,
    Stack,
    error_rate,
    fine_tune,
    fit,
    masking,
    momentum,
    pretrain,
    steps_per_epoch,
)  # fmt: skip
from ...models import FeedForward
from ...models.autoencoder import as_width
from .machines import SVM, kernel_machine, subspaces
from .tasks import Result, Settings, Space, System, Task, log_uniform

NOISE = {"basic": 0.1, "rot": 0.1, "bg-rand": 0.4, "bg-img": 0.25, "rot-bg-img": 0.25, "rect": 0.1, "rect-img": 0.25,
         "convex": 0.1}  # fmt: skip
"""ν of the denoising autoencoders: the papers' choice for each problem."""


BATCH = 50


@dataclass(frozen=True)
class Length:
    """How long something goes on: so many passes over the examples, and no fewer than so many gradient steps."""

    epochs: int
    steps: int = 0

    def over(self, examples: int) -> int:
        """In epochs of so many examples."""
        return max(self.epochs, -(-self.steps // steps_per_epoch(examples, BATCH)))


# Of fine-tuning: at most; without a better model; and in any case, for deep nets of sigmoids stand on a plateau first.
MOST, PATIENCE, LEAST = Length(100, 6000), Length(20, 1000), Length(60, 3000)


NARROW, WIDE = (150, 300), (300, 1000)
"""Widths that a quick search draws, of every hidden layer; WIDE for the systems of `table datasets`. On *rect*, one
stack of three autoencoders of 300 units erred on 6.5 % of 3000 examples of another seed, and one of 1000 units on
2.5 %."""
PUBLISHED = (500, 1000, 2000)
PRETRAINING_RATES = {
    "RBM": (0.005, 0.05), "sparse": (0.001, 0.01), **dict.fromkeys(("autoencoder", "denoising", "KL"), (0.002, 0.02)),
}  # fmt: skip
"""Lowest and highest: an autoencoder's loss is a sum over all inputs, with gradients that much longer than CD's."""
RATES = (0.03, 0.3)
"""Of fine-tuning. With a momentum of 0.9 and the mean over 50 examples, a rate of 0.1 goes as far as the papers' steps
example by example at a rate of 0.02."""
BETAS = (1.0, 10.0)
"""Of sparse coding. At β = 1, the paper's, the codes of a second and third layer hardly differ between digits."""
FROM_RANDOM = ("net", "embedding")
"""Kinds without pre-training: they start from random weights, and have its gradient steps on top."""
PLACES: tuple[dict[str, Any], ...] = ({"margin": 3.0}, {"layer": 1, "margin": 3.0}, {"layer": 1, "auxiliary": 50})
"""Where an embedding is learned: at the output, at a hidden layer, at an auxiliary layer upon that."""
LAMBDAS = ((0.001, 0.1), (0.1, 10.0), (1.0, 100.0))
"""The weight of the embedding at each place, around what `measure embedding` finds best there by validation: on splits
of the same 5 000 digits, so these ranges, though no setting drawn from them, have seen digits that the tables test."""


def _draw_net(kind: str, widths: tuple[int, ...], rng: np.random.Generator, space: Space) -> Settings:
    """Settings of a network: width of every hidden layer, rates, and how long each layer is pre-trained."""
    settings: Settings = {
        "hidden": int(rng.choice(space.widths or (PUBLISHED if space.full else widths))),
        "pretraining_rate": log_uniform(rng, *PRETRAINING_RATES.get(kind, (1.0, 1.0))),
        "pretraining_steps": int(rng.choice((3000, 6000, 12_000) if space.full else (1000, 2000))),
        "rate": log_uniform(rng, *RATES),
    }
    if kind == "sparse":
        settings |= {"eta": log_uniform(rng, 0.02, 0.2), "beta": log_uniform(rng, *BETAS)}
    if kind == "KL":
        settings |= {"wanted": log_uniform(rng, 0.02, 0.2), "weight": log_uniform(rng, 0.1, 3)}
    if kind == "embedding":
        place = int(rng.integers(len(PLACES)))
        settings |= {"place": place, "weight": log_uniform(rng, *LAMBDAS[place])}
    return settings


def _module(kind: str, epochs: int, settings: Settings, name: str) -> Any:
    step = momentum(settings["pretraining_rate"])
    if kind == "RBM":
        return RBMModule(epochs=epochs, optimiser=step, batch=BATCH)
    if kind == "sparse":
        return SparseModule(epochs=epochs, optimiser=step, batch=BATCH, eta=settings["eta"], beta=settings["beta"])
    return AutoencoderModule(
        epochs=epochs, optimiser=step, batch=BATCH, corruption=masking(NOISE[name]) if kind == "denoising" else None,
        sparsity=(settings["wanted"], settings["weight"]) if kind == "KL" else None,
    )  # fmt: skip


def _network(kind: str, depth: int, widths: tuple[int, ...] = NARROW) -> System:
    """By as many steps: a net from random weights has those that others spend on pre-training on top (claim C5)."""

    def run(settings: Settings, task: Task) -> Result:
        sizes, problem, seed = (int(settings["hidden"]),) * depth, task.problem, task.seed
        epochs = Length(1, int(settings["pretraining_steps"])).over(len(problem.train))
        before = depth * epochs * steps_per_epoch(len(problem.train), BATCH)
        more = -(-before // steps_per_epoch(task.labelled, BATCH)) if kind in FROM_RANDOM else 0
        tuning: dict[str, Any] = {
            "optimiser": momentum(settings["rate"]), "batch": BATCH, "seed": seed,
            "epochs": MOST.over(task.labelled) + more, "least": LEAST.over(task.labelled) + more,
            "patience": PATIENCE.over(task.labelled), "train_errors": False,
        }  # fmt: skip
        if kind == "embedding":
            where = PLACES[int(settings["place"])]
            tuning["embedding"] = Embedding(problem.train.X, settings["weight"], **where)
        if kind in FROM_RANDOM:
            layers = problem.train.X.shape[1], *sizes, problem.classes
            net = as_width(FeedForward.init(layers, np.random.default_rng([seed, 0])), np.float32)
            fitted = fit(net, task.examples, problem.valid, **tuning)
        else:
            module = _module(kind, epochs, settings, task.name)
            stack: Stack = pretrain(sizes, module, problem.train.X, seed)
            fitted = fine_tune(stack, task.examples, problem.valid, classes=problem.classes, **tuning)
        steps = fitted.descent.epoch * steps_per_epoch(task.labelled, BATCH) + (0 if kind in FROM_RANDOM else before)
        test_error = error_rate(fitted.model, problem.test.X, problem.test.y) if task.test else None
        return Result(fitted.best.valid_error, fitted.best.valid_nll, steps, test_error)

    return System(partial(_draw_net, kind, widths), run)


SYSTEMS: dict[str, System] = {
    "SVM": SVM,
    "SAA-3": _network("autoencoder", 3, WIDE),
    "DBN-3": _network("RBM", 3, WIDE),
    "SdA-3": _network("denoising", 3, WIDE),
    **{f"{kind}-{depth}": _network(kind, depth) for kind in ("net", "autoencoder", "RBM") for depth in range(1, 5)},
    "denoising-3": _network("denoising", 3),
    "KL-3": _network("KL", 3),
    "sparse-3": _network("sparse", 3),
    "embedding-3": _network("embedding", 3),
    **{f"kernel-{levels}": kernel_machine(levels) for levels in (1, 2, 3)},
    **{f"subspaces-{levels}": subspaces(levels) for levels in (1, 2)},
}
