"""The matrix product: linear in each factor."""

# The rules name the op that they belong to.
# mypy: disable-error-code="has-type"

from math import inf, nan

import numpy as np

from ..operators import Value
from . import error_bounds
from .mapped import in_line
from .row import example, row, unbroadcast
from .shapes import transpose


def swapped(a: Value) -> Value:
    """The last two axes exchanged."""
    n = len(np.shape(a))
    return transpose(a, axes=(*range(n - 2), n - 1, n - 2))


@row(
    of="arrays",
    mapped=in_line,
    vjps=(
        lambda g, y, a, b: unbroadcast(matmul(g, swapped(b)), np.shape(a)),
        lambda g, y, a, b: unbroadcast(matmul(swapped(a), g), np.shape(b)),
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
