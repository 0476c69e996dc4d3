"""Python's operators and NumPy's methods on Tensors: each looks its op up in the table, so none of the rows is needed.

What they mean is what they mean on arrays, and `protocols` says it of each. There are no in-place operators: a Tensor
is a value, so Python reads `x += y` as `x = x + y`, and other names for the old x keep the old value.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from .callers import callers_line

Value: TypeAlias = Any
"""An array (of floats or of objects), a Python number, or a Tensor that stands for one."""

Axis: TypeAlias = int | tuple[int, ...] | None
"""The axes of a reduction; None for all."""

TABLE: dict[str, Any] = {}
"""Every op of the library, an `Op`, by name. The rows are written in `tinygrad_dbn/autodiff/ops/`."""

COMPOSED: dict[str, Callable[..., Value]] = {}
"""What an operator, or NumPy's function of that name, runs where one row is not enough. `ops.functions` adds them."""


def shape_of(x: Value) -> tuple[int, ...]:
    """The shape of an array, number or Tensor: what `np.shape` says, who asks a Tensor by a long way round.

    >>> shape_of(2.0), shape_of([1.0, 2.0])
    ((), (2,))
    """
    try:
        shape: tuple[int, ...] = x.shape
    except AttributeError:
        shape = np.shape(x)
    return shape


class Operators:
    """A base of `Tensor`."""

    __slots__ = ()

    value: Value

    # ---- What it is -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    def live(self) -> "Operators":
        """self, or an error where its transform has ended."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"Tensor({self.value!r})"

    def __format__(self, specification: str) -> str:
        return format(self.value, specification) if specification else str(self)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"a branch (if, while, and, or, in) needs one truth value, a Tensor of shape {self.shape} has "
                f"{self.size}; write td.ops.where(condition, x, y)\n  in {callers_line()}"
            )
        return bool(self.live().value)

    # ---- Arithmetic -------------------------------------------------------------------------------------------------

    def __pos__(self) -> Value:
        return self

    def __neg__(self) -> Value:
        return TABLE["negative"](self)

    def __abs__(self) -> Value:
        return TABLE["abs"](self)

    def __add__(self, other: Value) -> Value:
        return TABLE["add"](self, other)

    def __radd__(self, other: Value) -> Value:
        return TABLE["add"](other, self)

    def __sub__(self, other: Value) -> Value:
        return TABLE["subtract"](self, other)

    def __rsub__(self, other: Value) -> Value:
        return TABLE["subtract"](other, self)

    def __mul__(self, other: Value) -> Value:
        if getattr(other, "__array_ufunc__", self) is None:
            return NotImplemented  # as arrays have it: a model scales itself
        return TABLE["multiply"](self, other)

    def __rmul__(self, other: Value) -> Value:
        return TABLE["multiply"](other, self)

    def __truediv__(self, other: Value) -> Value:
        return TABLE["divide"](self, other)

    def __rtruediv__(self, other: Value) -> Value:
        return TABLE["divide"](other, self)

    def __pow__(self, other: Value) -> Value:
        return TABLE["power"](self, other)

    def __rpow__(self, other: Value) -> Value:
        return TABLE["power"](other, self)

    def __matmul__(self, other: Value) -> Value:
        return COMPOSED["matmul"](self, other)

    def __rmatmul__(self, other: Value) -> Value:
        return COMPOSED["matmul"](other, self)

    # ---- Comparisons, and masks made of them ------------------------------------------------------------------------

    def __gt__(self, other: Value) -> Value:
        return TABLE["greater"](self, other)

    def __ge__(self, other: Value) -> Value:
        return TABLE["greater_equal"](self, other)

    def __lt__(self, other: Value) -> Value:
        return TABLE["greater"](other, self)

    def __le__(self, other: Value) -> Value:
        return TABLE["greater_equal"](other, self)

    def __eq__(self, other: object) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented  # no number equals them: Python's answer, False, is right
        return TABLE["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented
        return TABLE["equal"](TABLE["equal"](self, other), False)

    __hash__ = object.__hash__  # by identity, as Python has it for objects that compare otherwise

    def __invert__(self) -> Value:
        return TABLE["equal"](_mask("~x", self), False)

    # With false < true, "p implies q" is q ≥ p. So the masks' logic is made of comparisons.

    def __and__(self, other: Value) -> Value:
        return TABLE["greater"](_mask("x & y", self), TABLE["equal"](_mask("x & y", other), False))

    def __or__(self, other: Value) -> Value:
        return TABLE["greater_equal"](_mask("x | y", self), TABLE["equal"](_mask("x | y", other), False))

    def __xor__(self, other: Value) -> Value:
        return TABLE["equal"](_mask("x ^ y", self), TABLE["equal"](_mask("x ^ y", other), False))

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    # ---- A container ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar Tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Value]:
        if not self.shape:
            raise TypeError("a scalar Tensor cannot be iterated")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        found = TABLE["where"](TABLE["equal"](self, item), 1.0, 0.0)
        return bool(TABLE["sum"](found, axis=None) > 0)

    def __getitem__(self, index: Any) -> Value:
        return TABLE["index"](self, at=index)

    # ---- NumPy's methods. Its second argument by position is another one in some, so here it has none. ---------------

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return TABLE["min"](self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return COMPOSED["var"](self, axis, keepdims=keepdims)

    def std(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return COMPOSED["std"](self, axis, keepdims=keepdims)

    def prod(self, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return COMPOSED["prod"](self, axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Value:
        return TABLE["reshape"](self, shape=shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: Any) -> Value:
        axes = axes[0] if axes and isinstance(axes[0], tuple) else axes
        return TABLE["transpose"](self, axes=axes or None)

    @property
    def T(self) -> Value:
        return TABLE["transpose"](self, axes=None)

    # ---- Out of the trace, where a reader sees it: no derivative comes along -----------------------------------------

    def detach(self) -> Value:
        """The same value, through which nothing flows."""
        return TABLE["stop_gradient"](self)

    def numpy(self) -> Any:
        """The value as an array of its own, out of every trace; no derivative comes along."""
        value: Any = self.live().value
        return value.numpy() if isinstance(value, Operators) else np.array(value)

    def item(self) -> Any:
        """The value of a single element as a number of Python's, out of every trace. Raises ValueError for others."""
        if self.size != 1:
            raise ValueError(f"item() is of one element, this has shape {self.shape}: take x[i], .sum() or .numpy()\n"
                             f"  in {callers_line()}")  # fmt: skip
        return self.numpy().item()

    def argmax(self, axis: int | None = None) -> Any:
        """Where the largest element is, as integers out of every trace: they jump, and have no derivative."""
        return self.numpy().argmax(axis=axis)

    def argmin(self, axis: int | None = None) -> Any:
        """Where the smallest element is, as `argmax` has it for the largest."""
        return self.numpy().argmin(axis=axis)


def _mask(written: str, x: Value) -> Value:
    """x, which a mask's operator was given: booleans, or an error."""
    given = getattr(x, "dtype", np.dtype(type(x)) if isinstance(x, bool | int | float) else type(x).__name__)
    if given != np.dtype(bool):
        raise TypeError(
            f"{written} is for masks of booleans, {given} was given: a Tensor has no bits; compare first, as in "
            f"(x > 0) & (y > 0), or count with +\n  in {callers_line()}"
        )
    return x
