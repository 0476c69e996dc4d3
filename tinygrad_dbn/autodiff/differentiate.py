"""The transforms: a function is run once on Tensors, and the graph that it leaves is walked.

`vjp` and `jvp` run a function once on Tensors of a fresh level. What it leaves behind is a graph whose nodes know
their op and inputs. The walk backward is reverse mode, the walk forward is forward mode, and both apply the rules to
the values one level down. So `hvp` is simply a forward walk over the graph of a gradient.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .callers import callers_line
from .inputs import given, kept, lent, owned
from .kernels.scalar import native
from .operators import Value
from .tensor import Tensor, cotangents, new_level, refuse_ended, tangents, zeros_like
from .trees import flatten, tree_map


def _differentiable(name: str, leaf: Value) -> Value:
    """A leaf as an array, or an error that says why it cannot be differentiated."""
    x = refuse_ended(leaf) if isinstance(leaf, Tensor) else native(np.asarray(given(leaf)))
    if x.dtype not in (np.float64, np.float32, np.object_):
        raise TypeError(
            f"{name}: cannot differentiate with respect to {x.dtype} of shape {x.shape}; pass floats, x.astype(float)\n"
            f"  in {callers_line()}"
        )
    return x


def _matching(name: str, trees: Any, leaves: list[Value]) -> list[Value]:
    """The leaves of a tree of (co)tangents, each in the shape and width of the value it belongs to."""
    found, _ = flatten(trees)
    if [np.shape(g) for g in found] != [np.shape(x) for x in leaves]:
        raise ValueError(
            f"{name}: shapes {[np.shape(g) for g in found]} do not match those of the values, "
            f"{[np.shape(x) for x in leaves]}\n  in {callers_line()}"
        )
    return [
        refuse_ended(g) if isinstance(g, Tensor) else np.asarray(given(g), x.dtype)
        for g, x in zip(found, leaves, strict=True)
    ]


class _Trace:
    """A function run once on Tensors: the leaves it was given, the outputs it gave."""

    def __init__(self, name: str, f: Callable[..., Any], primals: tuple[Any, ...]) -> None:
        arrays, self.rebuild_inputs = flatten(primals)
        if not arrays:
            raise TypeError(f"{name}: nothing to differentiate in {primals!r}; integers are constants, write 3.0 for 3")
        with new_level() as level, lent(arrays) as safe:
            self.leaves = [Tensor._leaf(_differentiable(name, x), level) for x in safe]
            result = f(*self.rebuild_inputs(list(self.leaves)))
            outputs, self.rebuild_outputs = flatten(result)
            if not outputs:
                raise TypeError(
                    f"{name}: the function returned {_described(result)}, which has no floats to differentiate; "
                    f"return its result, a constant as 3.0 for 3\n  in {callers_line()}"
                )
            self.outputs: list[Value] = [
                refuse_ended(y) if isinstance(y, Tensor) else np.asarray(given(y)) for y in outputs
            ]
        self.live = [isinstance(y, Tensor) and y.level == level for y in self.outputs]
        self.level = level
        self.values = [self.lowered(y) for y in self.outputs]

    def lowered(self, y: Value) -> Value:
        """A value one level down, outside of this trace. It is not memory that somebody else can still write to."""
        return kept(y.value if isinstance(y, Tensor) and y.level == self.level else y)

    def pull(self, gs: list[Value]) -> Any:
        pairs = [(y, g) for y, g, live in zip(self.outputs, gs, self.live, strict=True) if live]
        return self.rebuild_inputs(owned(cotangents(pairs, self.leaves), gs + [leaf.value for leaf in self.leaves]))

    def push(self, ts: list[Value]) -> Any:
        outputs = [y for y, live in zip(self.outputs, self.live, strict=True) if live]
        pushed = tangents(outputs, list(zip(self.leaves, ts, strict=True)))
        found = iter(owned(pushed, ts + [leaf.value for leaf in self.leaves]))
        constants = (zeros_like(y) for y in self.outputs)
        return self.rebuild_outputs(
            [next(found) if live else zero for live, zero in zip(self.live, constants, strict=True)]
        )


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """f(*primals), and the function that pulls a cotangent of the result back to a tuple of cotangents of the primals.

    Primals and result are trees. The primals are copied: what is written to them later does not reach the pullback.
    Raises TypeError for integers, ValueError for a cotangent of another shape.

    >>> y, pullback = vjp(lambda x: x * x, np.array([1.0, 3.0]))
    >>> pullback(np.array([1.0, 0.5]))
    (array([2., 3.]),)
    """
    trace = _Trace("vjp", f, tree_map(lambda x: x if isinstance(x, Tensor) else np.array(given(x)), primals))

    def pullback(cotangent: Any) -> Any:
        return trace.pull(_matching("pullback", cotangent, trace.values))

    return trace.rebuild_outputs(trace.values), pullback


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """f(*primals), and the derivative of that along the tangents.

    Raises TypeError for integers, ValueError for tangents of another shape than their primals.

    >>> [float(v) for v in jvp(lambda x: x * x, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    along, rebuild = flatten(tuple(tangents))
    with lent(along) as safe:
        trace = _Trace("jvp", f, tuple(primals))
        directions = _matching("jvp tangents", rebuild(list(safe)), [x.value for x in trace.leaves])
    return trace.rebuild_outputs(trace.values), trace.push(directions)


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns f's value and its gradient with respect to the arguments named by position.

    f returns a scalar, or (scalar, anything) with has_aux; then the result is ((value, aux), gradient), where aux
    holds arrays for the Tensors it was made of. The gradient of a model is a model of the same shape. Raises TypeError
    where the value is not a scalar, ValueError for argnums that are no positions of arguments.
    """
    chosen = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)

    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        positions = _positions(chosen, len(args))
        aux: list[Any] = []

        def of_chosen(*values: Any) -> Any:
            everything = list(args)
            for i, value in zip(positions, values, strict=True):
                everything[i] = value
            result = f(*everything, **kwargs)
            if has_aux:
                result, extra = _pair(result)
                aux.append(extra)
            return _loss(result)

        trace = _Trace("grad", of_chosen, tuple(args[i] for i in positions))  # pulled at once: no copies
        (value,) = trace.values
        gradient = trace.pull([np.ones((), value.dtype)])
        gradient = gradient if isinstance(argnums, tuple | list) else gradient[0]
        return ((value, tree_map(trace.lowered, aux[0], opaque=True)) if has_aux else value), gradient

    return with_gradient


def _positions(argnums: tuple[Any, ...], count: int) -> tuple[int, ...]:
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


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(
            f"grad: with has_aux the function returns (loss, aux), this one returned {_described(result)}; return "
            f"both, or leave has_aux out\n  in {callers_line()}"
        )
    return result[0], result[1]


def _loss(result: Any) -> Value:
    """What a function to be differentiated returned: one number, or an error."""
    if not isinstance(result, Tensor | np.ndarray | np.floating | float):
        raise TypeError(
            f"grad: the function returned {_described(result)}, a loss is one float; return it alone, or "
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


def _described(result: Any) -> str:
    """What a function returned, in a few words."""
    if result is None:
        return "None (a `return` is missing?)"
    if isinstance(result, tuple | list):
        return f"a {type(result).__name__} of {len(result)}"
    return f"{result!r} ({type(result).__name__})" if isinstance(result, int | str) else f"a {type(result).__name__}"


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    >>> float(grad(lambda x: x**3)(2.0)), float(grad(grad(lambda x: x**3))(2.0))
    (12.0, 12.0)
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """H(x) v for the Hessian H of a scalar function of one tree: the gradient's derivative along v.

    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    return jvp(grad(f), (x,), (v,))[1]
