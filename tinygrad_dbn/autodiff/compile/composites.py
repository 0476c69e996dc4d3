"""Composite ops in terms of simpler ones, which loops can fuse.

These are not the lines of their rows, whose kernels take a whole line at a time. That each means what its row means is
a theorem of its own: `proofs/engine/test_emitted.py`.
"""

from collections.abc import Callable
from math import inf, nan, prod
from typing import Any

import numpy as np

from .. import ops
from ..kernels.scalar import float_dtype
from ..tensor import RECORDER


def _peak(x: Any, axis: Any) -> Any:
    """The maximum, 0 where it is infinite, as the eager softmax has it."""
    trace: Any = RECORDER.get()
    node = trace.node(x)
    node = trace.cast(node, float_dtype(node.sample()))
    peak = trace.tensor(trace.reduction("max", node, axis, True, empty=True))
    return ops.where(ops.equal(ops.abs(peak), inf), 0.0, peak)


def _mean(x: Any, axis: Any, keepdims: bool) -> Any:
    total = ops.sum(x, axis=axis, keepdims=keepdims)
    size, kept = prod(np.shape(x)), prod(np.shape(total))
    return total / (size // max(kept, 1)) if size else total * nan


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    peak = _peak(x, axis)
    total = ops.log(ops.sum(ops.exp(x - peak), axis=axis, keepdims=True)) + peak
    if keepdims:
        return total
    gone = range(len(np.shape(x))) if axis is None else (axis,) if isinstance(axis, int) else axis
    return ops.reshape(total, shape=tuple(n for i, n in enumerate(np.shape(x)) if i not in gone))


def _softmax(x: Any, axis: Any) -> Any:
    e = ops.exp(x - _peak(x, axis))
    return e / ops.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: Any) -> Any:
    shifted = x - _peak(x, axis)
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))


SPELLED: dict[str, Callable[..., Any]] = {
    "mean": _mean,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}
