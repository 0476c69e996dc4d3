"""The best that any model can do, and a guard against figures that are better than that.

By Gibbs' inequality no distribution gives rows X a higher mean log-likelihood than their own empirical distribution
does, which is minus its entropy. A reported figure above it is a mistake – in the sum, the data or the units – and no
record. Where `train` is a complete toy distribution the optimum also has a closed form.
"""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np

from ..datasets import Dataset
from .information import data_entropy

OPTIMA: dict[str, Callable[[int], float]] = {
    "bars-and-stripes:{n} (distinct)": lambda n: -log(2 ** (n + 1) - 2),
    # 2^(n+1) equally likely rows, of which the two uniform pictures arise twice: four rows of weight 2.
    "bars-and-stripes:{n} (doubled)": lambda n: -(n + 1) * log(2) + 4 * log(2) / 2 ** (n + 1),
    "shifter:{n}": lambda n: -log(3 * 2**n),
    "parity:{n}": lambda n: -(n - 1) * log(2),
    "colourings:{n}": lambda n: -log(2**n + 2 * (-1) ** n),
}
"""Closed forms by the name of the dataset, which names its convention: mean log-likelihood of `train`, nats."""


class AboveOptimum(ValueError):
    """A reported mean log-likelihood that no model can have."""


def optimum(data: Dataset | Any) -> float:
    """The highest mean log-likelihood that any model can give a Dataset's `train`, or rows X (T, D): nats.

    Minus the entropy of the empirical distribution, counted from the rows themselves.

    >>> from tinygrad_dbn.datasets import bars_and_stripes
    >>> round(optimum(bars_and_stripes(3)), 5), round(optimum(bars_and_stripes(3, "doubled")), 5)
    (-2.63906, -2.5993)
    """
    return -data_entropy(data.train if isinstance(data, Dataset) else data)


def check_optimum(figure: float, data: Dataset | Any, error: float = 1e-9) -> float:
    """The figure, a mean log-likelihood in nats, if the data allow it: at most `optimum(data)` plus `error`.

    `error` is how far rounding may have lifted it, nats. The data are a Dataset, whose `train` the figure is about, or
    rows X (T, D). Raises AboveOptimum for a figure beyond that, ValueError for one that is NaN.

    >>> check_optimum(-0.5, [[0, 1], [1, 0]])
    Traceback (most recent call last):
    ...
    tinygrad_dbn.exact.optima.AboveOptimum: -0.5 nats is above -0.693147, the best mean log-likelihood that any model \
can give these 2 rows: no record but a mistake. Check that p sums to one, that the figure is about these rows, per \
example and in nats
    """
    if np.isnan(figure):
        raise ValueError("a mean log-likelihood of NaN: nothing to certify")
    best = optimum(data)
    if figure > best + error:
        rows = data.train if isinstance(data, Dataset) else data
        named = f"{data.name}, {len(rows)} rows" if isinstance(data, Dataset) else f"these {len(rows)} rows"
        raise AboveOptimum(
            f"{figure:.6g} nats is above {best:.6g}, the best mean log-likelihood that any model can give {named}: no "
            "record but a mistake. Check that p sums to one, that the figure is about these rows, per example and in "
            "nats"
        )
    return figure
