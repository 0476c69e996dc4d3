"""Ops that reduce axes, and the two softmaxes, which share their arithmetic.

`axis` is an integer, a tuple of integers, or None for all axes.
"""

# Rules name ops that are defined further down.
# mypy: disable-error-code="has-type"

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import wraps
from math import inf, nan
from typing import Any

import numpy as np

from ..kernels import float_dtype, using_meanings
from ..tensor import Axis, Edges, Op, Rule, Value
from .elementwise import chain, divide, equal, exp, where
from .shapes import spread

REALS = (-inf, inf)


def row(vjp: Rule, jvp: Rule | None, edges: Edges, ulp: float, meaning: Rule | None = None) -> Callable[[Rule], Op]:
    """A row from a forward function of one array and `axis`, `keepdims`. Without a meaning the function is its own."""

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
            ulp=ulp,
        )

    return make


@row(
    lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims),
    None,
    [(((inf, -inf),), nan), (((),), 0.0)],
    ulp=inf,
)
def sum(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Σ x over the axes"""
    return x.sum(axis=axis, keepdims=keepdims)


@row(
    lambda g, y, x, axis=None, keepdims=False: spread(divide(g, _count(x, y)), x, axis, keepdims),
    None,
    [(((inf, -inf),), nan), (((),), nan)],
    ulp=inf,
)
def mean(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The mean over the axes"""
    total = np.asarray(x.sum(axis=axis, keepdims=keepdims))
    return total / _count(x, total) if x.size else total * nan


def _count(x: Value, y: Value) -> int:
    """How many elements of x went into each of y."""
    return builtins.max(int(np.prod(np.shape(x))), 1) // builtins.max(int(np.prod(np.shape(y))), 1)


def _extreme_vjp(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return chain(spread(g, x, axis, keepdims), _share(y, x, axis, keepdims))


def _extreme_jvp(t: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return sum(chain(t, _share(y, x, axis, keepdims)), axis=axis, keepdims=keepdims)


def _share(y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """The share of each element in the extreme: equal parts at a tie."""
    winners = where(equal(x, spread(y, x, axis, keepdims)), np.ones((), x.dtype), 0)
    return divide(winners, spread(sum(winners, axis=axis, keepdims=keepdims), x, axis, keepdims))


@row(_extreme_vjp, _extreme_jvp, [(((1.0, nan),), nan), (((-inf, inf),), inf)], ulp=0)
def max(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The largest element. At a tie the derivative is shared equally."""
    return x.max(axis=axis, keepdims=keepdims)


@row(_extreme_vjp, _extreme_jvp, [(((1.0, nan),), nan), (((-inf, inf),), -inf)], ulp=0)
def min(x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """The smallest element. At a tie the derivative is shared equally."""
    return x.min(axis=axis, keepdims=keepdims)


# ---- The softmax family: shifted by the maximum, so that no exponential overflows ----------------------------------


def _peak(x: Value, axis: Axis) -> Value:
    """The maximum, kept as an axis; 0 where it is infinite, for ∞ − ∞ is no shift."""
    if x.dtype == object:
        return x.max(axis=axis, keepdims=True)
    peak = x.max(axis=axis, keepdims=True, initial=-inf)
    return np.where(np.isinf(peak), 0, peak).astype(x.dtype)


@row(
    lambda g, y, x, axis=-1, keepdims=False: chain(spread(g, x, axis, keepdims), softmax(x, axis=axis)),
    lambda t, y, x, axis=-1, keepdims=False: sum(chain(t, softmax(x, axis=axis)), axis=axis, keepdims=keepdims),
    [(((-inf, -inf),), -inf), (((0.0, inf),), inf), (((1.0, nan),), nan), (((10000.0, 0.0),), 10000.0)],
    ulp=inf,
    meaning=lambda x, axis=-1, keepdims=False: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
)
def logsumexp(x: Value, axis: Axis = -1, keepdims: bool = False) -> Value:
    """log Σ e^x over the axes (the last, unless said otherwise)"""
    peak = _peak(x, axis)
    total = np.log(np.asarray(np.exp(x - peak).sum(axis=axis, keepdims=True))) + peak
    return total if keepdims else np.squeeze(total, axis=axis)


@row(
    lambda g, y, x, axis=-1: chain(g - sum(chain(g, y), axis=axis, keepdims=True), y),
    lambda t, y, x, axis=-1: chain(t - sum(chain(t, y), axis=axis, keepdims=True), y),
    [(((0.0, -inf),), (1.0, 0.0)), (((10000.0, 0.0),), (1.0, 0.0)), (((1.0, nan),), (nan, nan))],
    ulp=inf,
    meaning=lambda x, axis=-1: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True),
)
def softmax(x: Value, axis: Axis = -1) -> Value:
    """e^x / Σ e^x along the axis (the last, unless said otherwise)"""
    e = np.exp(x - _peak(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


@row(
    lambda g, y, x, axis=-1: g - chain(sum(g, axis=axis, keepdims=True), exp(y)),
    lambda t, y, x, axis=-1: t - sum(chain(t, exp(y)), axis=axis, keepdims=True),
    [(((0.0, -inf),), (0.0, -inf)), (((10000.0, 0.0),), (0.0, -10000.0)), (((1.0, nan),), (nan, nan))],
    ulp=inf,
    meaning=lambda x, axis=-1: x - np.log(np.exp(x).sum(axis=axis, keepdims=True)),
)
def log_softmax(x: Value, axis: Axis = -1) -> Value:
    """x − log Σ e^x along the axis (the last, unless said otherwise)"""
    shifted = x - _peak(x, axis)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
