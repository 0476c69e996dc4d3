"""A loop of the plan as text: its passes over each row, what they load, compute, store and add up."""

from __future__ import annotations

import re

import numpy as np

from ..ops import TABLE
from .inline import inlined
from .node import COMPARISONS, INTEGERS, REDUCTIONS, Node
from .plan import Loop, Member, Plan
from .text import Text, cast, literal, numpy_name

SHORT = 48
TRANSCENDENTAL = {"exp", "expm1", "log", "log1p", "tanh"}

_SPELLED = {"[": "_", ",": "_", " ": "", "]": "", "+": "_plus_", "*": "_times_", "-": "minus_"}
"""How an element's expression becomes the name of a local."""


class Loops(Text):
    """Writes loops. It notes which kernels they call, and the lengths of short rows."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.kernels: set[str] = set()
        self.lengths: set[int] = set()

    def loop(self, loop: Loop) -> None:
        members = list(loop.members.values())
        last = len(loop.domain) - 1
        phases = range(max(m.phase for m in members) + 1)
        for m in members:
            self.prepare(loop, m)
        with self.loops(loop.domain[:-1], "i"):
            for phase in phases:
                row = [m for m in members if m.row and m.phase == phase]
                inner = [m for m in members if not m.row and m.phase == phase]
                self.body(loop, row, phase)
                if not inner:
                    continue
                for m in inner:
                    if m.node.kind in REDUCTIONS and m.within:
                        self.line(f"v{m.node.number} = {start_of(m.node)}")
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
                        if m.node.number in self.plan.arrays and m.node.shape:
                            self.line(f"{self.slot(m)} = v{m.node.number}")
        for m in members:
            if m.node.kind in REDUCTIONS and not m.within and not m.node.shape:
                self.finish(m.node)

    def length(self, n: int, members: list[Member]) -> str:
        kernels = (TABLE[m.node.kind].kernel for m in members if m.node.kind in TABLE)
        if n > SHORT or not any(kernel and TRANSCENDENTAL & set(kernel.__code__.co_names) for kernel in kernels):
            return str(n)
        self.lengths.add(n)
        return f"n{n}"

    def prepare(self, loop: Loop, m: Member) -> None:
        """What a member needs before the loop: its array, its sum's start, its row buffer."""
        n = m.node
        if n.number in self.plan.arrays and n.shape:
            self.make(n, start_of(n) if n.kind in REDUCTIONS and not m.within else "")
        elif n.kind in REDUCTIONS and not m.within:
            self.line(f"v{n.number} = {start_of(n)}")
        elif self.crosses(loop, m) and n.number not in self.plan.arrays:
            self.empty(f"r{n.number}", loop.domain[-1:], n)

    def crosses(self, loop: Loop, m: Member) -> bool:
        """Whether an inner value is used again in a later pass over the row."""
        return (
            not m.row
            and m.node.kind not in REDUCTIONS
            and any(
                user.phase > m.phase and any(self.plan.ref(x).base is m.node for x in user.node.inputs)
                for user in loop.members.values()
            )
        )

    def finish(self, n: Node) -> None:
        if n.dtype == np.float32:
            self.line(f"v{n.number} = np.float32(v{n.number})")

    def slot(self, m: Member) -> str:
        index = ", ".join("0" if p is None else f"i{p}" for p in m.result_axes)
        return f"{self.array(m.node)}[{index}]"

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
            if source.row or source.phase == phase or source.node.kind in REDUCTIONS:
                return f"v{base.number}", ""
            text = self.slot(source) if base.number in self.plan.arrays else f"r{base.number}[i{len(loop.domain) - 1}]"
            return text, f"v{base.number}"
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
                target = self.slot(m) if n.shape and not m.within else f"v{n.number}"
                if n.kind == "sum":
                    self.line(f"{target} += {value}" if "[" in target else f"{target} = added({target}, {value})")
                else:
                    sign = ">" if n.kind == "max" else "<"
                    self.line(f"if {value} {sign} {target} or {value} != {value}:")
                    self.line(f"    {target} = {value}")
                continue
            if n.kind == "position":
                self.position(f"v{n.number}", operands[0][0], n, n.params["length"])
            else:
                self.line(f"v{n.number} = {self.expression(n, operands)}")
            if n.number in self.plan.arrays and n.shape:
                self.line(f"{self.slot(m)} = v{n.number}")
            elif self.crosses(loop, m):
                self.line(f"r{n.number}[i{len(loop.domain) - 1}] = v{n.number}")

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
        return f"np.float32({text})" if n.dtype == np.float32 else text


def mentions(text: str, variable: str) -> bool:
    return re.search(rf"\b{variable}\b", text) is not None


def start_of(n: Node) -> str:
    """What a reduction starts from. float32 sums into a scalar are kept in float64 until they are complete."""
    return literal(REDUCTIONS[n.kind])
