"""What a row says of its options where `vmap` runs it for T examples at once, each of which has an axis less.

Each function takes the options of one example, T, and the shapes of an example's inputs. It gives the options for all
of them, and how many axes an example is to have: new ones of length 1 are put in front of its own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inputs import items_of
from ..operators import Value
from ..tensor import Params, Tensor

Shapes = list[tuple[int, ...]]


def in_line(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """Inputs are broadcast to one another from the last axis on, as elementwise ops do it and `matmul`'s batch axes."""
    return params, max(map(len, shapes))


def next_axis(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The option `axis` counts from the example's first axis, which is the second of all."""
    axis, width = params["axis"], len(shapes[0])
    further = (
        tuple(range(1, width + 1)) if axis is None
        else tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1
    )  # fmt: skip
    return {**params, "axis": further}, width


def next_axes(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The same for an order of axes: the first stays in front."""
    return {"axes": (0, *(a + 1 for a in params["axes"]))}, len(shapes[0])


def longer(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The option `shape` is that of an example."""
    return {"shape": (count, *params["shape"])}, len(shapes[0])


def spread(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The same, where an example may be given more axes."""
    return {"shape": (count, *params["shape"])}, len(params["shape"])


@dataclass(frozen=True)
class Each:
    """Positions that differ between the examples: `value` is (T, …)."""

    value: Value

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the positions of one example."""
        return np.shape(self.value)[1:]


ARRAYS: tuple[Any, ...] = (np.ndarray, int, Each, Tensor)
"""What NumPy reads as arrays of positions, where there is one among the items of an index."""


def each(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The option `at` is that of every example."""
    return {"at": everywhere(params["at"], shapes[0], count)}, len(shapes[0])


def into_each(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The same for what is placed, whose axes are those of x[at]."""
    shape = params["shape"]
    of_one = [np.zeros(x.shape, int) if isinstance(x, Each | Tensor) else x for x in items_of(params["at"])]
    width = np.broadcast_to(0.0, shape)[tuple(of_one)].ndim
    return {"at": everywhere(params["at"], shape, count), "shape": (count, *shape)}, width


def everywhere(at: Any, shape: tuple[int, ...], count: int) -> Any:
    """An index of examples of a shape as one of all of them.

    Mostly a slice over the examples in front is all. Not where positions differ between examples; nor where slices
    stand between arrays, for NumPy puts the arrays' axes first, before that of the examples.
    """
    items = items_of(at)
    picks = [i for i, item in enumerate(items) if isinstance(item, ARRAYS)]
    apart = any(not isinstance(items[i], int) for i in picks) and picks != list(range(picks[0], picks[-1] + 1))
    if not apart and not any(isinstance(item, Each) for item in items):
        return (slice(None), *items)
    plain: list[Any] = []
    for item in items:
        plain += item.nonzero() if isinstance(item, np.ndarray) and item.dtype == bool else [item]
    dots = next((i for i, item in enumerate(plain) if item is Ellipsis), len(plain))
    used = sum(item is not None and item is not Ellipsis for item in plain)
    plain[dots : dots + 1] = [slice(None)] * (len(shape) - used)
    return _as_arrays(plain, apart, shape, count)


def _as_arrays(items: list[Any], apart: bool, shape: tuple[int, ...], count: int) -> Any:
    """Every item as an array of positions along the axes of the result where it is read, and one for the examples."""
    items = [np.asarray(item) if isinstance(item, int) else item for item in items]
    block = max(len(item.shape) for item in items if isinstance(item, ARRAYS))
    before = 0 if apart else next(i for i, item in enumerate(items) if isinstance(item, ARRAYS))
    width = block + sum(not isinstance(item, ARRAYS) for item in items)
    behind, axis, lengths = (None,) * (width - before - block), 0, iter(shape)
    found = [np.arange(count).reshape(-1, *(1,) * width)]
    for item in items:
        length = None if item is None else next(lengths)
        if isinstance(item, Each):
            lead = (None,) * (before + block - len(item.shape))
            found.append(item.value[(slice(None), *lead, ..., *behind)])
        elif isinstance(item, ARRAYS):
            found.append(item[(..., *behind)])
        else:
            place = axis + (block if axis >= before else 0)
            axis += 1
            if item is not None:
                found.append(np.arange(*item.indices(length)).reshape(-1, *(1,) * (width - 1 - place)))
    return tuple(found)
