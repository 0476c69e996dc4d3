"""Ops that reduce axes, and the softmax family, which shares their arithmetic.

`axis` is an integer, a tuple of integers, or None for all axes. Terms may cancel, so a row states its accuracy as a
`bound` relative to the largest of them: see `error_bounds.py`.
"""

# Rules name ops that are defined further down.
# mypy: disable-error-code="has-type"

import builtins
from math import inf, nan, prod

import numpy as np

from ..kernels.line import peak
from ..operators import Axis, Value, shape_of
from ..tensor import apply
from . import error_bounds
from .arguments import axes, flag
from .elementwise import chain, divide, equal, exp, where
from .mapped import next_axis
from .row import Options, example, row
from .shapes import broadcast_to, reshape

REDUCES: Options = {"axis": (axes, None), "keepdims": (flag, False)}


def unreduced(y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """A reduction's result (or its cotangent) back along the axes that were reduced, in the shape of x."""
    shape = shape_of(x)
    if not keepdims and axis is not None:  # where all axes are gone, they come back on the left
        gone = (axis,) if isinstance(axis, int) else axis
        kept = tuple([1 if i in gone else n for i, n in enumerate(shape)])
        y = apply(reshape, (y,), {"shape": kept})
    return apply(broadcast_to, (y,), {"shape": shape})


@row(
    of="arrays",
    mapped=next_axis,
    vjps=(lambda g, y, x, axis, keepdims: unreduced(g, x, axis, keepdims),),
    jvps="linear",
    edges=[(((inf, -inf),), nan), (((),), 0.0)],
    examples=[example((3,)), example((2, 2), axis=0), example((2, 1, 2), axis=(0, -1), keepdims=True)],
    options=REDUCES,
    ulp=inf,
    bound=error_bounds.of_sum,
)
def sum(x: Value, axis: Axis, keepdims: bool) -> Value:
    """Σ x over the axes, within γₙ₋₁ u Σ|x|"""
    return x.sum(axis=axis, keepdims=keepdims)


@row(
    of="arrays",
    mapped=next_axis,
    vjps=(lambda g, y, x, axis, keepdims: unreduced(divide(g, _count(x, y)), x, axis, keepdims),),
    jvps="linear",
    edges=[(((inf, -inf),), nan), (((),), nan)],
    examples=[example((3,)), example((2, 3), axis=1, keepdims=True)],
    options=REDUCES,
    ulp=inf,
    bound=error_bounds.of_mean,
)
def mean(x: Value, axis: Axis, keepdims: bool) -> Value:
    """The mean over the axes, within γₙ u Σ|x| / n"""
    total = np.asarray(x.sum(axis=axis, keepdims=keepdims))
    return total / _count(x, total) if x.size else total * nan


def _count(x: Value, y: Value) -> int:
    """How many elements of x went into each of y."""
    return int(builtins.max(prod(x.shape), 1) // builtins.max(prod(y.shape), 1))


def _extreme_vjp(g: Value, y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    return chain(unreduced(g, x, axis, keepdims), _share(y, x, axis, keepdims))


def _extreme_jvp(t: Value, y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    return sum(chain(t, _share(y, x, axis, keepdims)), axis=axis, keepdims=keepdims)


def _share(y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """The share of each element in the extreme: equal parts at a tie."""
    winners = where(equal(x, unreduced(y, x, axis, keepdims)), np.ones((), x.dtype), 0)
    return divide(winners, unreduced(sum(winners, axis=axis, keepdims=keepdims), x, axis, keepdims))


@row(
    of="arrays",
    mapped=next_axis,
    vjps=(_extreme_vjp,),
    jvps=(_extreme_jvp,),
    edges=[(((1.0, nan),), nan), (((-inf, inf),), inf)],
    examples=[example((2,)), example((1, 3), axis=-1)],
    options=REDUCES,
    bound=error_bounds.of_nothing,
    ulp=0,
)
def max(x: Value, axis: Axis, keepdims: bool) -> Value:
    """The largest element, exactly. At a tie the derivative is shared equally."""
    return x.max(axis=axis, keepdims=keepdims)


@row(
    of="arrays",
    mapped=next_axis,
    vjps=(_extreme_vjp,),
    jvps=(_extreme_jvp,),
    edges=[(((1.0, nan),), nan), (((-inf, inf),), -inf)],
    examples=[example((2,)), example((3,), axis=0)],
    options=REDUCES,
    bound=error_bounds.of_nothing,
    ulp=0,
)
def min(x: Value, axis: Axis, keepdims: bool) -> Value:
    """The smallest element, exactly. At a tie the derivative is shared equally."""
    return x.min(axis=axis, keepdims=keepdims)


# ---- The softmax family: shifted by the maximum, so that no exponential overflows ----------------------------------


ALONG: Options = {"axis": (axes, -1)}


@row(
    of="lines",
    meaning=lambda x, axis, keepdims: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
    vjps=(lambda g, y, x, axis, keepdims: chain(unreduced(g, x, axis, keepdims), softmax(x, axis=axis)),),
    jvps=(lambda t, y, x, axis, keepdims: sum(chain(t, softmax(x, axis=axis)), axis=axis, keepdims=keepdims),),
    edges=[(((-inf, -inf),), -inf), (((0.0, inf),), inf), (((1.0, nan),), nan), (((10000.0, 0.0),), 10000.0)],
    examples=[example((3,)), example((2,), axis=0)],
    options=ALONG | {"keepdims": (flag, False)},
    ulp=inf,
    bound=error_bounds.of_logsumexp,
)
def logsumexp(x: Value, y: Value) -> None:
    """log Σ e^x over the axes (the last, unless said otherwise), within u (|y| + 2n + 2)"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        total = np.add(total, np.exp(x[i] - largest))
    y[0] = np.log(total) + largest


@row(
    of="lines",
    meaning=lambda x, axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True),
    vjps=(lambda g, y, x, axis: chain(g - sum(chain(g, y), axis=axis, keepdims=True), y),),
    jvps=(lambda t, y, x, axis: chain(t - sum(chain(t, y), axis=axis, keepdims=True), y),),
    edges=[
        (((0.0, -inf),), (1.0, 0.0)),
        (((10000.0, 0.0),), (1.0, 0.0)),
        (((1.0, nan),), (nan, nan)),
        (((0.0, inf),), (0.0, nan)),  # ∞ / ∞; and so is the derivative of the other two
    ],
    examples=[example((3,)), example((1, 2))],
    options=ALONG,
    ulp=inf,
    bound=error_bounds.of_softmax,
)
def softmax(x: Value, y: Value) -> None:
    """e^x / Σ e^x along the axis (the last, unless said otherwise), within u (max x − x + 2n + 4) y"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        y[i] = np.exp(x[i] - largest)
        total = np.add(total, y[i])
    for i in range(len(x)):
        y[i] = y[i] / total


@row(
    of="lines",
    meaning=lambda x, axis: x - np.log(np.exp(x).sum(axis=axis, keepdims=True)),
    vjps=(lambda g, y, x, axis: g - chain(sum(g, axis=axis, keepdims=True), exp(y)),),
    jvps=(lambda t, y, x, axis: t - sum(chain(t, exp(y)), axis=axis, keepdims=True),),
    edges=[(((0.0, -inf),), (0.0, -inf)), (((10000.0, 0.0),), (0.0, -10000.0)), (((1.0, nan),), (nan, nan))],
    examples=[example((3,)), example((1, 2))],
    options=ALONG,
    ulp=inf,
    bound=error_bounds.of_log_softmax,
)
def log_softmax(x: Value, y: Value) -> None:
    """x − log Σ e^x along the axis (the last, unless said otherwise), within u (2 |y| + 2n + 2)"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        total = np.add(total, np.exp(x[i] - largest))
    log_total = np.log(total)
    for i in range(len(x)):
        y[i] = (x[i] - largest) - log_total
