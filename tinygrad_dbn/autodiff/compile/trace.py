"""Tracing: a function run on Tensors that have a shape and a dtype but no values.

Every op applied while a `Trace` is active becomes a `Node` – also the ops of a gradient taken inside, whose own levels
lie above and compute on the trace's Tensors. Equal nodes are shared as they are made, what depends on constants alone
is folded, and composite ops are spelled out in simpler ones, so that later stages see only a handful of kinds.
"""

from __future__ import annotations

from math import inf, nan, prod
from typing import Any

import numpy as np

from .. import ops
from ..kernels import float_dtype
from ..tensor import RECORDER, Op, Tensor, Value, callers_line, new_level
from .node import COMPARISONS, REDUCTIONS, VIEWS, CompileError, Node
from .views import Ref, view

FOLDED = ("add", "subtract", "multiply", "divide", "negative", "reciprocal", "square", "chain", *COMPARISONS)


class Traced(Tensor):
    """A Tensor without a value: whoever asks for it is told where, and what to write instead."""

    __slots__ = ("node",)

    node: Node

    def _refuse(self, what: str, instead: str) -> CompileError:
        return CompileError(
            f"compile: {what} needs a value, but while a function is compiled only shapes and dtypes are known "
            f"(here {self.node.kind}, shape {self.shape}); {instead}\n  in {callers_line()}"
        )

    def __bool__(self) -> bool:
        raise self._refuse("a branch (if, while, and, or, bool)", "write td.ops.where(condition, x, y)")

    def __float__(self) -> float:
        raise self._refuse("float(x)", "keep x an array, or compute the number outside and pass it as an argument")

    def __int__(self) -> int:
        raise self._refuse("int(x)", "pass the integer as an argument: it is then part of what is compiled")

    __index__ = __int__

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._refuse("a NumPy function", "write the op of the same name in td.ops")

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("a scalar Tensor cannot be iterated")
        return (self[i] for i in range(self.shape[0]))


