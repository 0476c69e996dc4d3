"""The tape: an op that is applied to Tensors leaves a node, and two walks read the graph of nodes.

      x ─┐                                   apply: values flow to the right, and every op leaves a node
         ├─ multiply ── z ── sum ── loss     cotangents: from the loss back to the left, each op by its vjps
      y ─┘                                   tangents: from the leaves to the right again, each op by its jvps

A node is a Tensor: an output, the op that made it, the inputs that the op read, and the nodes that these came from, its
parents. What an op is, `op.py` says. The file is read in the order in which things are understood: levels, the
Recorder, `apply`, Tensor, the two walks.
"""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, Protocol, TypeAlias

import numpy as np

from .callers import callers_line
from .inputs import given, items_of, kept, owned
from .kernels.scalar import float_dtype, quiet
from .operators import TABLE, Value
from .protocols import Protocols
from .strict import MODES, hunted, is_hunting, watched

Params: TypeAlias = dict[str, Any]
Inputs: TypeAlias = tuple[Value, ...]
Parents: TypeAlias = list[tuple[int, "Tensor"]]
"""Nodes of one level, each behind the position of its value among the inputs of an op."""

# ---- Levels: which transform a Tensor belongs to --------------------------------------------------------------------

_births = itertools.count()
_levels = itertools.count(1)
_running = {0}
"""The levels of the transforms that have not ended; 0 is that of Tensors made by hand, which never ends."""


@contextmanager
def new_level() -> Iterator[int]:
    """The level of a transform that runs within this context: above the levels of all that are running.

    The transform replaces its inputs by Tensors of this level. An op computes on the values of its inputs one level
    down, which may be Tensors of the transform around it. So transforms nest to any depth: the rules of the inner one
    are ops on Tensors that the outer one watches.
    """
    level = next(_levels)
    _running.add(level)
    try:
        yield level
    finally:
        _running.discard(level)


MAPPED: dict[int, Any] = {}
"""The levels of running `vmap`s: (op, inputs, level, params) → what an op gives there."""


class Recorder(Protocol):
    """What `compile` sets while it traces: ops at its level and below are written down instead of computed."""

    level: int

    def record(self, op: Any, inputs: Inputs, params: Params) -> Value: ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)

# ---- Applying an op -------------------------------------------------------------------------------------------------


def apply(op: Any, inputs: Inputs, params: Params) -> Value:
    """Apply an op: on plain arrays it just computes, on Tensors it leaves a node of their highest level as well."""
    level, ready = -1, True
    for x in inputs:
        if isinstance(x, Tensor):
            level = max(level, x.level)
        elif type(x) is not float and (type(x) is not np.ndarray or x.dtype.hasobject):
            ready = False
    if not ready:
        inputs = tuple([x if isinstance(x, Tensor) else given(x) for x in inputs])
    if MAPPED and "at" in params:
        level = max([level, *(x.level for x in items_of(params["at"]) if isinstance(x, Tensor))])
    recorder = RECORDER.get()
    if recorder is not None and level <= recorder.level:
        return recorder.record(op, inputs, params)
    modes = MODES.get()
    if level < 0:
        return op.forward(*inputs, **params) if modes is None else watched(op, inputs, params, modes)
    if level in MAPPED:
        return MAPPED[level](op, inputs, level, params)
    values, parents = _below(inputs, level)
    node = Tensor.output(apply(op, values, params), level, op, values, parents, params)
    if modes is not None and modes.hunting:
        node.line = callers_line()
    return node


def _below(inputs: Inputs, level: int) -> tuple[Inputs, Parents]:
    """The inputs one level down, which is where ops compute and rules work; and those that are nodes of the level."""
    values, parents = list(inputs), []
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            values[i] = kept(x)
        elif x.live().level == level:
            parents.append((i, x))
            values[i] = x.value
    return tuple(values), parents


