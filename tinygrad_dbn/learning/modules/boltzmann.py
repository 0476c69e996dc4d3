"""The RBM as a greedy module, of binary and of Gaussian hidden units (claims C2, F1, G0)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import ops
from ...models import RBM, GaussianRBM
from ...models.autoencoder import as_width
from ...models.restricted import bernoulli
from ...randomness import Random, seed_of
from ..contrastive import cd_loss, gibbs_uniforms
from ..descent import Arrays, Descent, Diverged
from ..greedy import greedy
from ..optimisers import Optimiser, sgd
from .protocol import LinearLayer, SigmoidLayer, asked, trained

DEFAULT = sgd(0.05)


@dataclass(frozen=True)
class RBMModule:
    """CD-k on minibatches (Hinton 2002). X in [0, 1]: grey levels are taken as the probabilities of their pixels.

    Starts from small normal weights and hidden biases of zero; a visible bias starts at its unit's rate in the data.
    rule: "cd"; or "pcd", persistent chains (Tieleman 2008), or "ml", the exact gradient, for layers whose smaller side
    can be enumerated. These two are `greedy`'s, which steps with momentum at the optimiser's rate, on zeros and ones
    that are drawn once with the grey levels as probabilities; there is no watch, weight decay or compile for them.
    Raises ValueError where they are given one, and for X beyond [0, 1].
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

    def __post_init__(self) -> None:
        if self.rule != "cd" and (self.weight_decay or self.watch is not None or self.compile is not None):
            raise ValueError(
                f"RBMModule(rule={self.rule!r}) takes no weight_decay, watch or compile: leave them out, or write "
                "rule='cd'"
            )

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """An RBM of `hidden` units trained on X (T, D); it stays in the layer's `model`."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden, unit=True)
        if self.rule != "cd":
            drawn = bernoulli(X, np.random.default_rng([seed, 0]))
            try:
                *_, last = greedy(
                    drawn, (X.shape[1], hidden), seed=seed, epochs=self.epochs, rule=self.rule, k=self.k,
                    rate=self.optimiser.rate, batch=self.batch,
                )  # fmt: skip
            except Diverged as error:  # which of a stack's layers it is, the stack knows
                raise Diverged(str(error).removeprefix("layer 1 "), error.last) from None
            rbm = as_width(last.rbms[0], X.dtype)
            return SigmoidLayer(rbm.W, rbm.c, rbm)
        start = RBM.for_data(X, hidden, np.random.default_rng([seed, 0]))
        rbm = trained(self, start, (X,), cd_loss(self.k), seed, gibbs_uniforms(hidden, self.k))
        return SigmoidLayer(rbm.W, rbm.c, rbm)


CAREFUL = sgd(0.03)


@dataclass(frozen=True)
class GaussianCodeModule:
    """An RBM of Gaussian hidden units of variance 1, by CD-1: a linear code (Hinton & Salakhutdinov 2006).

    It is a `GaussianRBM` stood on its head: X in [0, 1] belongs to its hidden units, and its real units z are the
    features, p(z | x) being normal of mean c + Wx. As in the paper z is drawn, and what is reconstructed from it are
    the probabilities of x. Real units have no bound as σ has: too high a rate diverges.
    """

    epochs: int = 10
    optimiser: Optimiser = CAREFUL
    batch: int = 100
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None
    """Whether steps are compiled; if not said, where there are many of them (see `descend`)."""

    def train(self, X: Any, hidden: int, seed: Random) -> LinearLayer:
        """`hidden` real features of X (T, D); the layer's `model` is the RBM, its W (D, hidden)."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden, unit=True)
        start = RBM.for_data(X, hidden, np.random.default_rng([seed, 0]))
        upside_down = GaussianRBM(start.W.T, start.c, start.b, learns_variance=False)
        rbm = trained(self, upside_down, (X,), code_loss, seed, lambda rng, x: normals(rng, x, hidden))
        return LinearLayer(rbm.W.T, rbm.b, rbm)


def code_loss(rbm: GaussianRBM, x: Any, noise: Any) -> Any:
    """Mean G(x) − G(x') for x (T, D) and x' = p(x | z), z drawn from p(z | x): its gradient is CD-1's, downhill.

    The RBM is a `GaussianRBM` of variance 1, so that `noise` is standard normal.
    """
    z = rbm.visible_given_hidden(x) + noise
    back = ops.stop_gradient(rbm.hidden_given_visible(z))
    return ops.mean(rbm.hidden_free_energy(x) - rbm.hidden_free_energy(back))


def normals(rng: np.random.Generator, x: Any, units: int) -> Arrays:
    """A standard normal number for each real unit of each row of x."""
    return (rng.standard_normal((len(x), units), dtype=x.dtype),)
