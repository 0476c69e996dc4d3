"""What an error of an op says: what was given, why it fails, and on which line of the caller's."""

from typing import Any

import numpy as np

from .callers import callers_line

RESTATED = (ValueError, TypeError, IndexError, FloatingPointError)
"""The errors that a wrong call of an op raises."""


def restated(name: str, inputs: tuple[Any, ...], error: Exception) -> Exception:
    """The error of an op, of the same kind, with the op, its inputs and the caller's line in its text.

    Where the op was applied by a rule or by another op, the inner one has said it already: then the error as it is.
    """
    if "\n  in " in str(error):
        return error
    text = f"{described(name, inputs)}: {error}\n  in {callers_line()}"
    for kind in type(error).__mro__:
        try:
            remade: Exception = kind(text)
            return remade
        except TypeError:  # some of NumPy's errors take more than a text: then the kind that they are of
            continue
    return error


def described(name: str, inputs: tuple[Any, ...]) -> str:
    """An op's call in a few words, as "add((2, 3) float64, () float)"."""
    shapes = ", ".join(f"{np.shape(x)} {getattr(x, 'dtype', type(x).__name__)}" for x in inputs)
    return f"{name}({shapes})"
