"""The partition function of an RBM."""

from __future__ import annotations

from ..autodiff import ops
from ..autodiff.tensor import Value
from ..models import RBM
from . import budget
from .states import blocks


def log_partition(rbm: RBM, *, max_seconds: float = budget.MAX_SECONDS) -> Value:
    """log Z = log Σ_x Σ_h e^(−E(x, h)), nats: a sum over the smaller side, the other being summed in closed form.

    Time grows as 2^n · m for sides n ≤ m; memory does not grow with 2^n. All terms are positive and are added in a
    fixed order of blocks. Raises `TooLarge` where the time would exceed `max_seconds`.

    >>> float(log_partition(RBM([[0.0, 0.0]], [0.0, 0.0], [0.0])))  # log 2³
    2.0794415416798357
    """
    hidden, visible = rbm.W.shape
    if hidden < visible:
        rbm, hidden, visible = rbm.transposed(), visible, hidden
    budget.check("log_partition", 1 << visible, (1 << visible) * hidden, max_seconds)
    total: Value = None
    for x in blocks(visible):
        total = log_add(total, ops.logsumexp(-rbm.free_energy(x)))
    return total


def log_add(a: Value, b: Value) -> Value:
    """log(e^a + e^b) for running sums, a None where nothing has been added yet."""
    return b if a is None else ops.logsumexp(ops.stack([a, b]), axis=0)
