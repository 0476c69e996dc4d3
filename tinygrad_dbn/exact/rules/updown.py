"""The up-down algorithm's two phases on average, exactly (claim I7; Hinton, Osindero & Teh 2006)."""

from typing import Any

import numpy as np

from ...autodiff import ops
from ...autodiff.differentiate import grad
from ...autodiff.trees import tree_map
from ...models import DBN, DirectedLayer
from ...models.validation import whole
from .. import costs
from ..budget import MAX_BYTES, MAX_SECONDS, spending
from ..data import of_kind, rows
from ..distributions import bernoulli_table, distinct
from ..states import states
from ..variational.layers import deep_bound
from .expected import Array, Ensemble, after_gibbs, difference, equilibrium, moment


def expected_wake(
    dbn: DBN, X: Any, k: int | None = 1, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> DBN:
    """The mean update of the up-down algorithm's wake phase and top-level CD-k, for rows X (T, D) (claim I7).

    Every hidden layer is sampled upwards from q; each directed layer then learns to make the layer below from it, Δ =
    E_q[h_k (h_(k−1) − σ(b + h_k W))ᵀ], and the top RBM learns by CD-k from q(h(L−1) | x); k = None lets its negative
    phase reach equilibrium. The directed part is exactly the bound's gradient; against the likelihood's it is biased as
    far as q is not the posterior. Recognition weights stay: theirs is 0. Raises ValueError for k below 1.
    """
    of_kind(dbn, "DBN")
    X, k = rows(dbn, X), None if k is None else whole("k", k, 1)
    with spending("expected_wake", costs.of(costs.expected_wake, dbn, X, k), max_seconds, max_bytes):
        recognised = _upward(dbn, distinct(X))
        updates = []
        for layer, lower, upper in zip(dbn.layers, recognised, recognised[1:], strict=False):
            h, p = upper
            guess = np.asarray(ops.sigmoid(layer.visible_logits(h)))
            means = _guess(layer, lower[0])
            W = moment(lower[1], means, lower[0]) - moment(p, h, guess)
            b = lower[1] @ lower[0] - p @ guess
            updates.append(_layer(layer, W=W, b=b))
        data = recognised[-1]
        negative = equilibrium(dbn.top) if k is None else after_gibbs(dbn.top, data, k)
        return DBN(tuple(updates), difference(dbn.top, data, negative))


def expected_sleep(
    dbn: DBN, X: Any = None, k: int | None = None, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> DBN:
    """The mean update of the up-down algorithm's sleep phase (claim I7; Hinton, Osindero & Teh 2006).

    The model dreams from the top down; each recognition layer learns to guess what made the layer below it, Δ =
    E_dream[(h_k − σ(c + R h_(k−1))) h_(k−1)ᵀ]. Dreams come from the model's own distribution, or, with rows X (T, D)
    and k, from the top RBM k Gibbs rounds after it was set to q(h(L−1) | x), as in the paper. It lowers KL(p ‖ q) on
    dreams and not KL(q ‖ p) on data, which is its bias against `recognition_gradient`. Generative parameters stay:
    theirs is 0. Raises ValueError where one of X and k is given without the other.
    """
    of_kind(dbn, "DBN")
    if (X is None) != (k is None):
        raise ValueError("expected_sleep takes X and k together (dreams after k rounds from the data), or neither")
    if k is not None:
        X, k = rows(dbn, X), whole("k", k, 1)
    with spending("expected_sleep", costs.of(costs.expected_sleep, dbn, X, k), max_seconds, max_bytes):
        dream = equilibrium(dbn.top) if k is None else after_gibbs(dbn.top, _upward(dbn, distinct(X))[-1], k)
        updates = []
        for layer in reversed(dbn.layers):
            h, p = dream
            logits = layer.visible_logits(h)
            below = states(layer.W.shape[1])
            p_below = p @ np.asarray(bernoulli_table(logits))
            guess = _guess(layer, below)
            R = moment(p, h, np.asarray(ops.sigmoid(logits))) - moment(p_below, guess, below)
            updates.append(_layer(layer, R=R, c=p @ h - p_below @ guess))
            dream = (below, p_below)
        zero = tree_map(np.zeros_like, dbn.top)
        return DBN(tuple(reversed(updates)), zero)


def recognition_gradient(dbn: DBN, X: Any, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> DBN:
    """The exact gradient of the mean bound over all layers in the recognition parameters alone, for rows X (T, D).

    What the sleep phase is taken for: it lowers KL(q ‖ p) on the data (claims H4, I7). Generative parameters: 0.
    """
    of_kind(dbn, "DBN")
    X = rows(dbn, X)
    with spending("recognition_gradient", costs.of(costs.recognition_gradient, dbn, X), max_seconds, max_bytes):
        g = grad(lambda m: deep_bound(m, X).mean())(dbn)
    layers = tuple(_layer(layer, R=layer.R, c=layer.c) for layer in g.layers)
    return DBN(layers, tree_map(np.zeros_like, g.top))


def _guess(layer: DirectedLayer, x: Array) -> Array:
    """q(h_j = 1 | x) by the layer's recognition half: (S, H) for x (S, D)."""
    return np.asarray(ops.sigmoid(layer.recognition_logits(x)))


def _upward(dbn: DBN, data: Ensemble) -> list[Ensemble]:
    """The data, then the distribution of h1, …, h(L−1) when every layer is sampled from q given the one below."""
    found = [data]
    for layer in dbn.layers:
        x, p = found[-1]
        found.append((states(layer.W.shape[0]), p @ np.asarray(bernoulli_table(layer.recognition_logits(x)))))
    return found


def _layer(like: DirectedLayer, **parts: Array) -> DirectedLayer:
    """A direction for one layer: the parts given, zero elsewhere."""
    return DirectedLayer(**{name: parts.get(name, np.zeros_like(getattr(like, name))) for name in ("W", "b", "R", "c")})
