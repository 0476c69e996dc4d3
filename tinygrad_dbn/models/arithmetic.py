"""Models and gradients add, subtract and scale: `net - 0.1 * gradient` is a step downhill."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import Any, Self

import numpy as np

from ..autodiff.tensor import Tensor
from ..autodiff.trees import LEAVES, field_of, tree_map
from ..showing import Shown


class Vector(Shown):
    """A base of models, which are vectors of all their parameters: +, −, and times or over a number, leaf by leaf.

    A sum is of models of one kind, size and make; TypeError and ValueError say what was given otherwise. A number of
    NumPy's scales as Python's own would, so that the model keeps its width.
    """

    __array_ufunc__ = None  # so that NumPy's numbers on the left leave the product to `__rmul__`

    def _summary(self) -> str:
        """The numbers of units, of a model that has `sizes`, or weights W (H, D)."""
        if hasattr(self, "sizes"):
            visible, *hidden = self.sizes
            return f"{visible} visible, {' and '.join(map(str, hidden))} hidden"
        if hasattr(self, "W"):
            return f"{' × '.join(map(str, self.W.shape[1:]))} visible, {self.W.shape[0]} hidden"
        return super()._summary()

    def __add__(self, other: Any) -> Self:
        return self._with(other, "+", lambda p, q: p + q)

    def __sub__(self, other: Any) -> Self:
        return self._with(other, "-", lambda p, q: p - q)

    def __neg__(self) -> Self:
        negated: Self = tree_map(lambda p: -p, self)
        return negated

    def __mul__(self, number: Any) -> Self:
        if not _is_number(number):
            return NotImplemented
        number = _pythons(number)
        scaled: Self = tree_map(lambda p: number * p, self)
        return scaled

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Self:
        if not _is_number(number):
            return NotImplemented
        number = _pythons(number)
        if isinstance(number, Real) and number == 0:
            raise ZeroDivisionError(f"{type(self).__name__} / {number}: divide by a number other than 0")
        scaled: Self = tree_map(lambda p: p / number, self)
        return scaled

    def _with(self, other: Any, sign: str, f: Any) -> Self:
        if type(other) is not type(self):
            both: Self = NotImplemented  # Python asks the other one, and refuses
            return both
        for place, mine, theirs in _apart(self, other):
            raise ValueError(
                f"{type(self).__name__} {sign} {type(self).__name__}: {place} is {mine!r} in one and {theirs!r} in the "
                "other; both must be of one make"
            )

        def leaf(p: Any, q: Any) -> Any:
            if p.shape != q.shape:
                raise ValueError(
                    f"{type(self).__name__} {sign} {type(self).__name__}: parameters of shapes {p.shape} and "
                    f"{q.shape}; both must be of one size"
                )
            return f(p, q)

        both = tree_map(leaf, self, other)
        return both


def _apart(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two models differ in what is no array, a part's kind or a field: (place, what one has, what the other)."""
    if isinstance(one, LEAVES):
        return
    if type(one) is not type(other):
        yield place, type(one).__name__, type(other).__name__
    elif isinstance(one, tuple | list):
        for k, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            yield from _apart(mine, theirs, f"{place}[{k}]")
    elif is_dataclass(one):
        for f in fields(one):
            yield from _apart(getattr(one, f.name), getattr(other, f.name), field_of(place, f.name))
    elif one != other:
        yield place, one, other


def _pythons(number: Any) -> Any:
    """A number as one of Python's own, which takes the width of the arrays beside it. A Tensor stays."""
    return number.item() if isinstance(number, np.ndarray | np.generic) else number


def _is_number(x: Any) -> bool:
    """Whether a model may be scaled by it: a real number, or an array or Tensor of a single one, of no axes."""
    if isinstance(x, Real):
        return not isinstance(x, bool)
    return (isinstance(x, Tensor) or hasattr(x, "__array__")) and getattr(x, "shape", None) == ()
