"""The digits that the experiments share, in parts that a seed decides."""

from functools import cache
from typing import Any

import numpy as np

from ...datasets import Labelled, mnist5k
from ...extras import needing


def small_digits(seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """scikit-learn's 1 797 digits, 8 × 8 in [0, 1], shuffled: (X, y) of 1 200 to train and of 597 to test."""
    X, y = _small()
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[:1200], order[1200:]
    return (X[train], y[train]), (X[test], y[test])


@cache
def _small() -> tuple[Any, Any]:
    with needing("the digits", "sklearn"):
        from sklearn.datasets import load_digits

    digits = load_digits()
    return np.asarray(digits.data / 16, np.float32), np.asarray(digits.target, np.int64)


@cache
def mnist(seed: int) -> Labelled:
    """The 5 000 digits of MNIST, shuffled: 3 000 to train, 500 to choose by and 1 500 to test."""
    return mnist5k((3000, 500, 1500), seed)
