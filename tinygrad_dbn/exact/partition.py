"""The partition function of an RBM, of whatever visible units."""

from concurrent.futures import Executor
from os import PathLike

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import AnyRBM
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, Place, spending
from .data import are_floats, as_float64, have_compiled_sums, of_kind
from .states import blocks
from .sums import float64


def log_partition(
    rbm: AnyRBM,
    *,
    with_error: bool = False,
    max_seconds: float = MAX_SECONDS,
    max_bytes: float = MAX_BYTES,
    executor: Executor | None = None,
    checkpoint: str | PathLike[str] | None = None,
) -> Value:
    """log Z = log Σ_x Σ_h e^(−E(x, h)), nats: a sum over the smaller side, the other being summed in closed form.

    Where x is not of zeros and ones, that is x: of real ones the integral. Time grows as 2^n · m, for the n units whose
    states are summed and m others; memory does not grow with 2^n. All terms are positive.

    Arrays of floats take the compiled product of odds (`sums/odds.py`), in float64, on all cores. Tensors, symbols,
    rationals and other units of x take the definition below, made of ops.

    max_seconds, max_bytes: refuse with `TooLarge` where the prediction for this machine exceeds them.
    with_error, for floats alone as what follows: return (log Z, error), error bounding |log Z − exact| in nats
    (`certify.log_partition_error`).
    executor: any `concurrent.futures.Executor`, for other processes or machines; the bits stay the same.
    checkpoint: a file that keeps finished chunks, from which an interrupted sum goes on to the same bits. Ctrl-C
    leaves it usable. Raises ValueError where it belongs to another model.

    >>> from tinygrad_dbn import RBM
    >>> float(log_partition(RBM([[0.0, 0.0]], [0.0, 0.0], [0.0])))  # log 2³
    2.0794415416798357
    """
    of_kind(rbm, "RBM")
    place = Place(executor, checkpoint)
    with spending("log_partition", costs.of(costs.log_partition, rbm), max_seconds, max_bytes):
        if have_compiled_sums(rbm):
            value, error = float64.log_partition(as_float64(rbm), place)
            return (value, error) if with_error else value
        place.refuse_for_ops(with_error)
        rbm = as_float64(rbm) if are_floats(rbm) else rbm
        hidden, visible = rbm.W.shape
        side, free_energy = (hidden, rbm.hidden_free_energy) if rbm.hidden_is_smaller else (visible, rbm.free_energy)
        total: Value = None
        for states in blocks(side):
            total = log_add(total, ops.logsumexp(-free_energy(states)))
        return total


def log_add(a: Value, b: Value) -> Value:
    """log(e^a + e^b) for running sums, a None where nothing has been added yet."""
    return b if a is None else ops.logsumexp(ops.stack([a, b]), axis=0)
