"""What the parameters of an estimator may be.

scikit-learn wants constructors that only store what they are given, so parameters are checked when `fit` starts: each
against one row of its class's table, with one sentence for whatever does not fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state


@dataclass(frozen=True)
class Parameter:
    """What a parameter may be, in words and as a test, and the plain Python value that a training takes for it."""

    words: str
    holds: Callable[[Any], bool]
    plain: Callable[[Any], Any]


def whole(least: int) -> Parameter:
    """An integer of Python or NumPy below 2^31, as an int. A bool is none."""
    return Parameter(
        f"a whole number from {least} to 2³¹ − 1",
        lambda value: isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) < 2**31,
        int,
    )


def whole_or_none(least: int) -> Parameter:
    """What `whole` says, or None."""
    one = whole(least)
    return Parameter(
        f"None or {one.words}",
        lambda value: value is None or one.holds(value),
        lambda value: None if value is None else one.plain(value),
    )


def number(words: str, holds: Callable[[float], bool]) -> Parameter:
    """A real number of Python or NumPy for which `holds`, as a float: a NumPy scalar would widen a float32."""

    def plain(value: Any) -> float:
        try:
            return float(value)
        except OverflowError:
            return inf

    return Parameter(
        words, lambda value: isinstance(value, Real) and not isinstance(value, bool) and holds(plain(value)), plain
    )


def one_or_each(one: Parameter) -> Parameter:
    """What `one` says, or a tuple, list or array (n,) of such values, n ≥ 1, as a tuple."""

    def several(value: Any) -> bool:
        listed = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim == 1)
        return listed and len(value) > 0 and all(one.holds(v) for v in value)

    return Parameter(
        f"{one.words}, or a tuple with one for each hidden layer",
        lambda value: one.holds(value) or several(value),
        lambda value: one.plain(value) if one.holds(value) else tuple(one.plain(v) for v in value),
    )


def _is_random_state(value: Any) -> bool:
    if isinstance(value, Integral):
        return not isinstance(value, bool) and 0 <= int(value) < 2**32
    return value is None or isinstance(value, (np.random.Generator, np.random.RandomState))


RATE = number("a finite number above 0", lambda value: 0 < value < inf)
PROBABILITY = number("a number of at least 0 and below 1", lambda value: 0 <= value < 1)
VERBOSE = Parameter(
    f"True, False, or {whole(0).words}",
    lambda value: isinstance(value, (bool, np.bool_)) or whole(0).holds(value),
    bool,
)
COMPILE = Parameter(
    "'auto', True or False",
    lambda value: isinstance(value, (bool, np.bool_)) or (isinstance(value, str) and value == "auto"),
    lambda value: None if isinstance(value, str) else bool(value),  # as `learning.compiling` wants it
)
RANDOM_STATE = Parameter(
    "None, an integer from 0 to 2³² − 1, a numpy.random.Generator or a numpy.random.RandomState",
    _is_random_state,
    lambda value: value,
)


def settings(estimator: BaseEstimator, table: dict[str, Parameter]) -> dict[str, Any]:
    """The estimator's parameters as plain values, by name. Raises ValueError for the first that its row refuses."""
    for name, parameter in table.items():
        value = getattr(estimator, name)
        if not parameter.holds(value):
            default = signature(type(estimator)).parameters[name].default
            raise ValueError(
                f"{type(estimator).__name__}({name}={value!r}): {name} is {parameter.words}; "
                f"write for instance {name}={default!r}, the default"
            )
    return {name: parameter.plain(getattr(estimator, name)) for name, parameter in table.items()}


def seed(random_state: Any) -> int:
    """One integer from a random state: always the same from an integer, a new one from anything else.

    A Generator or RandomState has moved on afterwards, as scikit-learn has it; None draws from NumPy's global state.
    """
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))
