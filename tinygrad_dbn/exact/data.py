"""What the exact sums ask of data: rows of zeros and ones of the model's width."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autodiff.tensor import Tensor
from ..autodiff.trees import flatten


def binary(X: Any, width: int) -> Any:
    """X as a (T, width) array of zeros and ones, or a ValueError that says where it is not.

    Tensors and arrays of objects pass with their shape checked.
    """
    array = X if isinstance(X, Tensor) else np.asarray(X)
    if array.ndim != 2:
        raise ValueError(
            f"a batch is (T, {width}), one example per row; this has shape {array.shape}. One example: x[None]"
        )
    if array.shape[1] != width:
        raise ValueError(f"examples of {array.shape[1]} units for a model of {width} visible units")
    if array.shape[0] == 0:
        raise ValueError(f"an empty batch, shape {array.shape}: nothing to average over")
    if isinstance(array, Tensor) or array.dtype == object:
        return array
    if array.dtype.kind not in "biuf":
        raise ValueError(f"examples are numbers 0 and 1, not {array.dtype}")
    wrong = np.argwhere((array != 0) & (array != 1))
    if len(wrong):
        row, column = (int(i) for i in wrong[0])
        raise ValueError(
            f"X[{row}, {column}] is {array[row, column]}: the model is over {{0, 1}}; binarise first, "
            "for instance (X > 0.5).astype(float)"
        )
    return array if array.dtype.kind == "f" else array.astype(float)


def are_floats(*values: Any) -> bool:
    """True where every leaf of every value is a plain array of floats: the compiled sums are for those.

    Tensors and arrays of objects (symbols, rationals) have their own arithmetic, and take the sums made of ops.
    """
    leaves = [leaf for value in values for leaf in flatten(value)[0]]
    return all(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" for leaf in leaves)


def as_float64(model: Any) -> Any:
    """The same model of contiguous float64 arrays, in which the compiled sums compute whatever the model's width."""
    leaves, rebuild = flatten(model)
    return rebuild([np.ascontiguousarray(leaf, np.float64) for leaf in leaves])
