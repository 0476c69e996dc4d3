"""Greedy pre-training of a deep Boltzmann machine (Salakhutdinov & Hinton 2009, section 3.1; claim G3).

A hidden layer of a DBM hears a layer on either side, but in training its RBM alone one side is missing. So that RBM has
the side that is there twice, with tied weights: the lowest RBM two copies of its visible units, the highest two of its
hidden units, those between two of both. Put together, each layer then hears once from below and once from above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import ops
from ..exact.data import binary
from ..models import DBM, RBM
from ..models.restricted import bernoulli
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown
from .descent import Diverged
from .greedy import greedy


@dataclass(frozen=True, eq=False)
class TiedCopies(Shown):
    """An RBM each side of which may be there twice, in the parameters of its single copy: an RBM to `greedy`."""

    rbm: RBM
    visible: int
    hidden: int
    units = "binary"

    @property
    def whole(self) -> RBM:
        """The RBM of all copies. Made of ops: a gradient in its parameters adds up over the copies."""
        row = ops.concatenate([self.rbm.W] * self.visible, axis=1)
        return RBM(
            ops.concatenate([row] * self.hidden, axis=0),
            ops.concatenate([self.rbm.b] * self.visible),
            ops.concatenate([self.rbm.c] * self.hidden),
        )

    @property
    def W(self) -> Any:
        """Of all copies."""
        return self.whole.W

    def free_energy(self, x: Any) -> Any:
        """F(x) of all copies of x, (T, D · visible)."""
        return self.whole.free_energy(x)

    def gibbs(self, x: Any, rng: np.random.Generator, steps: int = 1) -> Any:
        """Block Gibbs sampling of all copies."""
        return self.whole.gibbs(x, rng, steps)


def pretrain_dbm(
    X: Any,
    sizes: Sequence[int],
    *,
    seed: Random,
    epochs: int,
    rule: str = "cd",
    k: int = 1,
    rate: float = 0.05,
    decay: float = 0.9,
    batch: int | None = None,
    scale: float = 0.01,
) -> DBM:
    """A DBM of `sizes` D, n1, …, nL put together from RBMs that are trained layer by layer on X (T, D).

    Settings as in `greedy`, by rule "cd" or "pcd". Each RBM is trained on samples of the hidden units of the one below,
    given the data twice. Raises ValueError for fewer than two hidden layers, of which the corrections are, and for
    settings and X that `greedy` refuses; `Diverged`, naming the layer.
    """
    seed = seed_of(seed)
    sizes = [whole(f"sizes[{l}]", n, 1) for l, n in enumerate(sizes)]
    if len(sizes) < 3 or rule not in ("cd", "pcd"):
        raise ValueError(
            f"a DBM of sizes {tuple(sizes)} by rule {rule!r}: at least two hidden layers, by 'cd' or 'pcd'; an RBM "
            "alone is trained by `greedy`"
        )
    data = binary(X, sizes[0])
    rbms: list[RBM] = []
    for layer, hidden in enumerate(sizes[1:], start=1):
        below, above = (1 if layer == len(sizes) - 1 else 2), (1 if layer == 1 else 2)
        rng = np.random.default_rng([seed, layer])
        start = TiedCopies(RBM.for_data(data, hidden, rng, scale), below, above)
        many = np.tile(data, (1, below))
        try:
            *_, last = greedy(
                many, (many.shape[1], hidden * above), seed=int(rng.integers(2**31)), epochs=epochs, rule=rule, k=k,
                rate=rate, decay=decay, batch=batch, lowest=start,  # type: ignore[arg-type]
            )  # fmt: skip
        except Diverged as error:
            which = f"layer {layer} of {len(sizes) - 1}"
            raise Diverged(f"{which} {str(error).removeprefix('layer 1 ')}", error.last) from None
        trained: Any
        (trained,) = last.rbms
        rbms.append(trained.rbm)
        data = bernoulli(trained.whole.hidden_given_visible(many)[:, :hidden], rng)
    return DBM.from_rbms(rbms)
