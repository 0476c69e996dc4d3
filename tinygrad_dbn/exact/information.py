"""Entropies, and how far the model is from its data."""

from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN, RBM
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .data import binary, rows
from .distributions import as_dbn, distinct
from .likelihood import log_likelihood
from .marginals import layer_of, log_marginal


def entropy(
    model: RBM | DBN, layer: int = 0, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """H(p) = −Σ p log p over the states of a layer, x unless stated: nats. Cost and errors as `log_marginal`.

    >>> round(float(entropy(RBM([[0.0, 0.0]], [0.0, 0.0], [0.0]))), 12)  # two fair coins: 2 log 2
    1.38629436112
    """
    dbn = as_dbn(model)
    layer = layer_of(dbn, layer)
    with spending("entropy", costs.of(costs.log_marginal, dbn, layer), max_seconds, max_bytes):
        log_p = log_marginal(model, layer)
        return -ops.sum(ops.exp(log_p) * log_p)


def data_entropy(X: Any) -> float:
    """The entropy of the empirical distribution of rows X (T, D), equal rows counted together: nats.

    >>> round(data_entropy([[0, 1], [0, 1], [1, 1], [1, 0]]), 12)  # 3/2 log 2
    1.03972077084
    """
    _, p = distinct(binary(X))
    return float(-(p * np.log(p)).sum())


def kl_from_data(model: RBM | DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """KL(data ‖ model) for the empirical distribution of rows X (T, D): nats, at least 0.

    It is −H(data) − mean log p(x): maximum likelihood minimises it, and it is 0 for a model that is the data. Summed as
    Σ p_data (log p_data − log p), so that a small divergence is not lost between two large numbers.
    """
    X = rows(model, X)
    with spending("kl_from_data", costs.of(costs.kl_from_data, model, X), max_seconds, max_bytes):
        some, p = distinct(X)
        log_p = log_likelihood(model, some)
        if log_p.dtype == np.object_:  # in the model's own arithmetic
            p = log_p * 0 + distinct(X, exactly=True)[1]
        return ops.sum(p * (ops.log(p) - log_p))
