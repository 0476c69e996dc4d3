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
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from .kernels import float_dtype
from .strict import MODES, Modes, asked_by_the_user, has_nan, is_hunting, refuse_promotion

Value: TypeAlias = Any
"""An array (of floats or of objects), a Python number, or a Tensor that stands for one."""

Rule: TypeAlias = Callable[..., Value]
Edges: TypeAlias = Sequence[tuple[Any, Any]]
Axis: TypeAlias = int | tuple[int, ...] | None

_PACKAGE = str(Path(__file__).resolve().parents[1])
_births = itertools.count()
_levels = itertools.count(1)


def new_level() -> int:
    """The level of a transform that starts now: above all that are running."""
    return next(_levels)


class Recorder(Protocol):
    """What `compile` sets up while it traces: ops at its level and below are written down instead of computed."""

    level: int

    def record(self, op: Op, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value: ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)

TABLE: dict[str, Op] = {}
"""Every op of the library by name. The rows are written in `tinygrad_dbn/autodiff/ops/`."""


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
    ulp
        the largest error, in units in the last place, that the row promises.
    slope_ulp
        the same for the derivatives of an elementwise op.
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
        slope_ulp: float = 4,
        bound: Rule | None = None,
    ) -> None:
        if name in TABLE:
            raise ValueError(f"the table already has an op named {name!r}")
        if not forward.__doc__ and sys.flags.optimize < 2:  # python -OO leaves docstrings out
            raise ValueError(f"op {name!r} has no docstring: say in one line what it computes")
        self.name, self.forward, self.meaning, self.vjps, self.jvps = name, forward, meaning, vjps, jvps
        self.domain, self.edges, self.ulp, self.slope_ulp = domain, edges, ulp, slope_ulp
        self.bound = bound
        self.kernel: Rule | None = None  # the scalar kernel, where the op is elementwise
        self.aligned = False  # whether its inputs are matched axis by axis, and `strict` refuses to lend one
        self.__name__, self.__doc__ = name, forward.__doc__
        TABLE[name] = self

    def __call__(self, *inputs: Value, **params: Any) -> Value:
        return apply(self, inputs, params)

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


WRITTEN: WeakKeyDictionary[Tensor, str] = WeakKeyDictionary()
"""The caller's line of every node that was made during a `nan_hunt`."""


def apply(op: Op, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Apply an op: on plain arrays it just computes, inside a trace it leaves a node as well."""
    level = -1
    for x in inputs:
        if isinstance(x, Tensor) and x.level > level:
            level = x.level
    recorder = RECORDER.get()
    if level < 0 or (recorder is not None and level <= recorder.level):
        modes = MODES.get()
        try:
            if recorder is not None:
                return recorder.record(op, inputs, params)
            return op.forward(*inputs, **params) if modes is None else _watched(op, inputs, params, modes)
        except (ValueError, TypeError, IndexError, FloatingPointError) as error:
            raise _restated(error, _explain(op, inputs, error)) from None
    below = tuple([x.value if isinstance(x, Tensor) and x.level == level else x for x in inputs])
    node = Tensor._node(apply(op, below, params), level, op, inputs, params)
    if is_hunting():
        WRITTEN[node] = callers_line()
    return node


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


def callers_line() -> str:
    """The line outside this package that is being run, as file:line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Tensor:
    """An array inside a trace.

    `Tensor(x)` makes a leaf by hand: compute with it, call `.backward()` on a scalar result, and read `.grad`. The
    transforms `td.grad`, `td.vjp`, `td.jvp` make and hide their own.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "birth", "grad", "inputs", "level", "op", "params", "value")
    __array_ufunc__ = None  # NumPy's operators hand over to ours

    value: Value
    level: int
    op: Op | None
    inputs: tuple[Value, ...]
    params: dict[str, Any]
    birth: int
    grad: Value | None

    def __init__(self, value: Any) -> None:
        array = np.asarray(value)
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
            value.flags.writeable = False  # the rules will read it later: it must still say the same
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

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def backward(self) -> None:
        """Add d self / d leaf to the `.grad` of every leaf made by `Tensor(...)`.

        Raises ValueError where self is not a scalar.
        """
        from .differentiate import cotangents, tape

        if self.shape != ():
            raise ValueError(
                f"backward() starts at a scalar, this has shape {self.shape}: take .sum() or .mean() first\n"
                f"  in {callers_line()}"
            )
        leaves = [node for node in tape([self]) if node.op is None]
        for leaf, g in zip(leaves, cotangents([(self, np.ones_like(self.value))], leaves), strict=True):
            leaf.grad = g if leaf.grad is None else TABLE["add"](leaf.grad, g)

    # Operators and methods look their op up in the table, so this file needs none of its rows.

    def __neg__(self) -> Value:
        return TABLE["negative"](self)

    def __abs__(self) -> Value:
        return TABLE["abs"](self)

    def __add__(self, other: Value) -> Value:
        return TABLE["add"](self, other)

    def __radd__(self, other: Value) -> Value:
        return TABLE["add"](other, self)

    def __sub__(self, other: Value) -> Value:
        return TABLE["subtract"](self, other)

    def __rsub__(self, other: Value) -> Value:
        return TABLE["subtract"](other, self)

    def __mul__(self, other: Value) -> Value:
        return TABLE["multiply"](self, other)

    def __rmul__(self, other: Value) -> Value:
        return TABLE["multiply"](other, self)

    def __truediv__(self, other: Value) -> Value:
        return TABLE["divide"](self, other)

    def __rtruediv__(self, other: Value) -> Value:
        return TABLE["divide"](other, self)

    def __pow__(self, other: Value) -> Value:
        return TABLE["power"](self, other)

    def __rpow__(self, other: Value) -> Value:
        return TABLE["power"](other, self)

    def __matmul__(self, other: Value) -> Value:
        from .ops.linear import matmul  # not the table's row: this one also takes vectors

        return matmul(self, other)

    def __rmatmul__(self, other: Value) -> Value:
        from .ops.linear import matmul

        return matmul(other, self)

    def __gt__(self, other: Value) -> Value:
        return TABLE["greater"](self, other)

    def __ge__(self, other: Value) -> Value:
        return TABLE["greater_equal"](self, other)

    def __lt__(self, other: Value) -> Value:
        return TABLE["greater"](other, self)

    def __le__(self, other: Value) -> Value:
        return TABLE["greater_equal"](other, self)

    def __getitem__(self, index: Any) -> Value:
        return TABLE["index"](self, at=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            f"a Tensor is not written in place: its rules will read the old values; write "
            f"ops.where(mask, new, x), or ops.concatenate the parts\n  in {callers_line()}"
        )

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Value:
        return TABLE["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Value:
        return TABLE["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Value:
        return TABLE["max"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Value:
        return TABLE["reshape"](self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int) -> Value:
        return TABLE["transpose"](self, axes=axes or tuple(reversed(range(self.ndim))))
