"""The tape: an op that is applied to Tensors leaves a node, and two walks read the graph of nodes.

      x ─┐                                   apply: values flow to the right, and every op leaves a node
         ├─ multiply ── z ── sum ── loss     cotangents: from the loss back to the left, each op by its vjps
      y ─┘                                   tangents: from the leaves to the right again, each op by its jvps

A node is a Tensor: an output, the op that made it, and the inputs that the op read. What an op is, `op.py` says. The
file is read in the order in which things are understood: levels, the Recorder, `apply`, Tensor, the two walks.
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

    def record(self, op: Any, inputs: tuple[Value, ...], params: Params) -> Value: ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)

# ---- Applying an op -------------------------------------------------------------------------------------------------


def apply(op: Any, inputs: tuple[Value, ...], params: Params) -> Value:
    """Apply an op: on plain arrays it just computes, on Tensors it leaves a node of their highest level as well."""
    level, inputs = _highest(inputs)
    if MAPPED and "at" in params:
        level = max([level, *(x.level for x in items_of(params["at"]) if isinstance(x, Tensor))])
    recorder = RECORDER.get()
    if recorder is not None and level <= recorder.level:
        return recorder.record(op, inputs, params)
    if level < 0:
        modes = MODES.get()
        return op.forward(*inputs, **params) if modes is None else watched(op, inputs, params, modes)
    inputs = tuple([x.live() if isinstance(x, Tensor) else kept(x) for x in inputs])
    if level in MAPPED:
        return MAPPED[level](op, inputs, level, params)
    node = Tensor.output(apply(op, _below(inputs, level), params), level, op, inputs, params)
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


def _below(inputs: tuple[Value, ...], level: int) -> tuple[Value, ...]:
    """The inputs one level down, which is where ops compute and rules work."""
    return tuple([x.value if isinstance(x, Tensor) and x.level == level else x for x in inputs])


class Tensor(Protocols):
    """An array inside a trace: its value one level down, and the op, inputs and options (params) that it came from.

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
    op: Any  # an Op; None for a leaf
    inputs: tuple[Value, ...]
    params: Params
    birth: int  # Tensors are numbered as they are made, so inputs are older than outputs
    grad: Value | None
    line: str  # the caller's line that made it, during a `nan_hunt`

    def __init__(self, value: Any) -> None:
        array = np.asarray(given(value))
        self._fill(np.array(array, float_dtype(array)), 0, None, (), {})

    @classmethod
    def output(cls, value: Value, level: int, op: Any, inputs: tuple[Value, ...], params: Params) -> "Tensor":
        """What an op leaves: its output, and what it was made of."""
        node = cls.__new__(cls)
        node._fill(value, level, op, inputs, params)
        return node

    @classmethod
    def leaf(cls, value: Value, level: int) -> "Tensor":
        """An input of a transform. A view, so that freezing it does not freeze the caller's array."""
        return cls.output(value.view() if isinstance(value, np.ndarray) else value, level, None, (), {})

    def _fill(self, value: Value, level: int, op: Any, inputs: tuple[Value, ...], params: Params) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)  # the rules will read it later: it must still say the same
        self.value, self.level, self.op, self.inputs, self.params = value, level, op, inputs, params
        self.birth, self.grad = next(_births), None

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
    found: dict[int, Tensor] = {}
    ahead = list(outputs)
    while ahead:
        node = ahead.pop()
        if id(node) not in found:
            found[id(node)] = node
            ahead += [x for x in node.inputs if isinstance(x, Tensor) and x.level == node.level]
    return sorted(found.values(), key=attrgetter("birth"))


def below(node: Tensor) -> tuple[Value, ...]:
    """The values of a node's inputs one level down."""
    return _below(node.inputs, node.level)


def cotangents(outputs: list[tuple[Tensor, Value]], leaves: list[Tensor]) -> list[Value]:
    """Reverse mode: from (output, cotangent) pairs, the cotangents of the leaves."""
    pending: dict[int, Value] = {}

    def receive(node: Tensor, g: Value) -> None:
        known = pending.get(id(node))
        pending[id(node)] = g if known is None else TABLE["add"](known, g)

    pull = hunted if is_hunting() else _pull
    for y, g in outputs:
        receive(y, g)
    with quiet():  # rules meet inf and NaN on purpose; `chain` drops what does not count
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


def _pull(node: Tensor, i: int, g: Value, inputs: tuple[Value, ...]) -> Value:
    """What a node sends back to its input i from its own cotangent g; None where nothing flows."""
    return node.op.pull(i, g, node.value, inputs, node.params)


def tangents(outputs: list[Tensor], leaves: list[tuple[Tensor, Value]]) -> list[Value]:
    """Forward mode: from (leaf, tangent) pairs, the tangents of the outputs."""
    known = {id(leaf): t for leaf, t in leaves}
    with quiet():
        for node in tape(outputs):
            if node.op is not None:
                arriving = [known.get(id(x)) for x in node.inputs]
                if any(t is not None for t in arriving):
                    t = node.op.push(arriving, node.value, below(node), node.params)
                    if t is not None:
                        known[id(node)] = t
    return [known[id(y)] if id(y) in known else zeros_like(y) for y in outputs]


def zeros_like(x: Value) -> Any:
    """Zeros of the shape and dtype of an array or Tensor."""
    return np.zeros(x.shape, x.dtype)
