"""Models are values: dataclasses, tuples, lists and dicts of arrays, seen as trees.

Arrays, floats and Tensors are leaves. Strings, booleans, integers, None and functions are part of the tree's shape:
they say what the model is, and are not differentiated.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np

from .tensor import Tensor

LEAVES = (np.ndarray, Tensor, float, np.floating)
_CONSTANTS = (str, int, np.integer, np.bool_, type(None))
Rebuild = Callable[[list[Any]], Any]


def flatten(tree: Any, opaque: bool = False) -> tuple[list[Any], Rebuild]:
    """The leaves of a tree in a fixed order, and the function that puts new leaves in their places.

    Raises TypeError for objects of other kinds, unless they may be `opaque`: part of the tree's shape.

    >>> leaves, rebuild = flatten({"W": 1.0, "b": (2.0, 3.0)})
    >>> rebuild([x * 10 for x in leaves])
    {'W': 10.0, 'b': (20.0, 30.0)}
    """
    leaves: list[Any] = []
    rebuild = _read(tree, leaves, opaque)
    return leaves, lambda new: rebuild(iter(new))


def _read(tree: Any, leaves: list[Any], opaque: bool) -> Callable[[Iterator[Any]], Any]:
    """Append the leaves of a tree, and return the function that makes the tree anew from the next so many leaves."""
    if isinstance(tree, LEAVES):
        leaves.append(tree)
        return next
    cls: Any = type(tree)
    if isinstance(tree, (tuple, list)):
        children = [_read(child, leaves, opaque) for child in tree]
        if hasattr(cls, "_fields"):  # a named tuple takes its fields one by one
            return lambda rest: cls(*[child(rest) for child in children])
        return lambda rest: cls([child(rest) for child in children])
    if isinstance(tree, dict):
        items = [(key, _read(child, leaves, opaque)) for key, child in tree.items()]
        return lambda rest: {key: child(rest) for key, child in items}
    if isinstance(tree, _CONSTANTS):
        return lambda rest: tree
    if names := _fields(cls):
        parts = [(name, _read(getattr(tree, name), leaves, opaque)) for name in names]
        return lambda rest: _remade(cls, {name: part(rest) for name, part in parts})
    if callable(tree) or is_dataclass(cls) or opaque:
        return lambda rest: tree
    raise TypeError(
        f"a tree holds arrays, floats, strings, dataclasses, tuples, lists and dicts, not {type(tree).__name__}"
    )


@cache
def _fields(cls: type) -> tuple[str, ...]:
    """The names of a dataclass's fields, in order; none for other classes."""
    return tuple(f.name for f in fields(cls)) if is_dataclass(cls) else ()


def _remade(cls: type, values: dict[str, Any]) -> Any:
    """A dataclass of new leaves. Its own checks are for users' data: a gradient or a trace need not pass them."""
    new: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(new, name, value)
    return new


def places(tree: Any, place: str = "") -> list[tuple[str, Any]]:
    """The leaves of a tree in the order of `flatten`, each with its place; `place` is that of the tree itself.

    Fields are written with a dot, elements with brackets: layers[0].W.

    >>> places({"rate": 0.5, "sizes": (1.0, 2)}, "settings")
    [("settings['rate']", 0.5), ("settings['sizes'][0]", 1.0)]
    """
    if isinstance(tree, LEAVES):
        return [(place, tree)]
    if isinstance(tree, tuple | list):
        children = [(f"{place}[{i}]", child) for i, child in enumerate(tree)]
    elif isinstance(tree, dict):
        children = [(f"{place}[{key!r}]", child) for key, child in tree.items()]
    else:
        cls: Any = type(tree)
        children = [(field_of(place, name), getattr(tree, name)) for name in _fields(cls)]
    return [found for where, child in children for found in places(child, where)]


def field_of(place: str, name: str) -> str:
    """The place of a dataclass's field.

    >>> field_of("", "layers"), field_of("layers[0]", "W")
    ('layers', 'layers[0].W')
    """
    return f"{place}.{name}" if place else name


def not_finite(tree: Any) -> str | None:
    """The place of the first leaf that has NaN or inf in it; None where there is none. Symbols are neither."""
    return next((place for place, leaf in places(tree) if not finite(leaf)), None)


def finite(array: Any) -> bool:
    """No NaN or inf in it. In an array of objects, symbols and rationals are neither; floats may be."""
    values = np.asarray(array)
    if values.dtype == object:
        values = np.array([x for x in values.flat if isinstance(x, float | np.floating)], float)
    return bool(np.isfinite(values).all())


def tree_map(f: Callable[..., Any], tree: Any, *others: Any, opaque: bool = False) -> Any:
    """f over the leaves of one tree, or over the corresponding leaves of several of one shape.

    Raises TypeError as `flatten` does, ValueError where they differ in their number of leaves.

    >>> tree_map(lambda w, g: w - 0.5 * g, (1.0, 2.0), (2.0, 2.0))
    (0.0, 1.0)
    """
    leaves, rebuild = flatten(tree, opaque)
    columns = [leaves, *(flatten(other)[0] for other in others)]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"trees of {[len(column) for column in columns]} leaves do not correspond")
    return rebuild([f(*row) for row in zip(*columns, strict=True)])
