"""The schedule: which ops share a loop, and in which order things happen.

A `Loop` runs over a domain, its axes from the outermost inwards. Its members are elementwise ops and reductions. A
member either varies along every axis of the domain ("inner") or along all but the last ("outer"). Reducing the last
axis gives an outer value, which later members of the same loop may use: they belong to the next *phase*, a further pass
along the last axis while what it reads is still in the cache. Any other reduction is complete only after the loop.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod

from ..operators import TABLE
from .node import GIVEN, REDUCTIONS, Node, enumerates, in_loops
from .views import Ref, view

LONGEST = 128
"""The weight of a loop. What is longer is cut into several, which are compiled sooner, and are often the same step."""


@dataclass(eq=False)
class Member:
    """An op in a loop. axes: for each axis of the shape it runs over, the domain's axis, or None for length 1."""

    node: Node
    axes: tuple[int | None, ...]
    outer: bool
    phase: int
    result_axes: tuple[int | None, ...]
    within: bool
    """Whether members of the same loop can use the result."""


@dataclass(eq=False)
class Loop:
    """Nodes that are computed in one loop over a domain, in the order in which they were taken in."""

    domain: tuple[int, ...]
    members: dict[int, Member] = field(default_factory=dict)


class Schedule:
    """The order of the steps: products and the like as soon as they can run; between them, loops that take in as many
    ops as will fit.

    Of several products the one that leaves the least memory in use comes first, so that the gradient by a layer's
    weights is taken, and the layer's values are done with, before the cotangent of those values needs as much room.
    """

    def __init__(self, nodes: list[Node], outputs: list[Node], refs: dict[int, Ref]) -> None:
        self.refs = refs
        self.steps: list[Loop | Node] = []
        self.done: set[int] = set()
        self.bases = {n.number: {b.number: b for b in (view(x, refs).base for x in n.inputs)} for n in nodes}
        self.users: dict[int, list[Node]] = defaultdict(list)
        self.missing: dict[int, int] = {}
        """For each node that waits, how many of those that it reads are not computed yet."""
        self.readers = Counter(b for n in nodes for b in self.bases[n.number])
        self.readers.update(view(y, refs).base.number for y in outputs)
        self.rooms = {y.shape for y in outputs}
        for n in nodes:
            made = [b for b in self.bases[n.number].values() if b.kind not in GIVEN]
            self.missing[n.number] = len(made)
            for base in made:
                self.users[base.number].append(n)
        self.ready = {n.number: n for n in nodes if not self.missing[n.number]}

    def all_taken(self) -> list[Loop | Node]:
        """The steps, once every node is in one."""
        while self.ready:
            apart = [n for n in self.ready.values() if not in_loops(n)]
            if apart:
                self.take(min(apart, key=lambda n: (self.growth(n), n.number)))
            else:
                for part in self.parts(self.grown()):
                    self.cut(part)
        return self.steps

    def growth(self, node: Node) -> int:
        """The elements that a product adds to those in use; none where the caller gave room for as many."""
        bases = self.bases[node.number].values()
        freed = sum(prod(b.shape) for b in bases if b.kind not in GIVEN and self.readers[b.number] == 1)
        return (0 if node.shape in self.rooms else prod(node.shape)) - freed

    def take(self, step: Loop | Node) -> None:
        self.steps.append(step)
        for node in [m.node for m in step.members.values()] if isinstance(step, Loop) else [step]:
            del self.ready[node.number]
            self.done.add(node.number)
            self.readers.subtract(list(self.bases[node.number]))
            for user in self.users[node.number]:
                self.missing[user.number] -= 1
                if not self.missing[user.number]:
                    self.ready[user.number] = user

    def grown(self) -> Loop:
        """A loop of all that can run now or after others in it, and fits. Nodes come in the order of the trace."""
        seed = min(self.ready.values(), key=lambda n: (n.kind == "position", n.number))  # best in another's loop
        loop = Loop(tuple(n for n in _extent(seed) if n != 1))
        ahead = [(n.number, n) for n in self.ready.values()]
        heapify(ahead)
        missing: dict[int, int] = {}
        while ahead:
            number, node = heappop(ahead)
            member = _fit(node, loop, self.refs) if in_loops(node) else None
            if member is None:
                continue
            loop.members[number] = member
            for user in self.users[number]:
                missing[user.number] = missing.get(user.number, self.missing[user.number]) - 1
                if not missing[user.number]:
                    heappush(ahead, (user.number, user))
        assert loop.members, "a loop takes in at least its seed"
        return loop

    def parts(self, loop: Loop) -> list[Loop]:
        """The loop as several, where its members fall into groups that read nothing in common: one would gain nothing,
        and the layers of a network, each in a loop of its own, are one step called several times."""
        owner: dict[int, int] = {}

        def find(number: int) -> int:
            while owner.setdefault(number, number) != number:
                owner[number] = number = owner[owner[number]]
            return number

        for number in loop.members:
            for base in self.bases[number].values():
                if (base.shape and base.literal is None and not enumerates(base)) or base.number in loop.members:
                    owner[find(base.number)] = find(number)
        found: dict[int, Loop] = {}
        for number, member in loop.members.items():
            found.setdefault(find(number), Loop(loop.domain)).members[number] = member
        return list(found.values())

    def cut(self, part: Loop) -> None:
        """A loop, in pieces where it is long: LLVM's time grows faster than the text that it is given at once."""
        if sum(weight(m.node) for m in part.members.values()) <= LONGEST:
            self.take(part)
            return
        piece, total = Loop(part.domain), 0
        for member in part.members.values():
            node = member.node
            if total and total + weight(node) > LONGEST:
                self.take(piece)
                piece, total = Loop(part.domain), 0
            bases = self.bases[node.number].values()
            if all(b.kind in GIVEN or b.number in self.done or b.number in piece.members for b in bases):
                again = _fit(node, piece, self.refs)  # or else it waits for a loop of its own
                if again is not None:
                    piece.members[node.number] = again
                    total += weight(node)
        if piece.members:
            self.take(piece)


