"""Exact, independent samples: no Markov chain, so nothing to burn in and nothing to mix."""

from typing import Any

import numpy as np

from ..models import DBN, AnyRBM
from ..models.restricted import bernoulli
from ..models.validation import whole
from ..randomness import Random, generator
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .data import of_kind
from .distributions import parts
from .marginals import log_smaller_side


def sample(
    model: AnyRBM | DBN,
    count: int,
    rng: Random,
    *,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> list[Any]:
    """`count` independent samples of every layer, [x, h1, …, hL], each (count, n_k) (claim G4).

    The smaller side of the top RBM is drawn from its 2^n probabilities by inverse transform, the other side and the
    layers below by their exact conditionals, which are products over units. Raises ValueError for a count below 1.
    """
    of_kind(model, "RBM", "DBN")
    rng = generator(rng)
    count = whole("count", count, 1)
    layers, top = parts(model)
    with spending("sample", costs.of(costs.sample, layers, top, count), max_seconds, max_bytes):
        side = inverse_transform(np.exp(log_smaller_side(top)), rng.random(count))
        if top.hidden_is_smaller:
            drawn = [side, top.draw_visible(top.visible_given_hidden(side), rng)]  # from the top down
        else:
            drawn = [bernoulli(top.hidden_given_visible(side), rng), side]
        for layer in reversed(layers):
            drawn.append(layer.draw_visible(layer.visible_given_hidden(drawn[-1]), rng))
        return drawn[::-1]


def inverse_transform(p: Any, u: Any) -> Any:
    """The state of each uniform u in [0, 1) (count,), for probabilities p (2^n,) of all states: (count, n).

    State s is drawn where p_0 + … + p_(s−1) ≤ u < p_0 + … + p_s. One of probability 0 is never drawn.

    >>> inverse_transform(np.array([0.25, 0.0, 0.5, 0.25]), np.array([0.2, 0.25, 0.74, 0.75]))
    array([[0., 0.],
           [0., 1.],
           [0., 1.],
           [1., 1.]])
    """
    reached = np.cumsum(p)
    # Rounding can lift u · total to the total itself; the last state that has any probability takes it.
    last = np.searchsorted(reached, reached[-1], side="left")
    found = np.minimum(np.searchsorted(reached, u * reached[-1], side="right"), last)
    return ((found[:, None] >> np.arange(len(p).bit_length() - 1)) & 1).astype(float)
