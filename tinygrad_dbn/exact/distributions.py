"""Probabilities written out over all states of a layer."""

from fractions import Fraction
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN, RBM, AnyRBM, DirectedLayer
from .data import need_binary
from .states import states


def as_dbn(model: AnyRBM | DBN) -> DBN:
    """An RBM of zeros and ones as the DBN without directed layers, which it is; a DBN as it stands.

    Raises ValueError for an RBM of other visible units.
    """
    if isinstance(model, DBN):
        return model
    need_binary(model)
    return DBN((), cast(RBM, model))


def parts(model: AnyRBM | DBN) -> tuple[tuple[DirectedLayer, ...], AnyRBM]:
    """The directed layers of a DBN, from x upwards, and its top RBM; of an RBM none, and itself."""
    return (model.layers, model.top) if isinstance(model, DBN) else ((), model)


def with_hidden(model: AnyRBM | DBN) -> DBN:
    """The model as a DBN with a directed layer. An RBM of zeros and ones is the tied one of two layers (claim I4).

    Raises ValueError for an RBM of other visible units: its p(h) is that of no RBM.
    """
    dbn = as_dbn(model)
    return dbn if dbn.layers else DBN.from_tied(dbn.top)


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
