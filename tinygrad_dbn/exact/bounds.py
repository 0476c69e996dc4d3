"""The variational bound and what is lost by it (claims H2–H4).

For any q(h1 | x),   log p(x) = Σ q log (p(x, h1) / q)  +  Σ q log (q / p(h1 | x))  =  bound + KL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.blas import one_thread
from ..autodiff.tensor import Value
from ..models import DBN, RBM
from .data import binary
from .likelihood import log_conditional, log_prior
from .states import states

ELEMENTS = 1 << 21  # (example, state) pairs held at a time


@dataclass(frozen=True, eq=False)
class Audit:
    """log p(x), the bound, the gap KL(q ‖ p(h1 | x)), and what is left of log p = bound + KL: (T,) each, nats."""

    log_likelihood: NDArray[np.float64]
    bound: NDArray[np.float64]
    kl: NDArray[np.float64]
    residual: NDArray[np.float64]


@one_thread()
def posterior(model: RBM | DBN, x: Any) -> Value:
    """p(h1 | x) over the 2^n1 states, in the order of `states(n1)`: (2^n1,) for one x (D,), (T, 2^n1) for a batch.

    Raises ValueError for x that is not zeros and ones of the model's width.
    """
    dbn = with_hidden(model)
    one = np.ndim(x) == 1
    X = binary(np.asarray(x)[None] if one else x, dbn.sizes[0])
    p = ops.softmax(_log_joint(dbn, X, log_prior(dbn)), axis=-1)
    return p[0] if one else p


@one_thread()
def bound(model: RBM | DBN, X: Any, q: Any = None) -> Value:
    """The variational bound Σ_h q(h|x) log p(x, h) − Σ_h q(h|x) log q(h|x) for rows X (T, D): (T,), nats (claim H2).

    q is (T, 2^n1) over the states of h1 in the order of `states`, each row summing to one, zeros allowed; None stands
    for the recognition model's product of sigmoids (claim I3). Raises ValueError for a q that is not that.
    """
    dbn = with_hidden(model)
    X = binary(X, dbn.sizes[0])
    parts = [
        _expectation(q_rows, _log_joint(dbn, rows, prior) - log_q) for rows, q_rows, log_q, prior in _rows(dbn, X, q)
    ]
    return ops.concatenate(parts)


@one_thread()
def audit(model: RBM | DBN, X: Any, q: Any = None) -> Audit:
    """log p(x), bound and KL gap computed each in its own way, and the residual log p − bound − KL, for X (T, D).

    log p is a log-sum over states, the bound an expectation under q, and the KL compares q with the posterior
    (claim H4). q as in `bound`. For an RBM the recognition model is the posterior, and the gap is zero (claim H3).
    """
    dbn = with_hidden(model)
    X = binary(X, dbn.sizes[0])
    columns = []
    for rows, q_rows, log_q, prior in _rows(dbn, X, q):
        joint = _log_joint(dbn, rows, prior)
        log_p = ops.logsumexp(joint, axis=-1)
        log_posterior = ops.log_softmax(joint, axis=-1)
        columns.append((log_p, _expectation(q_rows, joint - log_q), _expectation(q_rows, log_q - log_posterior)))
    log_p, lower, kl = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Audit(log_p, lower, kl, log_p - lower - kl)


def with_hidden(model: RBM | DBN) -> DBN:
    """The model as a DBN with a directed layer. An RBM is the tied one of two layers (claim I4)."""
    if isinstance(model, RBM):
        return DBN.from_tied(model)
    return model if model.layers else DBN.from_tied(model.top)


def _log_joint(dbn: DBN, X: Value, prior: Value) -> Value:
    """log p(x, h1) for rows X and every state of h1: (T, 2^n1), nats."""
    layer = dbn.layers[0]
    return log_conditional(X, layer, states(layer.W.shape[0])) + prior


def _rows(dbn: DBN, X: Any, q: Any) -> Iterator[tuple[Any, Value, Value, Value]]:
    """Some rows of X at a time with q, log q (0 where q is 0) and log p(h1) of every state."""
    every = states(dbn.sizes[1])
    prior = log_prior(dbn)
    if q is not None:
        q = _distribution(q, (len(X), len(every)))
    step = max(1, ELEMENTS // len(every))
    for i in range(0, len(X), step):
        rows = X[i : i + step]
        if q is None:
            a = dbn.layers[0].recognition_logits(rows)
            log_q = ops.matmul(a, every.T) - ops.sum(ops.softplus(a), axis=-1, keepdims=True)
            yield rows, ops.exp(log_q), log_q, prior
        else:
            some = q[i : i + step]
            yield rows, some, ops.where(ops.greater(some, 0), ops.log(some), 0), prior


def _expectation(q: Value, f: Value) -> Value:
    """Σ_h q(h) f(h), where a state of probability zero adds nothing whatever f is there."""
    return ops.sum(ops.chain(q, f), axis=-1)


def _distribution(q: Any, shape: tuple[int, int]) -> Any:
    q = np.asarray(q)
    if q.shape != shape:
        raise ValueError(f"q has shape {q.shape}; {shape[0]} examples over {shape[1]} states of h1 want {shape}")
    if q.dtype == object:
        return q
    if not (q >= 0).all():
        row, state = (int(i) for i in np.argwhere(~(q >= 0))[0])
        raise ValueError(f"q[{row}, {state}] is {q[row, state]}: probabilities are at least 0")
    totals = q.sum(axis=1)
    if not np.allclose(totals, 1, rtol=0, atol=1e-9):
        row = int(np.argmax(np.abs(totals - 1)))
        raise ValueError(f"q[{row}] sums to {totals[row]!r}, not to 1: divide it by its sum")
    return q