class Tensor(Protocols):
    """An array inside a trace: its value one level down, and the op, inputs and options (params) that it came from.

    `Tensor(x)` makes a leaf by hand: compute with it, call `.backward()` on a scalar result, and read `.grad`. The
    transforms `td.grad`, `td.vjp`, `td.jvp` make and hide their own.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "birth", "grad", "inputs", "level", "line", "op", "params", "parents", "value")

    value: Value
    level: int
    op: Any  # an Op; None for a leaf
    inputs: Inputs  # one level down, as the value is
    parents: Parents
    params: Params
    birth: int  # Tensors are numbered as they are made, so parents are older
    grad: Value | None
    line: str  # the caller's line that made it, during a `nan_hunt`

    def __init__(self, value: Any) -> None:
        array = np.asarray(given(value))
        self._fill(np.array(array, float_dtype(array)), 0, None, (), [], {})

    @classmethod
    def output(cls, value: Value, level: int, op: Any, inputs: Inputs, parents: Parents, params: Params) -> "Tensor":
        """What an op leaves: its output, and what it was made of."""
        return cls.__new__(cls)._fill(value, level, op, inputs, parents, params)

    @classmethod
    def leaf(cls, value: Value, level: int) -> "Tensor":
        """An input of a transform. A view, so that freezing it does not freeze the caller's array."""
        return cls.output(value.view() if isinstance(value, np.ndarray) else value, level, None, (), [], {})

    def _fill(self, value: Value, level: int, op: Any, inputs: Inputs, parents: Parents, params: Params) -> "Tensor":
        if isinstance(value, np.ndarray):
            value.setflags(write=False)  # the rules will read it later: it must still say the same
        self.value, self.level, self.op, self.inputs = value, level, op, inputs
        self.parents, self.params, self.birth, self.grad = parents, params, next(_births), None
        return self

    def live(self) -> "Tensor":
        """self, or TypeError where its transform has ended: then nothing flows through it any more."""
        if self.level in _running:
            return self
        raise self.refusal(
            f"a Tensor of {self.dtype}, shape {self.shape}, outlived its transform: nothing flows through it any more; "
            f"return it from the function, as its result or with has_aux=True, or keep x.value\n  in {callers_line()}"
        )

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


# ---- The two walks --------------------------------------------------------------------------------------------------


def tape(outputs: Iterable[Tensor]) -> list[Tensor]:
    """The nodes of their level that the outputs depend on, oldest first. No recursion, each node once."""
    ahead = list(outputs)
    found = {id(node): node for node in ahead}
    while ahead:
        node = ahead.pop()
        for _, x in node.parents:
            if id(x) not in found:
                found[id(x)] = x
                ahead.append(x)
    return sorted(found.values(), key=attrgetter("birth"))


def cotangents(outputs: list[tuple[Tensor, Value]], leaves: list[Tensor]) -> list[Value]:
    """Reverse mode: from (output, cotangent) pairs, the cotangents of the leaves."""
    pending: dict[int, Value] = {}
    hunting = is_hunting()

    def receive(node: Tensor, g: Value) -> None:
        known = pending.get(id(node))
        pending[id(node)] = g if known is None else TABLE["add"](known, g)

    for y, g in outputs:
        receive(y, g)
    with quiet():  # rules meet inf and NaN on purpose; `chain` drops what does not count
        for node in reversed(tape([y for y, _ in outputs])):
            if node.op is None or id(node) not in pending:
                continue
            g = pending.pop(id(node))
            for i, x in node.parents:
                share = hunted(node, i, g) if hunting else node.op.pull(i, g, node.value, node.inputs, node.params)
                if share is not None:
                    receive(x, share)
    return [pending[id(leaf)] if id(leaf) in pending else zeros_like(leaf) for leaf in leaves]


def tangents(outputs: list[Tensor], leaves: list[tuple[Tensor, Value]]) -> list[Value]:
    """Forward mode: from (leaf, tangent) pairs, the tangents of the outputs."""
    known = {id(leaf): t for leaf, t in leaves}
    with quiet():
        for node in tape(outputs):
            if node.op is not None:
                arriving = {i: known[id(x)] for i, x in node.parents if id(x) in known}
                if arriving:
                    t = node.op.push(arriving, node.value, node.inputs, node.params)
                    if t is not None:
                        known[id(node)] = t
    return [known[id(y)] if id(y) in known else zeros_like(y) for y in outputs]


def zeros_like(x: Value) -> Any:
    """Zeros of the shape and dtype of an array or Tensor."""
    return np.zeros(x.shape, x.dtype)
