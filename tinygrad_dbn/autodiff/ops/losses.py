"""The losses that the lecture names. They are made of ops and need no rules of their own."""

from typing import Any

import numpy as np

from ..callers import callers_line
from ..operators import Value, shape_of
from ..tensor import Tensor
from .elementwise import softplus, square
from .reductions import log_softmax, sum
from .shapes import index


def softmax_nll(a: Value, y: Value) -> Value:
    """−log f(x)_y for logits a (T, C) and classes y (T,) in 0 … C−1: nats, (T,). Claim A3.

    Raises ValueError or IndexError where y is not T classes below C.

    >>> float(softmax_nll(np.zeros((1, 4)), [2])[0])  # log 4
    1.3862943611198906
    """
    shape = shape_of(a)
    if len(shape) != 2:
        raise ValueError(
            f"softmax_nll: logits of shape {shape}; a batch has (T, C), a row for each example: write x[None, :] "
            f"and [y] for one example x of class y\n  in {callers_line()}"
        )
    y = y if isinstance(y, Tensor) else np.asarray(y)
    examples, classes = shape
    if y.shape != (examples,) or y.dtype.kind not in "iu":
        raise ValueError(
            f"softmax_nll: y is {y.dtype} of shape {y.shape}; logits of shape {(examples, classes)} "
            f"want {examples} integers from 0 to {classes - 1}"
        )
    known = _at_the_bottom(y)
    if known.size and not (known.min() >= 0 and known.max() < classes):
        raise ValueError(
            f"softmax_nll: classes run from {known.min()} to {known.max()}, the logits have 0 to {classes - 1}"
        )
    return -index(log_softmax(a, axis=-1), at=(np.arange(examples), y))


def bernoulli_cross_entropy(a: Value, x: Value) -> Value:
    """−Σ_i log p(x_i) for p(x_i = 1) = σ(a_i): nats, summed over the last axis, from logits a and x in [0, 1].

    softplus(a) − a x is the whole of it: no probability is formed, so none can round to 0 or 1.
    """
    return sum(softplus(a) - a * x, axis=-1)


def squared_error(a: Value, x: Value) -> Value:
    """½ Σ_i (a_i − x_i)², summed over the last axis."""
    return sum(square(a - x), axis=-1) / 2


def _at_the_bottom(x: Value) -> Any:
    """The array at the bottom of all levels: of all examples, where a `vmap` is among them."""
    while isinstance(x, Tensor):
        x = x.value
    return x
