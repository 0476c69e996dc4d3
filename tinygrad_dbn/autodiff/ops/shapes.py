"""Ops that move elements and do not change them. All are linear, so each is its own derivative."""

# Rules name ops that are defined further down.
# mypy: disable-error-code="has-type"

from math import inf, nan
from typing import Any

import numpy as np

from ..callers import callers_line
from ..kernels.scalar import float_dtype
from ..op import Op, Rule
from ..operators import TABLE, Value
from ..tensor import Axis
from . import arguments

REALS = (-inf, inf)


def unbroadcast(g: Value, shape: tuple[int, ...]) -> Value:
    """Sum a cotangent over the axes along which its input was broadcast: the one place where that is undone."""
    given = g.shape
    if given == shape:
        return g
    extra = len(given) - len(shape)
    lent = tuple(i for i, n in enumerate(given) if i < extra or n != shape[i - extra])
    g = TABLE["sum"](g, axis=lent, keepdims=False)
    return g if g.shape == shape else reshape(g, shape=shape)


def stretched(t: Value, shape: tuple[int, ...]) -> Value:
    """The other way round: a tangent broadcast to the shape of the output, where its input was smaller."""
    return t if t.shape == shape else broadcast_to(t, shape=shape)


def linear(name: str, forward: Rule, vjp: Rule | tuple[Rule, ...], **options: Rule | tuple[Rule, Any]) -> Op:
    return Op(name, forward, meaning=forward, vjps=vjp, jvps="linear", domain=REALS, edges=[], ulp=0, options=options)


def _array(x: Value) -> Value:
    return np.asarray(x, float_dtype(x))


def _reshape(x: Value, shape: tuple[int, ...]) -> Value:
    """The same elements in another shape; one length may be −1."""
    return _array(x).reshape(shape)


def _transpose(x: Value, axes: tuple[int, ...]) -> Value:
    """The axes in another order."""
    return _array(x).transpose(axes)


def _broadcast_to(x: Value, shape: tuple[int, ...]) -> Value:
    """The elements repeated along new axes and axes of length 1."""
    return np.broadcast_to(_array(x), shape)


def _index(x: Value, at: Any) -> Value:
    """x[at], for slices, integers, arrays of integers or of booleans."""
    x = _array(x)
    return np.asarray(x[at], x.dtype)


def _place(g: Value, at: Any, shape: tuple[int, ...]) -> Value:
    """Zeros of the given shape with g added at x[at], repeated indices adding up: the transpose of `index`."""
    g = _array(g)
    out = np.zeros(shape, g.dtype)
    np.add.at(out, at, g)
    return out


def _concatenate(*xs: Value, axis: int = 0) -> Value:
    """The arrays one after another along an axis."""
    dtype = float_dtype(*xs)
    return np.concatenate([np.asarray(x, dtype) for x in xs], axis)


def _stack(*xs: Value, axis: int = 0) -> Value:
    """The arrays side by side along a new axis."""
    dtype = float_dtype(*xs)
    return np.stack([np.asarray(x, dtype) for x in xs], axis)


def _stop_gradient(x: Value) -> Value:
    """x, as a constant: nothing flows through it."""
    return _array(x)


def _part(g: Value, axis: int, xs: tuple[Value, ...], index: int) -> Value:
    """The slice of g that came from input `index` of a concatenation."""
    ends = np.cumsum([np.shape(x)[axis] for x in xs])
    where = slice(int(ends[index]) - np.shape(xs[index])[axis], int(ends[index]))
    return TABLE["index"](g, at=(slice(None),) * axis + (where,))


reshape = linear(
    "reshape", _reshape, (lambda g, y, x, shape: reshape(g, shape=np.shape(x)),), shape=arguments.rearranged
)
transpose = linear(
    "transpose",
    _transpose,
    (lambda g, y, x, axes: transpose(g, axes=tuple(int(i) for i in np.argsort(axes))),),
    axes=arguments.order,
)
broadcast_to = linear(
    "broadcast_to", _broadcast_to, (lambda g, y, x, shape: unbroadcast(g, np.shape(x)),), shape=arguments.lengths
)
index = linear("index", _index, (lambda g, y, x, at: place(g, at=at, shape=np.shape(x)),), at=arguments.positions)
place = linear(
    "place",
    _place,
    (lambda g, y, x, at, shape: unbroadcast(index(g, at=at), np.shape(x)),),
    at=arguments.placed,
    shape=arguments.lengths,
)
_concatenate_op = linear(
    "concatenate",
    _concatenate,
    lambda g, y, *xs, axis, index: _part(g, axis, xs, index),
    axis=(arguments.along, 0),
)
_stack_op = linear(
    "stack",
    _stack,
    lambda g, y, *xs, axis, index: TABLE["index"](g, at=(slice(None),) * axis + (index,)),
    axis=(arguments.between, 0),
)
stop_gradient = Op(
    "stop_gradient",
    _stop_gradient,
    meaning=_stop_gradient,
    vjps=(None,),
    jvps=(None,),
    domain=REALS,
    edges=[(inf, inf), (nan, nan)],
    ulp=0,
)


def concatenate(xs: Any, axis: int = 0) -> Value:
    """The arrays one after another along an axis, as `numpy.concatenate`."""
    return _concatenate_op(*_listed("concatenate", xs, axis), axis=axis)


def stack(xs: Any, axis: int = 0) -> Value:
    """The arrays side by side along a new axis, as `numpy.stack`."""
    return _stack_op(*_listed("stack", xs, axis), axis=axis)


def _listed(name: str, xs: Any, axis: Any) -> Any:
    """The arrays that were given as one list; in `concatenate(a, b)` the b is no axis."""
    if not (axis is None or isinstance(axis, int | np.integer)):
        raise TypeError(
            f"{name}: axis is {type(axis).__name__} of shape {np.shape(axis)}, not an integer; the arrays are one "
            f"list, write ops.{name}([a, b])\n  in {callers_line()}"
        )
    return xs


def take_along(x: Value, at: Any, axis: int = -1) -> Value:
    """x's elements at the positions `at` along an axis, one list of positions for each line, as
    `numpy.take_along_axis`: `take_along(log_p, y[:, None])` picks each row's class.

    It is an `index`, whose rules are its rules. Raises TypeError for positions that are no integers, ValueError where
    `at` has another number of axes than x, IndexError beyond the axis.

    >>> take_along(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]))
    array([[2.],
           [3.]])
    """
    at, shape = np.asarray(at), np.shape(x)
    if at.dtype.kind not in "iu":
        raise TypeError(f"take_along: positions are integers, not {at.dtype}; write at.astype(int)")
    if at.ndim != len(shape) or not at.ndim:
        raise ValueError(
            f"take_along: positions of shape {at.shape} into an array of shape {shape}; give both the same axes"
        )
    grid = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    grid[axis] = at
    return index(x, at=tuple(grid))


def spread(y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """A reduction's result (or its cotangent) back along the axes that were reduced, in the shape of x."""
    shape = np.shape(x)
    if axis is None:
        kept: tuple[int, ...] = (1,) * len(shape)
    else:
        gone = (axis,) if isinstance(axis, int) else axis
        kept = tuple(1 if i in gone else n for i, n in enumerate(shape))
    return broadcast_to(y if keepdims else reshape(y, shape=kept), shape=shape)
