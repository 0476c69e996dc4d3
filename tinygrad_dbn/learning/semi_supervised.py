"""Labels for a few, neighbours for all: an embedding learned beside the classes (claim C2).

Source: Weston, Ratle & Collobert, Deep learning via semi-supervised embedding (ICML 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..autodiff.trees import finite
from ..models import FeedForward
from ..models.autoencoder import as_width
from ..showing import Shown
from .modules.embedding import draw_pairs, nearest, pair_loss
from .optimisers import number


@dataclass(frozen=True, eq=False)
class Embedding(Shown):
    """λ times the mean loss of pairs of examples, which need no labels, to be added to the mean −log f(x)_y.

    Half of the pairs are an example of X (T, D) and one of its nearest `neighbours`, the others an example and any
    other; their loss is that of `pair_loss`. There are as many pairs in a step as examples with labels. The paper
    steps down the terms one after another, here their sum is stepped down. Of what layer the features are:
    layer=None the output, before softmax; layer=k the k-th hidden layer; with `auxiliary` units, those of a linear
    layer upon that hidden layer, which is of no further use. weight is λ.
    """

    X: Any
    weight: float = 1.0
    layer: int | None = None
    auxiliary: int | None = None
    neighbours: int = 10
    margin: float = 1.0


@dataclass(frozen=True, eq=False)
class Embedded(Shown):
    """A net in training, and the auxiliary layer of its embedding, if that has one."""

    net: FeedForward
    auxiliary: FeedForward | None = None


class Joint:
    """What an embedding adds to the training of one net: where it starts, what it draws, and its loss."""

    def __init__(self, embedding: Embedding, net: FeedForward, masks: Sequence[Any] | None) -> None:
        """masks: what stands for dropout's in the features. Raises ValueError where the embedding does not fit."""
        top, width = len(net.weights) - 1, net.weights[0].shape[1]
        self.masks = masks
        self.X = np.asarray(embedding.X, net.weights[0].dtype)
        if self.X.ndim != 2 or self.X.shape[1] != width or not finite(self.X):
            raise ValueError(
                f"Embedding: X has shape {self.X.shape}, finite {finite(self.X)}; the net has {width} inputs: write "
                f"finite X (T, {width})"
            )
        weight = number("Embedding: weight", embedding.weight)
        margin = number("Embedding: margin", embedding.margin, positive=True)
        self.embedding = replace(embedding, weight=weight, margin=margin)
        if embedding.layer is not None and not 1 <= embedding.layer <= top:
            raise ValueError(
                f"Embedding: layer is {embedding.layer}, the net has hidden layers 1 to {top}; write one of them, or "
                "None for the output"
            )
        if embedding.auxiliary is not None and (embedding.layer is None or embedding.auxiliary < 1):
            raise ValueError(
                f"Embedding: an auxiliary layer of {embedding.auxiliary} units upon layer {embedding.layer}; write at "
                "least one unit, and the hidden layer that it is upon"
            )
        self.near = nearest(self.X, embedding.neighbours)

    def start(self, net: FeedForward, seed: int) -> Embedded:
        """The net with an auxiliary layer of random weights, where there is to be one."""
        units, layer = self.embedding.auxiliary, self.embedding.layer
        if units is None or layer is None:
            return Embedded(net)
        below, rng = net.weights[layer - 1].shape[0], np.random.default_rng([seed, 0, layer])
        return Embedded(net, as_width(FeedForward.init((below, units), rng, output="linear"), self.X.dtype))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Any, ...]:
        """As many pairs: two arrays (count, D), and (count,) 1 for neighbours, else 0."""
        chosen = rng.integers(0, len(self.X), count)
        return self.X[chosen], *draw_pairs(rng, self.X, self.near[chosen])

    def features(self, model: Embedded, x: Value) -> Value:
        """What is embedded of x (T, D)."""
        layer, net = self.embedding.layer, model.net
        if layer is None:
            return net.logits(x, self.masks)
        for k in range(1, layer + 1):
            x = net.hidden_layer(k, x, None if self.masks is None else self.masks[k - 1])
        return x if model.auxiliary is None else model.auxiliary(x)

    def loss(self, model: Embedded, x: Any, partner: Any, together: Any) -> Any:
        """λ times the mean over pairs."""
        pairs = pair_loss(self.features(model, x), self.features(model, partner), together, self.embedding.margin)
        return self.embedding.weight * ops.mean(pairs)
