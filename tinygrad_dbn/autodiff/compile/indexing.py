"""NumPy's indexing, spelled out once: what stands in x[…], and where each axis of x is then read."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .node import Node

Item: TypeAlias = tuple[Any, ...] | None
"""For an axis of x: ("int", i), ("slice", start, step, length) or ("array", k), for array k; None for a new axis."""


def written_out(items: list[Any], full: tuple[int, ...]) -> tuple[list[Item], list[Node], tuple[int, ...]]:
    """What stands in x[…] for x of shape `full`: an Item for every axis, the arrays among them, the result's shape.

    Raises IndexError for a constant array that reaches beyond its axis.
    """
    used = sum(item is not None and item is not Ellipsis for item in items)
    place = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    items = [*items[:place], *[slice(None)] * (len(full) - used), *items[place + 1 :]]
    samples = tuple(np.zeros(item.shape, np.intp) if isinstance(item, Node) else item for item in items)
    result = np.broadcast_to(np.zeros(()), full)[samples].shape
    lengths = iter(full)
    arrays: list[Node] = []
    found: list[Item] = []
    for item in items:
        if item is None:
            found.append(None)
            continue
        n = next(lengths)
        if isinstance(item, slice):
            start, _, step = item.indices(n)
            found.append(("slice", start, step, len(range(*item.indices(n)))))
        elif isinstance(item, Node):
            _in_range(item, n)
            found.append(("array", len(arrays)))
            arrays.append(item)
        else:
            found.append(("int", item % n))
    return found, arrays, result


def _in_range(index: Node, n: int) -> None:
    """A constant index is checked once and for all, an argument on every call."""
    if index.kind == "constant":
        value = index.params["value"]
        if value.size and not (value.min() >= -n and value.max() < n):
            raise IndexError(f"index {value.max()} is out of bounds for an axis of length {n}")


def read_at(at: Sequence[Item], arrays: Sequence[Node]) -> list[tuple[tuple[Any, ...], int]]:
    """For every axis of x its Item, and the axis of the result along which it is read.

    Arrays are broadcast to one block of axes; an array's first axis is the one given. The block stands where the arrays
    are, if they (and integers) are neighbours, and first if they are not.
    """
    block = len(np.broadcast_shapes(*(a.shape for a in arrays)))
    special = [i for i, item in enumerate(at) if arrays and item is not None and item[0] != "slice"]
    together = bool(special) and special == list(range(special[0], special[-1] + 1))
    first = 0 if special and not together else None
    axis = block if first == 0 else 0
    found = []
    for i, item in enumerate(at):
        if i in special and first is None:
            first, axis = axis, axis + block
        if item is None:
            axis += 1
        elif item[0] == "array":
            found.append((item, (first or 0) + block - len(arrays[item[1]].shape)))
        elif item[0] == "int":
            found.append((item, 0))
        else:
            found.append((item, axis))
            axis += 1
    return found


def slices(owner: Any, array: Any) -> tuple[tuple[Any, ...], tuple[int, ...]] | None:
    """The indices into `owner` (row by row in memory) that give `array`, axes of length 1 aside, and its axes' order.

    None where there are none, as for a diagonal.
    """
    size, axes = owner.itemsize, range(owner.ndim)
    steps = [stride // size for stride in owner.strides]
    first = (array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // size
    start = [int(i) for i in np.unravel_index(first, owner.shape)]
    at: list[Any] = [("int", i) for i in start]
    taken: list[int] = []
    for n, stride in zip(array.shape, array.strides, strict=True):
        if n == 1 or stride == 0:
            continue
        for axis in axes:
            step, rest = divmod(stride // size, steps[axis])
            if axis not in taken and rest == 0 and 0 <= start[axis] + step * (n - 1) < owner.shape[axis]:
                at[axis] = ("slice", start[axis], step, n)
                taken.append(axis)
                break
        else:
            return None
    return tuple(at), tuple(sorted(taken).index(axis) for axis in taken)
