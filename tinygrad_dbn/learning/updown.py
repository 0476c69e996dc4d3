"""The up-down algorithm: a DBN's generative and recognition weights, untied and fine-tuned (claim I7).

Wake: every layer is sampled upwards from the recognition model, and each directed layer learns to make the one below.
Top: the top RBM takes a step of CD-k from what reached it. Sleep: from there the model dreams downwards, and each
recognition layer learns to guess what made the layer below. All three are one loss, for no parameter is in two of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autodiff import ops
from ..exact.data import binary, need_binary, proportions
from ..models import DBN
from ..models.classes import check_classes
from ..models.validation import whole
from ..randomness import Random, seed_of
from .contrastive import decide
from .descent import Arrays, Descent, Draw, Loss, descend
from .optimisers import Optimiser, sgd


def up_down_loss(k: int = 1, classes: int = 0) -> Loss:
    """loss(dbn, x, *uniforms) for x (T, D), nats; its gradient is minus the up-down algorithm's update.

    With classes, loss(dbn, x, y, *uniforms): the last units of h(L−1) are class units, and y (T, classes) of zeros and
    ones says what they are when the model is awake, whatever is recognised. Their weights downwards stay as they are.
    Raises ValueError for k below 1. Source: Hinton, Osindero & Teh (2006), section 5 and appendix B.
    """
    k = whole("k", k, 1)

    def loss(dbn: DBN, x: Any, *given: Any) -> Any:
        y, drawn = given[0], iter(given[1:] if classes else given)
        total: Any = 0.0
        h = x
        for number, layer in enumerate(dbn.layers, start=1):  # wake
            below, h = h, decide(ops.sigmoid(layer.recognition_logits(h)), next(drawn))
            maker = h = ops.stop_gradient(h)
            if classes and number == len(dbn.layers):
                maker, h = (ops.concatenate([h[:, :-classes], units], axis=1) for units in (0 * y, y))
            total = total + ops.mean(ops.bernoulli_cross_entropy(layer.visible_logits(maker), below))
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

    def draw(rng: np.random.Generator, x: Any, *classes: Any) -> Arrays:
        return tuple(rng.random((len(x), width), dtype=x.dtype) for width in widths)

    return draw


def up_down(
    dbn: DBN,
    X: Any,
    labels: Any = None,
    *,
    epochs: int,
    seed: Random,
    optimiser: Optimiser | None = None,
    k: int = 1,
    batch: int = 50,
    start: Descent | None = None,
    compile: bool | None = None,
) -> Iterator[Descent]:
    """Fine-tune a DBN on X (T, D) in [0, 1], yielding the start and where it stands after each epoch (claim I7).

    labels: (T, C) of zeros and ones for a DBN with C class units (`DBN.with_classes`): what these are, for every row.
    No weights lead down from them, as in the paper; but their recognition, which is at chance at the start and takes no
    part in learning the rest, is learned from dreams as that of any other unit.
    optimiser: sgd(0.01) unless said otherwise. `Descent.loss` is the sum that is descended, not a likelihood: measure
    `td.exact.log_likelihood` on small models, `td.exact.annealed` on larger ones. compile: as in `descend`.
    Raises what `descend` raises, and ValueError for a DBN whose x is not made of zeros and ones, and for X and labels
    that do not fit.
    """
    seed = seed_of(seed)
    need_binary(dbn)
    X = np.asarray(proportions(X, dbn.sizes[0], dbn), dbn.top.W.dtype)
    units = None if labels is None else class_units(dbn, labels, len(X))
    data, classes = ((X,), 0) if units is None else ((X, units), units.shape[1])
    return descend(
        dbn, data, up_down_loss(k, classes), optimiser or sgd(0.01), epochs=epochs, batch=batch, seed=seed,
        draw=up_down_uniforms(dbn.sizes, k), start=start, compile=compile,
    )  # fmt: skip


def class_units(dbn: DBN, labels: Any, rows: int) -> Any:
    """Labels as an array of the model's width; ValueError where they are not (rows, C), zeros and ones, and silent."""
    units = np.asarray(binary(labels, name="labels"), dbn.top.W.dtype)
    check_classes(dbn, units.shape[1])
    if len(units) != rows:
        raise ValueError(f"labels of {len(units)} rows for {rows} examples: give every example its row")
    if np.any(dbn.layers[-1].W[-units.shape[1] :]):
        raise ValueError(
            f"the last {units.shape[1]} units of h{len(dbn.layers)} have weights downwards and so are no class units: "
            "give as many columns of labels as DBN.with_classes was told classes"
        )
    return units
