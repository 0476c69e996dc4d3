"""Ops that move elements. `place` adds those that meet at one place; no other changes any. All are linear, so each is
its own derivative."""

# Rules name ops that are defined further down.
# mypy: disable-error-code="has-type"

from math import inf, nan
from typing import Any

import numpy as np

from ..operators import Value, shape_of
from ..tensor import apply
from . import arguments, error_bounds
from .mapped import each, in_line, into_each, longer, next_axes, next_axis, spread
from .row import example, row, unbroadcast


@row(
    of="arrays",
    mapped=longer,
    vjps=(lambda g, y, x, shape: reshape(g, shape=np.shape(x)),),
    jvps="linear",
    examples=[example((2, 3), shape=(3, -1))],
    options={"shape": arguments.rearranged},
    ulp=0,
)
def reshape(x: Value, shape: tuple[int, ...]) -> Value:
    """The same elements in another shape; one length may be −1."""
    return x.reshape(shape)


@row(
    of="arrays",
    mapped=next_axes,
    vjps=(lambda g, y, x, axes: apply(transpose, (g,), {"axes": tuple(map(axes.index, range(len(axes))))}),),
    jvps="linear",
    examples=[example((2, 3, 1), axes=(2, 0, 1))],
    options={"axes": arguments.order},
    ulp=0,
)
def transpose(x: Value, axes: tuple[int, ...]) -> Value:
    """The axes in another order."""
    return x.transpose(axes)


@row(
    of="arrays",
    mapped=spread,
    vjps=(lambda g, y, x, shape: unbroadcast(g, np.shape(x)),),
    jvps="linear",
    examples=[example((2, 1), shape=(2, 2, 2))],
    options={"shape": arguments.lengths},
    ulp=0,
)
def broadcast_to(x: Value, shape: tuple[int, ...]) -> Value:
    """The elements repeated along new axes and axes of length 1."""
    return np.broadcast_to(x, shape)


@row(
    of="arrays",
    mapped=each,
    vjps=(lambda g, y, x, at: apply(place, (g,), {"at": at, "shape": shape_of(x)}),),
    jvps="linear",
    examples=[
        example((3,), at=np.array([0, 2, 2])),
        example((2, 3), at=(np.array([0, 1, 1]), slice(None, None, 2))),
    ],
    options={"at": arguments.positions},
    ulp=0,
)
def index(x: Value, at: Any) -> Value:
    """x[at], for slices, integers, arrays of integers or of booleans."""
    return x[at]


@row(
    of="arrays",
    mapped=into_each,
    vjps=(lambda g, y, x, at, shape: unbroadcast(index(g, at=at), np.shape(x)),),
    jvps="linear",
    examples=[example((3,), at=np.array([0, 2, 2]), shape=(4,))],
    options={"at": arguments.placed, "shape": arguments.lengths},
    ulp=inf,  # where indices are repeated, terms may cancel
    bound=error_bounds.of_place,
)
def place(g: Value, at: Any, shape: tuple[int, ...]) -> Value:
    """Zeros of the given shape with g added at x[at], repeated indices adding up: the transpose of `index`."""
    out = np.zeros(shape, g.dtype)
    np.add.at(out, at, g)
    return out


def _part(g: Value, axis: int, xs: tuple[Value, ...], k: int) -> Value:
    """The slice of g that came from array k of a concatenation."""
    ends = np.cumsum([np.shape(x)[axis] for x in xs])
    where = slice(int(ends[k]) - np.shape(xs[k])[axis], int(ends[k]))
    return index(g, at=(slice(None),) * axis + (where,))


@row(
    of="arrays",
    mapped=next_axis,
    vjps=lambda g, y, *xs, axis, index: _part(g, axis, xs, index),
    jvps="linear",
    examples=[example((2, 1), (2, 2), (2, 1), axis=1)],
    options={"axis": (arguments.along, 0)},
    ulp=0,
)
def concatenate(*xs: Value, axis: int) -> Value:
    """The arrays one after another along an axis."""
    return np.concatenate(xs, axis)


def _slice(g: Value, axis: int, k: int) -> Value:
    """Slice k of g along an axis, which is left out."""
    return index(g, at=(slice(None),) * axis + (k,))


@row(
    of="arrays",
    mapped=next_axis,
    vjps=lambda g, y, *xs, axis, index: _slice(g, axis, index),
    jvps="linear",
    examples=[example((2,), (2,), axis=-1)],
    options={"axis": (arguments.between, 0)},
    ulp=0,
)
def stack(*xs: Value, axis: int) -> Value:
    """The arrays side by side along a new axis."""
    return np.stack(xs, axis)


@row(of="arrays", mapped=in_line, vjps=(None,), jvps=(None,), edges=[(inf, inf), (nan, nan)], ulp=0)
def stop_gradient(x: Value) -> Value:
    """x, as a constant: nothing flows through it."""
    return x
