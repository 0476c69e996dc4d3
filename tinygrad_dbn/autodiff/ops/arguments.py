"""The options of ops in their normal form: what NumPy would accept in many spellings comes down to one, or is refused.

A row names its options with a function from here. `Op.__call__` puts every call through them, before it is run,
recorded or differentiated: so eager and compiled accept the same calls, and rules see normal forms only. Each function
takes what was given and the shapes of the op's arrays, and raises TypeError, ValueError or IndexError that says what
to write instead.
"""

from math import prod
from operator import index as integer
from typing import Any

import numpy as np

from ..inputs import given, kept
from ..tensor import MAPPED, RECORDER, Tensor

Shapes = list[tuple[int, ...]]

_JUST_INTEGERS = {int}


def axes(given: Any, shapes: Shapes) -> int | tuple[int, ...] | None:
    """The axes of a reduction: None for all, an integer from 0, or a tuple of different ones.

    >>> axes((-1, np.int64(0)), [(2, 3)])
    (1, 0)
    """
    if given is None:
        return None
    ndim = len(shapes[0])
    if type(given) is int and 0 <= given < ndim:  # the common case, in a fraction of the time
        return given
    if not isinstance(given, tuple):
        return () if not ndim and given in (0, -1) else _axis(given, ndim)  # NumPy lets a number have a last axis
    found = tuple([_axis(a, ndim) for a in given])
    if len(set(found)) < len(found):
        raise ValueError(f"axis={given} has a repeated axis; name each once")
    return found


def along(given: Any, shapes: Shapes) -> int:
    """The axis along which arrays are joined."""
    if given is None:
        raise TypeError("axis=None would flatten the arrays; write ops.reshape(x, shape=(-1,)) of each, and axis=0")
    return _axis(given, len(shapes[0]))


def between(given: Any, shapes: Shapes) -> int:
    """The place of a new axis."""
    return along(given, [(*shape, 1) for shape in shapes])


def order(given: Any, shapes: Shapes) -> tuple[int, ...]:
    """A permutation of the axes; None reverses them."""
    ndim = len(shapes[0])
    if given is None:
        return tuple(reversed(range(ndim)))
    found = tuple([_axis(a, ndim) for a in (given if isinstance(given, tuple | list) else (given,))])
    if sorted(found) != list(range(ndim)):
        raise ValueError(f"axes={given} is no order of {ndim} axes; name each once, as in axes={tuple(range(ndim))}")
    return found


def lengths(given: Any, shapes: Shapes) -> tuple[int, ...]:
    """A shape."""
    found = _wholes(given)
    if found and min(found) < 0:
        raise ValueError(f"shape={given} has a negative length; write it out")
    return found


