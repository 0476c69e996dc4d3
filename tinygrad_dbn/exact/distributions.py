"""Probabilities written out over all states of a layer."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN, RBM
from .states import states


def as_dbn(model: RBM | DBN) -> DBN:
    """An RBM as the DBN without directed layers, which it is; a DBN as it stands."""
    return model if isinstance(model, DBN) else DBN((), model)


def with_hidden(model: RBM | DBN) -> DBN:
    """The model as a DBN with a directed layer. An RBM is the tied one of two layers (claim I4)."""
    if isinstance(model, RBM):
        return DBN.from_tied(model)
    return model if model.layers else DBN.from_tied(model.top)


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
