"""What a row says of its options where `vmap` runs it for T examples at once, each of which has an axis less.

Each function takes the options of one example, T, and the shapes of an example's inputs. It gives the options for all
of them, and how many axes an example is to have: new ones of length 1 are put in front of its own.
"""

from typing import Any

import numpy as np

from ..tensor import Params

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


def each(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The option `at` is that of every example."""
    return {"at": everywhere(params["at"], shapes[0], count)}, len(shapes[0])


def into_each(params: Params, count: int, shapes: Shapes) -> tuple[Params, int]:
    """The same for what is placed, whose axes are those of x[at]."""
    shape = params["shape"]
    width = np.broadcast_to(0.0, shape)[params["at"]].ndim
    return {"at": everywhere(params["at"], shape, count), "shape": (count, *shape)}, width


def everywhere(at: Any, shape: tuple[int, ...], count: int) -> Any:
    """An index of examples of a shape as one of all of them.

    Where slices stand between arrays NumPy puts the arrays' axes first, before that of a slice over the examples: then
    the examples are picked by an array too.
    """
    items = at if isinstance(at, tuple) else (at,)
    picks = [i for i, item in enumerate(items) if isinstance(item, np.ndarray | int)]
    apart = any(isinstance(items[i], np.ndarray) for i in picks) and picks != list(range(picks[0], picks[-1] + 1))
    if not apart:
        return (slice(None), *items)
    plain: list[Any] = []
    for item in items:
        plain += item.nonzero() if isinstance(item, np.ndarray) and item.dtype == bool else [item]
    width = max(np.ndim(item) for item in plain if isinstance(item, np.ndarray))
    return (np.arange(count).reshape(-1, *(1,) * width), *plain)
