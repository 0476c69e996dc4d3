"""Jacobians and Hessians whole: a pullback for each element of a result, put together."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .differentiate import grad, vjp
from .operators import TABLE, Value
from .trees import flatten, tree_map


def jacobian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The function that returns all partial derivatives of f's result by one of its arguments.

    For a result of shape (m, …) and an argument of shape (n, …) these are an array (m, …, n, …). Where the argument is
    a tree, such as a model, they are a tree like it; where the result is a tree, a tree like that, whose leaves are
    such. It takes one run of f and a walk backward for each number in the result; `td.jvp` takes a walk forward for
    each direction.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """

    def of_argument(*args: Any, **kwargs: Any) -> Any:
        at = range(len(args))[argnums]

        def of_one(x: Any) -> Any:
            return f(*args[:at], x, *args[at + 1 :], **kwargs)

        value, pullback = vjp(of_one, args[at])
        outputs, rebuild = flatten(value)
        return rebuild([_rows(outputs, i, rebuild, pullback) for i in range(len(outputs))])

    return of_argument


def _rows(outputs: list[Value], i: int, rebuild: Callable[[list[Any]], Any], pullback: Callable[[Any], Any]) -> Any:
    """The partial derivatives of output i: those of each of its numbers, stacked."""
    zeros = [np.zeros(np.shape(y), y.dtype) for y in outputs]
    shape, found = np.shape(outputs[i]), []
    for place in np.ndindex(shape):
        one = zeros[i].copy()
        one[place] = 1
        found.append(pullback(rebuild([*zeros[:i], one, *zeros[i + 1 :]]))[0])
    if not found:
        raise ValueError(f"jacobian: the result has shape {shape}, in which there is no number to differentiate")

    def together(*rows: Value) -> Value:
        return TABLE["reshape"](TABLE["stack"](*rows, axis=0), shape=(*shape, *np.shape(rows[0])))

    return tree_map(together, *found)


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """All second partial derivatives of a scalar function by one of its arguments: the Jacobian of its gradient.

    Of an array of shape (n, …) an array (n, …, n, …). `td.hvp` multiplies with it without making it.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums)
