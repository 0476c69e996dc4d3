"""The up-down algorithm: a DBN's generative and recognition weights, untied and fine-tuned (claim I7).

Wake: every layer is sampled upwards from the recognition model, and each directed layer learns to make the one below.
Top: the top RBM takes a step of CD-k from what reached it. Sleep: from there the model dreams downwards, and each
recognition layer learns to guess what made the layer below. All three are one loss, for no parameter is in two of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autodiff import ops
from ..models import DBN
from ..randomness import Random, seed_of
from .contrastive import decide
from .descent import Arrays, Descent, Draw, Loss, descend
from .optimisers import Optimiser, sgd


def up_down_loss(k: int = 1) -> Loss:
    """loss(dbn, x, *uniforms) for x (T, D), nats; its gradient is minus the up-down algorithm's update.

    Raises ValueError for k below 1. Source: Hinton, Osindero & Teh (2006), section 5 and appendix B.
    """
    if k < 1:
        raise ValueError(f"up-down with k = {k}: the top RBM takes at least 1 round of Gibbs sampling")

    def loss(dbn: DBN, x: Any, *uniforms: Any) -> Any:
        drawn = iter(uniforms)
        total: Any = 0.0
        h = x
        for layer in dbn.layers:  # wake
            below, h = h, decide(ops.sigmoid(layer.recognition_logits(h)), next(drawn))
            h = ops.stop_gradient(h)
            total = total + ops.mean(ops.bernoulli_cross_entropy(layer.visible_logits(h), below))
        dream = h
        for _ in range(k):  # the top
            g = decide(dbn.top.hidden_given_visible(dream), next(drawn))
            dream = decide(dbn.top.visible_given_hidden(g), next(drawn))
        dream = ops.stop_gradient(dream)
        total = total + ops.mean(dbn.top.free_energy(h) - dbn.top.free_energy(dream))
        for layer in reversed(dbn.layers):  # sleep
            below = ops.stop_gradient(decide(ops.sigmoid(layer.visible_logits(dream)), next(drawn)))
            total = total + ops.mean(ops.bernoulli_cross_entropy(layer.recognition_logits(below), dream))
            dream = below
        return total

    return loss


def up_down_uniforms(sizes: tuple[int, ...], k: int = 1) -> Draw:
    """What decides the units: for a DBN of these sizes (x, h1, …, hL), in the order in which the loss meets them."""
    up = sizes[1:-1]
    widths = (*up, *((sizes[-1], sizes[-2]) * k), *reversed(sizes[:-2]))

    def draw(rng: np.random.Generator, x: Any) -> Arrays:
        return tuple(rng.random((len(x), width), dtype=x.dtype) for width in widths)

    return draw


def up_down(
    dbn: DBN,
    X: Any,
    *,
    epochs: int,
    seed: Random,
    optimiser: Optimiser | None = None,
    k: int = 1,
    batch: int = 50,
    start: Descent | None = None,
    compile: bool | None = None,
) -> Iterator[Descent]:
    """Fine-tune a DBN on X (T, D), yielding the start and where it stands after each epoch (claim I7).

    optimiser: sgd(0.01) unless said otherwise. `Descent.loss` is the sum that is descended, not a likelihood: measure
    `td.exact.log_likelihood` on small models, `td.exact.annealed` on larger ones. compile: as in `descend`.
    Raises what `descend` raises.
    """
    seed = seed_of(seed)
    X = np.asarray(X, dbn.top.W.dtype)
    return descend(
        dbn, (X,), up_down_loss(k), optimiser or sgd(0.01), epochs=epochs, batch=batch, seed=seed,
        draw=up_down_uniforms(dbn.sizes, k), start=start, compile=compile,
    )  # fmt: skip
