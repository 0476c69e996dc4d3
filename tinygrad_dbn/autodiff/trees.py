"""Models are values: dataclasses, tuples, lists and dicts of arrays, seen as trees.

Arrays, floats and Tensors are leaves. Strings, booleans, integers, None and functions are part of the tree's shape:
they say what the model is, and are not differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .tensor import Tensor

Rebuild = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """The leaves of a tree in a fixed order, and the function that puts new leaves in their places.

    >>> leaves, rebuild = flatten({"W": 1.0, "b": (2.0, 3.0)})
    >>> rebuild([x * 10 for x in leaves])
    {'W': 10.0, 'b': (20.0, 30.0)}
    """
    if isinstance(tree, np.ndarray | np.floating | float | Tensor):
        return [tree], lambda leaves: leaves[0]
    if is_dataclass(tree) and not isinstance(tree, type):
        names = [f.name for f in fields(tree)]
        leaves, rebuild = flatten([getattr(tree, name) for name in names])
        return leaves, lambda new: _remade(type(tree), dict(zip(names, rebuild(new), strict=True)))
    if isinstance(tree, dict):
        leaves, rebuild = flatten(list(tree.values()))
        return leaves, lambda new: dict(zip(tree, rebuild(new), strict=True))
    if isinstance(tree, list | tuple):
        parts = [flatten(child) for child in tree]

        def rebuild_all(new: list[Any]) -> Any:
            rest = iter(new)
            children = [rebuild([next(rest) for _ in leaves]) for leaves, rebuild in parts]
            if hasattr(tree, "_fields"):  # a named tuple takes its fields one by one
                return type(tree)(*children)
            return type(tree)(children)

        return [leaf for leaves, _ in parts for leaf in leaves], rebuild_all
    if tree is None or isinstance(tree, str | bool | int) or callable(tree):
        return [], lambda _: tree
    raise TypeError(
        f"a tree holds arrays, floats, strings, dataclasses, tuples, lists and dicts, not {type(tree).__name__}"
    )


def _remade(cls: type, values: dict[str, Any]) -> Any:
    """A dataclass of new leaves. Its own checks are for users' data: a gradient or a trace need not pass them."""
    new: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(new, name, value)
    return new


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """f over the leaves of one tree, or over the corresponding leaves of several of one shape.

    Raises ValueError where they differ in their number of leaves.

    >>> tree_map(lambda w, g: w - 0.5 * g, (1.0, 2.0), (2.0, 2.0))
    (0.0, 1.0)
    """
    leaves, rebuild = flatten(tree)
    columns = [leaves, *(flatten(other)[0] for other in others)]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"trees of {[len(column) for column in columns]} leaves do not correspond")
    return rebuild([f(*row) for row in zip(*columns, strict=True)])
