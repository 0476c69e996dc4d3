"""The plan: what a compiled function is given, its steps in their order, and which buffers they use."""

from dataclasses import dataclass
from typing import Any

from .node import GIVEN, REDUCTIONS, Node, enumerates
from .schedule import Loop, Schedule
from .views import Ref, view


@dataclass(eq=False)
class Plan:
    """Everything that `emit` writes: what is given, what is made, and the steps in their order."""

    arguments: list[Node]
    constants: list[Node]
    outputs: list[Node]
    steps: list[Loop | Node]
    refs: dict[int, Ref]
    arrays: dict[int, Node]
    """Nodes that live in an array or a scalar variable of the function, not just inside a loop."""

    def ref(self, node: Node) -> Ref:
        return view(node, self.refs)

    def bases(self, step: Loop | Node) -> list[Node]:
        nodes = [m.node for m in step.members.values()] if isinstance(step, Loop) else [step]
        return [self.ref(x).base for node in nodes for x in node.inputs]


def make_plan(outputs: list[Node]) -> Plan:
    """The plan by which the outputs are computed."""
    refs: dict[int, Ref] = {}
    needed = _needed(outputs, refs)
    steps = Schedule([n for n in needed if n.kind not in GIVEN], outputs, refs).all_taken()
    plan = Plan(
        arguments=[n for n in needed if n.kind == "argument"],
        constants=[n for n in needed if n.kind == "constant" and n.literal is None and not enumerates(n)],
        outputs=outputs,
        steps=steps,
        refs=refs,
        arrays={},
    )
    home = {number: step for step in steps if isinstance(step, Loop) for number in step.members}
    for step in steps:
        if isinstance(step, Node):
            plan.arrays[step.number] = step
        for base in plan.bases(step):
            member = home[base.number].members[base.number] if base.number in home else None
            if member is not None and (home[base.number] is not step or not member.within):
                plan.arrays[base.number] = base
    for y in outputs:
        if y.kind not in GIVEN:
            plan.arrays[y.number] = y
    for loop in steps:
        if isinstance(loop, Loop):  # what is complete only after the loop needs a place of its own
            plan.arrays.update({m.node.number: m.node for m in loop.members.values() if not m.within})
    return plan


def _needed(outputs: list[Node], refs: dict[int, Ref]) -> list[Node]:
    """The nodes that outputs depend on, oldest first, views left out."""
    found: dict[int, Node] = {}
    ahead = list(outputs)
    while ahead:
        node = ahead.pop()
        if node.number not in found:
            found[node.number] = node
            ahead.extend(view(x, refs).base for x in node.inputs)
    return [found[number] for number in sorted(found)]


def reuse(plan: Plan) -> dict[int, int]:
    """For each array made by the function, the node whose buffer it takes over; itself where it needs a new one.

    A buffer is free once nothing reads it any more. A loop may also write over an array that it is the last to read,
    if it reads it element by element where it writes, and never in a later phase.
    """
    last: dict[int, int] = {}
    for i, step in enumerate(plan.steps):
        for base in plan.bases(step):
            last[base.number] = i
    for y in plan.outputs:
        last[plan.ref(y).base.number] = len(plan.steps)
    outputs = {y.number for y in plan.outputs}
    owner: dict[int, int] = {}
    free: list[Node] = []
    for i, step in enumerate(plan.steps):
        nodes = [m.node for m in step.members.values()] if isinstance(step, Loop) else [step]
        made = [n for n in nodes if n.shape and n.number in plan.arrays]
        ending = [b for b in set(plan.bases(step)) if b.number in owner and last[b.number] == i]
        ending.sort(key=lambda b: b.number)  # sets have no order, and the text must not depend on chance
        for node in made:
            over = _overwritable(node, step, plan, ending) if isinstance(step, Loop) else []
            taken = next((b for b in over + free if (b.shape, b.dtype) == (node.shape, node.dtype)), None)
            owner[node.number] = node.number if taken is None else owner[taken.number]
            if taken is not None:
                (ending if taken in ending else free).remove(taken)
        free += ending
        free += [n for n in made if n.number not in last and n.number not in outputs]
    return owner


def _overwritable(node: Node, loop: Loop, plan: Plan, ending: list[Node]) -> list[Node]:
    """The arrays ending with this loop that one of its members may write over."""
    writer = loop.members[node.number]
    if writer.node.kind in REDUCTIONS or writer.outer:
        return []
    found = []
    for base in ending:
        readers = [(m, plan.ref(x)) for m in loop.members.values() for x in m.node.inputs if plan.ref(x).base is base]
        if base.number not in loop.members and all(
            ref.whole and m.axes == writer.axes and m.phase <= writer.phase for m, ref in readers
        ):
            found.append(base)
    return found


def describe(step: Loop | Node, shapes: bool = True) -> str:
    """One line for a reader of the generated text."""
    nodes: list[Any] = [m.node for m in step.members.values()] if isinstance(step, Loop) else [step]
    return ", ".join(f"{n.kind} {n.shape}" if shapes else n.kind for n in nodes)
