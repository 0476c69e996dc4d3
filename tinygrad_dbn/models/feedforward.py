"""The feed-forward network (claims A1–A3), with dropout (E1–E3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.op import Rule
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .validation import adopt, parameter, whole

ACTIVATIONS: dict[str, Rule] = {"sigmoid": ops.sigmoid, "tanh": ops.tanh, "relu": ops.relu}
OUTPUTS: dict[str, Rule] = {"softmax": ops.softmax, "sigmoid": ops.sigmoid, "linear": lambda a: a}


def glorot(inputs: int, units: int) -> float:
    """√(6 / (inputs + units)): keeps the variance of activations and of gradients where slopes are near 1.

    Source: Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (AISTATS 2010).
    """
    return sqrt(6 / (inputs + units))


RANGES: dict[str, Callable[[int, int], float]] = {
    "tanh": glorot,
    "linear": glorot,
    "softmax": glorot,
    # The logistic's slope is at most ¼ where tanh's is 1: four times the range (LISA lab, Deep Learning Tutorials).
    "sigmoid": lambda inputs, units: 4 * glorot(inputs, units),
    # Half of its units are silent (He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015).
    "relu": lambda inputs, units: sqrt(6 / inputs),
}
"""r(inputs, units) for a layer of each activation: its weights start uniform in ±r."""


def starting_weights(activation: str, inputs: int, units: int, rng: np.random.Generator) -> Any:
    """The weights (units, inputs) that a layer of this activation starts from: uniform in its range of `RANGES`."""
    r = RANGES[activation](inputs, units)
    return rng.uniform(-r, r, (units, inputs))


@dataclass(frozen=True, eq=False)
class FeedForward(Vector):
    """h^(k)(x) = g(b^(k) + W^(k) h^(k−1)(x)) for k = 1 … L, and f(x) = o(b^(L+1) + W^(L+1) h^(L)(x)).

    weights: W^(1) … W^(L+1), W^(k) of shape (n_k, n_(k−1)); biases: b^(k) (n_k,). hidden: g, one of "sigmoid", "tanh",
    "relu"; output: o, one of "softmax", "sigmoid", "linear". A batch x is (T, n_0).
    Raises ValueError for shapes that do not fit, NaN or inf, and unknown names.
    """

    weights: tuple[Value, ...]
    biases: tuple[Value, ...]
    hidden: str = "sigmoid"
    output: str = "softmax"

    def __post_init__(self) -> None:
        known(self.hidden, self.output)
        if len(self.weights) != len(self.biases) or not self.weights:
            raise ValueError(
                f"{len(self.weights)} weights and {len(self.biases)} biases: as many of each, at least one"
            )
        weights, biases, below = [], [], None
        for k, (W, b) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            weights.append(parameter(f"W^({k})", W, (None, below)))
            below = int(weights[-1].shape[0])
            biases.append(parameter(f"b^({k})", b, (below,)))
        adopt(self, weights=tuple(weights), biases=tuple(biases))

    @classmethod
    def init(cls, sizes: Sequence[int], rng: Random, hidden: str = "sigmoid", output: str = "softmax") -> "FeedForward":
        """Weights uniform in the range that `RANGES` gives for each layer's activation, biases zero.

        sizes: n_0 … n_(L+1). Raises ValueError for fewer than two of them, any below 1, and unknown activations.
        """
        rng = generator(rng)
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes {tuple(sizes)}: at least an input and an output, each of at least one unit")
        known(hidden, output)
        activations = (*[hidden] * (len(sizes) - 2), output)
        weights = tuple(starting_weights(g, m, n, rng) for g, (m, n) in zip(activations, pairwise(sizes), strict=True))
        return cls(weights, tuple(np.zeros(n) for n in sizes[1:]), hidden, output)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of each layer, n_0 … n_(L+1)."""
        return (int(self.weights[0].shape[1]), *(int(W.shape[0]) for W in self.weights))

    def _summary(self) -> str:
        hidden = [f"hidden {self.hidden}"] * (len(self.weights) > 1)
        return ", ".join(["–".join(map(str, self.sizes)), *hidden, f"output {self.output}"])

    def pre_activation(self, k: int, h: Value) -> Value:
        """a^(k) = b^(k) + W^(k) h^(k−1) (A1), from h^(k−1) (T, n_(k−1)): (T, n_k), for k = 1 … L + 1.

        Raises ValueError for another k.
        """
        whole("k", k, 1, len(self.weights))
        return ops.matmul(h, self.weights[k - 1].T) + self.biases[k - 1]

    def hidden_layer(self, k: int, h: Value, mask: Value | None = None) -> Value:
        """h^(k) = g(a^(k)) (A2), times its mask, (n_k,) or (T, n_k), if there is one (E1): (T, n_k), for k = 1 … L."""
        h = ACTIVATIONS[self.hidden](self.pre_activation(k, h))
        return h if mask is None else h * mask

    def logits(self, x: Value, masks: Sequence[Value] | None = None) -> Value:
        """a^(L+1)(x), (T, n_(L+1)). masks: one for each hidden layer, (n_k,) or (T, n_k), multiplied into h^(k).

        In training the masks are zeros and ones (E1); at test time they are their expectation (E3). None: no dropout.
        """
        top = len(self.weights)
        if masks is not None and len(masks) != top - 1:
            raise ValueError(f"{len(masks)} masks for {top - 1} hidden layers")
        h = x
        for k in range(1, top):
            h = self.hidden_layer(k, h, None if masks is None else masks[k - 1])
        return self.pre_activation(top, h)

    def __call__(self, x: Value, masks: Sequence[Value] | None = None) -> Value:
        """f(x), (T, n_(L+1)): for softmax p(y | x) of every class."""
        return OUTPUTS[self.output](self.logits(x, masks))

    def nll(self, x: Value, y: Any, masks: Sequence[Value] | None = None) -> Value:
        """−log f(x)_y for classes y (T,): (T,), nats (A3). Raises ValueError unless the output is softmax."""
        if self.output != "softmax":
            raise ValueError(f"−log f(x)_y needs output='softmax', this network has {self.output!r}")
        return ops.softmax_nll(self.logits(x, masks), y)


def known(hidden: str, output: str) -> None:
    """Raises ValueError for the name of an activation that there is not."""
    for kind, name, there_are in (("hidden", hidden, ACTIVATIONS), ("output", output, OUTPUTS)):
        if name not in there_are:
            raise ValueError(f"{kind}={name!r} is not known: one of {', '.join(map(repr, there_are))}")
