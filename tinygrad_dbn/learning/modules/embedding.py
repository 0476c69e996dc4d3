"""An embedding that keeps neighbours together, as a greedy module (Weston, Ratle & Collobert 2008; claim C2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import ops
from ...extras import needing
from ...models import FeedForward
from ..descent import Descent
from ..optimisers import Optimiser, sgd
from .protocol import SigmoidLayer, trained

DEFAULT = sgd(0.05)


@dataclass(frozen=True)
class EmbeddingModule:
    """A sigmoid layer whose features are close for neighbours in X and `margin` apart for others.

    For pairs, half of them an example and one of its nearest `neighbours`, half of them with any other, it descends
    |h_i − h_j|² or max(0, margin − |h_i − h_j|)² (Hadsell, Chopra & LeCun 2006). Weston et al. add this criterion to
    the supervised one at some layer; here it is learned first, layer by layer, and fine-tuning follows.
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

    def train(self, X: Any, hidden: int, seed: int) -> SigmoidLayer:
        """The layer of `hidden` units trained on X (T, D). Raises ValueError with fewer examples than neighbours."""
        X = np.asarray(X)
        near = nearest(X, self.neighbours)
        start = FeedForward.init((X.shape[1], hidden), np.random.default_rng([seed, 0]), output="sigmoid")

        def draw(rng: np.random.Generator, x: Any, near: Any) -> tuple[Any, ...]:
            """A partner for each example, and whether it is a neighbour."""
            together = rng.random(len(x)) < 0.5
            chosen = near[np.arange(len(x)), rng.integers(0, near.shape[1], len(x))]
            return X[np.where(together, chosen, rng.integers(0, len(X), len(x)))], together.astype(X.dtype)

        def loss(net: FeedForward, x: Any, near: Any, partner: Any, together: Any) -> Any:
            squared = ops.sum(ops.square(net(x) - net(partner)), axis=-1)
            distance = ops.sqrt(squared + 1e-12)  # a partner may be the example itself
            apart = ops.square(ops.relu(self.margin - distance))
            return ops.mean(together * squared + (1 - together) * apart)

        net = trained(self, start, (X, near), loss, seed, draw)
        return SigmoidLayer(net.weights[0], net.biases[0], net)


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
