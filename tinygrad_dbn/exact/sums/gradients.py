"""The exact gradient of the mean log-likelihood, for models of plain float64 arrays: expectations, without a graph.

`likelihood.gradient` differentiates the enumeration; here the derivative is written out. An RBM's is (claim G0)

    E[−∂E/∂θ | x] − E[−∂E/∂θ],      the first averaged over the examples,

and `moments.py` sums the second term beside Z. A DBN's likelihood is a mixture of mixtures, so its gradient is a chain
of posteriors (claim G5). With weights w of a layer's states x – of the lowest, 1/T for each example –

    ∂/∂W = Σ_x w(x) E[h | x] xᵀ − Σ_h r(h) h E[x | h]ᵀ,      r(h) = Σ_x w(x) p(h | x),

and r weighs the states of the layer above. The top RBM has them as its data.

Each expectation is a sum of positive terms, and only the difference of two can cancel. So a parameter's bound is a
relative error of the one plus a relative error of the other (`certify.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff.trees import flatten
from ...models import DBN, RBM, DirectedLayer
from ..budget import Place
from . import certify, enumeration, float64, posteriors, sizes
from .batches import in_order

Floats = NDArray[np.float64]
Parts = tuple[Floats, ...]


def of_model(model: RBM | DBN, X: Floats) -> tuple[Any, Any]:
    """The gradient for rows X (T, D), and a bound on the error of every entry, both shaped like the model."""
    if isinstance(model, RBM):
        return of_rbm(model, X)
    if model.layers:
        return of_dbn(model, X)
    gradient, error = of_rbm(model.top, X)
    return DBN((), gradient), DBN((), error)


def rounded(model: Any, gradient: Any, error: Any) -> tuple[Any, Any]:
    """The gradient in the widths of the model's arrays, and its bound with what that rounds."""
    narrow = [g.astype(p.dtype) for g, p in zip(flatten(gradient)[0], flatten(model)[0], strict=True)]
    leaves, rebuild = flatten(error)
    wide = [e + 1.001 * np.abs(g - n) for e, g, n in zip(leaves, flatten(gradient)[0], narrow, strict=True)]
    return rebuild(narrow), rebuild(wide)


def of_rbm(rbm: RBM, X: Floats) -> tuple[RBM, RBM]:
    """The gradient for rows X (T, D), and a bound on the error of every entry."""
    smaller = enumeration.smaller_side(rbm)
    model, error = expectations(smaller)
    if smaller is not rbm:
        model, error = model.transposed(), error.transposed()
    h = np.asarray(rbm.hidden_given_visible(X))
    nats = certify.sigmoid_error(rbm.W, rbm.c) + certify.sum_error(len(X))
    data = RBM(h.T @ X / len(X), X.mean(axis=0), h.mean(axis=0))
    return (
        RBM(data.W - model.W, data.b - model.b, data.c - model.c),
        RBM(
            error.W + certify.difference_error(data.W, model.W, nats[:, None], 0.0),
            error.b + certify.difference_error(data.b, model.b, certify.sum_error(1), 0.0),
            error.c + certify.difference_error(data.c, model.c, nats, 0.0),
        ),
    )


def expectations(rbm: RBM) -> tuple[RBM, RBM]:
    """E[h xᵀ], E[x] and E[h] under the model, enumerating the visible units; and bounds on their errors."""
    from .moments import sum_blocks  # which imports Numba

    arrays, ranges, _ = enumeration.of(rbm, enumeration.MOMENTS)
    total, exponent, wide = np.zeros((1, 1)), sizes.NOTHING, enumeration.wide(arrays[0], arrays[2])
    for part, power in in_order(lambda some: sum_blocks(*arrays, *some, wide), ranges):
        top = max(exponent, power)
        total = np.ldexp(total, max(exponent - top, -sizes.FAR)) + np.ldexp(part, max(power - top, -sizes.FAR))
        exponent = top
    total /= total[-1, -1]

    W, b, c = rbm.W, rbm.c, rbm.b
    m, n = W.shape
    x, off, x_off = total[m, :n], total[:m, -1], total[:m, :n]  # E[x], E[1 − h], E[(1 − h) xᵀ]
    added = len(ranges) + ranges[0][1]  # chunks, and blocks in one of them
    nats = 2 * certify.moments_error(W, b, c, added)  # of a sum, and of Z
    return (
        RBM(np.maximum(x - x_off, 0.0), x, np.maximum(1 - off, 0.0)),
        RBM(
            certify.difference_error(x, x_off, nats, nats),
            certify.difference_error(x, 0.0, nats, 0.0),
            certify.difference_error(1.0, off, 0.0, nats),
        ),
    )


def of_dbn(dbn: DBN, X: Floats) -> tuple[DBN, DBN]:
    """The gradient for rows X (T, D), and a bound on the error of every entry."""
    log_p, error = float64.log_prior(DBN((), dbn.top), Place())
    p, p_nats = np.exp(log_p), error + certify.sum_error(4)
    mixtures: list[posteriors.Mixture] = []
    for k, layer in reversed(list(enumerate(dbn.layers))):  # down, as the likelihood goes
        certify.refuse_beyond_doubles(layer.W, layer.b)
        mixtures.append(posteriors.mixture(layer, None if k else X, log_p, error))
        log_p, error = mixtures[-1].value, float(mixtures[-1].error.max())

    weights, nats = np.full(len(X), 1 / len(X)), certify.sum_error(1)
    found = []
    for mixture in reversed(mixtures):  # and up, as the posterior does
        layer, hidden = mixture.weights.layer, mixture.weights.layer.W.shape[0]
        weights, data = mixture.posterior(weights)
        nats += certify.posterior_error(hidden, len(mixture.value), float(mixture.error.max()))
        model = posteriors.expected_visible(layer, weights)
        of_unit = certify.sigmoid_error(layer.W.T, layer.b) + _sum_over(hidden)
        found.append(_difference(data, model, [nats] * 2, [nats + of_unit] * 2, layer.R, layer.c))

    data, model = (posteriors.expected_hidden(dbn.top, w) for w in (weights, p))
    own = _sum_over(dbn.top.W.shape[1])
    of_unit = certify.sigmoid_error(dbn.top.W, dbn.top.c) + own
    by_part = of_unit[:, None], own, of_unit
    top = _difference(data, model, [nats + part for part in by_part], [p_nats + part for part in by_part])
    gradient, bound = zip(*found, strict=True)
    return (
        DBN(tuple(DirectedLayer(*parts) for parts in gradient), RBM(*top[0])),
        DBN(tuple(DirectedLayer(*parts) for parts in bound), RBM(*top[1])),
    )


def _difference(
    a: Parts, b: Parts, nats_a: Sequence[Any], nats_b: Sequence[Any], *without: Floats
) -> tuple[Parts, Parts]:
    """a − b part by part, and its bounds; and zeros for the parameters that take no part."""
    zeros = tuple(np.zeros_like(part) for part in without)
    bounds = tuple(map(certify.difference_error, a, b, nats_a, nats_b))
    return tuple(x - y for x, y in zip(a, b, strict=True)) + zeros, bounds + zeros


def _sum_over(units: int) -> float:
    """The error of a sum over all states of so many units, as `moments.share_blocks` takes it."""
    blocks = 2.0 ** max(0, units - enumeration.INNER)
    return certify.sum_error(2 * (2**sizes.LOW + 2**sizes.MIDDLE) + blocks)
