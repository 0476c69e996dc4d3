"""What every model checks when a user makes one: shapes that fit, numbers that are numbers."""

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


def adopt(model: Any, **parameters: Any) -> None:
    """Set the checked fields of a frozen dataclass while it is being made."""
    for name, value in parameters.items():
        object.__setattr__(model, name, value)
