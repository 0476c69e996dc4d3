"""The deep belief network (claims G1–G5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .kinds import AnyRBM
from .rbm import RBM, DirectedLayer
from .restricted import bernoulli
from .validation import adopt


@dataclass(frozen=True, eq=False)
class DBN(Vector):
    """Directed layers x ← h1 ← … under a top RBM between the last two hidden layers (claims G1, G2).

    p(x, h1, …, hL) = p(h(L−1), hL) · Π p(h(k) | h(k+1)), with h(0) = x. `layers` holds the directed layers from x
    upwards, `top` the RBM, whose visible units are h(L−1). With no directed layers it is the RBM. What is lowest may
    have other units below it than zeros and ones: a `GaussianLayer`, a `CategoricalLayer`.
    Raises ValueError where neighbouring layers differ in size, for such units of a hidden layer, and for an RBM in the
    place of a directed layer or the other way round.
    """

    layers: tuple[DirectedLayer, ...]
    top: RBM

    def __post_init__(self) -> None:
        adopt(self, layers=tuple(self.layers))
        for k, layer in enumerate(self.layers):
            if not isinstance(layer, DirectedLayer):
                raise ValueError(
                    f"{type(layer).__name__} in layers[{k}], the place of a directed layer: write rbm.directed() for "
                    "an RBM, or DBN.from_rbms for a stack of them"
                )
        parts: list[DirectedLayer | RBM] = [*self.layers, self.top]
        for k, part in enumerate(parts):
            if part.units != "binary" and (k or part is self.top):
                raise ValueError(
                    f"a {type(part).__name__} of {part.units} units stands above h{k}, or alone: in a DBN only a "
                    "directed layer upon x may have others than zeros and ones; put an RBM above it, or take the RBM "
                    "by itself"
                )
        if not isinstance(self.top, RBM):
            raise ValueError(f"{type(self.top).__name__} as the top, the place of an RBM")
        for k, (lower, upper) in enumerate(pairwise(self._shapes), start=1):
            if lower[0] != upper[1]:
                raise ValueError(
                    f"h{k} has {lower[0]} units in layer {k}, but W of layer {k + 1} has {upper[1]} columns: "
                    f"it should have {lower[0]}"
                )

    @property
    def lowest(self) -> DirectedLayer | RBM:
        """The layer that x belongs to."""
        return self.layers[0] if self.layers else self.top

    @property
    def units(self) -> str:
        """What x is made of."""
        return self.lowest.units

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of x, h1, …, hL."""
        return (self._shapes[0][1], *(hidden for hidden, _ in self._shapes))

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return [(int(W.shape[0]), int(W.shape[1])) for W in (*(layer.W for layer in self.layers), self.top.W)]

    @classmethod
    def from_rbms(cls, rbms: Sequence[AnyRBM]) -> "DBN":
        """A stack of RBMs: all but the last become directed layers. Raises ValueError for an empty stack."""
        if not rbms:
            raise ValueError("a DBN is stacked from at least one RBM, none was given")
        *lower, top = rbms
        return cls(tuple(rbm.directed() for rbm in lower), cast(RBM, top))  # which is checked to be one

    @classmethod
    def with_classes(cls, rbms: Sequence[AnyRBM], classes: int) -> "DBN":
        """A stack whose top RBM was trained on [h(L−1), one unit for each class] (Hinton, Osindero & Teh 2006).

        The class units become the last units of h(L−1): with no weights downwards, and recognised at chance, which the
        top RBM's biases know. Clamped, they choose what is sampled. Raises ValueError without a layer below the top,
        or where the top RBM is not wider by the classes.
        """
        widths = [rbm.W.shape[1] for rbm in rbms]
        if len(rbms) < 2 or classes < 1 or widths[-1] != rbms[-2].W.shape[0] + classes:
            raise ValueError(
                f"{len(rbms)} RBMs, of {widths} visible units, and {classes} classes: at least two, the top one as "
                "wide as the hidden layer below and the classes together"
            )
        *lower, top = rbms
        last = DirectedLayer.from_rbm(lower[-1])
        silent = np.zeros((classes, last.W.shape[1]), last.W.dtype)
        W, R = np.concatenate([last.W, silent]), np.concatenate([last.R, silent])
        c = np.concatenate([last.c, top.b[-classes:]])
        below = tuple(rbm.directed() for rbm in lower[:-1])
        return cls((*below, replace(last, W=W, R=R, c=c)), cast(RBM, top))

    @classmethod
    def from_tied(cls, rbm: AnyRBM) -> "DBN":
        """The DBN of two layers with tied weights, which has the RBM's own distribution (claim I4).

        Raises ValueError for an RBM of other visible units than zeros and ones.
        """
        if not isinstance(rbm, RBM):
            raise ValueError(
                f"a {type(rbm).__name__} has {rbm.units} visible units, so that its p(h) is that of no RBM, and no DBN "
                "is tied to it: take the RBM itself, or train one upon it"
            )
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
        step gives the mean of x given h1, p(x_i = 1 | h1) of zeros and ones, instead of a sample; where there are no
        directed layers, one more h is drawn for it. clamp, (n_(L−1),) or (count, n_(L−1)), fixes units of the top RBM's
        visible layer, such as those of a class, and is NaN where they are free.
        Raises ValueError for a count below 1, steps below 0, and a start or clamp of another shape or of what h(L−1)
        cannot be.
        """
        rng = generator(rng)
        h = self.top.sample(count, rng, steps, start, mean and not self.layers, clamp)
        if not self.layers:
            return h
        for layer in reversed(self.layers):
            p = layer.visible_given_hidden(h)
            h = layer.draw_visible(p, rng)
        return p if mean else h
