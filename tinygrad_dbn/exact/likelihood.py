"""Exact log-likelihoods of RBMs and of DBNs of any depth, and their gradients.

A DBN's likelihood is one operation repeated. Given log p(h) for every state h of a layer, the layer below has

    log p(x) = log Σ_h p(x | h) p(h).

The top RBM gives log p(h(L−1)) for all states; applying this to all states of h(L−2), then h(L−3), … h1, and at last
to the examples, gives the likelihood (claim G5).
"""

from concurrent.futures import Executor
from os import PathLike
from typing import Any

from ..autodiff.differentiate import grad
from ..autodiff.operators import Value
from ..autodiff.trees import flatten
from ..models import DBN, AnyRBM
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, Place, spending
from .data import are_floats, as_float64, examples, have_compiled_sums
from .distributions import parts
from .marginals import log_mixture, log_prior
from .partition import log_partition
from .sums import float64, gradients


def log_likelihood(
    model: AnyRBM | DBN,
    X: Any,
    *,
    with_error: bool = False,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
    executor: Executor | None = None,
    checkpoint: str | PathLike[str] | None = None,
) -> Value:
    """log p(x) for every row of X (T, D): (T,), nats. Exact, at any depth.

    RBM: −F(x) − log Z (claim G0); time as `log_partition`. DBN with hidden layers n1 … nL: time grows as the sum of
    2^(n_k + n_(k+1)) over its inner layers plus T · 2^n1; the top layer nL costs only its width.

    With real x these are log-densities: a mixture of 2^H normal ones for a `GaussianRBM`, of 2^n1 for a DBN upon it.

    Arrays of floats take compiled products and matrix products, in float64 (`sums/odds.py`, `sums/matrices.py`);
    Tensors, symbols, rationals and other units of x take the definitions below, made of ops. For compiled sums alone:
    with_error returns (log p, error), both (T,), error bounding |log p − exact| in nats (`sums/certify.py`); max_bytes,
    executor and checkpoint are as in `log_partition`. A DBN has a checkpoint for each of its sums: the one named for
    log Z, and beside it NAME.h2, NAME.h1, … for the layers and NAME.x for the examples.
    """
    place, X = Place(executor, checkpoint), examples(model, X)
    with spending("log_likelihood", costs.of(costs.log_likelihood, model, X), max_seconds, max_bytes):
        if have_compiled_sums(model, X):
            values, errors = float64.log_likelihood(as_float64(model), as_float64(X), place)
            return (values, errors) if with_error else values
        place.refuse_for_ops(with_error)
        model, X = as_float64((model, X)) if are_floats(model, X) else (model, X)
        if isinstance(model, DBN) and model.layers:
            return log_mixture(X, model.layers[0], log_prior(model))
        _, rbm = parts(model)
        return -rbm.free_energy(X) - log_partition(rbm)


def gradient(
    model: AnyRBM | DBN,
    X: Any,
    *,
    with_error: bool = False,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
) -> Any:
    """The exact gradient of the mean log-likelihood of X (T, D), as a model of the same shape, nats per unit.

    For an RBM it equals E[−∂E/∂θ | x] − E[−∂E/∂θ] (claim G0). A DBN's recognition weights take no part in its
    likelihood: theirs is zero. Its bits are the same for any number of threads.

    Arrays of floats have it from expectations (`gradients.py`), computed in float64 and given in the model's own
    width, in three to four times the time of `log_likelihood`; memory grows with 2^n_k of a DBN's inner layers, and not
    with an RBM's states. Tensors, symbols, rationals and other units of x differentiate the likelihood's sums, whose
    graph is kept.

    with_error, for compiled sums alone: (gradient, error), error a model that bounds |gradient − exact| for every
    parameter. A parameter's gradient is a difference of two expectations a − b of positive terms, whose relative errors
    are bounded in nats; error is a (e^nats_a − 1) + b (e^nats_b − 1) and the subtraction's rounding
    (`certify.difference_error`): some 10^−13 for a model of 20 units with weights near 1. Raises TypeError for
    with_error where sums are not compiled.

    >>> from tinygrad_dbn import RBM
    >>> float(gradient(RBM([[0.0]], [0.0], [0.0]), [[1.0]]).b[0])  # 1 − ½
    0.5
    """
    X = examples(model, X)
    with spending("gradient", costs.of(costs.gradient, model, X), max_seconds, max_bytes):
        if have_compiled_sums(model, X):
            value, error = gradients.rounded(model, *gradients.of_model(as_float64(model), as_float64(X)))
            return (value, error) if with_error else value
        Place().refuse_for_ops(with_error)
        total = grad(lambda m: log_likelihood(m, X).sum())(as_float64(model) if are_floats(model) else model)
        leaves, rebuild = flatten(total)  # divided here, for a rational's logarithm has a multiple, but no third
        return rebuild([as_like(leaf / len(X), p) for leaf, p in zip(leaves, flatten(model)[0], strict=True)])


def as_like(value: Any, parameter: Any) -> Any:
    """A derivative in its parameter's width; what is no array of floats stays."""
    return value.astype(parameter.dtype) if are_floats(value, parameter) else value
