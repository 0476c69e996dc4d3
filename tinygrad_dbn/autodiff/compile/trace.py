"""Tracing: a function run on Tensors that have a shape and a dtype but no values.

Every op applied while a `Trace` is active becomes a `Node` – also the ops of a gradient taken inside, whose own levels
lie above and compute on the trace's Tensors. Equal nodes are shared as they are made, what depends on constants alone
is folded, and composite ops are spelled out in simpler ones, so that later stages see only a handful of kinds.
"""

from typing import Any

import numpy as np

from .. import ops
from ..callers import callers_line
from ..inputs import given
from ..kernels.scalar import float_dtype, native
from ..op import Op
from ..operators import Value
from ..ops.arguments import positions
from ..tensor import Tensor
from . import indexing
from .composites import SPELLED
from .movement import Movement
from .node import COMPARISONS, REDUCTIONS, VIEWS, CompileError, Node, enumerates, in_loops
from .traced import Traced, Watched
from .views import Ref, view

FOLDED = ("add", "subtract", "multiply", "divide", "negative", "reciprocal", "square", "chain", *COMPARISONS)


class Trace:
    """The nodes of one run. Given integer and boolean arrays are recognised by the memory they live in."""

    def __init__(self, leaves: list[Any], level: int) -> None:
        self.level = level
        self.nodes: list[Node] = []
        self.refs: dict[int, Ref] = {}
        self._known: dict[Any, Node] = {}
        self._watched: list[tuple[Any, Node]] = []
        self.arguments: list[Node] = []
        self.tensors = [self._argument(i, leaf) for i, leaf in enumerate(leaves)]

    # ---- What flows in ------------------------------------------------------------------------------------------

    def _argument(self, i: int, leaf: Any) -> Any:
        weak = type(leaf) is float
        array = np.asarray(leaf)
        if array.dtype.kind not in "biu":
            _compilable(array.dtype)
        node = self._new("argument", (), {"position": i}, array.shape, array.dtype.newbyteorder("="), weak=weak)
        self.arguments.append(node)
        if array.dtype.kind not in "biu":
            return self.tensor(node)
        return self._watch(np.array(array, node.dtype, order="C"), node)

    def _watch(self, array: Any, node: Node) -> Watched:
        array.flags.writeable = False  # it stands for the argument, so what is written to it would be lost
        self._watched.append((array, node))
        watched: Watched = array.view(Watched)
        return watched

    def compared(self, name: str, x: Any, y: Any) -> Watched:
        """A comparison with a watched array: its value, watched in its turn."""
        node = self._op(ops.TABLE[name], (self.node(x), self.node(y)), {})
        return self._watch(np.array(ops.TABLE[name].forward(np.asarray(x), np.asarray(y))), node)

    def computed(self, name: str, x: list[Any], value: Any) -> Watched:
        """Integers or booleans computed from a watched array: their value, watched in its turn."""
        node = self.apply(f"integer {name}", tuple(self.node(v) for v in x), value.dtype, {}, value.shape)
        return self._watch(np.array(value), node)

    def converted(self, x: Any, dtype: np.dtype[Any]) -> Any:
        """A watched array in another dtype: floats are a Tensor, integers and booleans are watched in their turn."""
        node = self.cast(self.node(x), dtype)
        return self.tensor(node) if dtype.kind == "f" else self._watch(np.asarray(x).astype(dtype), node)

    def tensor(self, node: Node) -> Traced:
        return Traced(node, self.level)

    def node(self, x: Any) -> Node:
        """The node of an op's input: of this trace, an argument, or a constant of the function."""
        if isinstance(x, Traced) and x.level == self.level:
            return x.node
        if isinstance(x, Tensor):
            raise CompileError(
                "compile: a Tensor of another transform reached the function from outside its arguments; "
                f"pass it as an argument\n  in {callers_line()}"
            )
        array = np.asarray(given(x))
        for owner, node in self._watched:
            if array.size and np.may_share_memory(owner, array):
                return self._part(owner, node, array)
        return self.constant(array, weak=isinstance(x, bool | int | float) and not isinstance(x, np.generic))

    def _part(self, owner: Any, node: Node, array: Any) -> Node:
        """A part or view of a watched array, as slices, axes in another order, and axes of length 1."""
        if array.dtype == owner.dtype and array.shape == owner.shape and array.strides == owner.strides:
            return node
        found = indexing.slices(owner, array) if array.dtype == owner.dtype else None
        if found is None and array.dtype == owner.dtype and array.size == owner.size and array.flags.c_contiguous:
            return self.reshape(node, array.shape)
        if found is None:
            raise CompileError(
                f"compile: a view (shape {array.shape}, {array.dtype}) of an integer argument of shape {owner.shape}, "
                f"{owner.dtype}, is not made of slices; pass it as an argument of its own\n  in {callers_line()}"
            )
        at, order = found
        shape = tuple(item[3] for item in at if item[0] == "slice")
        part = self.apply("slice", (node,), node.dtype, {"at": at, "full": owner.shape}, shape)
        shape = tuple(shape[i] for i in order)
        part = self.apply("transpose", (part,), node.dtype, {"axes": order}, shape)
        once = tuple(1 if stride == 0 else n for n, stride in zip(array.shape, array.strides, strict=True))
        part = self.reshape(part, once)
        return self.apply("broadcast_to", (part,), node.dtype, {"shape": array.shape}, array.shape)

    def constant(self, array: Any, weak: bool = False) -> Node:
        if array.dtype.kind not in "biu":
            _compilable(array.dtype)
        array = native(array)
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
        if op.name in SPELLED:
            return SPELLED[op.name](*inputs, **params)
        nodes = tuple(self.node(x) for x in inputs)
        return self.tensor(self._op(op, nodes, params))

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
            return self.reduction(name, x[0], **params)
        if name in ("index", "place"):
            return self._indexed(name, x[0], **params)
        if name == "transpose":
            swap = (*range(len(x[0].shape) - 2), len(x[0].shape) - 1, len(x[0].shape) - 2)
            if x[0].kind == "matmul" and params["axes"] == swap:  # (A B)ᵀ = Bᵀ Aᵀ, so that nothing reads across rows
                a, b = (self._swapped(n) for n in x[0].inputs)
                return self._op(ops.TABLE["matmul"], (b, a), {})
        stand_ins = [np.broadcast_to(np.zeros((), dtype), n.shape) for n in x]
        shape = op.forward(*stand_ins, **params).shape
        if name == "reshape":
            params = {"shape": shape}
        elif name not in VIEWS and not hasattr(Movement, f"write_{name}"):
            raise CompileError(f"compile: no rule says how to compile the op {name!r}\n  in {callers_line()}")
        return self.apply(name, x, dtype, params, shape)

    def reduction(self, name: str, x: Node, axis: Any = None, keepdims: bool = False, empty: bool = False) -> Node:
        axes = range(len(x.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = tuple(sorted(axes))
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
        if name == "place":
            at = positions(at, [full])
        items: list[Any] = []
        for item in at if isinstance(at, tuple) else (at,):
            plain = item is None or item is Ellipsis or isinstance(item, slice | int)
            items += [item] if plain else self._index_arrays(item)
        template, arrays, result = indexing.written_out(items, full)
        if name == "place":
            x = self.apply("broadcast_to", (x,), x.dtype, {"shape": result}, result) if x.shape != result else x
        if arrays and len(arrays) == len(template):
            return self._positions(name, x, arrays, template, full, result)
        kind = "slice" if name == "index" and not arrays else name
        params = {"at": tuple(template), "full": full}
        return self.apply(kind, (x, *arrays), x.dtype, params, result if name == "index" else full)

    def _index_arrays(self, item: Any) -> list[Node]:
        """An array among the indices as nodes of integers: a mask becomes the positions where it is true."""
        node = self.node(item)
        if node.dtype.kind != "b":
            return [node]
        if view(node, self.refs).base.kind != "constant":
            raise CompileError(
                "compile: the shape of x[mask] depends on the mask's values; write td.ops.where(mask, x, 0), "
                f"or pass integers\n  in {callers_line()}"
            )
        return [self.constant(i) for i in np.nonzero(np.asarray(item))]

    def _positions(
        self, name: str, x: Node, arrays: list[Node], at: list[Any], full: tuple[int, ...], block: tuple[int, ...]
    ) -> Node:
        """`index` and `place` where arrays alone are the indices, without their axes of length 1.

        One element of every row, as a classifier's loss picks it, is a comparison of the position with the loop's own
        variable: so it joins the loop around it, where a step of its own would need an array before and one after.
        """
        short = tuple(n for n in block if n != 1)
        arrays = [self._squeezed(a, block) for a in arrays]
        if name == "place":
            x = self.reshape(x, short)
        one_each = len(full) == 2 and arrays[1].shape == full[:1] == short and enumerates(arrays[0])
        if one_each and (name == "place" or in_loops(view(x, self.refs).base)):
            params = {"length": full[1]}
            found = self.apply(
                "position", (self.reshape(arrays[1], (full[0], 1)),), np.dtype(np.int64), params, (full[0], 1)
            )
            here = self.apply("equal", (found, self.constant(np.arange(full[1]))), np.dtype(bool), {}, full)
            zero = self.constant(np.zeros((), x.dtype))
            chosen = self.reshape(x, (full[0], 1)) if name == "place" else x
            y = self.apply("where", (here, chosen, zero), x.dtype, {}, full)
            return y if name == "place" else self.reshape(self.reduction("sum", y, 1), block)
        y = self.apply(name, (x, *arrays), x.dtype, {"at": tuple(at), "full": full}, short if name == "index" else full)
        return self.reshape(y, block) if name == "index" else y

    def _squeezed(self, index: Node, block: tuple[int, ...]) -> Node:
        shape = (1,) * (len(block) - len(index.shape)) + index.shape
        shape = tuple(n for n, m in zip(shape, block, strict=True) if m != 1)
        if index.kind == "constant" and index.literal is None:  # so that it is still seen to enumerate
            return self.constant(index.params["value"].reshape(shape))
        return self.reshape(index, shape)

    def reshape(self, x: Node, shape: tuple[int, ...]) -> Node:
        return self.apply("reshape", (x,), x.dtype, {"shape": shape}, shape)

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


def _product_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ValueError("the last axis of the left factor must be as long as the last but one of the right factor")
    return (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])
