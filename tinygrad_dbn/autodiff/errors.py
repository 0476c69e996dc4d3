"""What an error of an op says: what was given, why it fails, and on which line of the caller's."""

from typing import Any

import numpy as np

from .callers import callers_line


def restated(error: Exception, text: str) -> Exception:
    """The same kind of error with another text. Some of NumPy's take more than a text: then the kind they are of."""
    for kind in type(error).__mro__:
        try:
            return kind(text)  # type: ignore[no-any-return]
        except TypeError:
            continue
    return error


def explained(name: str, inputs: tuple[Any, ...], error: Exception) -> str:
    """The text of an error that the op of that name raised."""
    if "\n  in " in str(error):  # an op inside an op: the inner one has said it already
        return str(error)
    shapes = ", ".join(f"{np.shape(x)} {getattr(x, 'dtype', type(x).__name__)}" for x in inputs)
    return f"{name}({shapes}): {error}\n  in {callers_line()}"
