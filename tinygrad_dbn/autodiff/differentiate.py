"""The graph walked twice: backward for cotangents, forward for tangents.

`vjp` and `jvp` run a function once on Tensors of a fresh level. What it leaves behind is a graph whose nodes know
their op and inputs. The walk backward is reverse mode, the walk forward is forward mode, and both apply the rules to
the values one level down. So `hvp` is simply a forward walk over the graph of a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from .kernels import native
from .strict import has_nan, is_hunting, nan_hunt
from .tensor import TABLE, WRITTEN, Tensor, Value, callers_line, new_level
from .trees import flatten, tree_map


def tape(outputs: Iterable[Tensor]) -> list[Tensor]:
    """The nodes of their level that the outputs depend on, oldest first. No recursion, each node once."""
    found: dict[int, Tensor] = {}
    ahead = list(outputs)
    while ahead:
        node = ahead.pop()
        if id(node) not in found:
            found[id(node)] = node
            ahead += [x for x in node.inputs if isinstance(x, Tensor) and x.level == node.level]
    return sorted(found.values(), key=attrgetter("birth"))


def below(node: Tensor) -> tuple[Value, ...]:
    """The values of a node's inputs one level down, which is where rules work."""
    return tuple([x.value if isinstance(x, Tensor) and x.level == node.level else x for x in node.inputs])


def cotangents(outputs: list[tuple[Tensor, Value]], leaves: list[Tensor]) -> list[Value]:
    """Reverse mode: from (output, cotangent) pairs, the cotangents of the leaves."""
    pending: dict[int, Value] = {}

    def receive(node: Tensor, g: Value) -> None:
        known = pending.get(id(node))
        pending[id(node)] = g if known is None else TABLE["add"](known, g)

    pull = _pull_in_a_hunt if is_hunting() else _pull
    for y, g in outputs:
        receive(y, g)
    with np.errstate(all="ignore"):  # rules meet inf and NaN on purpose; `chain` drops what does not count
        for node in reversed(tape(y for y, _ in outputs)):
            if node.op is None or id(node) not in pending:
                continue
            g, inputs = pending.pop(id(node)), below(node)
            for i, x in enumerate(node.inputs):
                if isinstance(x, Tensor) and x.level == node.level:
                    share = pull(node, i, g, inputs)
                    if share is not None:
                        receive(x, share)
    return [pending[id(leaf)] if id(leaf) in pending else np.zeros_like(primal(leaf)) for leaf in leaves]


def tangents(outputs: list[Tensor], leaves: list[tuple[Tensor, Value]]) -> list[Value]:
    """Forward mode: from (leaf, tangent) pairs, the tangents of the outputs."""
    known = {id(leaf): t for leaf, t in leaves}
    with np.errstate(all="ignore"):
        for node in tape(outputs):
            if node.op is not None:
                given = [known.get(id(x)) for x in node.inputs]
                if any(t is not None for t in given):
                    t = node.op.push(given, node.value, below(node), node.params)
                    if t is not None:
                        known[id(node)] = t
    return [known[id(y)] if id(y) in known else np.zeros_like(primal(y)) for y in outputs]


def _pull(node: Tensor, i: int, g: Value, inputs: tuple[Value, ...]) -> Value:
    assert node.op is not None
    return node.op.pull(i, g, node.value, inputs, node.params)


def _pull_in_a_hunt(node: Tensor, i: int, g: Value, inputs: tuple[Value, ...]) -> Value:
    """The same during a `nan_hunt`. Inside a rule NaN is allowed: `chain` may drop it. What comes out counts."""
    with nan_hunt(False):
        share = _pull(node, i, g, inputs)
    if has_nan(share) and not has_nan(g, node.value, *inputs):
        assert node.op is not None
        shapes = ", ".join(f"{np.shape(x)} {getattr(x, 'dtype', type(x).__name__)}" for x in node.inputs)
        raise FloatingPointError(
            f"{node.op.name}({shapes}): a NaN is born in the backward pass, in the cotangent of input {i}, from values "
            f"that have none; keep arguments out of where the derivative is undefined, as in ops.where(x > 0, x, 1)\n"
            f"  in {WRITTEN.get(node, callers_line())}"
        )
    return share


def primal(x: Value) -> Any:
    """The array at the bottom of however many traces."""
    while isinstance(x, Tensor):
        x = x.value
    return x


def _differentiable(name: str, leaf: Value) -> Value:
    """A leaf as an array, or an error that says why it cannot be differentiated."""
    x = leaf if isinstance(leaf, Tensor) else native(np.asarray(leaf))
    if x.dtype not in (np.float64, np.float32, np.object_):
        raise TypeError(
            f"{name}: cannot differentiate with respect to {x.dtype} of shape {x.shape}; pass floats, x.astype(float)\n"
            f"  in {callers_line()}"
        )
    return x


