"""The variational bound and what is lost by it (claims H2–H4).

For any q(h1 | x),   log p(x) = Σ q log (p(x, h1) / q)  +  Σ q log (q / p(h1 | x))  =  bound + KL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...autodiff.operators import Value
from ...autodiff.tensor import Tensor
from ...models import DBN, AnyRBM, DirectedLayer
from ...showing import Shown, are_numbers, count
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, Place, spending
from ..data import are_floats, as_array, as_float64, examples, have_compiled_sums, known, plain_numbers
from ..distributions import log_bernoulli_table, with_hidden
from ..marginals import log_prior
from ..states import states
from ..sums import float64, matrices, posteriors, recognition

ELEMENTS = 1 << 21  # (example, state) pairs held at a time


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """log p(x), the bound, the gap KL(q ‖ p(h1 | x)), and the residual log p − bound − KL: (T,) each, nats."""

    log_likelihood: NDArray[np.float64]
    bound: NDArray[np.float64]
    kl: NDArray[np.float64]
    residual: NDArray[np.float64]

    def _summary(self) -> str:
        if not are_numbers(self.bound):
            return super()._summary()
        parts = f"log p {self.log_likelihood.mean():.4f} = bound {self.bound.mean():.4f} + KL {self.kl.mean():.4f}"
        return f"{count(len(self.bound), 'example')}, in the mean {parts} nats"


def posterior(model: AnyRBM | DBN, x: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """p(h1 | x) over the 2^n1 states, in the order of `states(n1)`: (2^n1,) for one x (D,), (T, 2^n1) for a batch.

    The table itself takes 8 T 2^n1 bytes.
    """
    dbn = with_hidden(model)
    x = x if isinstance(x, Tensor) else as_array(x, "x")
    one = x.ndim == 1
    X = examples(dbn, x[None] if one else x, "x")
    with spending("posterior", costs.of(costs.posterior, dbn, X), max_seconds, max_bytes):
        if have_compiled_sums(dbn, X):
            dbn, X = as_float64((dbn, X))
            p = matrices.log_joint(dbn.layers[0], X, float64.log_prior(dbn, Place())[0], normalised=True)
        else:
            p = ops.softmax(_log_joint(dbn, X, log_prior(dbn)), axis=-1)
    return p[0] if one else p


def bound(
    model: AnyRBM | DBN, X: Any, q: Any = None, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """The variational bound Σ_h q(h|x) log p(x, h) − Σ_h q(h|x) log q(h|x) for rows X (T, D): (T,), nats (claim H2).

    q is (T, 2^n1) over the states of h1 in the order of `states`, each row summing to one, zeros allowed; None stands
    for the recognition model's product of sigmoids (claim I3). Arrays of floats take matrix products
    (`recognition.py`), in about the time of `log_likelihood`. Raises ValueError for a q that is not that.
    """
    dbn = with_hidden(model)
    X, q = examples(dbn, X), _distribution(dbn, X, q)
    with spending("bound", costs.of(costs.bound, dbn, X, q), max_seconds, max_bytes):
        if have_compiled_sums(dbn, X, q):
            dbn, X = as_float64((dbn, X))
            layer, prior = dbn.layers[0], float64.log_prior(dbn, Place())[0]
            return recognition.bound(layer, X, prior, recognition.recognised(layer, X, q))
        parts = [
            _expectation(q_rows, _log_joint(dbn, some, prior) - log_q)
            for some, q_rows, log_q, prior in in_batches(dbn, X, q)
        ]
        return ops.concatenate(parts)


def audit(
    model: AnyRBM | DBN, X: Any, q: Any = None, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Audit:
    """log p(x), bound and KL gap computed each in its own way, and the residual log p − bound − KL, for X (T, D).

    log p is a log-sum over states, the bound an expectation under q, and the KL compares q with the posterior
    (claim H4). q as in `bound`. For an RBM the recognition model is the posterior, and the gap is zero (claim H3).
    Arrays of floats take matrix products (`recognition.py`), in at most three times the time of `log_likelihood`.
    """
    dbn = with_hidden(model)
    X, q = examples(dbn, X), _distribution(dbn, X, q)
    with spending("audit", costs.of(costs.audit, dbn, X, q), max_seconds, max_bytes):
        if have_compiled_sums(dbn, X, q):
            dbn, X = as_float64((dbn, X))
            layer, (prior, error) = dbn.layers[0], float64.log_prior(dbn, Place())
            known, mixture = recognition.recognised(layer, X, q), posteriors.mixture(layer, X, prior, error)
            log_p, lower = mixture.value, recognition.bound(layer, X, prior, known)
            kl = recognition.divergence(mixture, known)
        else:
            columns = []
            for some, q_rows, log_q, prior in in_batches(dbn, X, q):
                joint = _log_joint(dbn, some, prior)
                log_p = ops.logsumexp(joint, axis=-1)
                log_posterior = ops.log_softmax(joint, axis=-1)
                lower, kl = _expectation(q_rows, joint - log_q), _expectation(q_rows, log_q - log_posterior)
                columns.append((log_p, lower, kl))
            log_p, lower, kl = (ops.concatenate(column) for column in zip(*columns, strict=True))
        return Audit(log_p, lower, kl, log_p - lower - kl)


def layer_bound(layer: DirectedLayer, X: Value, value: Value) -> Value:
    """E_q[log p(x | h) + value(h) − log q(h | x)] by a layer's recognition half: (T,), nats.

    For rows X (T, D) and value (2^H,). With log p(h) for value it is the bound, and with the bound of the layers above,
    theirs.
    """
    if have_compiled_sums(layer, X, value):
        layer, X, value = as_float64((layer, X, value))
        return recognition.bound(layer, X, value, recognition.independent(layer, X))
    log_q = log_bernoulli_table(layer.recognition_logits(X))
    joint = layer.log_conditional(X, states(layer.W.shape[0])) + value
    return _expectation(ops.exp(log_q), joint - log_q)


def _log_joint(dbn: DBN, X: Value, prior: Value) -> Value:
    """log p(x, h1) for rows X and every state of h1: (T, 2^n1), nats."""
    layer = dbn.layers[0]
    return layer.log_conditional(X, states(layer.W.shape[0])) + prior


def in_batches(dbn: DBN, X: Any, q: Any) -> Iterator[tuple[Any, Value, Value, Value]]:
    """Some rows of X at a time with q, log q (0 where q is 0) and log p(h1) of every state."""
    prior = log_prior(dbn)
    step = max(1, ELEMENTS >> dbn.sizes[1])
    for i in range(0, len(X), step):
        some = X[i : i + step]
        if q is None:
            log_q = log_bernoulli_table(dbn.layers[0].recognition_logits(some))
            yield some, ops.exp(log_q), log_q, prior
        else:
            q_rows = q[i : i + step]
            yield some, q_rows, ops.where(ops.greater(q_rows, 0), ops.log(q_rows), 0), prior


def _expectation(q: Value, f: Value) -> Value:
    """Σ_h q(h) f(h), where a state of probability zero adds nothing whatever f is there."""
    return ops.sum(ops.chain(q, f), axis=-1)


def _distribution(dbn: DBN, X: Any, q: Any) -> Any:
    """q as a table (T, 2^n1) of probabilities for the rows of X, or None where none is given."""
    if q is None:
        return None
    q, shape = q if isinstance(q, Tensor) else as_array(q, "q"), (len(X), 1 << dbn.sizes[1])
    if q.shape != shape:
        raise ValueError(f"q has shape {q.shape}; {shape[0]} examples over {shape[1]} states of h1 want {shape}")
    if q.dtype == object and not are_floats(dbn):
        return q
    if isinstance(q, Tensor):
        _distribution(dbn, X, known(q))
        return q
    q = plain_numbers(q, "q")
    if not (q >= 0).all():
        row, state = (int(i) for i in np.argwhere(~(q >= 0))[0])
        raise ValueError(f"q[{row}, {state}] is {q[row, state]}: probabilities are at least 0")
    totals = q.sum(axis=1)
    if not np.allclose(totals, 1, rtol=0, atol=1e-9):
        row = int(np.argmax(np.abs(totals - 1)))
        raise ValueError(f"q[{row}] sums to {totals[row]!r}, not to 1: divide it by its sum")
    return q
