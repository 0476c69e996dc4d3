"""Functions that are called as NumPy's of the same name, and are made of rows."""

import math
from typing import Any

import numpy as np

from ..callers import callers_line
from ..operators import COMPOSED, Axis, Operators, Value, shape_of
from ..protocols import FUNCTIONS
from . import arguments, elementwise, linear, reductions, shapes
from .einsum import einsum
from .shapes import index, reshape


def matmul(a: Value, b: Value) -> Value:
    """a @ b. A vector on the left is a row, on the right a column, and the axis it lent is taken away again.

    Shapes (…, m, k) and (…, k, n) give (…, m, n). Raises ValueError where the inner lengths differ.
    """
    left, right = len(shape_of(a)) == 1, len(shape_of(b)) == 1
    y = linear.matmul(reshape(a, shape=(1, -1)) if left else a, reshape(b, shape=(-1, 1)) if right else b)
    if not (left or right):
        return y
    shape = y.shape
    return reshape(y, shape=shape[:-2] + (() if left else shape[-2:-1]) + (() if right else shape[-1:]))


COMPOSED["matmul"] = matmul


def concatenate(xs: Any, axis: int = 0) -> Value:
    """The arrays one after another along an axis, as `numpy.concatenate`."""
    return shapes.concatenate(*_listed("concatenate", xs, axis), axis=axis)


def stack(xs: Any, axis: int = 0) -> Value:
    """The arrays side by side along a new axis, as `numpy.stack`."""
    return shapes.stack(*_listed("stack", xs, axis), axis=axis)


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
    at, shape = at if isinstance(at, Operators) else np.asarray(at), np.shape(x)
    if at.dtype.kind not in "iu":
        raise TypeError(f"take_along: positions are integers, not {at.dtype}; write at.astype(int)")
    if at.ndim != len(shape) or not at.ndim:
        raise ValueError(
            f"take_along: positions of shape {at.shape} into an array of shape {shape}; give both the same axes"
        )
    grid = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    grid[axis] = at
    return index(x, at=tuple(grid))


