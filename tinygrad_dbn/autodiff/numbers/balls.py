"""Rigorous enclosures: numbers known up to a radius, in Arb's ball arithmetic by python-flint.

The library's functions run on arrays of `Ball`, and every result contains the exact value, whatever is rounded on the
way. A comparison that the balls cannot decide raises: raw Arb would answer False to both x > 0 and x ≤ 0, and a kernel
would silently take the wrong branch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...extras import needing

with needing("ball arithmetic", "flint"):
    from flint import arb, ctx, fmpq


class UndecidedError(ValueError):
    """Two balls overlap, so their order is not known. More `precision` may separate them."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Within this context balls carry so many bits. The default is Arb's, 53."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


class Ball:
    """A real number somewhere in an interval. Floats, integers and fractions are the exact points they are.

    Comparisons raise UndecidedError where the answer is not the same for all numbers in the balls; `float` raises
    TypeError, since it would round.

    >>> with precision(100):
    ...     x = Ball(2).log().exp()
    ...     1.999 < x < 2.001
    True
    """

    __slots__ = ("arb",)

    def __init__(self, value: Any) -> None:
        self.arb = _arb(value)

    def __repr__(self) -> str:
        return str(self.arb)

    @property
    def accuracy(self) -> int:
        """How many leading bits of the value are known."""
        return int(self.arb.rel_accuracy_bits()) if self.arb.is_finite() else 0

    def __add__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Ball(self.arb + _arb(other))

    __radd__ = __add__

    def __neg__(self) -> "Ball":
        return Ball(-self.arb)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Ball(self.arb - _arb(other))

    def __rsub__(self, other: Any) -> "Ball":
        return Ball(_arb(other) - self.arb)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Ball(self.arb * _arb(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Ball(self.arb / _arb(other))

    def __rtruediv__(self, other: Any) -> "Ball":
        return Ball(_arb(other) / self.arb)

    def __pow__(self, other: Any) -> "Ball":
        return Ball(self.arb ** (other if isinstance(other, int) else _arb(other)))

    def __abs__(self) -> "Ball":
        return Ball(abs(self.arb))

    def exp(self) -> "Ball":
        return Ball(self.arb.exp())

    def expm1(self) -> "Ball":
        return Ball(self.arb.expm1())

    def log(self) -> "Ball":
        return Ball(self.arb.log())

    def log1p(self) -> "Ball":
        return Ball(self.arb.log1p())

    def tanh(self) -> "Ball":
        return Ball(self.arb.tanh())

    def sqrt(self) -> "Ball":
        return Ball(self.arb.sqrt())

    def sin(self) -> "Ball":
        return Ball(self.arb.sin())

    def cos(self) -> "Ball":
        return Ball(self.arb.cos())

    def erf(self) -> "Ball":
        return Ball(self.arb.erf())

    def erfc(self) -> "Ball":
        return Ball(self.arb.erfc())

    def erf_slope(self) -> "Ball":
        return Ball(2 * (-(self.arb**2)).exp() / arb.pi().sqrt())

    def __gt__(self, other: Any) -> bool:
        a, b = self.arb, _arb(other)
        return _decided(bool(a > b), bool(a <= b), a, b)

    def __ge__(self, other: Any) -> bool:
        a, b = self.arb, _arb(other)
        return _decided(bool(a >= b), bool(a < b), a, b)

    def __lt__(self, other: Any) -> bool:
        return not self >= other

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __eq__(self, other: object) -> bool:
        a, b = self.arb, _arb(other)
        return _decided(bool(a == b), bool(a != b), a, b)

    __hash__ = None  # type: ignore[assignment]  # equality may raise

    def __bool__(self) -> bool:
        return self != 0

    def __float__(self) -> float:
        raise TypeError(
            f"float() of the ball {self} would round; read its midpoint, float(ball.arb.mid()), if you must"
        )


def _decided(yes: bool, no: bool, a: Any, b: Any) -> bool:
    if yes == no:
        raise UndecidedError(f"{a} against {b} is not decided by these balls: compute with more `precision`")
    return yes


def _arb(value: Any) -> Any:
    """The value as Arb's ball, exactly where it is a float, an integer or a dyadic fraction."""
    if isinstance(value, Ball):
        return value.arb
    if isinstance(value, arb):
        return value
    if isinstance(value, bool | int | np.integer | np.bool_):
        return arb(int(value))
    if isinstance(value, float | np.floating):
        return arb(float(value))
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    raise TypeError(f"no ball for {value!r} of type {type(value).__name__}; pass integers, floats or Fractions")


def balls(values: Any) -> NDArray[np.object_]:
    """An array of exact balls from an array of floats, integers or Fractions.

    >>> balls([0.5, 2]).shape
    (2,)
    """
    return np.asarray(np.frompyfunc(Ball, 1, 1)(np.asarray(values)), object)
