"""What comes into a trace from outside: arrays with no Tensor hidden in them, which stay as they are; and what leaves.

Rules read an op's inputs again in the backward pass, long after the op has run. So what a node keeps must still say
the same then. Results of ops are frozen as they are made; an array that somebody may still write to is copied.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .callers import callers_line
from .protocols import Protocols

_NUMBERS = (float, int, bool, np.generic)
_READ_OTHERWISE = (np.ma.MaskedArray, np.matrix)
_LENT: set[int] = set()
"""Arrays of the caller's that are read-only for as long as a transform runs, by id."""


def given(x: Any) -> Any:
    """An input that is no Tensor: numbers and arrays as they are, sequences as arrays.

    Raises TypeError where Tensors are inside (an array of objects may hold some), and for NumPy's masked arrays and
    matrices, which mean something else by their operators.
    """
    if type(x) is not np.ndarray:
        if isinstance(x, _NUMBERS) or not hasattr(x, "__len__"):
            return x  # objects with an arithmetic of their own among them: symbols, fractions
        if isinstance(x, _READ_OTHERWISE):
            raise TypeError(
                f"{type(x).__name__} of shape {x.shape}: its mask or its * would be ignored; write x.filled(0) and "
                f"a mask of its own, or np.asarray(x)\n  in {callers_line()}"
            )
        if not isinstance(x, np.ndarray):
            x = np.asarray(x)  # of Tensors: `Protocols.__array__` refuses
    if x.dtype.kind == "O":
        for inside in x.flat:
            if isinstance(inside, Protocols):
                raise inside.refused(
                    f"an array of objects, shape {x.shape},",
                    "what is computed from it would leave the trace",
                    "write td.ops.stack([x, y])",
                )
    return x


def items_of(at: Any) -> tuple[Any, ...]:
    """What stands in x[…]. Positions that differ between the examples of a `vmap` are Tensors of integers."""
    return at if isinstance(at, tuple) else (at,)


def kept(x: Any) -> Any:
    """x as a node may keep it: an array that can still be written to, by itself or where its memory is, is copied."""
    if isinstance(x, np.ndarray) and (x.flags.writeable or _can_change(x)):
        x = x.copy()
        x.setflags(write=False)
    return x


def _can_change(x: Any) -> bool:
    """Whether somebody may write to a read-only array: by its owner's name, or as what another library lent NumPy."""
    if x.base is None:
        return id(x) in _LENT
    home = owner(x)
    foreign = not (home.base is None or isinstance(home.base, bytes))
    return home.flags.writeable or id(home) in _LENT or foreign


@contextmanager
def lent(arrays: Sequence[Any]) -> Iterator[list[Any]]:
    """Within this context nobody writes to the arrays that it gives: NumPy raises ValueError.

    A transform reads its caller's arrays where they are, so they must not change while it runs. An array that owns its
    memory is made read-only for so long; any other, which may have more names than this one, is `kept`.
    """
    mine, safe = [], []
    for x in arrays:
        if isinstance(x, np.ndarray) and x.base is None and x.flags.writeable:
            mine.append(x)
            safe.append(x)
        else:
            safe.append(kept(x))
    for x in mine:
        x.setflags(write=False)
        _LENT.add(id(x))
    try:
        yield safe
    finally:
        for x in mine:
            x.setflags(write=True)
            _LENT.discard(id(x))


def owner(x: Any) -> Any:
    """The array that holds the memory of x."""
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x


def owned(results: list[Any], others: list[Any]) -> list[Any]:
    """The results, copied where they share memory with one another, with the others, or with what a graph has saved.

    Rules may hand on what they were given. This is the one place where it becomes the caller's, to change at will.
    """
    seen = {id(owner(x)) for x in others}
    own: list[Any] = []
    for x in results:
        root = owner(x)
        if isinstance(x, np.ndarray) and (not x.flags.writeable or not root.flags.writeable or id(root) in seen):
            x = root = x.copy()
        seen.add(id(root))
        own.append(x)
    return own
