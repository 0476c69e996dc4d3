"""The transforms: a function is run once on Tensors, and the graph that it leaves is walked.

`vjp` and `jvp` run a function once on Tensors of a fresh level. What it leaves behind is a graph whose nodes know
their op and inputs. The walk backward is reverse mode, the walk forward is forward mode, and both apply the rules to
the values one level down. So `hvp` is simply a forward walk over the graph of a gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .accepts import differentiable, matching, pair, positions, returned, scalar
from .inputs import given, kept, lent, owned
from .operators import Value
from .tensor import Tensor, cotangents, new_level, tangents, zeros_like
from .trees import Rebuild, flatten, tree_map


@dataclass(frozen=True)
class Run:
    """A function that was run once on Tensors of a fresh level: what it was given and what it returned."""

    level: int
    leaves: list[Tensor]
    outputs: list[Value]
    """Tensors of the level, or constants through which nothing flows."""
    inputs_tree: Rebuild
    outputs_tree: Rebuild

    @classmethod
    def of(cls, name: str, f: Callable[..., Any], primals: tuple[Any, ...]) -> "Run":
        arrays, inputs_tree = flatten(primals)
        if not arrays:
            raise TypeError(f"{name}: nothing to differentiate in {primals!r}; integers are constants, write 3.0 for 3")
        with new_level() as level, lent(arrays) as safe:
            leaves = [Tensor.leaf(differentiable(name, x), level) for x in safe]
            outputs, outputs_tree = returned(name, f(*inputs_tree(list(leaves))))
        return cls(level, leaves, outputs, inputs_tree, outputs_tree)

    def flows(self, y: Value) -> bool:
        return isinstance(y, Tensor) and y.level == self.level

    def lowered(self, y: Value) -> Value:
        """A value one level down, outside of this trace. It is not memory that somebody else can still write to."""
        return kept(y.value if self.flows(y) else y)

    @property
    def result(self) -> Any:
        """What the function returned, one level down."""
        return self.outputs_tree([self.lowered(y) for y in self.outputs])

    def pull(self, gs: list[Value]) -> Any:
        """The cotangents of the inputs, as a tree like them, from those of the outputs."""
        pairs = [(y, g) for y, g in zip(self.outputs, gs, strict=True) if self.flows(y)]
        return self.inputs_tree(owned(cotangents(pairs, self.leaves), gs + [leaf.value for leaf in self.leaves]))

    def push(self, ts: list[Value]) -> Any:
        """The tangents of the outputs, as a tree like them, from those of the inputs."""
        pushed = tangents([y for y in self.outputs if self.flows(y)], list(zip(self.leaves, ts, strict=True)))
        own = iter(owned(pushed, ts + [leaf.value for leaf in self.leaves]))
        return self.outputs_tree([next(own) if self.flows(y) else zeros_like(y) for y in self.outputs])


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """f(*primals), and the function that pulls a cotangent of the result back to a tuple of cotangents of the primals.

    Primals and result are trees. The primals are copied: what is written to them later does not reach the pullback.
    Raises TypeError for integers, ValueError for a cotangent of another shape.

    >>> y, pullback = vjp(lambda x: x * x, np.array([1.0, 3.0]))
    >>> pullback(np.array([1.0, 0.5]))
    (array([2., 3.]),)
    """
    trace = Run.of("vjp", f, tree_map(lambda x: x if isinstance(x, Tensor) else np.array(given(x)), primals))

    def pullback(cotangent: Any) -> Any:
        return trace.pull(matching("pullback", cotangent, trace.outputs))

    return trace.result, pullback


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """f(*primals), and the derivative of that along the tangents.

    Raises TypeError for integers, ValueError for tangents of another shape than their primals.

    >>> [float(v) for v in jvp(lambda x: x * x, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    along, rebuild = flatten(tuple(tangents))
    with lent(along) as safe:
        trace = Run.of("jvp", f, tuple(primals))
        directions = matching("jvp tangents", rebuild(list(safe)), [x.value for x in trace.leaves])
    return trace.result, trace.push(directions)


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
        at = positions(chosen, len(args))
        aux: list[Any] = []

        def of_chosen(*values: Any) -> Any:
            everything = list(args)
            for i, value in zip(at, values, strict=True):
                everything[i] = value
            result = f(*everything, **kwargs)
            if has_aux:
                result, extra = pair(result)
                aux.append(extra)
            return scalar(result)

        trace = Run.of("grad", of_chosen, tuple(args[i] for i in at))  # pulled at once: no copies
        value = trace.result
        gradient = trace.pull([np.ones((), value.dtype)])
        gradient = gradient if isinstance(argnums, tuple | list) else gradient[0]
        return ((value, tree_map(trace.lowered, aux[0], opaque=True)) if has_aux else value), gradient

    return with_gradient


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
