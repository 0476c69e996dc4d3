"""The RBM as a greedy module (claims C2, G0)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models import RBM
from ...models.autoencoder import as_width
from ...models.rbm import bernoulli
from ...randomness import Random, seed_of
from ..contrastive import cd_loss, gibbs_uniforms
from ..descent import Descent
from ..greedy import greedy
from ..optimisers import Optimiser, sgd
from .protocol import SigmoidLayer, trained

DEFAULT = sgd(0.05)


@dataclass(frozen=True)
class RBMModule:
    """CD-k on minibatches (Hinton 2002). X in [0, 1]: grey levels are taken as the probabilities of their pixels.

    Starts from small normal weights and hidden biases of zero; a visible bias starts at its unit's rate in the data.
    rule: "cd"; or "pcd", persistent chains (Tieleman 2008), or "ml", the exact gradient, for layers whose smaller side
    can be enumerated. These two are `greedy`'s, which steps with momentum at the optimiser's rate, on zeros and ones
    that are drawn once with the grey levels as probabilities; there is no watch or weight decay for them.
    """

    epochs: int = 10
    k: int = 1
    optimiser: Optimiser = DEFAULT
    batch: int = 100
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None
    """Whether steps are compiled; if not said, where there are many of them (see `descend`)."""
    rule: str = "cd"

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """An RBM of `hidden` units trained on X (T, D); it stays in the layer's `model`."""
        seed = seed_of(seed)
        X = np.asarray(X)
        if self.rule != "cd":
            drawn = bernoulli(np.clip(X, 0, 1), np.random.default_rng([seed, 0]))
            *_, last = greedy(
                drawn, (X.shape[1], hidden), seed=seed, epochs=self.epochs, rule=self.rule, k=self.k,
                rate=self.optimiser.rate, batch=self.batch,
            )  # fmt: skip
            rbm = as_width(last.rbms[0], X.dtype)
            return SigmoidLayer(rbm.W, rbm.c, rbm)
        fresh = RBM.init(X.shape[1], hidden, np.random.default_rng([seed, 0]))
        on = (np.clip(X, 0, 1).sum(axis=0, dtype=float) + 0.5) / (len(X) + 1)
        start = RBM(fresh.W, np.log(on / (1 - on)), fresh.c)
        rbm = trained(self, start, (X,), cd_loss(self.k), seed, gibbs_uniforms(hidden, self.k))
        return SigmoidLayer(rbm.W, rbm.c, rbm)
