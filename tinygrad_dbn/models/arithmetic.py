"""Models and gradients add, subtract and scale: `net - 0.1 * gradient` is a step downhill."""

from numbers import Real
from typing import Any, Self

from ..autodiff.tensor import Tensor
from ..autodiff.trees import tree_map
from ..showing import Shown


class Vector(Shown):
    """A base of models, which are vectors of all their parameters: +, −, and times or over a number, leaf by leaf.

    A sum is of models of one kind and size; TypeError and ValueError say what was given otherwise.
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
        scaled: Self = tree_map(lambda p: number * p, self)
        return scaled

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Self:
        if not _is_number(number):
            return NotImplemented
        scaled: Self = tree_map(lambda p: p / number, self)
        return scaled

    def _with(self, other: Any, sign: str, f: Any) -> Self:
        if type(other) is not type(self):
            both: Self = NotImplemented  # Python asks the other one, and refuses
            return both

        def leaf(p: Any, q: Any) -> Any:
            if p.shape != q.shape:
                raise ValueError(
                    f"{type(self).__name__} {sign} {type(self).__name__}: parameters of shapes {p.shape} and "
                    f"{q.shape}; both must be of one size"
                )
            return f(p, q)

        both = tree_map(leaf, self, other)
        return both


def _is_number(x: Any) -> bool:
    """Whether a model may be scaled by it: a real number, or an array or Tensor of a single one, of no axes."""
    if isinstance(x, Real):
        return not isinstance(x, bool)
    return (isinstance(x, Tensor) or hasattr(x, "__array__")) and getattr(x, "shape", None) == ()
