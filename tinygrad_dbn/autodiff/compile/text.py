"""What every part of a generated text is written with: lines, names of arrays, the expression of an element."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from .node import Node, enumerates
from .plan import Plan, reuse


class Text:
    """The lines written so far, and where every array of the plan is to be found in them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.buffers = reuse(plan)
        self.lines: list[str] = []
        self.depth = 1
        self.room = 0  # bytes of the buffers made so far
        self.results = {self.buffers[y.number]: f"y{i}" for i, y in enumerate(plan.outputs) if y.shape}
        self.made = set(self.results)

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def indented(self, *headers: str) -> Iterator[None]:
        for header in headers:
            self.line(header)
            self.depth += 1
        yield
        self.depth -= len(headers)

    def loops(self, shape: tuple[int, ...], letter: str) -> Any:
        return self.indented(*(f"for {letter}{i} in range({n}):" for i, n in enumerate(shape)))

    def array(self, n: Node) -> str:
        if n.kind == "argument":
            return f"x{n.params['position']}"
        if n.kind == "constant":
            return f"c{n.number}"
        buffer = self.buffers.get(n.number, n.number)
        return self.results.get(buffer, f"b{buffer}")

    def make(self, n: Node, fill: str = "") -> None:
        """Room for a result, unless it takes over a buffer that is there."""
        name = self.array(n)
        if self.buffers[n.number] not in self.made:
            self.made.add(self.buffers[n.number])
            self.empty(name, n.shape, n)
        if fill:
            self.line(f"{name}[...] = {fill}")

    def empty(self, name: str, shape: tuple[int, ...], n: Node) -> None:
        self.room += prod(shape) * n.dtype.itemsize
        self.line(f"{name} = np.empty({shape}, {numpy_name(n)})")

    def element(self, x: Node, at: list[str]) -> tuple[str, Node]:
        """The text that reads a node, which may be a view, at an index; and the node that is read."""
        ref = self.plan.ref(x)
        base = ref.base
        if base.literal is not None:
            return literal(base.literal), base
        if enumerates(base):
            (axis, start, step) = ref.entries[0]
            return str(start) if axis is None else affine(at[axis], start, step), base
        if not base.shape:
            return f"v{base.number}", base
        index = []
        for axis, start, step in ref.entries:
            if axis is None or ref.shape[axis] == 1:
                index.append(str(start))
            else:
                index.append(affine(at[axis], start, step))
        return f"{self.array(base)}[{', '.join(index)}]", base

    def position(self, name: str, value: str, n: Node, length: int) -> None:
        """An index by NumPy's rules: negative ones count from the end, and those beyond the axis raise."""
        self.line(f"{name} = np.int64({value})")
        with self.indented(f"if {name} < 0:"):
            self.line(f"{name} += {length}")
        with self.indented(f"if {name} < 0 or {name} >= {length}:"):
            what = (
                f"{'place' if n.kind == 'place' else 'index'}: an index is out of bounds for an axis of length {length}"
            )
            self.line(f'raise IndexError("{what}", {n.number})')


def numpy_name(n: Node) -> str:
    return "np.bool_" if n.dtype.kind == "b" else f"np.{n.dtype}"


def numba_name(n: Node) -> str:
    return "boolean" if n.dtype.kind == "b" else str(n.dtype)


def affine(variable: str, start: int, step: int) -> str:
    scaled = variable if step == 1 else f"{step} * {variable}"
    return scaled if start == 0 else f"{start} + {scaled}"


def literal(value: Any) -> str:
    if isinstance(value, np.bool_):
        return str(bool(value))
    if isinstance(value, np.integer):
        return str(int(value))
    number = float(value)
    if np.isfinite(number):
        return repr(number)
    return "np.nan" if np.isnan(number) else "np.inf" if number > 0 else "-np.inf"


def cast(text: str, base: Node, dtype: np.dtype[Any]) -> str:
    if base.literal is not None:
        return f"np.float32({text})" if dtype == np.float32 else literal(dtype.type(base.literal))
    same = base.dtype == dtype and not (base.weak and dtype == np.float32)
    return text if same else f"np.{'bool_' if dtype.kind == 'b' else dtype}({text})"
