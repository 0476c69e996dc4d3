"""Small calls of ops and of the functions that are made of them, by which `explain` shows what they do."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ..autodiff import ops
from ..autodiff.ops.row import calls

Call: TypeAlias = tuple[Callable[..., Any], list[tuple[int, ...]]]
"""A function, and the shapes of its arguments."""

COMPOSITES: dict[str, Call] = {
    "take_along": (lambda x: ops.take_along(x, [[1], [0]]), [(2, 2)]),
    "var": (ops.var, [(2,)]),
    "std": (ops.std, [(2,)]),
    "logaddexp": (ops.logaddexp, [(2,), ()]),
    "leaky_relu": (ops.leaky_relu, [(2,)]),
    "elu": (ops.elu, [(2,)]),
    "silu": (ops.silu, [(2,)]),
    "gelu": (ops.gelu, [(2,)]),
    "prod": (ops.prod, [(3,)]),
    "einsum": (lambda a, b: ops.einsum("ij,j->i", a, b), [(2, 2), (2,)]),
    "conv2d": (ops.conv2d, [(1, 1, 1, 3), (1, 1, 1, 2)]),
    "sort": (ops.sort, [(3,)]),
    "softmax_nll": (lambda a: ops.softmax_nll(a, [1]), [(1, 3)]),
    "bernoulli_cross_entropy": (ops.bernoulli_cross_entropy, [(2,), (2,)]),
    "squared_error": (ops.squared_error, [(2,), (2,)]),
}


def call(name: str) -> Call:
    """The first example of an op, or that of a composite; an op of the user's own may have a composite's name."""
    return calls(ops.TABLE[name])[0] if name in ops.TABLE else COMPOSITES[name]
