"""Small calls of the functions that work on whole arrays, by which `explain` shows what they do."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ..autodiff import ops

Call: TypeAlias = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
"""A function, and the shapes of its arguments."""

COMPOSITES: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (ops.softmax_nll, ops.bernoulli_cross_entropy, ops.squared_error, ops.take_along)
}

CALLS: dict[str, Call] = {
    "sum": (ops.sum, ((3,),)),
    "mean": (ops.mean, ((3,),)),
    "max": (ops.max, ((2,),)),
    "min": (ops.min, ((2,),)),
    "logsumexp": (ops.logsumexp, ((3,),)),
    "softmax": (ops.softmax, ((3,),)),
    "log_softmax": (ops.log_softmax, ((3,),)),
    "matmul": (ops.matmul, ((2, 2), (2, 2))),
    "reshape": (lambda x: ops.reshape(x, shape=(4,)), ((2, 2),)),
    "transpose": (lambda x: ops.transpose(x, axes=(1, 0)), ((2, 3),)),
    "broadcast_to": (lambda x: ops.broadcast_to(x, shape=(2, 3)), ((3,),)),
    "index": (lambda x: ops.index(x, at=[0, 2, 2]), ((3,),)),
    "place": (lambda x: ops.place(x, at=[0, 2, 2], shape=(3,)), ((3,),)),
    "concatenate": (lambda x, y: ops.concatenate([x, y]), ((2,), (1,))),
    "stack": (lambda x, y: ops.stack([x, y]), ((2,), (2,))),
    "stop_gradient": (ops.stop_gradient, ((2,),)),
    "take_along": (lambda x: ops.take_along(x, [[1], [0]]), ((2, 2),)),
    "softmax_nll": (lambda a: ops.softmax_nll(a, [1]), ((1, 3),)),
    "bernoulli_cross_entropy": (ops.bernoulli_cross_entropy, ((2,), (2,))),
    "squared_error": (ops.squared_error, ((2,), (2,))),
}
