"""The matrix product, linear in each factor, and running sums."""

# The rules name the op that they belong to.
# mypy: disable-error-code="has-type"

from math import inf, nan

import numpy as np

from ..operators import Value
from ..tensor import apply
from . import arguments, error_bounds
from .mapped import in_line, next_axis
from .row import example, row, unbroadcast
from .shapes import index, transpose


def swapped(a: Value) -> Value:
    """The last two axes exchanged."""
    n = len(a.shape)
    return apply(transpose, (a,), {"axes": (*range(n - 2), n - 1, n - 2)})


@row(
    of="arrays",
    mapped=in_line,
    vjps=(
        lambda g, y, a, b: unbroadcast(matmul(g, swapped(b)), a.shape),
        lambda g, y, a, b: unbroadcast(matmul(swapped(a), g), b.shape),
    ),
    jvps=(lambda t, y, a, b: matmul(t, b), lambda t, y, a, b: matmul(a, t)),
    edges=[((((0.0,),), ((inf,),)), ((nan,),))],
    examples=[example((2, 2), (2, 2)), example((1, 2), (2, 1)), example((2, 1, 1, 2), (2, 2, 1))],
    ulp=inf,  # cancellation: the bound is relative to Σ|a||b|, not to the result
    bound=error_bounds.of_matmul,
)
def matmul(a: Value, b: Value) -> Value:
    """A B for (…, m, k) and (…, k, n), batch axes broadcasting, within γₖ u |A| |B|."""
    return np.matmul(a, b)


def turned(x: Value, axis: int) -> Value:
    """The elements along an axis in the opposite order."""
    return index(x, at=(slice(None),) * axis + (slice(None, None, -1),))


@row(
    of="arrays",
    mapped=next_axis,
    vjps=(lambda g, y, x, axis: turned(cumsum(turned(g, axis), axis=axis), axis),),
    jvps="linear",
    edges=[(((1.0, nan, 2.0),), (1.0, nan, nan)), (((1.0, inf, -inf),), (1.0, inf, nan)), (((),), ())],
    examples=[example((3,), axis=0), example((2, 2), axis=0)],
    options={"axis": (arguments.along, -1)},
    ulp=inf,
    bound=error_bounds.of_cumsum,
)
def cumsum(x: Value, axis: int) -> Value:
    """Σ x up to each place along the axis (the last, unless said otherwise), within γₙ₋₁ u Σ|x|"""
    return x.cumsum(axis)
