"""Two modes for finding mistakes: `strict` refuses what broadcasting and promotion would let pass, `nan_hunt` names
the op in which the first NaN was born.

Both look at the ops that the caller writes, in the forward pass (`watched`) and in the backward pass (`hunted`): these
two are what the tape calls instead of its own line while a mode is on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from .callers import asked_by_the_user, callers_line
from .errors import described


class Modes(NamedTuple):
    """Which modes are on."""

    strict: bool = False
    hunting: bool = False


MODES: ContextVar[Modes | None] = ContextVar("modes", default=None)
"""None where no op need be watched, so that those who are in no mode pay for one question only."""


@contextmanager
def strict() -> Iterator[None]:
    """Within this context an op refuses arrays of different widths, and to lend an axis to one of them.

    Scalars go with everything. The library's own models are exempt: they know what they broadcast. Raises TypeError
    for float32 beside float64, ValueError for shapes such as (3,) beside (2, 3).
    """
    with _set(strict=True):
        yield


@contextmanager
def nan_hunt(on: bool = True) -> Iterator[None]:
    """Within this context the first NaN that comes out of an op, or of its derivative, raises FloatingPointError.

    The error names the op, the shapes and the caller's line. A NaN that was put in is nobody's fault and passes.
    """
    with _set(hunting=on):
        yield


@contextmanager
def _set(**changes: bool) -> Iterator[None]:
    modes = (MODES.get() or Modes())._replace(**changes)
    token = MODES.set(modes if any(modes) else None)
    try:
        yield
    finally:
        MODES.reset(token)


def is_hunting() -> bool:
    """True inside `nan_hunt()`."""
    modes = MODES.get()
    return modes is not None and modes.hunting


def refuse_promotion(inputs: tuple[Any, ...], axes: bool) -> None:
    """Raise where arrays differ in width or, for ops that match them axis by axis, in their number of axes."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.ndim]
    widths = {x.dtype for x in arrays if x.dtype.kind == "f"}
    if len(widths) > 1:
        raise TypeError(
            "strict mode refuses to mix float32 and float64; convert one of them, as in x.astype(np.float64)"
        )
    counts = sorted({x.ndim for x in arrays})
    if axes and len(counts) > 1:
        raise ValueError(
            f"strict mode refuses to lend axes: the arrays have {' and '.join(map(str, counts))}; "
            "write the new axis out, as in x[None, :]"
        )


def has_nan(*values: Any) -> bool:
    """True if an array of floats among the values has a NaN."""
    return any(isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f" and np.isnan(x).any() for x in values)


def watched(op: Any, inputs: tuple[Any, ...], params: dict[str, Any], modes: Modes) -> Any:
    """An op's forward computation on plain arrays, in these modes."""
    if modes.strict and asked_by_the_user():
        refuse_promotion(inputs, axes=op.aligned)
    y = op.forward(*inputs, **params)
    if modes.hunting and has_nan(y) and not has_nan(*inputs):
        raise FloatingPointError("a NaN is born here, from inputs that have none")
    return y


def hunted(node: Any, i: int, g: Any) -> Any:
    """What a node sends back to its input i, during a hunt. Inside a rule NaN is allowed: `chain` may drop it. What
    comes out counts."""
    with nan_hunt(False):
        share = node.op.pull(i, g, node.value, node.inputs, node.params)
    if has_nan(share) and not has_nan(g, node.value, *node.inputs):
        raise FloatingPointError(
            f"{described(node.op.name, node.inputs)}: a NaN is born in the backward pass, in the cotangent of input "
            f"{i}, from values that have none; keep arguments out of where the derivative is undefined, as in "
            f"ops.where(x > 0, x, 1)\n  in {getattr(node, 'line', None) or callers_line()}"
        )
    return share
