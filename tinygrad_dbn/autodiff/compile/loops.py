"""A loop of the plan as text: its passes along the last axis, what they load, compute, store and add up."""

import re
from typing import Any

import numpy as np

from ..ops import TABLE
from .inline import inlined
from .node import COMPARISONS, INTEGERS, REDUCTIONS, Node
from .schedule import Loop, Member, transcendental
from .writer import Text, at_index, cast, literal, numpy_name

SHORT = 48

_SPELLED = {"[": "_", ",": "_", " ": "", "]": "", "+": "_plus_", "*": "_times_", "-": "minus_"}
"""How an element's expression becomes the name of a local."""


class Loops(Text):
    """Writes a loop, and notes which kernels it calls."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kernels: set[str] = set()
        self._waiting: dict[int, str] = {}

    def loop(self, loop: Loop) -> None:
        members = list(loop.members.values())
        last = len(loop.domain) - 1
        phases = range(max(m.phase for m in members) + 1)
        for m in members:
            self.prepare(loop, m)
        with self.loops(loop.domain[:-1], "i"):
            for phase in phases:
                outer = [m for m in members if m.outer and m.phase == phase]
                inner = [m for m in members if not m.outer and m.phase == phase]
                self.body(loop, outer, phase)
                if not inner:
                    continue
                for m in inner:
                    if m.node.kind in REDUCTIONS and m.within:
                        self.line(f"{self.value(m.node)} = {start_of(m.node)}")
                invariant = self.loads(loop, inner, phase, f"i{last}", invariant=True)
                for text in invariant.values():
                    self.line(text)
                if loop.domain:
                    with self.indented(f"for i{last} in range({self.length(loop.domain[-1], inner)}):"):
                        self.body(loop, inner, phase, invariant)
                else:
                    self.body(loop, inner, phase, invariant)
                for m in inner:
                    if m.node.kind in REDUCTIONS and m.within:
                        self.finish(m.node)
                        if m.node.number in self.plan.arrays:
                            self.line(f"{self.slot(m)} = {self.value(m.node)}")
        for m in members:
            if m.node.kind in REDUCTIONS and not m.within and not m.node.shape:
                self.finish(m.node)
                self.line(f"{self.slot(m)} = {self.value(m.node)}")

    def length(self, n: int, members: list[Member]) -> str:
        if n > SHORT or not any(transcendental(m.node) for m in members):
            return str(n)
        return self.integer(n)

    def prepare(self, loop: Loop, m: Member) -> None:
        """Where a sum starts that is complete only after the loop."""
        if m.node.kind in REDUCTIONS and not m.within:
            target = f"{self.array(m.node)}[...]" if m.node.shape else self.value(m.node)
            self.line(f"{target} = {start_of(m.node)}")

    def crosses(self, loop: Loop, m: Member) -> bool:
        """Whether an inner value is used again in a later pass."""
        return (
            not m.outer
            and m.node.kind not in REDUCTIONS
            and any(
                user.phase > m.phase and any(self.plan.ref(x).base is m.node for x in user.node.inputs)
                for user in loop.members.values()
            )
        )

    def finish(self, n: Node) -> None:
        if n.dtype == np.float32:
            self.line(f"{self.value(n)} = numpy.float32({self.value(n)})")

    def slot(self, m: Member) -> str:
        return at_index(self.array(m.node), ["0" if p is None else f"i{p}" for p in m.result_axes])

    def waiting_slot(self, loop: Loop, n: Node) -> str:
        """Where a value waits for a later pass."""
        if n.number not in self._waiting:
            self._waiting[n.number] = self.scratch(n, loop.domain[-1:])
        return f"{self._waiting[n.number]}[i{len(loop.domain) - 1}]"

    def loads(self, loop: Loop, members: list[Member], phase: int, last: str, invariant: bool) -> dict[str, str]:
        """Every element that members read from arrays: its expression, and the line that loads it into a local."""
        found: dict[str, str] = {}
        for m in members:
            for x in m.node.inputs:
                text, local = self.read(loop, m, x, phase)
                if local and invariant != mentions(text, last):
                    found[text] = f"{local} = {text}"
        return found

    def read(self, loop: Loop, m: Member, x: Node, phase: int) -> tuple[str, str]:
        """How a member reads an input: the expression, and the local that it is first loaded into ('' for none)."""
        base = self.plan.ref(x).base
        source = loop.members.get(base.number)
        if source is not None:
            if source.outer or source.phase == phase or source.node.kind in REDUCTIONS:
                return self.value(base), ""
            text = self.slot(source) if base.number in self.plan.arrays else self.waiting_slot(loop, base)
            return text, self.value(base)
        extra = len(m.axes) - len(x.shape)
        at = ["0" if p is None else f"i{p}" for p in m.axes[extra:]]
        text, base = self.element(x, at)
        if "[" not in text:
            return text, ""
        return text, "e" + "".join(_SPELLED.get(c, c) for c in text)

    def body(self, loop: Loop, members: list[Member], phase: int, loaded: dict[str, str] | None = None) -> None:
        """Loads first, so that a store may go where something was read."""
        for text, line in self.loads(loop, members, phase, f"i{len(loop.domain) - 1}", invariant=False).items():
            if text not in (loaded or {}):
                self.line(line)
        if loaded is None:
            for line in self.loads(loop, members, phase, f"i{len(loop.domain) - 1}", invariant=True).values():
                self.line(line)
        for m in members:
            n = m.node
            operands = []
            for x in n.inputs:
                text, local = self.read(loop, m, x, phase)
                operands.append((local or text, self.plan.ref(x).base))
            if n.kind in REDUCTIONS:
                value = operands[0][0]
                target = self.slot(m) if n.shape and not m.within else self.value(n)
                if n.kind == "sum":
                    self.line(f"{target} += {value}" if "[" in target else f"{target} = added({target}, {value})")
                else:
                    sign = ">" if n.kind == "max" else "<"
                    self.line(f"if {value} {sign} {target} or {value} != {value}:")
                    self.line(f"    {target} = {value}")
                continue
            if n.kind == "position":
                self.position(self.value(n), operands[0][0], n, n.params["length"])
            else:
                self.line(f"{self.value(n)} = {self.expression(n, operands)}")
            if n.number in self.plan.arrays:
                self.line(f"{self.slot(m)} = {self.value(n)}")
            elif self.crosses(loop, m):
                self.line(f"{self.waiting_slot(loop, n)} = {self.value(n)}")

    def expression(self, n: Node, operands: list[tuple[str, Node]]) -> str:
        if n.kind in COMPARISONS:
            common = np.result_type(*(x.sample() for x in n.inputs))
            a, b = (cast(text, base, common) for text, base in operands)
            return f"{a} {COMPARISONS[n.kind]} {b}"
        if n.kind in INTEGERS:
            a, b = (cast(text, base, n.dtype) for text, base in operands)
            return f"{numpy_name(n)}({a} {INTEGERS[n.kind]} {b})"
        if n.kind == "where":
            (c, base), *rest = operands
            a, b = (cast(text, x, n.dtype) for text, x in rest)
            return f"{a} if {c if base.dtype == bool else f'{c} != 0'} else {b}"
        values = [cast(text, base, n.dtype) for text, base in operands]
        if n.kind in ("cast", "copy"):
            return values[0]
        text = inlined(TABLE[n.kind].kernel, values)
        if text is None:
            self.kernels.add(n.kind)
            text = f"op_{n.kind}({', '.join(values)})"
        return f"numpy.float32({text})" if n.dtype == np.float32 else text


def mentions(text: str, variable: str) -> bool:
    """Whether a variable occurs in a text."""
    return re.search(rf"\b{variable}\b", text) is not None


def start_of(n: Node) -> str:
    """What a reduction starts from. float32 sums into a scalar are kept in float64 until they are complete."""
    return literal(REDUCTIONS[n.kind])
