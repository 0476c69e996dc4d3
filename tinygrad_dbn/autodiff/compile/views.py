"""Views: what only moves elements is never computed, it changes where the next op reads."""

from dataclasses import dataclass
from typing import TypeAlias

from .node import VIEWS, Node

Entry: TypeAlias = tuple[int | None, int, int]
"""Where a view reads along one axis of its base: at start + step · (index along an axis of the view, or 0)."""


@dataclass(frozen=True)
class Ref:
    """A value read in place: an array that exists, and one entry for each of its axes."""

    base: Node
    entries: tuple[Entry, ...]
    shape: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """The base itself, element for element."""
        return self.shape == self.base.shape and all(
            n == 1 or entry == (i, 0, 1) for i, (entry, n) in enumerate(zip(self.entries, self.shape, strict=True))
        )

    @property
    def swapped(self) -> bool:
        """The base with its last two axes exchanged, which is how BLAS takes a transpose."""
        n = len(self.shape)
        if (
            n < 2
            or len(self.base.shape) != n
            or self.shape != (*self.base.shape[:-2], self.base.shape[-1], self.base.shape[-2])
        ):
            return False
        order = (*range(n - 2), n - 1, n - 2)
        return all(
            length == 1 or entry == (axis, 0, 1)
            for entry, axis, length in zip(self.entries, order, self.base.shape, strict=True)
        )


def view(node: Node, known: dict[int, Ref]) -> Ref:
    """Where a node's elements are read from. `known` remembers what has been found."""
    ahead = [node]
    while node.number not in known:  # a loop, for a chain of views may be longer than Python's stack
        last = ahead[-1]
        if last.kind in VIEWS and last.inputs[0].number not in known:
            ahead.append(last.inputs[0])
        else:
            known[last.number] = _view(last, known)
            ahead.pop()
    return known[node.number]


def _view(node: Node, known: dict[int, Ref]) -> Ref:
    itself = Ref(node, tuple((i, 0, 1) for i in range(len(node.shape))), node.shape)
    if node.kind not in VIEWS:
        return itself
    source = known[node.inputs[0].number]
    if node.dtype != source.base.dtype:
        return itself
    moves = _moves(node, source.shape)
    if moves is None:
        return itself
    entries = []
    for axis, start, step in source.entries:
        if axis is not None:
            axis, inner_start, inner_step = moves[axis]
            start, step = start + step * inner_start, step * inner_step
        entries.append((axis, start, step))
    return Ref(source.base, tuple(entries), node.shape)


def _moves(node: Node, shape: tuple[int, ...]) -> list[Entry] | None:
    """For every axis of the input: where it is read for an index into the view. None: not a view of this kind."""
    if node.kind == "stop_gradient":
        return [(i, 0, 1) for i in range(len(shape))]
    if node.kind == "transpose":
        return [(node.params["axes"].index(i), 0, 1) for i in range(len(shape))]
    if node.kind == "broadcast_to":
        extra = len(node.shape) - len(shape)
        return [(None, 0, 0) if n == 1 else (i + extra, 0, 1) for i, n in enumerate(shape)]
    if node.kind == "reshape":  # only where axes of length 1 come and go
        if [n for n in shape if n != 1] != [n for n in node.shape if n != 1]:
            return None
        targets = iter([i for i, n in enumerate(node.shape) if n != 1])
        return [(None, 0, 0) if n == 1 else (next(targets), 0, 1) for n in shape]
    moves: list[Entry] = []
    axis = 0
    for item in node.params["at"]:
        if item is None:
            axis += 1
        elif item[0] == "int":
            moves.append((None, item[1], 0))
        else:
            moves.append((axis, item[1], item[2]))
            axis += 1
    return moves
