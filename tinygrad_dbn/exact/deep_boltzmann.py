"""Deep Boltzmann machines of toy sizes: the exact likelihood, and what mean field loses of it.

As an RBM (`DBM.as_rbm`) a DBM has log Z and annealed sampling already, and p(x) is the marginal of some visible units
of that RBM. Its posterior p(h1, …, hL | x) is no product, unlike an RBM's. Mean field (Salakhutdinov & Hinton 2009) is
the best product q near where it starts:

    log p(x) ≥ −E(x, μ1, …, μL) + Σ_k H(μ_k) − log Z,        the gap being KL(q ‖ p(h | x)) (claims H2, H4).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.differentiate import grad
from ..autodiff.operators import Value
from ..models import DBM
from ..models.validation import whole
from ..showing import Shown
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .conditionals import log_conditional_likelihood
from .data import are_floats, as_float64, binary, of_kind
from .distributions import with_hidden
from .partition import log_partition

Array = NDArray[np.float64]


def dbm_log_likelihood(dbm: DBM, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """log p(x) = log Σ_h exp(−E(x, h)) − log Z for every row of X (T, D): (T,), nats.

    Sums over the states of all odd layers, the even ones being summed in closed form: time (T + D) · 2^(n1 + n3 + …).

    >>> dbm_log_likelihood(DBM([[[0.0]], [[0.0]]], [[0.0], [0.0], [0.0]]), [[1]]).round(6)  # a fair coin
    array([-0.693147])
    """
    of_kind(dbm, "DBM")
    X, rbm = binary(X, dbm.sizes[0], dbm), dbm.as_rbm()
    D, rest = dbm.sizes[0], np.zeros((len(X), rbm.W.shape[1] - dbm.sizes[0]))
    padded = ops.concatenate([X, rest], axis=1)
    cost = costs.of(costs.log_conditional_likelihood, with_hidden(rbm), padded)
    with spending("dbm_log_likelihood", cost, max_seconds, max_bytes):
        return log_conditional_likelihood(rbm, padded, given=[], of=range(D))


def dbm_gradient(dbm: DBM, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> DBM:
    """The exact gradient of the mean log-likelihood of X (T, D), as a DBM: by differentiating its sums."""
    of_kind(dbm, "DBM")
    X = binary(X, dbm.sizes[0], dbm)
    cost = costs.in_a_trace(costs.log_conditional_likelihood(with_hidden(dbm.as_rbm()), X))
    with spending("dbm_gradient", cost, max_seconds, max_bytes):
        return grad(lambda m: ops.mean(dbm_log_likelihood(m, X)))(dbm)  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class MeanField(Shown):
    """A product q of independent units for every example, and its bound."""

    means: tuple[Array, ...]
    """q(h_k = 1 | x) of every hidden layer: (T, n_k) each."""
    bound: Array
    """At most log p(x), (T,), nats."""


def mean_field(
    dbm: DBM,
    X: Any,
    sweeps: int = 1000,
    *,
    tolerance: float = 1e-12,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> MeanField:
    """Coordinate ascent on the bound for every row of X (T, D): a layer at a time, μ_k = σ(its logits at the others').

    It starts from a pass upwards with doubled weights, as if each layer heard above what it hears below, and ends when
    a sweep moves no mean by more than `tolerance`. The units of a layer do not meet, so each update is the best there
    is with the others as they are, and the bound never falls. Raises ValueError for sweeps or tolerance below 0.
    """
    of_kind(dbm, "DBM")
    sweeps = whole("sweeps", sweeps, 0)
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance={tolerance}: write a finite number from 0 on")
    X = binary(X, dbm.sizes[0], dbm)
    if not are_floats(dbm, X):
        raise TypeError("mean_field is a search, for plain arrays of floats: give the DBM and X as such")
    with spending("mean_field", costs.mean_field(dbm, X), max_seconds, max_bytes):
        dbm, X = as_float64((dbm, X))
        layers = [X]
        for k, W in enumerate(dbm.weights, start=1):
            heard = 2 if k < len(dbm.weights) else 1
            layers.append(np.asarray(ops.sigmoid(dbm.biases[k] + heard * (layers[-1] @ W.T))))
        for _ in range(sweeps):
            before = layers[1:]
            for k in range(1, len(layers)):
                layers[k] = np.asarray(ops.sigmoid(dbm.logits(k, layers)))
            if max(np.abs(a - b).max() for a, b in zip(layers[1:], before, strict=True)) <= tolerance:
                break
        lower = -np.asarray(dbm.energy(*layers)) - log_partition(dbm.as_rbm())
        for mean in layers[1:]:
            lower = lower + entropies(mean).sum(axis=1)
        return MeanField(tuple(layers[1:]), lower)


def entropies(p: Array) -> Array:
    """−p log p − (1 − p) log(1 − p) of each, nats, 0 at p = 0 and p = 1."""
    from scipy.special import entr  # here, for it would take most of the time of `import tinygrad_dbn`

    return np.asarray(entr(p) + entr(1 - p))
