"""What a transform accepts: arguments of floats, cotangents that fit, and a function that returns a loss.

Each function returns what it was given in the form in which transforms compute, or raises TypeError or ValueError with
what was given, why it cannot be differentiated, and what to write.
"""

from typing import Any

import numpy as np

from .callers import callers_line
from .inputs import given
from .kernels.scalar import native
from .operators import Value
from .tensor import Tensor
from .trees import Rebuild, flatten


def differentiable(name: str, leaf: Value) -> Value:
    """A leaf as an array, or an error that says why it cannot be differentiated."""
    x = leaf.live() if isinstance(leaf, Tensor) else native(np.asarray(given(leaf)))
    if x.dtype.char not in "dfO":
        raise TypeError(
            f"{name}: cannot differentiate with respect to {x.dtype} of shape {x.shape}; pass floats, x.astype(float)\n"
            f"  in {callers_line()}"
        )
    return x


def matching(name: str, trees: Any, leaves: list[Value]) -> list[Value]:
    """The leaves of a tree of (co)tangents, each in the shape and width of the value it belongs to."""
    found, _ = flatten(trees)
    if [np.shape(g) for g in found] != [np.shape(x) for x in leaves]:
        raise ValueError(
            f"{name}: shapes {[np.shape(g) for g in found]} do not match those of the values, "
            f"{[np.shape(x) for x in leaves]}\n  in {callers_line()}"
        )
    return [
        g.live() if isinstance(g, Tensor) else np.asarray(given(g), x.dtype) for g, x in zip(found, leaves, strict=True)
    ]


def returned(name: str, result: Any) -> tuple[list[Value], Rebuild]:
    """The arrays and Tensors that a function returned, and the tree that they form."""
    outputs, rebuild = flatten(result)
    if not outputs:
        raise TypeError(
            f"{name}: the function returned {described(result)}, which has no floats to differentiate; "
            f"return its result, a constant as 3.0 for 3\n  in {callers_line()}"
        )
    return [y.live() if isinstance(y, Tensor) else np.asarray(given(y)) for y in outputs], rebuild


def positions(argnums: tuple[Any, ...], count: int) -> tuple[int, ...]:
    """The positions among `count` arguments, each once."""
    if any(not -count <= i < count for i in argnums):
        raise ValueError(
            f"grad: argnums {argnums} for a call with {count} positional arguments; they count from 0, and arguments "
            f"by keyword are constants\n  in {callers_line()}"
        )
    found = tuple(i % count for i in argnums)
    if len(set(found)) < len(found):
        raise ValueError(f"grad: argnums {argnums} name an argument twice; name each once\n  in {callers_line()}")
    return found


def pair(result: Any) -> tuple[Any, Any]:
    """The loss and what else the function returned, where has_aux says that it returns both."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(
            f"grad: with has_aux the function returns (loss, aux), this one returned {described(result)}; return "
            f"both, or leave has_aux out\n  in {callers_line()}"
        )
    return result[0], result[1]


def scalar(result: Any) -> Value:
    """What a function to be differentiated returned: one number, or an error."""
    if not isinstance(result, Tensor | np.ndarray | np.floating | float):
        raise TypeError(
            f"grad: the function returned {described(result)}, a loss is one float; return it alone, or "
            f"(loss, aux) to value_and_grad(f, has_aux=True)\n  in {callers_line()}"
        )
    if np.shape(result) != ():
        raise TypeError(
            f"grad: the function returned shape {np.shape(result)}; take .sum() or .mean() of it\n  in {callers_line()}"
        )
    if not isinstance(result, float) and result.dtype == bool:
        raise TypeError(
            f"grad: the function returned a comparison, which has no derivative; choose between values with "
            f"ops.where, or write the loss with floats\n  in {callers_line()}"
        )
    return result


def described(result: Any) -> str:
    """What a function returned, in a few words."""
    if result is None:
        return "None (a `return` is missing?)"
    if isinstance(result, tuple | list):
        return f"a {type(result).__name__} of {len(result)}"
    return f"{result!r} ({type(result).__name__})" if isinstance(result, int | str) else f"a {type(result).__name__}"
