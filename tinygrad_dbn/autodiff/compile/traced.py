"""What a traced function is given in place of its arguments: Tensors without values, and integers that are watched."""

from typing import Any

import numpy as np

from ..callers import callers_line
from ..operators import TABLE
from ..tensor import RECORDER, Tensor
from .node import CompileError, Node


class Traced(Tensor):
    """A Tensor without a value: whoever asks for it is told where, and what to write instead."""

    __slots__ = ("node",)

    node: Node
    refusal = CompileError

    def __init__(self, node: Node, level: int) -> None:
        self.node, self.level, self.op, self.inputs, self.parents, self.params = node, level, None, (), [], {}

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @property
    def dtype(self) -> Any:
        return self.node.dtype

    def __repr__(self) -> str:
        return f"Tensor({self.dtype}, shape {self.shape}, being compiled)"

    @property
    def value(self) -> Any:
        raise self._without(
            "x.value",
            "a function that reads it is not pure: numbers are made outside and passed as arguments, and a choice that "
            "depends on values is written td.ops.where(condition, x, y)",
        )

    def __bool__(self) -> bool:
        raise self._without("a branch (if, while, and, or, in)", "write td.ops.where(condition, x, y)")

    def _without(self, what: str, instead: str) -> CompileError:
        return CompileError(
            f"compile: {what} needs a value, but while a function is compiled only shapes and dtypes are known "
            f"(here {self.node.kind}, shape {self.shape}); {instead}\n  in {callers_line()}"
        )


_SWAPPED = {np.less: np.greater, np.less_equal: np.greater_equal}
_COMPARED = {np.equal: "equal", np.greater: "greater", np.greater_equal: "greater_equal"}
_COMBINED = {np.add: "add", np.subtract: "subtract", np.multiply: "multiply"}
_BITWISE = {np.bitwise_and: "bitwise_and", np.bitwise_or: "bitwise_or", np.bitwise_xor: "bitwise_xor"}


class Watched(np.ndarray[Any, Any]):
    """An integer or boolean array of the arguments, known to its trace by the memory it lives in.

    It has its values, for a function may check them. Its parts and views are read where the argument is; its
    comparisons, sums, differences, products, `&`, `|`, `^`, `~` and `.astype` are computed on every call. Whatever else
    is computed from it is a constant, and found to be none when the function is traced again with other integers.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, Watched) else x for x in inputs]
        trace: Any = RECORDER.get()
        if method == "__call__" and trace is not None and not kwargs and not any(isinstance(x, Tensor) for x in plain):
            found = _followed(trace, ufunc, plain)
            if found is not None:
                return found
        if "out" in kwargs:
            kwargs["out"] = tuple(np.asarray(x) for x in kwargs["out"])
        return getattr(ufunc, method)(*plain, **kwargs)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        trace: Any = RECORDER.get()
        value = super().astype(dtype, *args, **kwargs)
        followed = trace is not None and (value.dtype.kind in "biu" or value.dtype in (np.float32, np.float64))
        return trace.converted(np.asarray(self), value.dtype.newbyteorder("=")) if followed else np.asarray(value)


def _followed(trace: Any, ufunc: Any, x: list[Any]) -> Any:
    """The result as the trace computes it on every call, or None for what it does not follow."""
    if ufunc in _SWAPPED:
        return _followed(trace, _SWAPPED[ufunc], x[::-1])
    if ufunc in _COMPARED:
        return trace.compared(_COMPARED[ufunc], *x)
    if ufunc is np.not_equal:
        return trace.compared("equal", trace.compared("equal", *x), np.False_)
    if ufunc is np.logical_not or (ufunc is np.invert and x[0].dtype == bool):
        return trace.compared("equal", x[0], x[0].dtype.type(0))
    if ufunc is np.invert:
        return _followed(trace, np.subtract, [np.invert(x[0].dtype.type(0)), x[0]])
    if ufunc is np.negative:
        return _followed(trace, np.subtract, [x[0].dtype.type(0), x[0]])
    if ufunc is np.square:
        return _followed(trace, np.multiply, [x[0], x[0]])
    floats = {**_COMBINED, np.true_divide: "divide"}
    if ufunc not in floats and ufunc not in _BITWISE:
        return None
    value = ufunc(*x)
    if value.dtype.kind in "biu":
        return trace.computed((_COMBINED | _BITWISE)[ufunc], x, value)
    return TABLE[floats[ufunc]](*x) if value.dtype in (np.float32, np.float64) else None
