"""The exact sums for models of plain float64 arrays: where they run, and how sure they are.

`partition.py` and `likelihood.py` define the same quantities with ops, for Tensors, symbols and rationals, and call
these functions for floats. Each returns its value and a bound on its error, both in nats.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ...models import DBN, RBM, DirectedLayer
from ..budget import Place
from . import certify, chunks, enumeration, matrices, sizes
from .batches import at_a_time
from .checkpoint import Part, Range

Floats = NDArray[np.float64]


def log_partition(rbm: RBM, place: Place) -> tuple[float, float]:
    """log Z by a product of odds, enumerating the smaller side."""
    rbm = enumeration.smaller_side(rbm)
    arrays, ranges, filling = enumeration.of(rbm)
    parts = chunks.run(sum_chunk, arrays, ranges, executor=place.executor, checkpoint=place.checkpoint, valid=is_sum)
    top = int(max(exponent for _, exponent in parts))
    total = math.fsum(math.ldexp(value, max(int(exponent) - top, -sizes.FAR)) for value, exponent in parts)
    mantissa, exponent = math.frexp(total)
    exponent += top - filling
    fits = abs(exponent) < 1000  # then the power of two goes back before the logarithm, exactly
    value = math.log(math.ldexp(mantissa, exponent)) if fits else math.log(mantissa) + exponent * math.log(2)
    return value, certify.log_partition_error(rbm.W, rbm.c, rbm.b, value)


def sum_chunk(W: Floats, b: Floats, c: Floats, first: int, last: int) -> tuple[float, int]:
    """`odds.sum_blocks`, which imports Numba only in the process that computes."""
    from .odds import sum_blocks

    value, exponent = sum_blocks(W, b, c, first, last, enumeration.wide(W, c))
    return float(value), int(exponent)


def is_sum(part: Range, found: Part) -> bool:
    """Whether these can be what `sum_chunk` gives: a positive number, and the power of two to take it by."""
    return len(found) == 2 and 0 < found[0] < math.inf and float(found[1]).is_integer() and abs(found[1]) <= 2**60


def log_likelihood(model: RBM | DBN, X: Floats, place: Place) -> tuple[Floats, Floats]:
    """log p(x) for rows X (T, D): (T,), and (T,) bounds."""
    if isinstance(model, DBN) and model.layers:
        prior, error = log_prior(model, place)
        return log_mixture(X, model.layers[0], prior, error, place)
    rbm = model.top if isinstance(model, DBN) else model
    log_z, error = log_partition(rbm, place)
    free = rbm.free_energy(X)
    value = -free - log_z
    return value, error + certify.free_energy_error(rbm, X, free) + certify.rounding(value)


def log_prior(dbn: DBN, place: Place) -> tuple[Floats, float]:
    """log p(h1) for every state, (2^n1,), and one bound for all; without directed layers, log p(x)."""
    return log_marginal(dbn, min(1, len(dbn.layers)), place)


def log_marginal(dbn: DBN, at: int, place: Place) -> tuple[Floats, float]:
    """log p(h_k) for every state of layer k = `at`, (2^n_k,), and one bound for all."""
    top = dbn.top.transposed() if at == len(dbn.sizes) - 1 else dbn.top
    log_z, error = log_partition(dbn.top, place)
    log_weights = matrices.log_weights(top)
    log_p = log_weights - log_z
    largest = float(np.abs(log_weights).max())
    error += certify.log_weight_error(top.W, top.c, top.b, largest) + certify.rounding(largest + abs(log_z))
    for k, layer in reversed(list(enumerate(dbn.layers))[at:]):
        log_p, errors = _mixture(layer, None, log_p, error, place.stage(f"h{k}"))
        error = float(errors.max())
    return log_p, error


def log_mixture(X: Floats, layer: DirectedLayer, prior: Floats, error: float, place: Place) -> tuple[Floats, Floats]:
    """log Σ_h p(x | h) p(h) for rows X (T, D) and a log prior (2^H,) within `error`: (T,), and (T,) bounds."""
    return _mixture(layer, X, prior, error, place.stage("x"))


def _mixture(
    layer: DirectedLayer, X: Floats | None, prior: Floats, error: float, place: Place
) -> tuple[Floats, Floats]:
    """`matrices.mixture` for rows X, or with None for every state: here, or in chunks where the place says."""
    hidden, visible = layer.W.shape
    T = 1 << visible if X is None else len(X)
    certify.refuse_beyond_doubles(layer.W, layer.b)
    if place.executor is None and place.checkpoint is None:
        return matrices.mixture(layer, X, prior, error)
    rows = np.zeros((0, visible), bool) if X is None else X.astype(bool)
    found = chunks.run(
        matrices.mixture_chunk,
        (layer.W, layer.b, prior, rows),
        matrices.ranges(hidden, T, at_a_time(X)),
        executor=place.executor,
        checkpoint=place.checkpoint,
        valid=is_mixture,
    )
    values, errors = (np.concatenate([np.reshape(part, (2, -1))[i] for part in found]) for i in (0, 1))
    return values, errors + error


def is_mixture(part: Range, found: Part) -> bool:
    """Whether these can be what `matrices.mixture_chunk` gives: values, and as many errors."""
    rows = part[1] - part[0]
    return len(found) == 2 * rows and all(value < math.inf for value in found) and min(found[rows:]) >= 0
