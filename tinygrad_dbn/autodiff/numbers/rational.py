"""Exact arithmetic for likelihoods: numbers of the form p + log r, with p and r in a field.

If every weight and bias is the logarithm of a rational, then every odds, partition function and probability of an RBM
or a DBN is rational, and every energy and log-likelihood is the logarithm of one. The library's own functions compute
them on arrays of `Exact` without rounding anywhere. A float that strays into such a run raises.

The field may be `fractions.Fraction`, or any other with exact `+ − × ÷` and equality: rational functions, for instance,
which turns one run into a statement about all weights at once.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Exact:
    """The number p + log r, p and r > 0 in a field.

    Sums add the p and multiply the r. `exp` leaves the form unless p = 0, `log` unless r = 1, and a product unless one
    factor is an integer or neither has a logarithm; they raise ValueError then. Comparisons are exact.

    >>> two, three = Exact.log_of(Fraction(2)), Exact.log_of(Fraction(3))
    >>> (two + three).exp()
    Exact(6)
    """

    __slots__ = ("p", "r")

    def __init__(self, p: Any, r: Any = 1) -> None:
        self.p, self.r = _exact(p), _exact(r)

    @classmethod
    def log_of(cls, r: Any) -> "Exact":
        """log r."""
        return cls(r).log()

    def __repr__(self) -> str:
        return f"Exact({self.p})" if self.r == 1 else f"Exact({self.p}, log {self.r})"

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = _number(other)
        return Exact(self.p + other.p, self.r * other.r)

    __radd__ = __add__

    def __neg__(self) -> "Exact":
        return Exact(-self.p, 1 / self.r)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else self + -_number(other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = _number(other)
        if self.r == 1 and other.r == 1:
            return Exact(self.p * other.p)
        factor, number = (self, other) if self.r == 1 else (other, self)
        n = _integer(factor.p) if factor.r == 1 else None
        if n is None:
            raise ValueError(f"{self} × {other} is neither rational nor the logarithm of a rational")
        return Exact(number.p * n, number.r**n)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = _number(other)
        if self.r != 1 or other.r != 1:
            raise ValueError(f"{self} / {other} is not rational")
        return Exact(self.p / other.p)

    def __rtruediv__(self, other: Any) -> Any:
        return _number(other) / self

    def __pow__(self, n: Any) -> "Exact":
        if self.r != 1 or not isinstance(n, int):
            raise ValueError(f"{self} ** {n!r} is not rational")
        return Exact(self.p**n)

    def __abs__(self) -> "Exact":
        return self if self >= 0 else -self

    def exp(self) -> "Exact":
        if self.p != 0:
            raise ValueError(f"exp of {self} is not rational")
        return Exact(self.r)

    def log(self) -> "Exact":
        if self.r != 1:
            raise ValueError(f"log of {self} is not the logarithm of a rational")
        return Exact(0, self.p)

    def log1p(self) -> Any:
        return (1 + self).log()

    def expm1(self) -> Any:
        return self.exp() - 1

    def __eq__(self, other: object) -> bool:
        other = _number(other)
        if self.p == other.p:
            return bool(self.r == other.r)
        if self.r == other.r:
            return False
        raise ValueError(f"{self} == {other}: a rational against a logarithm")

    def __hash__(self) -> int:
        return hash((self.p, self.r))

    def __gt__(self, other: Any) -> bool:
        other = _number(other)
        if self.r == other.r:
            return bool(self.p > other.p)
        if self.p == other.p:
            return bool(self.r > other.r)
        raise ValueError(f"{self} > {other}: a rational against a logarithm")

    def __ge__(self, other: Any) -> bool:
        return bool(self == other or self > other)

    def __lt__(self, other: Any) -> bool:
        return bool(not self >= other)

    def __le__(self, other: Any) -> bool:
        return not self > other


def _number(x: Any) -> Exact:
    return x if isinstance(x, Exact) else Exact(x)


def _exact(x: Any) -> Any:
    """x in a field. Integers become fractions, and whole 0 and 1 of any type are welcome; other floats are not."""
    if isinstance(x, bool | int | np.integer | np.bool_):
        return Fraction(int(x))
    if isinstance(x, float | np.floating):
        if x in (0.0, 1.0):  # the bits of a visible or hidden state
            return Fraction(int(x))
        raise TypeError(f"the float {x!r} in an exact computation: pass a Fraction")
    return x


def _integer(x: Any) -> int | None:
    """The integer that x is, or None."""
    return int(x) if isinstance(x, Fraction) and x.denominator == 1 else None


def log_array(odds: Iterable[Any] | NDArray[Any]) -> NDArray[np.object_]:
    """An array of `Exact` logarithms of the given positive odds, in their shape.

    >>> log_array([[Fraction(1, 2), Fraction(3)]]).shape
    (1, 2)
    """
    return np.asarray(np.frompyfunc(Exact.log_of, 1, 1)(np.asarray(odds, object)), object)
