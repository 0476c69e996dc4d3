"""Ops that reduce axes, and the two softmaxes, which share their arithmetic.

`axis` is an integer, a tuple of integers, or None for all axes. Terms may cancel, so a row states its accuracy as a
`bound` relative to the largest of them: see `error_bounds.py`.
"""

# Rules name ops that are defined further down.
# mypy: disable-error-code="has-type"

import builtins
from collections.abc import Callable
from functools import wraps
from math import inf, nan, prod
from typing import Any

import numpy as np

from ..kernels.line import RowKernel, along, peak
from ..kernels.scalar import float_dtype, using_meanings
from ..op import Edges, Op, Rule
from ..operators import Value
from ..tensor import Axis
from . import error_bounds
from .arguments import axes, flag
from .elementwise import chain, divide, equal, exp, where
from .shapes import spread

REALS = (-inf, inf)


Options = dict[str, Rule | tuple[Rule, Any]]
REDUCES: Options = {"axis": (axes, None), "keepdims": (flag, False)}


def row(
    vjp: Rule, jvp: Rule | None, edges: Edges, bound: Rule, meaning: Rule | None = None, options: Options = REDUCES
) -> Callable[[Rule], Op]:
    """A row from a forward function of one array and options. Without a meaning the function is its own."""

    def make(forward: Rule) -> Op:
        @wraps(forward)
        def run(x: Value, **params: Any) -> Value:
            x = np.asarray(x, float_dtype(x))
            if x.dtype == object and using_meanings() and meaning is not None:
                return np.asarray(meaning(x, **params), object)
            with np.errstate(all="ignore"):
                return np.asarray(forward(x, **params), x.dtype)

        return Op(
            forward.__name__,
            run,
            meaning=meaning or forward,
            vjps=(vjp,),
            jvps="linear" if jvp is None else (jvp,),
            domain=REALS,
            edges=edges,
            ulp=0 if bound is error_bounds.of_nothing else inf,
            bound=bound,
            options=options,
        )

    return make


@row(
    lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims),
    None,
    [(((inf, -inf),), nan), (((),), 0.0)],
    error_bounds.of_sum,
)
def sum(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Σ x over the axes, within γₙ₋₁ u Σ|x|"""
    return x.sum(axis=axis, keepdims=keepdims)


@row(
    lambda g, y, x, axis=None, keepdims=False: spread(divide(g, _count(x, y)), x, axis, keepdims),
    None,
    [(((inf, -inf),), nan), (((),), nan)],
    error_bounds.of_mean,
)
def mean(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The mean over the axes, within γₙ u Σ|x| / n"""
    total = np.asarray(x.sum(axis=axis, keepdims=keepdims))
    return total / _count(x, total) if x.size else total * nan


def _count(x: Value, y: Value) -> int:
    """How many elements of x went into each of y."""
    return int(builtins.max(prod(x.shape), 1) // builtins.max(prod(y.shape), 1))


def _extreme_vjp(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return chain(spread(g, x, axis, keepdims), _share(y, x, axis, keepdims))


def _extreme_jvp(t: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return sum(chain(t, _share(y, x, axis, keepdims)), axis=axis, keepdims=keepdims)


def _share(y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """The share of each element in the extreme: equal parts at a tie."""
    winners = where(equal(x, spread(y, x, axis, keepdims)), np.ones((), x.dtype), 0)
    return divide(winners, spread(sum(winners, axis=axis, keepdims=keepdims), x, axis, keepdims))


@row(_extreme_vjp, _extreme_jvp, [(((1.0, nan),), nan), (((-inf, inf),), inf)], error_bounds.of_nothing)
def max(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The largest element, exactly. At a tie the derivative is shared equally."""
    return x.max(axis=axis, keepdims=keepdims)


@row(_extreme_vjp, _extreme_jvp, [(((1.0, nan),), nan), (((-inf, inf),), -inf)], error_bounds.of_nothing)
def min(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The smallest element, exactly. At a tie the derivative is shared equally."""
    return x.min(axis=axis, keepdims=keepdims)


# ---- The softmax family: shifted by the maximum, so that no exponential overflows ----------------------------------


def rowwise(
    vjp: Rule, jvp: Rule, edges: Edges, bound: Rule, meaning: Rule, collapses: bool = False
) -> Callable[[RowKernel], Op]:
    """A row of the table from a kernel that reads a row x of an array and fills the row y, of one number or as many."""

    def make(kernel: RowKernel) -> Op:
        @wraps(kernel)
        def forward(x: Value, axis: Axis = -1, **params: Any) -> Value:
            return along(kernel, x, axis, collapses, **params)

        options: Options = {"axis": (axes, -1), **({"keepdims": (flag, False)} if collapses else {})}
        return row(vjp, jvp, edges, bound, meaning, options)(forward)

    return make


@rowwise(
    lambda g, y, x, axis=-1, keepdims=False: chain(spread(g, x, axis, keepdims), softmax(x, axis=axis)),
    lambda t, y, x, axis=-1, keepdims=False: sum(chain(t, softmax(x, axis=axis)), axis=axis, keepdims=keepdims),
    [(((-inf, -inf),), -inf), (((0.0, inf),), inf), (((1.0, nan),), nan), (((10000.0, 0.0),), 10000.0)],
    error_bounds.of_logsumexp,
    meaning=lambda x, axis=-1, keepdims=False: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
    collapses=True,
)
def logsumexp(x: Value, y: Value) -> None:
    """log Σ e^x over the axes (the last, unless said otherwise), within u (|y| + 2n + 2)"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        total = np.add(total, np.exp(x[i] - largest))
    y[0] = np.log(total) + largest


@rowwise(
    lambda g, y, x, axis=-1: chain(g - sum(chain(g, y), axis=axis, keepdims=True), y),
    lambda t, y, x, axis=-1: chain(t - sum(chain(t, y), axis=axis, keepdims=True), y),
    [
        (((0.0, -inf),), (1.0, 0.0)),
        (((10000.0, 0.0),), (1.0, 0.0)),
        (((1.0, nan),), (nan, nan)),
        (((0.0, inf),), (0.0, nan)),  # ∞ / ∞; and so is the derivative of the other two
    ],
    error_bounds.of_softmax,
    meaning=lambda x, axis=-1: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True),
)
def softmax(x: Value, y: Value) -> None:
    """e^x / Σ e^x along the axis (the last, unless said otherwise), within u (max x − x + 2n + 4) y"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        y[i] = np.exp(x[i] - largest)
        total = np.add(total, y[i])
    for i in range(len(x)):
        y[i] = y[i] / total


@rowwise(
    lambda g, y, x, axis=-1: g - chain(sum(g, axis=axis, keepdims=True), exp(y)),
    lambda t, y, x, axis=-1: t - sum(chain(t, exp(y)), axis=axis, keepdims=True),
    [(((0.0, -inf),), (0.0, -inf)), (((10000.0, 0.0),), (0.0, -10000.0)), (((1.0, nan),), (nan, nan))],
    error_bounds.of_log_softmax,
    meaning=lambda x, axis=-1: x - np.log(np.exp(x).sum(axis=axis, keepdims=True)),
)
def log_softmax(x: Value, y: Value) -> None:
    """x − log Σ e^x along the axis (the last, unless said otherwise), within u (2 |y| + 2n + 2)"""
    largest, total = peak(x), 0
    for i in range(len(x)):
        total = np.add(total, np.exp(x[i] - largest))
    log_total = np.log(total)
    for i in range(len(x)):
        y[i] = (x[i] - largest) - log_total
