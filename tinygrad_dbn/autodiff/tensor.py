"""Tensors, the one function that applies an op, and the walks over the graph that is left behind.

A transform (`grad`, `vjp`, `jvp`) replaces its inputs by Tensors of a fresh *level*, higher than that of any transform
around it. An op applied to Tensors computes on the values one level down – which may be Tensors themselves – and
leaves a node: the op, its inputs, its output. That is the whole mechanism. Nesting, and therefore every order of
derivative, needs nothing else: the rules of the inner transform run one level down, where the outer one is watching.

The file is read in the order in which things are understood: levels, `apply`, the Tensor, the walk backward (reverse
mode) and the walk forward (forward mode). What an op is, `op.py` says.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, Protocol, TypeAlias

import numpy as np

from .callers import callers_line
from .errors import explained, restated
from .inputs import given, kept, owned
from .kernels.scalar import float_dtype
from .operators import TABLE, Value
from .protocols import Protocols
from .strict import MODES, has_nan, is_hunting, nan_hunt, watched

Axis: TypeAlias = int | tuple[int, ...] | None

_births = itertools.count()
_levels = itertools.count(1)
_RUNNING = {0}
"""The levels of the transforms that have not ended; 0 is that of Tensors made by hand, which never ends."""


@contextmanager
def new_level() -> Iterator[int]:
    """The level of a transform that runs within this context: above all that are running. Then its Tensors are over."""
    level = next(_levels)
    _RUNNING.add(level)
    try:
        yield level
    finally:
        _RUNNING.discard(level)


class Recorder(Protocol):
    """What `compile` sets up while it traces: ops at its level and below are written down instead of computed."""

    level: int

    def record(self, op: Any, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value: ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def apply(op: Any, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Apply an op: on plain arrays it just computes, inside a trace it leaves a node as well."""
    level, inputs = _highest(inputs)
    recorder = RECORDER.get()
    if level < 0 or (recorder is not None and level <= recorder.level):
        modes = MODES.get()
        try:
            if recorder is not None:
                return recorder.record(op, inputs, params)
            return op.forward(*inputs, **params) if modes is None else watched(op, inputs, params, modes)
        except (ValueError, TypeError, IndexError, FloatingPointError) as error:
            raise restated(error, explained(op.name, inputs, error)) from None
    if level not in _RUNNING:
        for x in inputs:
            refuse_ended(x)
    inputs = tuple([x if isinstance(x, Tensor) else kept(x) for x in inputs])
    below = tuple([x.value if isinstance(x, Tensor) and x.level == level else x for x in inputs])
    node = Tensor._node(apply(op, below, params), level, op, inputs, params)
    if is_hunting():
        node.line = callers_line()
    return node


def _highest(inputs: tuple[Value, ...]) -> tuple[int, tuple[Value, ...]]:
    """The highest level of the Tensors among the inputs, −1 if there are none; and the inputs, the others `given`."""
    level, ready = -1, True
    for x in inputs:
        if type(x) is np.ndarray:  # the common case first
            ready = ready and not x.dtype.hasobject
        elif not isinstance(x, Tensor):
            ready = ready and type(x) is float
        elif x.level > level:
            level = x.level
    return level, inputs if ready else tuple([x if isinstance(x, Tensor) else given(x) for x in inputs])


def refuse_ended(x: Value) -> Value:
    """x, or TypeError where it is a Tensor of a transform that has ended."""
    if isinstance(x, Tensor) and x.level not in _RUNNING:
        raise x.refusal(
            f"a Tensor of {x.dtype}, shape {x.shape}, outlived its transform: nothing flows through it any more; "
            "return it from the function, as its result or with has_aux=True, or keep x.value\n"
            f"  in {callers_line()}"
        )
    return x


class Tensor(Protocols):
    """An array inside a trace.

    `Tensor(x)` makes a leaf by hand: compute with it, call `.backward()` on a scalar result, and read `.grad`. The
    transforms `td.grad`, `td.vjp`, `td.jvp` make and hide their own.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "birth", "grad", "inputs", "level", "line", "op", "params", "value")

    value: Value
    level: int
    op: Any
    inputs: tuple[Value, ...]
    params: dict[str, Any]
    birth: int
    grad: Value | None
    line: str
    """The caller's line that made it, during a `nan_hunt`."""

    def __init__(self, value: Any) -> None:
        array = np.asarray(given(value))
        self._fill(np.array(array, float_dtype(array)), 0, None, (), {})

    @classmethod
    def _node(cls, value: Value, level: int, op: Any, inputs: tuple[Value, ...], params: dict[str, Any]) -> "Tensor":
        node = cls.__new__(cls)
        node._fill(value, level, op, inputs, params)
        return node

    @classmethod
    def _leaf(cls, value: Value, level: int) -> "Tensor":
        """An input of a transform. A view, so that freezing it does not freeze the caller's array."""
        return cls._node(value.view() if isinstance(value, np.ndarray) else value, level, None, (), {})

    def _fill(self, value: Value, level: int, op: Any, inputs: tuple[Value, ...], params: dict[str, Any]) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)  # the rules will read it later: it must still say the same
        self.value, self.level, self.op, self.inputs, self.params = value, level, op, inputs, params
        self.birth, self.grad = next(_births), None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def T(self) -> Value:
        return self.transpose()

    def __repr__(self) -> str:
        return f"Tensor({self.value!r})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar Tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Value]:
        if not self.shape:
            raise TypeError("a scalar Tensor cannot be iterated")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"a branch (if, while, and, or, in) needs one truth value, a Tensor of shape {self.shape} has "
                f"{self.size}; write td.ops.where(condition, x, y)\n  in {callers_line()}"
            )
        return bool(refuse_ended(self).value)

    def __format__(self, specification: str) -> str:
        return format(self.value, specification) if specification else str(self)

    def backward(self) -> None:
        """Add d self / d leaf to the `.grad` of every leaf made by `Tensor(...)`.

        Raises ValueError where self is not a scalar, TypeError inside a transform, whose leaves are its own.
        """
        if self.level:
            raise self.refused("backward()", "it was made by a transform, which walks back itself", "return it")

        if self.shape != ():
            raise ValueError(
                f"backward() starts at a scalar, this has shape {self.shape}: take .sum() or .mean() first\n"
                f"  in {callers_line()}"
            )
        leaves = [node for node in tape([self]) if node.op is None]
        found = owned(cotangents([(self, np.ones((), self.dtype))], leaves), [leaf.value for leaf in leaves])
        for leaf, g in zip(leaves, found, strict=True):
            leaf.grad = g if leaf.grad is None else TABLE["add"](leaf.grad, g)

    # NumPy's second argument by position is another one, so here it has none.

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["max"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Value:
        return TABLE["reshape"](self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: Any) -> Value:
        axes = axes[0] if axes and isinstance(axes[0], tuple) else axes
        return TABLE["transpose"](self, axes=axes or tuple(reversed(range(self.ndim))))


# ---- The walks over a graph: backward for cotangents, forward for tangents -----------------------------------------


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
    return [pending[id(leaf)] if id(leaf) in pending else zeros_like(leaf) for leaf in leaves]


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
    return [known[id(y)] if id(y) in known else zeros_like(y) for y in outputs]


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
            f"  in {getattr(node, 'line', None) or callers_line()}"
        )
    return share


def zeros_like(x: Value) -> Any:
    return np.zeros(x.shape, x.dtype)
