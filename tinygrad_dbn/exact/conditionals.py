"""Some visible units given others.

Under a DBN the visible units are independent given h1. So the model of a subset of them is the same DBN with the
other columns of its first layer left out, and a conditional is a ratio of two such likelihoods.
"""

from collections.abc import Sequence
from typing import Any

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN, RBM, DirectedLayer
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .data import rows, units
from .distributions import with_hidden
from .marginals import log_mixture, log_prior


def log_conditional_likelihood(
    model: RBM | DBN,
    X: Any,
    given: Sequence[int],
    of: Sequence[int] | None = None,
    *,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> Value:
    """log p(x_A | x_B) for the rows of X (T, D), A = `of` and B = `given`: (T,), nats.

    A is every unit outside B unless stated; units in neither are summed out. B may be empty: then it is log p(x_A).
    Time 2^n1 · (T + D) beyond that of `log_prior`, whatever the split (claim G5). Raises ValueError for units the model
    lacks, named twice, or in both A and B, and for an empty A.

    >>> import numpy as np
    >>> coin = RBM([[0.0, 0.0]], [0.0, np.log(3.0)], [0.0])
    >>> np.exp(log_conditional_likelihood(coin, [[1, 1]], given=[0])).round(12)
    array([0.75])
    """
    dbn = with_hidden(model)
    visible, X = dbn.sizes[0], rows(dbn, X)
    known = units("given", given, visible)
    asked = [i for i in range(visible) if i not in known] if of is None else units("of", of, visible)
    both = sorted(set(known) & set(asked))
    if both:
        raise ValueError(f"visible units {both} are in `of` and in `given`: a unit is asked for or known, not both")
    if not asked:
        raise ValueError(f"nothing is asked: `given` holds all {visible} visible units; leave some out")
    with spending(
        "log_conditional_likelihood", costs.of(costs.log_conditional_likelihood, dbn, X), max_seconds, max_bytes
    ):
        prior = log_prior(dbn)

        def log_p(some: list[int]) -> Value:
            return log_mixture(X[:, some], _only(dbn.layers[0], some), prior)

        return log_p([*known, *asked]) - log_p(known) if known else log_p(asked)


def conditional_likelihood(
    model: RBM | DBN,
    X: Any,
    given: Sequence[int],
    of: Sequence[int] | None = None,
    *,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> Value:
    """p(x_A | x_B) for the rows of X (T, D): (T,). The exponential of `log_conditional_likelihood`."""
    return ops.exp(log_conditional_likelihood(model, X, given, of, max_seconds=max_seconds, max_bytes=max_bytes))


def _only(layer: DirectedLayer, some: list[int]) -> DirectedLayer:
    return DirectedLayer(layer.W[:, some], layer.b[some], layer.R[:, some], layer.c)
