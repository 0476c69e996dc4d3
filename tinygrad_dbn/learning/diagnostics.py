"""Measurements of a training: where gradients vanish, and what keeps the error up (claims B3, B4)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.differentiate import grad
from ..autodiff.kernels.blas import fixed_threads
from ..models import FeedForward
from ..models.feedforward import ACTIVATIONS
from ..models.validation import whole
from .supervised import Examples, examples

STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}
"""max |g'| of each activation."""


@dataclass(frozen=True)
class LayerGradient:
    """|∇_{a^(k)} −log f(x)_y| in one layer."""

    layer: int
    mean: float
    """Over the examples, nats."""
    bound: float
    """What it cannot exceed: the mean in the output layer times Π |W^(j)| max |g'| over the layers between."""


def pre_activation_gradients(net: FeedForward, X: Any, y: Any) -> list[Any]:
    """∇_{a^(k)} −log f(x)_y of every example, for k = 1 … L + 1: (T, n_k) each (claims A4, A6).

    They are the gradients of the summed loss by something added to the pre-activations, at zero.
    """

    def loss(added: list[Any]) -> Any:
        h = X
        for k, more in enumerate(added, start=1):
            a = net.pre_activation(k, h) + more
            h = ACTIVATIONS[net.hidden](a)
        return ops.sum(ops.softmax_nll(a, y))

    return grad(loss)([np.zeros((len(X), W.shape[0]), W.dtype) for W in net.weights])  # type: ignore[no-any-return]


@fixed_threads()
def layer_gradients(net: FeedForward, data: Examples) -> list[LayerGradient]:
    """The mean length of the gradient in the pre-activation of every layer, first to last, beside its bound (claim B3).

    From ∇_{a^(k−1)} = W^(k)ᵀ ∇_{a^(k)} ⊙ g'(a^(k−1)) (claim A6): each layer down multiplies the length by at most
    |W^(k)| max |g'|, with |W| the largest singular value and g' at most ¼ for the sigmoid.
    """
    X, y = examples(data, net)
    lengths = [float(np.linalg.norm(g, axis=1).mean()) for g in pre_activation_gradients(net, X, y)]
    bound, found = lengths[-1], [LayerGradient(len(lengths), lengths[-1], lengths[-1])]
    for k in reversed(range(len(lengths) - 1)):
        bound *= float(np.linalg.norm(net.weights[k + 1], 2)) * STEEPEST[net.hidden]
        found.append(LayerGradient(k + 1, lengths[k], bound))
    return found[::-1]


@dataclass(frozen=True)
class Reading:
    """What a pair of errors says (claim B4): shares of examples, and which of the two parts is the larger."""

    underfitting: float
    """The training error over the error that is reachable."""
    overfitting: float
    """The test error over the training error; less than 0 where the test examples happen to be easier."""
    margin: float
    """Half of the test error's 95 % interval: differences below it say nothing."""

    @property
    def verdict(self) -> str:
        """ "underfitting", "overfitting", or "neither" where both are within the margin."""
        if max(self.underfitting, self.overfitting) <= self.margin:
            return "neither"
        return "underfitting" if self.underfitting >= self.overfitting else "overfitting"


def reading(train_error: float, test_error: float, tested: int, reachable: float = 0.0) -> Reading:
    """The training error read as optimisation's part, what the test adds to it as the generalisation's (claim B4).

    reachable: the error of the best possible classifier, 0 where classes do not overlap. A better optimiser, or better
    starting weights, cures the first; regularisation, or more data, the second.
    Raises ValueError for what is no share of examples, and for less than one example tested.

    >>> reading(0.01, 0.06, tested=1000).verdict
    'overfitting'
    """
    for name, share in (("train_error", train_error), ("test_error", test_error), ("reachable", reachable)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name}={share}: write a share of examples, from 0 to 1; 0.06 for 6 %")
    tested = whole("tested", tested, 1)
    margin = 1.96 * float(np.sqrt(test_error * (1 - test_error) / tested))
    return Reading(train_error - reachable, test_error - train_error, margin)