def rearranged(given: Any, shapes: Shapes) -> tuple[int, ...]:
    """A shape for the same elements, of which one length may be −1.

    >>> rearranged((-1, 2), [(2, 3)])
    (3, 2)
    """
    found, size = _wholes(given), prod(shapes[0])
    if found.count(-1) == 1:
        known = -prod(found)
        if known > 0 and size % known == 0:
            found = tuple([size // known if n == -1 else n for n in found])
    if prod(found) != size or (found and min(found) < 0):
        raise ValueError(f"cannot reshape {shapes[0]}, of {size} elements, into shape={given}; one length may be -1")
    return found


def flag(given: Any, shapes: Shapes) -> bool:
    """Yes or no."""
    if given is True or given is False:
        return given
    if not isinstance(given, bool | np.bool_) and not (isinstance(given, int) and given in (0, 1)):
        raise TypeError(f"keepdims={given!r} is neither True nor False")
    return bool(given)


def positions(given: Any, shapes: Shapes) -> Any:
    """What stands in x[…]: integers, slices, None, an Ellipsis, arrays of integers or of booleans, or a tuple of these.

    >>> positions(([0, 2], np.int64(-1), ...), [(3, 2)])
    (array([0, 2]), -1, Ellipsis)
    """
    found = placed(given, shapes)
    items, shape = found if isinstance(found, tuple) else (found,), shapes[0]
    used = 0
    for item in items:
        used += _spans(item)
    if used > len(shape):
        raise IndexError(f"too many indices: {used} for an array of {len(shape)} axes")
    axis = 0
    for item in items:
        if item is Ellipsis:
            axis += len(shape) - used
        elif isinstance(item, int):
            if item not in range(-shape[axis], shape[axis]):
                raise IndexError(f"index {item} is out of bounds for axis {axis}, of length {shape[axis]}")
            axis += 1
        elif item is not None:
            spans = _spans(item)
            if _is_mask(item) and item.shape != shape[axis : axis + spans]:
                there = shape[axis : axis + spans]
                raise IndexError(f"a boolean index of shape {item.shape} on axes of shape {there}; give it theirs")
            axis += spans
    return found


def placed(given: Any, shapes: Shapes) -> Any:
    """The same in an array that is yet to be made. What does not fit it is refused when it is."""
    if not isinstance(given, tuple):
        return _position(given)
    items = tuple([_position(item) for item in given])
    if len(items) > 1 and sum([item is Ellipsis for item in items]) > 1:
        raise IndexError("an index has one Ellipsis (...) at most; write the other slices out, as ':'")
    return items


def _position(item: Any) -> Any:
    """One of the items of an index."""
    if item is None or item is Ellipsis or type(item) is int:
        return item
    if type(item) is np.ndarray and item.dtype.kind == "i":  # the common case of arrays
        return kept(item)
    if isinstance(item, slice):
        ends = (item.start, item.stop, item.step)
        return slice(*[None if end is None else _whole(end, "the end of a slice") for end in ends])
    if isinstance(item, Tensor):
        return item.live() if item.dtype.kind in "iu" else _mask(item)
    if isinstance(item, list) and not item:
        return np.zeros(0, np.intp)
    array = item if isinstance(item, np.ndarray) else np.asarray(item)
    if array.dtype.kind == "b" and not array.ndim:
        raise IndexError(f"{item!r} is no position; write x[None] for a new axis, or ops.where(condition, x, 0)")
    if array.dtype.kind not in "biu":
        raise IndexError(f"an index holds integers, slices or booleans, not {array.dtype}; write .astype(int)")
    return int(item) if isinstance(item, int | np.integer) else kept(given(array))


def _mask(item: Any) -> Any:
    """A comparison of Tensors as the constant that it is. Raises TypeError for other Tensors, which hold floats."""
    if item.dtype != bool:
        raise item.refused(
            "an index",
            "positions are integers, and what ops compute is floats",
            "index with integers from outside the trace, x[i], or with a comparison, x[x > 0]",
        )
    recorder = RECORDER.get()
    while isinstance(item, Tensor):
        if item.level in MAPPED:
            raise item.refused(
                "x[mask]",
                "how many elements it has differs between the examples of td.vmap",
                "write td.ops.where(mask, x, 0)",
            )
        if recorder is not None and item.level <= recorder.level:
            raise item.refused(
                "x[mask]",
                "how many elements it has depends on values, which are not known while a function is compiled",
                "write td.ops.where(mask, x, 0)",
            )
        item = item.value
    return item


def _is_mask(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype.kind == "b"


def _spans(item: Any) -> int:
    """How many axes an item of an index takes."""
    return 0 if item is None or item is Ellipsis else item.ndim if _is_mask(item) else 1


def _axis(given: Any, ndim: int) -> int:
    axis = _whole(given, "an axis")
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def _wholes(given: Any) -> tuple[int, ...]:
    """The lengths of a shape: a tuple or list of integers, or one."""
    if isinstance(given, tuple) and _JUST_INTEGERS.issuperset(map(type, given)):
        return given
    return tuple([_whole(n, "a length") for n in (given if isinstance(given, tuple | list) else (given,))])


def _whole(given: Any, what: str) -> int:
    """An integer, as Python's own. Booleans are none here, and arrays neither."""
    if type(given) is int:
        return given
    if isinstance(given, bool | np.bool_ | np.ndarray | Tensor) or not hasattr(given, "__index__"):
        raise TypeError(f"{what} is an integer, not {given!r}; several are written as a tuple, and arrays as a list")
    return integer(given)
