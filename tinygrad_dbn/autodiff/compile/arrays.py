"""The arrays of a compiled function, numbered: those it is given, its results, and buffers in one block of memory."""

from math import prod
from typing import Any

import numpy as np

from .node import Node
from .plan import Plan, reuse

ALIGNED = 64
"""Bytes: a buffer starts where a line of the cache does."""


class Arrays:
    """The number of every array, its name in the text, and where in the block a buffer lies."""

    def __init__(self, plan: Plan) -> None:
        self._buffers = reuse(plan)
        self._results = {self._buffers.get(y.number, y.number): f"y{i}" for i, y in enumerate(plan.outputs)}
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []
        """In the order of their numbers."""
        self.offsets: list[int] = []
        self.room = 0
        """Bytes of the buffers, without what aligns them."""
        self._end = 0
        self.given = [(self.name(n), n) for n in (*plan.arguments, *plan.constants)]
        self.given += [(f"y{i}", y) for i, y in enumerate(plan.outputs)]
        for name, n in self.given:
            self._number(name)
            if n.weak:
                self._number(f"{name}_bits")  # a Python float lives in the table itself
        self.first = len(self.names)
        """The number of the first buffer; what comes before is given by the caller."""

    @property
    def block(self) -> int:
        """Bytes of the block that holds the buffers, wherever it starts."""
        return self._end + ALIGNED if self.offsets else 0

    def name(self, n: Node) -> str:
        if n.kind == "argument":
            return f"x{n.params['position']}"
        if n.kind == "constant":
            return f"c{n.number}"
        owner = self._buffers.get(n.number, n.number)
        return self._results.get(owner, f"b{owner}")

    def number(self, n: Node) -> int:
        """The number of a node's array."""
        name = self.name(n)
        return self._numbers[name] if name in self._numbers else self.scratch(name, n.shape, n.dtype)

    def scratch(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        """The number of a new buffer."""
        size = prod(shape) * dtype.itemsize
        self.offsets.append(self._end)
        self.room += size
        self._end += -(-size // ALIGNED) * ALIGNED
        return self._number(name)

    def _number(self, name: str) -> int:
        self._numbers[name] = len(self.names)
        self.names.append(name)
        return self._numbers[name]
