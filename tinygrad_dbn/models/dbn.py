"""The deep belief network (claims G1–G5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .rbm import RBM, bernoulli
from .validation import adopt, parameter


@dataclass(frozen=True, eq=False)
class DirectedLayer(Vector):
    """A sigmoid belief layer x ← h, and a recognition layer that guesses h from x.

    Generative: p(x_i = 1 | h) = σ(b_i + h·W_·i), with W (H, D) and b (D,).
    Recognition: q(h_j = 1 | x) = σ(c_j + R_j·x), with R (H, D) and c (H,) (claim I3). It is no part of the model's
    distribution. Greedy training leaves R = W; the up-down algorithm unties them.
    Raises ValueError for shapes that do not fit and for NaN or inf.
    """

    W: Value
    b: Value
    R: Value
    c: Value

    def __post_init__(self) -> None:
        W = parameter("W", self.W, (None, None))
        hidden, visible = W.shape
        adopt(
            self,
            W=W,
            b=parameter("b", self.b, (visible,)),
            R=parameter("R", self.R, (hidden, visible)),
            c=parameter("c", self.c, (hidden,)),
        )

    @classmethod
    def from_rbm(cls, rbm: RBM) -> "DirectedLayer":
        """An RBM's conditionals p(x | h) and p(h | x), taken as generative and recognition halves."""
        return cls(rbm.W, rbm.b, rbm.W, rbm.c)

    def visible_logits(self, h: Value) -> Value:
        """b + h W: (…, D), nats."""
        return ops.matmul(h, self.W) + self.b

    def recognition_logits(self, x: Value) -> Value:
        """c + x Rᵀ: (…, H), nats."""
        return ops.matmul(x, self.R.T) + self.c


@dataclass(frozen=True, eq=False)
class DBN(Vector):
    """Directed layers x ← h1 ← … under a top RBM between the last two hidden layers (claims G1, G2).

    p(x, h1, …, hL) = p(h(L−1), hL) · Π p(h(k) | h(k+1)), with h(0) = x. `layers` holds the directed layers from x
    upwards, `top` the RBM, whose visible units are h(L−1). With no directed layers it is the RBM.
    Raises ValueError where neighbouring layers differ in size.
    """

    layers: tuple[DirectedLayer, ...]
    top: RBM

    def __post_init__(self) -> None:
        adopt(self, layers=tuple(self.layers))
        for k, (lower, upper) in enumerate(pairwise(self._shapes), start=1):
            if lower[0] != upper[1]:
                raise ValueError(
                    f"h{k} has {lower[0]} units in layer {k}, but W of layer {k + 1} has {upper[1]} columns: "
                    f"it should have {lower[0]}"
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of x, h1, …, hL."""
        return (self._shapes[0][1], *(hidden for hidden, _ in self._shapes))

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return [(int(W.shape[0]), int(W.shape[1])) for W in (*(layer.W for layer in self.layers), self.top.W)]

    @classmethod
    def from_rbms(cls, rbms: Sequence[RBM]) -> "DBN":
        """A stack of RBMs: all but the last become directed layers. Raises ValueError for an empty stack."""
        if not rbms:
            raise ValueError("a DBN is stacked from at least one RBM, none was given")
        return cls(tuple(DirectedLayer.from_rbm(rbm) for rbm in rbms[:-1]), rbms[-1])

    @classmethod
    def with_classes(cls, rbms: Sequence[RBM], classes: int) -> "DBN":
        """A stack whose top RBM was trained on [h(L−1), one unit for each class] (Hinton, Osindero & Teh 2006).

        The class units become the last units of h(L−1): with no weights downwards, and recognised at chance, which the
        top RBM's biases know. Clamped, they choose what is sampled. Raises ValueError without a layer below the top,
        or where the top RBM is not wider by the classes.
        """
        *lower, top = rbms
        if not lower or classes < 1 or top.W.shape[1] != lower[-1].W.shape[0] + classes:
            raise ValueError(
                f"{len(rbms)} RBMs, the top one of {top.W.shape[1]} visible units, and {classes} classes: "
                "at least two, the top one as wide as the hidden layer below and the classes together"
            )
        last = DirectedLayer.from_rbm(lower[-1])
        silent = np.zeros((classes, last.W.shape[1]), last.W.dtype)
        W, R = np.concatenate([last.W, silent]), np.concatenate([last.R, silent])
        c = np.concatenate([last.c, top.b[-classes:]])
        below = tuple(DirectedLayer.from_rbm(rbm) for rbm in lower[:-1])
        return cls((*below, DirectedLayer(W, last.b, R, c)), top)

    @classmethod
    def from_tied(cls, rbm: RBM) -> "DBN":
        """The DBN of two layers with tied weights, which has the RBM's own distribution (claim I4)."""
        return cls.from_rbms([rbm, rbm.transposed()])

    def recognise(self, x: Value, rng: Random | None = None) -> list[Value]:
        """The recognition model's q for each layer h1 … hL given x (…, D): a list of (…, n_k) probabilities.

        Each layer is fed the one below it: its probabilities, or with `rng` a sample of them (claim I3).
        """
        rng = None if rng is None else generator(rng)
        upward = [*(layer.recognition_logits for layer in self.layers), self.top.hidden_logits]
        means = []
        for logits in upward:
            means.append(ops.sigmoid(logits(x)))
            x = means[-1] if rng is None else bernoulli(means[-1], rng)
        return means

    def sample(
        self,
        count: int,
        rng: Random,
        steps: int = 1000,
        start: Any = None,
        mean: bool = False,
        clamp: Any = None,
    ) -> Any:
        """`count` samples of x, (count, D): Gibbs in the top RBM, then one pass down (claim G4).

        Each chain runs for `steps` rounds from a random state, or from `start` (count, n_(L−1)). With `mean` the last
        step gives p(x_i = 1 | h1) instead of zeros and ones; where there are no directed layers, one more h is drawn
        for it. clamp, (n_(L−1),) or (count, n_(L−1)), fixes units of the top RBM's visible layer, such as those of a
        class, and is NaN where they are free.
        Raises ValueError for a count below 1 or steps below 0.
        """
        rng = generator(rng)
        h = self.top.sample(count, rng, steps, start, mean and not self.layers, clamp)
        if not self.layers:
            return h
        for layer in reversed(self.layers):
            p = ops.sigmoid(layer.visible_logits(h))
            h = bernoulli(p, rng)
        return p if mean else h