def _matching(name: str, trees: Any, leaves: list[Value]) -> list[Value]:
    """The leaves of a tree of (co)tangents, each in the shape and width of the value it belongs to."""
    given, _ = flatten(trees)
    if [np.shape(g) for g in given] != [np.shape(x) for x in leaves]:
        raise ValueError(
            f"{name}: shapes {[np.shape(g) for g in given]} do not match those of the values, "
            f"{[np.shape(x) for x in leaves]}\n  in {callers_line()}"
        )
    return [g if isinstance(g, Tensor) else np.asarray(g, x.dtype) for g, x in zip(given, leaves, strict=True)]


def _owned(results: list[Value], others: list[Value]) -> list[Value]:
    """The results, copied where they share memory with one another, with the others, or with what a graph has saved.

    Rules may hand on what they were given. This is the one place where it becomes the caller's, to change at will.
    """
    seen = {id(_root(x)) for x in others}
    own: list[Value] = []
    for x in results:
        root = _root(x)
        if isinstance(x, np.ndarray) and (not x.flags.writeable or not root.flags.writeable or id(root) in seen):
            x = root = x.copy()
        seen.add(id(root))
        own.append(x)
    return own


def _root(x: Value) -> Value:
    """The array that holds the memory of x."""
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x


class _Trace:
    """A function run once on Tensors: the leaves it was given, the outputs it gave."""

    def __init__(self, name: str, f: Callable[..., Any], primals: tuple[Any, ...]) -> None:
        level = new_level()
        arrays, rebuild = flatten(primals)
        if not arrays:
            raise TypeError(f"{name}: nothing to differentiate in {primals!r}; integers are constants, write 3.0 for 3")
        self.leaves = [Tensor._leaf(_differentiable(name, x), level) for x in arrays]
        self.rebuild_inputs = rebuild
        outputs, self.rebuild_outputs = flatten(f(*rebuild(list(self.leaves))))
        self.outputs: list[Value] = [y if isinstance(y, Tensor) else np.asarray(y) for y in outputs]
        self.live = [isinstance(y, Tensor) and y.level == level for y in self.outputs]

    @property
    def values(self) -> list[Value]:
        """The outputs one level down."""
        return [y.value if live else y for y, live in zip(self.outputs, self.live, strict=True)]

    def pull(self, gs: list[Value]) -> Any:
        pairs = [(y, g) for y, g, live in zip(self.outputs, gs, self.live, strict=True) if live]
        return self.rebuild_inputs(_owned(cotangents(pairs, self.leaves), gs + [leaf.value for leaf in self.leaves]))

    def push(self, ts: list[Value]) -> Any:
        outputs = [y for y, live in zip(self.outputs, self.live, strict=True) if live]
        pushed = tangents(outputs, list(zip(self.leaves, ts, strict=True)))
        found = iter(_owned(pushed, ts + [leaf.value for leaf in self.leaves]))
        constants = (np.zeros_like(primal(y)) for y in self.outputs)
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
    return _vjp(f, *tree_map(lambda x: x if isinstance(x, Tensor) else np.array(x), primals))


def _vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    trace = _Trace("vjp", f, primals)

    def pullback(cotangent: Any) -> Any:
        return trace.pull(_matching("pullback", cotangent, trace.values))

    return trace.rebuild_outputs(trace.values), pullback


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """f(*primals), and the derivative of that along the tangents.

    Raises TypeError for integers, ValueError for tangents of another shape than their primals.

    >>> [float(v) for v in jvp(lambda x: x * x, (3.0,), (1.0,))]
    [9.0, 6.0]
    """
    trace = _Trace("jvp", f, tuple(primals))
    directions = _matching("jvp tangents", tuple(tangents), [x.value for x in trace.leaves])
    return trace.rebuild_outputs(trace.values), trace.push(directions)


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns f's value and its gradient with respect to the arguments named by position.

    f returns a scalar, or (scalar, anything) with has_aux; then the result is ((value, aux), gradient). The gradient
    of a model is a model of the same shape. Raises TypeError where the value is not a scalar.
    """
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        aux: list[Any] = []

        def of_chosen(*values: Any) -> Any:
            everything = list(args)
            for i, value in zip(chosen, values, strict=True):
                everything[i] = value
            result = f(*everything, **kwargs)
            if has_aux:
                result, extra = result
                aux.append(extra)
            if np.shape(result) != ():
                raise TypeError(
                    f"grad: the function returned shape {np.shape(result)}; take .sum() or .mean() of it\n"
                    f"  in {callers_line()}"
                )
            if np.asarray(primal(result)).dtype == bool:
                raise TypeError(
                    f"grad: the function returned a comparison, which has no derivative; choose between values with "
                    f"ops.where, or write the loss with floats\n  in {callers_line()}"
                )
            return result

        value, pullback = _vjp(of_chosen, *(args[i] for i in chosen))  # pulled at once: no copies
        gradient = pullback(np.ones((), primal(value).dtype))
        gradient = gradient[0] if isinstance(argnums, int) else gradient
        return ((value, aux[0]) if has_aux else value), gradient

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
