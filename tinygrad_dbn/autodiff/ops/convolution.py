"""Convolution in two dimensions, made of rows: the windows of a picture as columns of a matrix, times the filters."""

from math import prod

import numpy as np

from ..callers import callers_line
from ..operators import Value
from .linear import matmul
from .shapes import index, place, reshape, stack

Pair = int | tuple[int, int]


def conv2d(x: Value, w: Value, stride: Pair = 1, padding: Pair = 0) -> Value:
    """Each filter's sum of products with each window: pictures (T, C, H, W), filters (K, C, h, w), results (T, K, …).

    Result k at (i, j) is Σ x[t, c, i s + a, j s + b] w[k, c, a, b] over c, a and b: filters are not turned over, as in
    other libraries of networks (LeCun et al. 1989 name it so). `stride` s is how far apart windows are, `padding` how
    many zeros stand on each side of a picture; one number for both axes, or one each.
    Raises ValueError where shapes do not fit one another or where no window fits.

    >>> conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[[-1.0, 1.0]]]]))[0, 0]
    array([[1., 1.],
           [1., 1.],
           [1., 1.]])
    """
    (down, across), (above, beside) = _pair("stride", stride, 1), _pair("padding", padding, 0)
    pictures, filters = np.shape(x), np.shape(w)
    if len(pictures) != 4 or len(filters) != 4 or pictures[1] != filters[1]:
        raise _wrong(pictures, filters, "write pictures (T, C, H, W) and filters (K, C, h, w), C channels each")
    count, channels, high, wide = pictures
    if above or beside:
        inside = (slice(None), slice(None), slice(above, above + high), slice(beside, beside + wide))
        high, wide = high + 2 * above, wide + 2 * beside
        x = place(x, at=inside, shape=(count, channels, high, wide))
    rows, columns = (high - filters[2]) // down + 1, (wide - filters[3]) // across + 1
    if 0 in filters or rows < 1 or columns < 1:
        raise _wrong(pictures, filters, f"no window fits {(high, wide)}: write smaller filters, or padding=")
    shifted = [
        index(x, at=(..., slice(a, a + down * (rows - 1) + 1, down), slice(b, b + across * (columns - 1) + 1, across)))
        for a, b in np.ndindex(filters[2:])
    ]
    windows = reshape(stack(*shifted, axis=2), shape=(count, prod(filters[1:]), rows * columns))
    y = matmul(reshape(w, shape=(filters[0], prod(filters[1:]))), windows)
    return reshape(y, shape=(count, filters[0], rows, columns))


def _pair(name: str, given: Pair, least: int) -> tuple[int, int]:
    """A number for each of the two axes of a picture."""
    pair = given if isinstance(given, tuple) else (given, given)
    if len(pair) != 2 or not all(isinstance(n, int | np.integer) and n >= least for n in pair):
        raise ValueError(
            f"conv2d: {name}={given!r}; write a whole number from {least}, or two in a tuple\n  in {callers_line()}"
        )
    return int(pair[0]), int(pair[1])


def _wrong(pictures: tuple[int, ...], filters: tuple[int, ...], instead: str) -> ValueError:
    return ValueError(
        f"conv2d: pictures of shape {pictures}, filters of shape {filters}; {instead}\n  in {callers_line()}"
    )
