"""What a traced function is given in place of its arguments: Tensors without values, and integers that are watched."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import RECORDER, Tensor, callers_line
from .node import CompileError, Node


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


_SWAPPED = {np.less: np.greater, np.less_equal: np.greater_equal}
_COMPARED = {np.equal: "equal", np.greater: "greater", np.greater_equal: "greater_equal"}


class Watched(np.ndarray[Any, Any]):
    """An integer or boolean array of the arguments, known to its trace by the memory it lives in.

    It has its values, for a function may check them. Its parts and views are read where the argument is, and its
    comparisons are computed on every call; whatever else is computed from it is a constant, and found to be none when
    the function is traced again with other integers.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, Watched) else x for x in inputs]
        trace: Any = RECORDER.get()
        if method == "__call__" and trace is not None and not kwargs and not any(isinstance(x, Tensor) for x in plain):
            if ufunc in _SWAPPED:
                ufunc, plain = _SWAPPED[ufunc], plain[::-1]
            if ufunc in _COMPARED or ufunc is np.not_equal:
                found = trace.compared(_COMPARED.get(ufunc, "equal"), *plain)
                if ufunc is np.not_equal:
                    found = trace.compared("equal", found, np.False_)
                return found
        if "out" in kwargs:
            kwargs["out"] = tuple(np.asarray(x) for x in kwargs["out"])
        return getattr(ufunc, method)(*plain, **kwargs)
