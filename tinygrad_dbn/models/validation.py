"""What models check of what a user gives them: shapes that fit, numbers that are numbers."""

from typing import Any

import numpy as np

from ..autodiff.kernels.scalar import float_dtype
from ..autodiff.tensor import Tensor
from ..autodiff.trees import finite


def parameter(name: str, value: Any, shape: tuple[int | None, ...]) -> Any:
    """A parameter as a float array of the given shape (None: any positive length), copied and frozen.

    Object arrays (symbols, rationals) and Tensors pass through with their shape checked. Raises ValueError for a
    wrong shape, NaN or inf, TypeError for a dtype that is not a number's.
    """
    array = value if isinstance(value, Tensor) else np.asarray(value)
    if len(array.shape) != len(shape) or any(
        n != want if want is not None else n < 1 for n, want in zip(array.shape, shape, strict=True)
    ):
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
        raise ValueError(f"{name} has shape {array.shape}, it should be {wanted}")
    if isinstance(array, Tensor):
        return array
    array = np.array(array, float_dtype(array), order="C")
    if not finite(array):
        where = next(at for at in np.ndindex(array.shape) if not finite(array[at]))
        raise ValueError(f"{name}{list(where)} is {array[where]}: parameters are finite numbers")
    array.flags.writeable = False
    return array


def whole(name: str, value: Any, least: int, most: int | None = None, why: str = "") -> int:
    """A whole number of Python or NumPy from `least` to `most`, as Python's own; ValueError for anything else.

    Booleans are none, and neither is 2.0. why: what the number means, for the end of the sentence.

    >>> whole("k", np.int64(3), 1)
    3
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if is_whole and least <= value and (most is None or value <= most):
        return int(value)
    until = "on" if most is None else f"to {most}"
    raise ValueError(f"{name}={value!r}: write a whole number from {least} {until}{why and '; '}{why}")


def data(X: Any) -> Any:
    """What a model is to start from: finite numbers (T, D) in an array of float32 or float64, or a ValueError."""
    array = np.asarray(X)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"data of shape {array.shape}: rows (T, D), at least one, of at least one unit")
    if array.dtype.kind not in "biufO":
        raise ValueError(f"data of {array.dtype}: real numbers, for instance X.astype(float)")
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    need(np.isfinite(array), array, "X", "the data are finite numbers")
    return array


def need(fits: Any, array: Any, name: str, what: str) -> None:
    """Raise ValueError at the first element of an array that does not fit, which says what would."""
    wrong = np.argwhere(~fits)
    if len(wrong):
        where = [int(i) for i in wrong[0]]
        raise ValueError(f"{name}{where} is {array[tuple(where)]}: {what}")


def adopt(model: Any, **parameters: Any) -> None:
    """Set the checked fields of a frozen dataclass while it is being made."""
    for name, value in parameters.items():
        object.__setattr__(model, name, value)