def weight(node: Node) -> int:
    """About how long LLVM is busy with an op in a loop, in additions."""
    return 8 if transcendental(node) else 1


def transcendental(node: Node) -> bool:
    """Whether the op's kernel calls a polynomial: what is good to half an ulp is a single instruction."""
    return node.kind in TABLE and TABLE[node.kind].kernel is not None and TABLE[node.kind].ulp >= 1


def _extent(node: Node) -> tuple[int, ...]:
    """The shape an op runs over."""
    return node.inputs[0].shape if node.kind in REDUCTIONS else node.shape


def _fit(node: Node, loop: Loop, refs: dict[int, Ref]) -> Member | None:
    """The node as a member of the loop, or None where it does not fit."""
    shape, domain = _extent(node), loop.domain
    axes: dict[int, int] = {}
    phase, linked = 0, False
    for x in node.inputs:
        ref = view(x, refs)
        member = loop.members.get(ref.base.number)
        if member is None:
            continue
        if not member.within:
            return None
        linked = True
        reduces = member.node.kind in REDUCTIONS
        phase = max(phase, member.phase + (1 if reduces else 0))
        extra = len(shape) - len(ref.shape)
        for (axis, start, step), place in zip(ref.entries, member.result_axes, strict=True):
            if place is None:
                continue
            if axis is None or (start, step) != (0, 1) or shape[axis + extra] != domain[place]:
                return None
            if axes.setdefault(axis + extra, place) != place:
                return None
    long = [i for i, n in enumerate(shape) if n != 1]
    free = [i for i in range(len(domain)) if i not in axes.values()]
    fits = linked or tuple(shape[i] for i in long) == domain
    if node.kind == "position" and not fits:  # it serves the rows of the loop that it is compared in
        fits = tuple(n for n in (*shape[:-1], node.params["length"]) if n != 1) == domain
    if not fits:
        return None
    for i in long:
        if i not in axes:
            place = next((d for d in free if domain[d] == shape[i]), None)
            if place is None:
                return None
            free.remove(place)
            axes[i] = place
    if len(set(axes.values())) != len(axes):
        return None
    covered, last = set(axes.values()), len(domain) - 1
    outer = covered != set(range(len(domain)))
    if outer and covered != set(range(last)):
        return None
    places = tuple(axes.get(i) for i in range(len(shape)))
    if node.kind not in REDUCTIONS:
        return Member(node, places, outer, phase, places, True)
    gone = {places[a] for a in node.params["axes"]} - {None}
    kept = tuple(p for i, p in enumerate(places) if i not in node.params["axes"])
    return Member(node, places, outer, phase, kept, gone == {last} and not outer)
