"""How an estimator reads X: checked by scikit-learn, dense, and scaled to [0, 1] where that is wanted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ..showing import Shown

HOW = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}
"""How scikit-learn is to read X: float32 stays what it is, everything else becomes float64."""


def features(estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
    """X as a dense float array (T, D), so a sparse one takes T D floats. reset: whether its D and names are to be kept.

    Raises ValueError for what scikit-learn refuses, and for a masked array.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn adds X up to see whether it is finite
        return _dense(validate_data(estimator, _unmasked(X), reset=reset, **HOW))


def examples(estimator: BaseEstimator, X: Any, y: Any) -> tuple[Any, Any]:
    """`features` of a training set, and its classes (T,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        X, y = validate_data(estimator, _unmasked(X), y, **HOW)
    check_classification_targets(y)
    return _dense(X), y


def _unmasked(X: Any) -> Any:
    if np.ma.isMaskedArray(X):
        raise ValueError("X is a masked array, whose mask would be ignored: fill it in, for instance with X.filled(0)")
    return X


def _dense(X: Any) -> Any:
    return X.toarray() if issparse(X) else X


def largest(X: Any) -> str:
    """The sentence for an X (T, D) whose values overflow in a sum over features."""
    row, column = np.unravel_index(np.abs(X).argmax(), X.shape)
    return (
        f"X[{row}, {column}] = {X[row, column]:g} makes sums that are no longer finite; features are probabilities, so "
        "scale them to [0, 1], for instance with sklearn.preprocessing.MinMaxScaler"
    )


@dataclass(frozen=True, eq=False)
class UnitRange(Shown):
    """Every feature's range in some X as [0, 1]; what was constant there becomes 0, what is beyond is cut."""

    low: Any
    high: Any

    @classmethod
    def of(cls, X: Any) -> "UnitRange":
        """The ranges of the features of X (T, D)."""
        return cls(X.min(axis=0), X.max(axis=0))

    def __call__(self, X: Any) -> Any:
        """X (T, D) scaled, in the width of the ranges. A range from −1e308 to 1e308 neither overflows nor vanishes."""
        exponent = -np.frexp(np.maximum(np.abs(self.low), np.abs(self.high)))[1]  # 2^exponent brings all below 1
        low, high = np.ldexp(self.low, exponent), np.ldexp(self.high, exponent)
        inside = np.clip(X, self.low, self.high).astype(self.low.dtype)
        return (np.ldexp(inside, exponent) - low) / np.where(high > low, high - low, 1)
