"""The distribution of each layer: log p(h_k) over its states, its units' means, and the joint of all layers."""

from typing import Any

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN, RBM, DirectedLayer
from ..models.validation import whole
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, Place, spending
from .data import as_float64, binary, have_compiled_sums, need_binary, of_kind
from .distributions import as_dbn
from .partition import log_add, log_partition
from .states import BLOCK, blocks, states
from .sums import float64
from .sums.sizes import ROWS


def log_marginal(
    model: RBM | DBN, layer: int, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """log p(h_k) for every state of layer k, in the order of `states`: (2^n_k,), nats. Layer 0 is x (claim G5).

    The two layers of the top RBM have −F − log Z; each layer below is a mixture over the one above it. Time as
    `log_likelihood`, memory 2^n_k numbers. Raises ValueError for a layer the model lacks.

    >>> log_marginal(RBM([[0.0]], [0.0], [1.0]), 1)  # h = 1 is e times as likely as h = 0
    array([-1.31326169, -0.31326169])
    """
    dbn = as_dbn(model)
    layer = layer_of(dbn, layer)
    with spending("log_marginal", costs.of(costs.log_marginal, dbn, layer), max_seconds, max_bytes):
        top, above = dbn.top, layer == len(dbn.sizes) - 1
        if have_compiled_sums(*dbn.layers[layer:], top):
            return float64.log_marginal(as_float64(dbn), layer, Place())[0]
        free_energy = top.hidden_free_energy if above else top.free_energy
        log_p = -free_energy(states(dbn.sizes[-1 if above else -2])) - log_partition(dbn.top)
        for below in reversed(dbn.layers[layer:]):
            log_p = log_mixture(states(below.W.shape[1]), below, log_p)
        return log_p


def log_smaller_side(rbm: Any) -> Value:
    """log p(h) of every state of h, or log p(x) of every x where those are fewer: (2^n,), nats."""
    if have_compiled_sums(rbm):
        return log_marginal(as_dbn(rbm), int(rbm.hidden_is_smaller))
    return -rbm.hidden_free_energy(states(rbm.W.shape[0])) - log_partition(rbm)


def log_prior(dbn: DBN, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """log p(h1) for every state of h1, (2^n1,), nats: its distribution under the layers above (claim G5)."""
    of_kind(dbn, "DBN")
    with spending("log_prior", costs.of(costs.log_prior, dbn), max_seconds, max_bytes):
        return log_marginal(dbn, min(1, len(dbn.layers)))


def log_mixture(X: Any, layer: DirectedLayer, prior: Value) -> Value:
    """log Σ_h p(x | h) p(h) for every row of X (T, D), from log p(h) (2^H,): (T,), nats."""
    if have_compiled_sums(X, layer, prior):
        X, layer, prior = as_float64((X, layer, prior))
        return float64.log_mixture(X, layer, prior, 0.0, Place())[0]
    parts = []
    for some in (X[i : i + ROWS] for i in range(0, len(X), ROWS)):
        total: Value = None
        for start, h in enumerate(blocks(layer.W.shape[0])):
            joint = layer.log_conditional(some, h) + prior[start * BLOCK : start * BLOCK + len(h)]
            total = log_add(total, ops.logsumexp(joint, axis=-1))
        parts.append(total)
    return ops.concatenate(parts)


def layer_of(dbn: DBN, layer: int) -> int:
    """The number of a layer that the model has and whose units are zeros and ones, or ValueError."""
    last = len(dbn.sizes) - 1
    layer = whole("layer", layer, 0, last, f"this model's layers are 0 (x) to {last}")
    if layer == 0:
        need_binary(dbn)
    return layer


def unit_means(
    model: RBM | DBN, layer: int, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """p(h_j = 1) of every unit of layer k: (n_k,). Layer 0 is x. Cost and errors as `log_marginal`.

    >>> unit_means(RBM([[0.0]], [0.0], [1.0]), 1)  # σ(1)
    array([0.73105858])
    """
    dbn = as_dbn(model)
    layer = layer_of(dbn, layer)
    with spending("unit_means", costs.of(costs.unit_means, dbn, layer), max_seconds, max_bytes):
        return ops.matmul(ops.exp(log_marginal(model, layer)), states(dbn.sizes[layer]))


def log_joint(model: RBM | DBN, *layers: Any, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES) -> Value:
    """log p(x, h1, …, hL) of full configurations, one array (T, n_k) per layer from x upwards: (T,), nats (claim G2).

    The energy of the top pair, less log Z, and one product of sigmoids for every directed layer. Raises ValueError
    unless there is one array of zeros and ones per layer, all of one length.

    >>> log_joint(RBM([[0.0]], [0.0], [0.0]), [[1]], [[0]])  # one of four states: log 1/4
    array([-1.38629436])
    """
    dbn = as_dbn(model)
    need_binary(dbn)
    if len(layers) != len(dbn.sizes):
        raise ValueError(f"log_joint of {len(layers)} layers for a model of {len(dbn.sizes)}: x, then every hidden one")
    rows = [binary(h, n, dbn, f"layer {k}") for k, (h, n) in enumerate(zip(layers, dbn.sizes, strict=True))]
    if len({len(h) for h in rows}) > 1:
        raise ValueError(f"layers of {[len(h) for h in rows]} rows: give every layer one row per configuration")
    with spending("log_joint", costs.of(costs.log_joint, dbn, rows[0]), max_seconds, max_bytes):
        total = -dbn.top.energy(rows[-2], rows[-1]) - log_partition(dbn.top)
        for layer, x, h in zip(dbn.layers, rows, rows[1:], strict=False):
            a = layer.visible_logits(h)
            total = total + ops.sum(x * a - ops.softplus(a), axis=-1)
        return total