def var(x: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """The mean squared distance from the mean, as `numpy.var` without ddof.

    >>> var(np.array([1.0, 2.0, 3.0, 6.0]))
    array(3.5)
    """
    away = elementwise.subtract(x, reductions.mean(x, axis=axis, keepdims=True))
    return reductions.mean(elementwise.square(away), axis=axis, keepdims=keepdims)


def std(x: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """√ of `var`. Where all elements are equal its derivative is 0, as at the minimum that it is.

    >>> std(np.array([1.0, 3.0]))
    array(1.)
    """
    return elementwise.sqrt(var(x, axis, keepdims=keepdims))


def norm(x: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """√ Σ x² over the axes, all of them unless said otherwise: a vector's length. At 0 its derivative is 0.

    x is scaled by its largest element first, so that squares neither overflow nor vanish.

    >>> norm(np.array([3e200, 4e200]))
    array(5.e+200)
    """
    largest = shapes.stop_gradient(reductions.max(elementwise.abs(x), axis=axis, keepdims=True))
    scale = elementwise.where(elementwise.greater(largest, 0.0), largest, 1.0)
    scale = elementwise.where(elementwise.greater(np.inf, scale), scale, 1.0)
    squares = elementwise.square(elementwise.divide(x, scale))
    length = elementwise.sqrt(reductions.sum(squares, axis=axis, keepdims=keepdims))
    return elementwise.multiply(length, scale if keepdims else reshape(scale, shape=np.shape(length)))


def prod(x: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Π x over the axes, all of them unless said otherwise, as `numpy.prod`: within (n − 1) u Π|x| for n factors.

    Halves are multiplied with one another, then halves of that. So every derivative is a product of the others, also
    where factors are 0: nothing is divided.

    >>> prod(np.array([2.0, 3.0, 7.0]))
    array(42.)
    """
    shape = np.shape(x)
    gone = arguments.axes(axis, [shape])
    gone = tuple(range(len(shape))) if gone is None else (gone,) if isinstance(gone, int) else gone
    kept = tuple(i for i in range(len(shape)) if i not in gone)
    n = math.prod(shape[i] for i in gone)
    y = reshape(shapes.transpose(x, axes=(*gone, *kept)), shape=(n, *(shape[i] for i in kept)))
    while n > 1:
        half = n // 2
        y, rest = elementwise.multiply(y[:half], y[half : 2 * half]), y[2 * half :]
        y, n = (concatenate([y, rest]), half + 1) if n % 2 else (y, half)
    y = y if n else np.ones((1, *np.shape(y)[1:]), y.dtype)
    return reshape(y, shape=tuple(1 if i in gone else k for i, k in enumerate(shape) if keepdims or i in kept))


def cumsum(x: Value, axis: int | None = None) -> Value:
    """Σ x up to each place along an axis, or of all elements row by row, as `numpy.cumsum`.

    >>> cumsum(np.array([1.0, 2.0, 4.0]))
    array([1., 3., 7.])
    """
    return linear.cumsum(reshape(x, shape=(-1,)), axis=0) if axis is None else linear.cumsum(x, axis=axis)


def logaddexp(x: Value, y: Value) -> Value:
    """log(e^x + e^y), as `numpy.logaddexp`: neither overflows where the sum does not.

    >>> logaddexp(np.array([0.0, -np.inf]), np.array([np.inf, -np.inf]))
    array([ inf, -inf])
    """
    shape = np.broadcast_shapes(np.shape(x), np.shape(y))
    both = stack([shapes.broadcast_to(x, shape=shape), shapes.broadcast_to(y, shape=shape)])
    return reductions.logsumexp(both, axis=0)


def sort(x: Value, axis: int = -1) -> Value:
    """x in ascending order along an axis, as `numpy.sort`: a permutation, along which derivatives go back.

    The order is read from the values, so there is none where they are not known: `compile` and `vmap` refuse it.

    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    values = x.numpy() if isinstance(x, Operators) else np.asarray(x)
    return take_along(x, np.argsort(values, axis=axis, kind="stable"), axis)


COMPOSED.update(
    take_along=take_along, var=var, std=std, norm=norm, prod=prod, logaddexp=logaddexp, sort=sort, einsum=einsum
)


def _dot(a: Value, b: Value) -> Value:
    if 0 in (np.ndim(a), np.ndim(b)):
        return elementwise.multiply(a, b)
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError(
            "np.dot of more than two axes pairs them unlike @; write td.ops.matmul, or td.ops.transpose too"
        )
    return matmul(a, b)


# As NumPy's, with the arguments that a Tensor knows: others are refused, and none is left out in silence.
FUNCTIONS.update(
    {
        np.sum: lambda a, axis=None, *, keepdims=False: reductions.sum(a, axis=axis, keepdims=keepdims),
        np.mean: lambda a, axis=None, *, keepdims=False: reductions.mean(a, axis=axis, keepdims=keepdims),
        np.max: lambda a, axis=None, *, keepdims=False: reductions.max(a, axis=axis, keepdims=keepdims),
        np.min: lambda a, axis=None, *, keepdims=False: reductions.min(a, axis=axis, keepdims=keepdims),
        np.amax: lambda a, axis=None, *, keepdims=False: reductions.max(a, axis=axis, keepdims=keepdims),
        np.amin: lambda a, axis=None, *, keepdims=False: reductions.min(a, axis=axis, keepdims=keepdims),
        np.prod: lambda a, axis=None, *, keepdims=False: prod(a, axis, keepdims=keepdims),
        np.cumsum: lambda a, axis=None: cumsum(a, axis),
        np.einsum: lambda subscripts, *operands: einsum(subscripts, *operands),
        np.var: lambda a, axis=None, *, keepdims=False: var(a, axis, keepdims=keepdims),
        np.std: lambda a, axis=None, *, keepdims=False: std(a, axis, keepdims=keepdims),
        np.linalg.norm: lambda x, *, axis=None, keepdims=False: _norm(x, axis, keepdims),
        np.reshape: lambda a, shape: reshape(a, shape=shape),
        np.ravel: lambda a: reshape(a, shape=(-1,)),
        np.transpose: lambda a, axes=None: shapes.transpose(a, axes=axes),
        np.broadcast_to: lambda array, shape: shapes.broadcast_to(array, shape=shape),
        np.expand_dims: lambda a, axis: index(a, at=(slice(None),) * (axis % (np.ndim(a) + 1)) + (None,)),
        np.concatenate: lambda arrays, axis=0: concatenate(arrays, axis),
        np.stack: lambda arrays, axis=0: stack(arrays, axis),
        np.where: lambda condition, x, y: elementwise.where(condition, x, y),
        np.clip: lambda a, a_min, a_max: elementwise.clip(a, a_min, a_max),
        np.dot: _dot,
        np.sort: lambda a, axis=-1: sort(a, axis),
        np.argmax: lambda a, axis=None: a.argmax(axis),
        np.argmin: lambda a, axis=None: a.argmin(axis),
        np.take_along_axis: lambda arr, indices, axis=-1: take_along(arr, indices, axis),
    }
)


def _norm(x: Value, axis: Axis, keepdims: bool) -> Value:
    if (np.ndim(x) > 2 and axis is None) or (isinstance(axis, tuple) and len(axis) > 2):
        raise TypeError("np.linalg.norm is of one axis or two; write td.ops.norm(x, axis) for more")
    return norm(x, axis, keepdims=keepdims)
