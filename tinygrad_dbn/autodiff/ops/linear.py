"""The matrix product: linear in each factor."""

from math import inf, nan

import numpy as np

from ..kernels.scalar import float_dtype
from ..op import Op
from ..operators import COMPOSED, Value
from . import error_bounds
from .shapes import reshape, transpose, unbroadcast


def _matmul(a: Value, b: Value) -> Value:
    """A B for (…, m, k) and (…, k, n), batch axes broadcasting, within γₖ u |A| |B|."""
    dtype = float_dtype(a, b)
    with np.errstate(all="ignore"):
        return np.matmul(np.asarray(a, dtype), np.asarray(b, dtype))


def swapped(a: Value) -> Value:
    """The last two axes exchanged."""
    n = len(np.shape(a))
    return transpose(a, axes=(*range(n - 2), n - 1, n - 2))


_matmul_op = Op(
    "matmul",
    _matmul,
    meaning=_matmul,
    vjps=(
        lambda g, y, a, b: unbroadcast(matmul(g, swapped(b)), np.shape(a)),
        lambda g, y, a, b: unbroadcast(matmul(swapped(a), g), np.shape(b)),
    ),
    jvps=(lambda t, y, a, b: matmul(t, b), lambda t, y, a, b: matmul(a, t)),
    domain=(-inf, inf),
    edges=[((((0.0,),), ((inf,),)), ((nan,),))],
    ulp=inf,  # cancellation: the bound is relative to Σ|a||b|, not to the result
    bound=error_bounds.of_matmul,
)


def matmul(a: Value, b: Value) -> Value:
    """a @ b. A vector on the left is a row, on the right a column, and the axis it lent is taken away again.

    Shapes (…, m, k) and (…, k, n) give (…, m, n). Raises ValueError where the inner lengths differ.
    """
    rows, columns = np.ndim(a) == 1, np.ndim(b) == 1
    y = _matmul_op(
        reshape(a, shape=(1, -1)) if rows else a,
        reshape(b, shape=(-1, 1)) if columns else b,
    )
    if not (rows or columns):
        return y
    shape = np.shape(y)
    return reshape(y, shape=shape[:-2] + shape[-2:][rows : 2 - columns])


COMPOSED["matmul"] = matmul
