"""Probabilities written out over all states of a layer, and how large such a table may become."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.tensor import Value
from ..models import DBN, RBM
from .budget import TooLarge
from .states import states

MAX_ELEMENTS = 1 << 25  # 256 MiB of float64


def as_dbn(model: RBM | DBN) -> DBN:
    """An RBM as the DBN without directed layers, which it is; a DBN as it stands."""
    return model if isinstance(model, DBN) else DBN((), model)


def log_bernoulli_table(logits: Value) -> Value:
    """log Π_j p(h_j) of every state h, for independent units of the given logits (S, n): (S, 2^n), nats.

    >>> np.exp(log_bernoulli_table(np.log([[3.0, 1.0]]))).round(3)
    array([[0.125, 0.375, 0.125, 0.375]])
    """
    every = states(int(logits.shape[-1]))
    return ops.matmul(logits, every.T) - ops.sum(ops.softplus(logits), axis=-1, keepdims=True)


def bernoulli_table(logits: Value) -> Value:
    """Π_j p(h_j) of every state h, for independent units of the given logits (S, n): (S, 2^n)."""
    return ops.exp(log_bernoulli_table(logits))


def distinct(X: NDArray[np.float64], exactly: bool = False) -> tuple[NDArray[np.float64], Any]:
    """The empirical distribution of rows X (T, D): its distinct rows (S, D) and how often each occurs, (S,).

    exactly: as Fractions, for arithmetics into which a rounded third must not come.

    >>> distinct(np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0]]))
    (array([[0., 1.],
           [1., 1.]]), array([0.75, 0.25]))
    """
    rows, counts = np.unique(X, axis=0, return_counts=True)
    return rows, np.array([Fraction(int(n), len(X)) for n in counts], object) if exactly else counts / len(X)


def check_table(what: str, units: int, width: int) -> None:
    """Raise TooLarge if 2^units rows of `width` numbers are more than a table may hold."""
    elements = min((1 << units) * width, 1 << 999)  # whatever the width, a float holds its size
    if elements > MAX_ELEMENTS:
        raise TooLarge(
            f"{what} writes out 2^{units} states of {width} numbers each, {elements * 8 / 2**30:.3g} GiB; a table may "
            f"hold {MAX_ELEMENTS * 8 / 2**30:g} GiB. Use a model with a smaller layer"
        )
