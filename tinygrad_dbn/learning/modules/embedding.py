"""An embedding that keeps neighbours together, as a greedy module (Weston, Ratle & Collobert 2008; claim C2)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ...autodiff import ops
from ...autodiff.operators import Value
from ...extras import needing
from ...models import FeedForward
from ...models.validation import whole
from ...randomness import Random, seed_of
from ..descent import Descent
from ..optimisers import Optimiser, sgd
from .protocol import SigmoidLayer, asked, trained

DEFAULT = sgd(0.05)


@dataclass(frozen=True)
class EmbeddingModule:
    """A sigmoid layer whose features are close for neighbours in X and `margin` apart for others.

    For pairs, half of them an example and one of its nearest `neighbours`, half of them with any other, it descends
    `pair_loss`. Weston et al. add this criterion to the supervised one at some layer, which `Embedding` does for `fit`;
    here it is learned first, layer by layer, and fine-tuning follows.
    Raises ValueError unless there is at least one neighbour and the margin is positive and finite.
    """

    epochs: int = 10
    neighbours: int = 10
    margin: float = 1.0
    optimiser: Optimiser = DEFAULT
    batch: int = 20
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None
    """Whether steps are compiled; if not said, where there are many of them (see `descend`)."""

    def __post_init__(self) -> None:
        whole("neighbours", self.neighbours, 1)
        if not 0 < self.margin < inf:
            raise ValueError(f"EmbeddingModule(margin={self.margin}): write a positive, finite margin")

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """The layer of `hidden` units trained on X (T, D). Raises ValueError with fewer examples than neighbours."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden)
        near = nearest(X, self.neighbours)
        start = FeedForward.init((X.shape[1], hidden), np.random.default_rng([seed, 0]), output="sigmoid")

        def draw(rng: np.random.Generator, x: Any, near: Any) -> tuple[Any, ...]:
            return draw_pairs(rng, X, near)

        def loss(net: FeedForward, x: Any, near: Any, partner: Any, together: Any) -> Any:
            return ops.mean(pair_loss(net(x), net(partner), together, self.margin))

        net = trained(self, start, (X, near), loss, seed, draw)
        return SigmoidLayer(net.weights[0], net.biases[0], net)


def draw_pairs(rng: np.random.Generator, X: Any, near: Any) -> tuple[Any, Any]:
    """A partner for each of B examples, (B, D), and whether it is a neighbour, (B,) of 0 and 1 with equal chances.

    near (B, N): where their neighbours are in X (T, D). A partner that need not be one is any row of X.
    """
    together = rng.random(len(near)) < 0.5
    chosen = near[np.arange(len(near)), rng.integers(0, near.shape[1], len(near))]
    return X[np.where(together, chosen, rng.integers(0, len(X), len(near)))], together.astype(X.dtype)


def pair_loss(h: Value, partner: Value, together: Value, margin: float) -> Value:
    """|h_i − h_j|² of neighbours, max(0, margin − |h_i − h_j|)² of others: features (B, H) twice and (B,) → (B,).

    Source: Hadsell, Chopra & LeCun, Dimensionality reduction by learning an invariant mapping (CVPR 2006).
    """
    squared = ops.sum(ops.square(h - partner), axis=-1)
    distance = ops.sqrt(squared + 1e-12)  # a partner may be the example itself
    return together * squared + (1 - together) * ops.square(ops.relu(margin - distance))


def nearest(X: Any, count: int) -> Any:
    """The positions of each example's `count` nearest others, (T, count). Raises ValueError where there are fewer."""
    with needing("EmbeddingModule", "sklearn"):
        from sklearn.neighbors import NearestNeighbors

    if not 1 <= count < len(X):
        raise ValueError(f"{count} neighbours among {len(X)} examples: at least 1, and fewer than the examples")
    found = NearestNeighbors(n_neighbors=count + 1).fit(X).kneighbors(X, return_distance=False)
    others = found != np.arange(len(X))[:, None]
    others[others.all(axis=1), -1] = False  # duplicates: an example need not be among its own nearest
    return found[others].reshape(len(X), count)