class Trace:
    """The nodes of one run. Given integer and boolean arrays are recognised by the memory they live in."""

    def __init__(self, leaves: list[Any], fill: float) -> None:
        self.level, self.fill = new_level(), fill
        self.nodes: list[Node] = []
        self.refs: dict[int, Ref] = {}
        self._known: dict[Any, Node] = {}
        self._owners: dict[tuple[Any, ...], Node] = {}
        self._kept: list[Any] = []
        self.tensors = [self._argument(i, leaf) for i, leaf in enumerate(leaves)]

    # ---- What flows in ------------------------------------------------------------------------------------------

    def _argument(self, i: int, leaf: Any) -> Any:
        weak = type(leaf) is float
        array = np.asarray(leaf)
        if array.dtype.kind not in "biu":
            _compilable(array.dtype)
        node = self._new("argument", (), {"position": i}, array.shape, array.dtype.newbyteorder("="), weak=weak)
        if array.dtype.kind not in "biu":
            return self._tensor(node)
        self._kept.append(array)
        self._owners[_memory(array)] = node
        return array

    def _tensor(self, node: Node) -> Traced:
        tensor = Traced.__new__(Traced)
        tensor._fill(np.broadcast_to(np.asarray(self.fill, node.dtype), node.shape), self.level, None, (), {})
        tensor.node = node
        return tensor

    def node(self, x: Any) -> Node:
        """The node of an op's input: of this trace, an argument, or a constant of the function."""
        if isinstance(x, Traced) and x.level == self.level:
            return x.node
        if isinstance(x, Tensor):
            raise CompileError(
                "compile: a Tensor of another transform reached the function from outside its arguments; "
                f"pass it as an argument\n  in {callers_line()}"
            )
        array = np.asarray(x)
        owner = self._owners.get(_memory(array))
        if owner is not None:  # y[:, None] is y as well
            return self.apply("reshape", (owner,), owner.dtype, {"shape": array.shape}, array.shape)
        for kept in self._kept:
            if array.size and np.may_share_memory(kept, array):
                raise CompileError(
                    f"compile: a part or view (shape {array.shape}) of an integer argument of shape {kept.shape} is "
                    f"used; pass it as an argument of its own\n  in {callers_line()}"
                )
        return self.constant(array, weak=isinstance(x, bool | int | float) and not isinstance(x, np.generic))

    def constant(self, array: Any, weak: bool = False) -> Node:
        if array.dtype.kind not in "biu":
            _compilable(array.dtype)
        first = array.flat[0] if array.size else None
        if array.ndim and array.size and array.tobytes() == np.full_like(array, first, order="C").tobytes():
            return self.apply("broadcast_to", (self.constant(np.asarray(first)),), array.dtype, {"shape": array.shape})
        key = ("constant", array.tobytes(), array.dtype, array.shape, weak)
        if key not in self._known:
            value = np.array(array, order="C")
            literal = value[()] if array.ndim == 0 else None
            self._known[key] = self._new("constant", (), {"value": value}, array.shape, array.dtype, weak, literal)
        return self._known[key]

    # ---- What is done with it -----------------------------------------------------------------------------------

    def record(self, op: Op, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The Tensor that stands for an op's result."""
        if isinstance(op.vjps, tuple) and len(inputs) != len(op.vjps):
            raise TypeError(f"takes {len(op.vjps)} arrays, {len(inputs)} were given; name the options, as in axis=0")
        if op.name in SPELLED:
            return SPELLED[op.name](*inputs, **params)
        nodes = tuple(self.node(x) for x in inputs)
        return self._tensor(self._op(op, nodes, params))

    def _op(self, op: Op, x: tuple[Node, ...], params: dict[str, Any]) -> Node:
        name = op.name
        if op.kernel is not None or name in COMPARISONS or name == "where":
            shape = np.broadcast_shapes(*(n.shape for n in x))
            if name in COMPARISONS:
                np.result_type(*(n.sample() for n in x))
                return self.apply(name, x, np.dtype(bool), {}, shape)
            dtype = float_dtype(*(n.sample() for n in (x[1:] if name == "where" else x)))
            if name == "where" and x[0].literal is not None:
                chosen = self.cast(x[1] if x[0].literal else x[2], dtype)
                return self.apply("broadcast_to", (chosen,), dtype, {"shape": shape}, shape)
            return self.apply(name, x, dtype, {}, shape)
        dtype = float_dtype(*(n.sample() for n in x))
        x = tuple(self.cast(n, dtype) for n in x)
        if name == "matmul":
            x = tuple(self._for_blas(n) for n in x)
            return self.apply(name, x, dtype, {}, _product_shape(x[0].shape, x[1].shape))
        if name in REDUCTIONS:
            return self._reduction(name, x[0], **params)
        if name in ("index", "place"):
            return self._indexed(name, x[0], **params)
        if name == "transpose":
            params = {"axes": tuple(a % len(params["axes"]) for a in params["axes"])}
            swap = (*range(len(x[0].shape) - 2), len(x[0].shape) - 1, len(x[0].shape) - 2)
            if x[0].kind == "matmul" and params["axes"] == swap:  # (A B)ᵀ = Bᵀ Aᵀ, so that nothing reads across rows
                a, b = (self._swapped(n) for n in x[0].inputs)
                return self._op(ops.TABLE["matmul"], (b, a), {})
        stand_ins = [np.broadcast_to(np.zeros((), dtype), n.shape) for n in x]
        shape = op.forward(*stand_ins, **params).shape
        if name == "reshape":
            params = {"shape": shape}
        elif name in ("concatenate", "stack"):
            params = {"axis": params.get("axis", 0) % len(shape)}
        elif name not in VIEWS:
            raise CompileError(f"compile: no rule says how to compile the op {name!r}\n  in {callers_line()}")
        return self.apply(name, x, dtype, params, shape)

    def _reduction(self, name: str, x: Node, axis: Any = None, keepdims: bool = False, empty: bool = False) -> Node:
        axes = range(len(x.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        for a in axes:
            if not -len(x.shape) <= a < len(x.shape):
                raise ValueError(f"axis {a} is out of bounds for {len(x.shape)} axes")
        gone = tuple(sorted({a % len(x.shape) for a in axes}))
        if name != "sum" and not empty and any(x.shape[a] == 0 for a in gone):
            raise ValueError(f"an empty axis has no {name}")
        shape = tuple(n for i, n in enumerate(x.shape) if i not in gone)
        if all(x.shape[a] == 1 for a in gone):
            y = self.apply("reshape", (x,), x.dtype, {"shape": shape}, shape)
        else:
            y = self.apply(name, (x,), x.dtype, {"axes": gone}, shape)
        kept = tuple(1 if i in gone else n for i, n in enumerate(x.shape))
        return self.apply("reshape", (y,), x.dtype, {"shape": kept}, kept) if keepdims else y

    def _indexed(self, name: str, x: Node, at: Any, shape: tuple[int, ...] = ()) -> Node:
        """`index` and `place`. Arrays among the indices become inputs; plain slices make a view."""
        full = x.shape if name == "index" else tuple(shape)
        items = list(at) if isinstance(at, tuple) else [at]
        arrays: list[Node] = []
        template: list[Any] = []
        samples: list[Any] = []
        for item in items:
            if item is None or item is Ellipsis or (isinstance(item, slice | int) and not isinstance(item, bool)):
                template.append(item)
                samples.append(item)
                continue
            if isinstance(item, Tensor):
                raise CompileError(
                    "compile: an index is computed from values; pass the integers as an argument of the compiled "
                    f"function\n  in {callers_line()}"
                )
            node = self.node(item if isinstance(item, np.ndarray) else np.asarray(item))
            if node.dtype.kind == "b":
                if node.kind == "argument":
                    raise CompileError(
                        "compile: the shape of x[mask] depends on the mask's values; write td.ops.where(mask, x, 0), "
                        f"or pass integers\n  in {callers_line()}"
                    )
                found = [self.constant(i) for i in np.nonzero(np.asarray(item))]
            else:
                found = [node]
            for i in found:
                samples.append(np.zeros(i.shape, np.intp))
                template.append(("array", len(arrays)))
                arrays.append(i)
        result = np.broadcast_to(np.zeros((), x.dtype), full)[tuple(samples)].shape
        # Ellipsis and missing slices spelled out, so that every axis of x has its entry
        used = sum(1 for item in template if item is not None and item is not Ellipsis)
        rest: list[Any] = [slice(None)] * (len(full) - used)
        place = template.index(Ellipsis) if Ellipsis in template else len(template)
        template[place : place + 1] = rest
        spelled: list[Any] = []
        axis = 0
        for item in template:
            if item is None:
                spelled.append(None)
                continue
            n = full[axis]
            if isinstance(item, slice):
                start, _, step = item.indices(n)
                spelled.append(("slice", start, step, len(range(*item.indices(n)))))
            elif isinstance(item, int):
                spelled.append(("int", item % n))
            else:
                spelled.append(item)
                _in_range(arrays[item[1]], n)
            axis += 1
        if name == "place":
            x = self.apply("broadcast_to", (x,), x.dtype, {"shape": result}, result) if x.shape != result else x
        params = {"at": tuple(spelled), "full": full}
        kind = "slice" if name == "index" and not arrays else name
        return self.apply(kind, (x, *arrays), x.dtype, params, result if name == "index" else full)

    def _swapped(self, x: Node) -> Node:
        n = len(x.shape)
        shape = (*x.shape[:-2], x.shape[-1], x.shape[-2])
        return self.apply("transpose", (x,), x.dtype, {"axes": (*range(n - 2), n - 1, n - 2)}, shape)

    def _for_blas(self, x: Node) -> Node:
        """A factor as an array or the transpose of one; any other view is copied."""
        ref = view(x, self.refs)
        direct = ref.base.literal is None and (ref.whole or ref.swapped)
        return x if direct else self.apply("copy", (x,), x.dtype, {}, x.shape)

    def cast(self, x: Node, dtype: np.dtype[Any]) -> Node:
        return x if x.dtype == dtype and not x.weak else self.apply("cast", (x,), dtype, {}, x.shape)

    def apply(
        self,
        kind: str,
        x: tuple[Node, ...],
        dtype: np.dtype[Any],
        params: dict[str, Any],
        shape: tuple[int, ...] | None = None,
    ) -> Node:
        """A node, shared with an equal one that is there already, or folded where its inputs are uniform constants."""
        shape = params["shape"] if shape is None else tuple(int(n) for n in shape)
        if x and (kind in FOLDED or kind in VIEWS or kind == "cast") and all(n.literal is not None for n in x):
            values = [dtype.type(n.literal) if kind not in COMPARISONS else n.literal for n in x]
            if kind in FOLDED:
                with np.errstate(all="ignore"):
                    op = ops.TABLE[kind]
                    values = [dtype.type((op.kernel or op.forward)(*values))]
            scalar = self.constant(np.asarray(values[0], dtype))
            if shape == ():
                return scalar
            return self._shared("broadcast_to", (scalar,), dtype, {"shape": shape}, shape, scalar.literal)
        if kind in ("reshape", "broadcast_to") and shape == x[0].shape:
            return x[0]
        return self._shared(kind, x, dtype, params, shape, None)

    def _shared(self, kind: str, x: Any, dtype: Any, params: Any, shape: Any, literal: Any) -> Node:
        key = (kind, tuple(n.number for n in x), dtype, tuple(params.items()), shape)
        if key not in self._known:
            self._known[key] = self._new(kind, x, params, shape, dtype, False, literal)
        return self._known[key]

    def _new(
        self, kind: str, x: Any, params: Any, shape: Any, dtype: Any, weak: bool = False, literal: Any = None
    ) -> Node:
        node = Node(kind, x, params, shape, dtype, len(self.nodes), callers_line(), weak, literal)
        self.nodes.append(node)
        return node


def _compilable(dtype: np.dtype[Any]) -> None:
    if float_dtype(np.zeros((), dtype)).hasobject:
        raise CompileError("compile: objects compute in their own arithmetic; call the function itself on them")


def _memory(array: Any) -> tuple[Any, ...]:
    """Where an array lives: equal for arrays of the same elements, up to axes of length 1."""
    long = [(n, step) for n, step in zip(array.shape, array.strides, strict=True) if n != 1]
    return array.__array_interface__["data"][0], tuple(long), array.dtype.str


def _product_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ValueError("the last axis of the left factor must be as long as the last but one of the right factor")
    return (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])


def _in_range(index: Node, n: int) -> None:
    """A constant index is checked once and for all, an argument on every call."""
    if index.kind == "constant":
        value = index.params["value"]
        if value.size and not (value.min() >= -n and value.max() < n):
            raise IndexError(f"index {value.max()} is out of bounds for an axis of length {n}")


# ---- Composite ops in terms of simpler ones --------------------------------------------------------------------------


def _peak(x: Any, axis: Any) -> Any:
    """The maximum, 0 where it is infinite, as the eager softmax has it."""
    trace: Any = RECORDER.get()
    node = trace.node(x)
    node = trace.cast(node, float_dtype(node.sample()))
    peak = trace._tensor(trace._reduction("max", node, axis, True, empty=True))
    return ops.where(ops.equal(ops.abs(peak), inf), 0.0, peak)


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = ops.sum(x, axis=axis, keepdims=keepdims)
    size, kept = prod(np.shape(x)), prod(np.shape(total))
    return total / (size // max(kept, 1)) if size else total * nan


def _logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    peak = _peak(x, axis)
    total = ops.log(ops.sum(ops.exp(x - peak), axis=axis, keepdims=True)) + peak
    if keepdims:
        return total
    gone = range(len(np.shape(x))) if axis is None else (axis,) if isinstance(axis, int) else axis
    gone = {a % len(np.shape(x)) for a in gone}
    return ops.reshape(total, shape=tuple(n for i, n in enumerate(np.shape(x)) if i not in gone))


def _softmax(x: Any, axis: Any = -1) -> Any:
    e = ops.exp(x - _peak(x, axis))
    return e / ops.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    shifted = x - _peak(x, axis)
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))


SPELLED = {"mean": _mean, "logsumexp": _logsumexp, "softmax": _softmax, "log_softmax": _log_softmax}
