"""What every step of a generated text is written with: lines, names of arrays, the expression of an element."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from .arrays import Arrays
from .node import Node, enumerates
from .plan import Plan
from .schedule import Loop

Complaint: TypeAlias = tuple[Node, int]
"""A node that reads at an index which is checked, and the length of the axis. A step returns the number of one."""


class Text:
    """The lines of one step, with names of its own for what it works on: so equal steps are equal texts.

    `given` has its parameters, and what `run` passes for each from an entry of the program; `entry` is that: names of
    arrays, and integers. With `lift`, constants are parameters too, so that steps which differ in them alone are one.
    """

    def __init__(
        self, plan: Plan, arrays: Arrays, complaints: list[Complaint], step: Loop | Node, lift: bool = False
    ) -> None:
        self.plan, self.arrays, self.complaints, self.lift = plan, arrays, complaints, lift
        self.lines: list[str] = []
        self.depth = 1
        self.entry: list[int | str] = []
        self.given: dict[str, str] = {}
        self._made = set(step.members) if isinstance(step, Loop) else {step.number}
        self._header: list[str] = []
        self._names: dict[str, dict[Any, str]] = defaultdict(dict)

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

    @property
    def whole(self) -> str:
        return "\n".join(["    apart()", *("    " + line for line in self._header), *self.lines])

    # ---- Names --------------------------------------------------------------------------------------------------

    def _name(self, letter: str, key: Any) -> tuple[str, bool]:
        """The name of something, and whether it is new."""
        known = self._names[letter]
        count = len(known)
        return known.setdefault(key, f"{letter}{count}"), len(known) > count

    def _integer(self, value: int) -> str:
        """A parameter for an integer."""
        self.entry.append(value)
        name = f"n{len(self.entry)}"
        self.given[name] = f"program[i, {len(self.entry)}]"
        return name

    def constant(self, n: Node) -> str:
        """The value of a uniform constant."""
        if not self.lift or n.dtype.kind not in "iuf" or n.literal in (0, 1) or np.float64(n.literal) != n.literal:
            return literal(n.literal)
        name, new = self._name("w", n.number)
        if new:
            self.entry.append(int(np.float64(n.literal).view(np.int64)))
            self.given[name] = f"numpy.int64(program[i, {len(self.entry)}]).view(numpy.float64)"
        return name

    def _array(self, number: int, n: Node, shape: Callable[[], str]) -> str:
        """The local that holds an array."""
        name, new = self._name("a", number)
        if new:
            self.entry.append(self.arrays.names[number])
            self.given[f"p{name}"] = f"pointer(table, program[i, {len(self.entry)}], {numpy_name(n)})"
            self._header.append(f"{name} = at(p{name}, {shape()})")
        return name

    def array(self, n: Node) -> str:
        """The array of a node."""
        return self._array(self.arrays.number(n), n, lambda: str(n.shape))

    def matrix(self, n: Node) -> str:
        """The array of a node, of a shape that the program says: one step serves matrices of all sizes."""
        return self._array(self.arrays.number(n), n, lambda: f"({', '.join(map(self._integer, n.shape))})")

    def scratch(self, n: Node, shape: tuple[int, ...]) -> str:
        """A buffer of the step's own, for values of a node."""
        return self._array(self.arrays.scratch(f"r{n.number}", shape, n.dtype), n, lambda: str(shape))

    def value(self, n: Node) -> str:
        """The local that holds a node's value: made by this step, or a scalar made before it."""
        name, new = self._name("v", n.number)
        if new and n.number not in self._made:
            self._header.append(f"{name} = {self.array(n)}[()]")
        return name

    def integer(self, value: int) -> str:
        """A number that the compiler shall not know."""
        known = self._names["n"]
        return known[value] if value in known else known.setdefault(value, self._integer(value))

    # ---- Elements -----------------------------------------------------------------------------------------------

    def element(self, x: Node, at: list[str]) -> tuple[str, Node]:
        """The text that reads a node, which may be a view, at an index; and the node that is read."""
        ref = self.plan.ref(x)
        base = ref.base
        if base.literal is not None:
            return self.constant(base), base
        if enumerates(base):
            (axis, start, step) = ref.entries[0]
            return str(start) if axis is None else affine(at[axis], start, step), base
        if not base.shape:
            return self.value(base), base
        index = []
        for axis, start, step in ref.entries:
            if axis is None or ref.shape[axis] == 1:
                index.append(str(start))
            else:
                index.append(affine(at[axis], start, step))
        return at_index(self.array(base), index), base

    def position(self, name: str, value: str, n: Node, length: int) -> None:
        """An index by NumPy's rules: negative ones count from the end, and those beyond the axis are complained of."""
        self.line(f"{name} = numpy.int64({value})")
        with self.indented(f"if {name} < 0:"):
            self.line(f"{name} += {length}")
        with self.indented(f"if {name} < 0 or {name} >= {length}:"):
            self.complaints.append((n, length))
            self.line(f"return {self._integer(len(self.complaints) - 1)}")


def at_index(array: str, index: list[str]) -> str:
    """The text of an element of an array, which may have no axes."""
    return f"{array}[{', '.join(index) or '()'}]"


def numpy_name(n: Node) -> str:
    """A node's dtype in the generated text."""
    return "numpy.bool_" if n.dtype.kind == "b" else f"numpy.{n.dtype}"


def numba_name(n: Node) -> str:
    """A node's dtype in a signature for Numba."""
    return "boolean" if n.dtype.kind == "b" else str(n.dtype)


def affine(variable: str, start: int, step: int) -> str:
    """The text of start + step · variable."""
    scaled = variable if step == 1 else f"{step} * {variable}"
    return scaled if start == 0 else f"{start} + {scaled}"


def literal(value: Any) -> str:
    """The text of a number or truth value."""
    if isinstance(value, np.bool_):
        return str(bool(value))
    if isinstance(value, np.integer):
        return str(int(value))
    number = float(value)
    if np.isfinite(number):
        return repr(number)
    return "numpy.nan" if np.isnan(number) else "numpy.inf" if number > 0 else "-numpy.inf"


def cast(text: str, base: Node, dtype: np.dtype[Any]) -> str:
    """The text of an operand, in the dtype that the step computes in."""
    if base.literal is not None and text == literal(base.literal):
        return f"numpy.float32({text})" if dtype == np.float32 else literal(dtype.type(base.literal))
    if base.literal is not None:  # a parameter, of float64
        return text if dtype == np.float64 else f"numpy.{dtype}({text})"
    same = base.dtype == dtype and not (base.weak and dtype == np.float32)
    return text if same else f"numpy.{'bool_' if dtype.kind == 'b' else dtype}({text})"
