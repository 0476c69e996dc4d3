"""Tensors, and the one function that applies an op.

A transform (`grad`, `vjp`, `jvp`) replaces its inputs by Tensors of a fresh *level*, higher than that of any transform
around it. An op applied to Tensors computes on the values one level down – which may be Tensors themselves – and
leaves a node: the op, its inputs, its output. That is the whole mechanism. Nesting, and therefore every order of
derivative, needs nothing else: the rules of the inner transform run one level down, where the outer one is watching.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from .callers import asked_by_the_user, callers_line
from .inputs import given, kept
from .kernels import float_dtype
from .operators import TABLE
from .protocols import Protocols
from .strict import MODES, Modes, has_nan, is_hunting, refuse_promotion

__all__ = ["RECORDER", "TABLE", "Axis", "Edges", "Op", "Recorder", "Rule", "Tensor", "Value", "apply", "new_level"]

Value: TypeAlias = Any
"""An array (of floats or of objects), a Python number, or a Tensor that stands for one."""

Rule: TypeAlias = Callable[..., Value]
Edges: TypeAlias = Sequence[tuple[Any, Any]]
Axis: TypeAlias = int | tuple[int, ...] | None

_MISSING = object()
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

    def record(self, op: Op, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value: ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


class Op:
    """One row of the table: what an op computes, what it means, how it is differentiated, where it is special.

    forward(*values, **params)
        computes on arrays of floats, and on arrays of objects in their own arithmetic.
    meaning
        the mathematical definition, a function of objects only. Proofs compare the forward computation with it.
    vjps[i](g, y, *inputs, **params)
        takes the cotangent g of the output y to that of input i. None: nothing flows through input i. One rule
        instead of a tuple serves any number of inputs, and is told which by `index`.
    jvps[i](t, y, *inputs, **params)
        takes the tangent t of input i to its share of the output's. "linear" stands for an op that is linear in all
        its inputs together, hence its own derivative.
    domain
        the open interval of each input in which the op is defined and finite.
    edges
        (argument, value) pairs where the value needs saying: at ±0, ±inf, NaN and ties. Several arguments are a tuple.
    options
        name → the function that brings it into its normal form (see `ops/arguments.py`), or (function, default).
    slopes
        (argument, partial derivatives) pairs where these have no limit: the convention at kinks and corners.
    ulp
        the largest error, in units in the last place, that the row promises.
    slope_ulp, curvature_ulp
        the same for the first and second derivatives of an elementwise op.
    bound(format, y, *inputs, **params)
        for an op that sums, whose terms may cancel, so that `ulp` is inf: the largest error of each element, in units
        of half of the spacing of floats at 1. They are written, and derived, in `bounds.py`.

    Rules are made of ops, so they can be differentiated again.
    """

    def __init__(
        self,
        name: str,
        forward: Rule,
        *,
        meaning: Rule,
        vjps: tuple[Rule | None, ...] | Rule,
        jvps: tuple[Rule | None, ...] | Literal["linear"],
        domain: tuple[float, float],
        edges: Edges,
        ulp: float,
        options: dict[str, Rule | tuple[Rule, Any]] | None = None,
        slopes: Edges = (),
        slope_ulp: float = 4,
        curvature_ulp: float = 8,
        bound: Rule | None = None,
    ) -> None:
        if name in TABLE:
            raise ValueError(f"the table already has an op named {name!r}")
        if not forward.__doc__ and sys.flags.optimize < 2:  # python -OO leaves docstrings out
            raise ValueError(f"op {name!r} has no docstring: say in one line what it computes")
        self.name, self.forward, self.meaning, self.vjps, self.jvps = name, forward, meaning, vjps, jvps
        self.domain, self.edges, self.slopes, self.bound = domain, edges, slopes, bound
        self.ulp, self.slope_ulp, self.curvature_ulp = ulp, slope_ulp, curvature_ulp
        self.arity = len(vjps) if isinstance(vjps, tuple) else None  # None: any number of arrays
        self.options = {k: o if isinstance(o, tuple) else (o, _MISSING) for k, o in (options or {}).items()}
        self.kernel: Rule | None = None  # the scalar kernel, where the op is elementwise
        self.aligned = False  # whether its inputs are matched axis by axis, and `strict` refuses to lend one
        self.__name__, self.__doc__ = name, forward.__doc__
        TABLE[name] = self

    def __call__(self, *inputs: Value, **params: Any) -> Value:
        if self.options or params or len(inputs) != self.arity:
            try:
                inputs, params = self._normal(inputs, params)
            except (ValueError, TypeError, IndexError) as error:
                raise _restated(error, _explain(self, inputs, error)) from None
        return apply(self, inputs, params)

    def _normal(self, inputs: tuple[Value, ...], given: dict[str, Any]) -> tuple[tuple[Value, ...], dict[str, Any]]:
        """The arrays, and every option in its normal form. Options may follow the arrays by position, as in NumPy."""
        if len(inputs) != self.arity or not self.options.keys() >= given.keys():
            inputs, given = self._named(inputs, given)
        shapes = [x.shape if hasattr(x, "shape") else np.shape(x) for x in inputs]
        normal = {}
        for name, (form, default) in self.options.items():
            value = given.get(name, default)
            if value is _MISSING:
                raise TypeError(f"{name}= is missing; its options are {', '.join(self.options)}")
            normal[name] = form(value, shapes)
        return inputs, normal

    def _named(self, inputs: tuple[Value, ...], given: dict[str, Any]) -> tuple[tuple[Value, ...], dict[str, Any]]:
        """The arrays alone, and options that were given by position under their names."""
        arrays, extra = (inputs, ()) if self.arity is None else (inputs[: self.arity], inputs[self.arity :])
        named = dict(zip(self.options, extra, strict=False))
        known = f"its options are {', '.join(self.options)}" if self.options else "it has no options"
        if not arrays or len(arrays) < (self.arity or 0) or len(extra) > len(named):
            raise TypeError(f"takes {self.arity or 'one or more'} arrays, {len(inputs)} were given; {known}")
        for name in given:
            if name in named or name not in self.options:
                raise TypeError(f"{name}= is {'given twice' if name in named else 'not known'}; {known}")
        return arrays, named | given

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def pull(self, index: int, g: Value, y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The cotangent of input `index` from the output's, or None where nothing flows."""
        if not isinstance(self.vjps, tuple):
            return self.vjps(g, y, *inputs, index=index, **params)
        if index >= len(self.vjps):
            raise NotImplementedError(
                f"{self.name} has no rule for its input {index}: nobody has written one, so this is not a zero; "
                f"add a vjp to its row, or write ops.stop_gradient(x) for that input\n  in {callers_line()}"
            )
        rule = self.vjps[index]
        return None if rule is None else rule(g, y, *inputs, **params)

    def push(self, tangents: list[Value], y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The output's tangent from those of the inputs (None: constant), or None where nothing flows."""
        if self.jvps == "linear":
            given = zip(tangents, inputs, strict=True)
            return self(
                *(np.zeros(np.shape(x), getattr(x, "dtype", float)) if t is None else t for t, x in given), **params
            )
        total: Value = None
        for rule, t in zip(self.jvps, tangents, strict=True):
            if rule is not None and t is not None:
                share = rule(t, y, *inputs, **params)
                total = share if total is None else TABLE["add"](total, share)
        return total


def apply(op: Op, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Apply an op: on plain arrays it just computes, inside a trace it leaves a node as well."""
    level, inputs = _highest(inputs)
    recorder = RECORDER.get()
    if level < 0 or (recorder is not None and level <= recorder.level):
        modes = MODES.get()
        try:
            if recorder is not None:
                return recorder.record(op, inputs, params)
            return op.forward(*inputs, **params) if modes is None else _watched(op, inputs, params, modes)
        except (ValueError, TypeError, IndexError, FloatingPointError) as error:
            raise _restated(error, _explain(op, inputs, error)) from None
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


def _watched(op: Op, inputs: tuple[Value, ...], params: dict[str, Any], modes: Modes) -> Value:
    """The op's forward computation on plain arrays, in a mode of `strict.py`."""
    if modes.strict and asked_by_the_user():
        refuse_promotion(inputs, axes=op.aligned)
    y = op.forward(*inputs, **params)
    if modes.hunting and has_nan(y) and not has_nan(*inputs):
        raise FloatingPointError("a NaN is born here, from inputs that have none")
    return y


def _restated(error: Exception, text: str) -> Exception:
    """The same kind of error with another text. Some of NumPy's take more than a text: then the kind they are of."""
    for kind in type(error).__mro__:
        try:
            return kind(text)  # type: ignore[no-any-return]
        except TypeError:
            continue
    return error


def _explain(op: Op, inputs: tuple[Value, ...], error: Exception) -> str:
    """What was given, why it fails, and on which line of the caller's."""
    if "\n  in " in str(error):  # an op inside an op: the inner one has said it already
        return str(error)
    shapes = ", ".join(f"{np.shape(x)} {getattr(x, 'dtype', type(x).__name__)}" for x in inputs)
    return f"{op.name}({shapes}): {error}\n  in {callers_line()}"


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
    op: Op | None
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
    def _node(
        cls, value: Value, level: int, op: Op | None, inputs: tuple[Value, ...], params: dict[str, Any]
    ) -> Tensor:
        node = cls.__new__(cls)
        node._fill(value, level, op, inputs, params)
        return node

    @classmethod
    def _leaf(cls, value: Value, level: int) -> Tensor:
        """An input of a transform. A view, so that freezing it does not freeze the caller's array."""
        return cls._node(value.view() if isinstance(value, np.ndarray) else value, level, None, (), {})

    def _fill(self, value: Value, level: int, op: Op | None, inputs: tuple[Value, ...], params: dict[str, Any]) -> None:
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
        from .differentiate import cotangents, owned, tape

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
