"""How far rounding may take an op that sums: bounds relative to its largest terms, of which some may cancel.

A bound is a function of the format, the exact result y, and the op's inputs and parameters. It gives, for every element
of the result, the error allowed in units of u, half of the spacing of floats at 1: |float − y| ≤ u · bound. It holds
for all inputs of less than 1/(2u) terms, unless the result or a partial sum overflows.

Where the bounds come from (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 3 and 4). Every
rounding is a factor 1 + δ, |δ| ≤ u, and k of them in a row stay within 1 ± γ_k u, γ_k = k / (1 − k u) in our units.

- A sum of n terms sends no term through more than n − 1 additions, *in whatever order*: NumPy's pairs, vector lanes,
  one after the other. So it is off by γ_{n−1} u Σ|x| at most. Sums never underflow.
- A product of matrices adds one rounding for the product, unless that is fused away: γ_k |A| |B|. A product that
  underflows is off by half the smallest subnormal, which is u times the smallest normal number, `tiny`.
- log Σ eˣ, with m the largest x, d = x − m ≤ 0, S = Σ e^d ≥ 1. In units of u: d is off by |d|, and e^d, good to one
  ulp, by 2 more, both relative. Over the sum the |d| average to log n at most: Σ p |d| = H(p) − log S, with H ≤ log n
  the entropy of p = e^d / S. So S is off by n − 1 + 2 + log n, relatively, and log S absolutely; one ulp of log adds
  2 log S ≤ 2 log n, and + m rounds by |y|. Since 3 log n < n + 1, it is |y| + 2n + 2 together, and what is left of the
  inequality takes all products of roundings.
- softmax, e^d / S: |d| + 2 for e^d, n + 1 + log n for S, 1 for the division, relative to y: together less than
  |d| + 2n + 4. What underflows, e^d by one subnormal and the quotient by half of one, is 3 tiny, with one more kept.
- log softmax, d − log S: |d| and n + 1 + 3 log n as above, and |y| for the difference. |d| + log S = |y| makes
  2 |y| + 2n + 2 of it.

A float32 line of the softmax family is summed in float64, so it stays far within.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..operators import Axis, Value


@dataclass(frozen=True)
class Format:
    """A float format: u, half of the spacing at 1, and its smallest normal number. Exact fractions.

    >>> Format.of(np.float32).u == Fraction(1, 2**24)
    True
    """

    u: Fraction
    tiny: Fraction

    @classmethod
    def of(cls, dtype: Any) -> "Format":
        info = np.finfo(dtype)
        return cls(Fraction(1, 2 ** (info.nmant + 1)), Fraction(2) ** int(info.minexp))

    def gamma(self, k: int) -> Fraction:
        """γ_k = k / (1 − k u): how far k roundings in a row can take a number, in units of u, relatively.

        Raises ValueError where k u ≥ 1/2: then nothing is promised.
        """
        if 2 * k * self.u >= 1:
            raise ValueError(f"{k} roundings in a row, of u = {float(self.u)}: no bound is promised beyond 1 / (2 u)")
        return k / (1 - k * self.u)


def _terms(y: Value, x: Value) -> int:
    """How many elements of x go into each of y."""
    return int(np.size(x) // max(np.size(y), 1))


def of_nothing(f: Format, y: Value, *inputs: Value, **params: Any) -> Value:
    """0: exact"""
    return 0 * y


def of_sum(f: Format, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """γₙ₋₁ Σ|x|, for n terms in any order"""
    return f.gamma(max(_terms(y, x) - 1, 0)) * np.abs(x).sum(axis=axis, keepdims=keepdims)


def of_cumsum(f: Format, y: Value, x: Value, axis: int) -> Value:
    """γₙ₋₁ Σ|x| up to each place, for n terms in any order"""
    return f.gamma(max(np.shape(x)[axis] - 1, 0)) * np.abs(x).cumsum(axis)


def of_mean(f: Format, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """γₙ Σ|x| / n + tiny, for n terms in any order"""
    n = max(_terms(y, x), 1)
    return f.gamma(n) / n * np.abs(x).sum(axis=axis, keepdims=keepdims) + f.tiny


def of_place(f: Format, y: Value, g: Value, at: Any, shape: tuple[int, ...]) -> Value:
    """γₙ₋₁ Σ|g| at each place, n the largest number of terms at one place, in any order"""
    counts, total = np.zeros(shape, int), np.zeros(shape, g.dtype)
    np.add.at(counts, at, 1)
    np.add.at(total, at, np.abs(g))
    return f.gamma(max(counts.max(initial=1) - 1, 0)) * total


def of_matmul(f: Format, y: Value, a: Value, b: Value) -> Value:
    """γₖ |A| |B| + 2k tiny, for an inner length k, in any order and with products fused or not"""
    k = np.shape(a)[-1]
    return f.gamma(k) * (np.abs(a) @ np.abs(b)) + 2 * k * f.tiny


def of_logsumexp(f: Format, y: Value, x: Value, axis: Axis = -1, keepdims: bool = False) -> Value:
    """|y| + 2n + 2, for n terms in any order"""
    return np.abs(y) + 2 * _terms(y, x) + 2


def of_softmax(f: Format, y: Value, x: Value, axis: Axis = -1) -> Value:
    """(max x − x + 2n + 4) y + 4 tiny, for n terms in any order"""
    peaks = x.max(axis=axis, keepdims=True)
    return (peaks - x + 2 * _terms(peaks, x) + 4) * y + 4 * f.tiny


def of_log_softmax(f: Format, y: Value, x: Value, axis: Axis = -1) -> Value:
    """2 |y| + 2n + 2, for n terms in any order"""
    return 2 * np.abs(y) + 2 * _terms(x.max(axis=axis, keepdims=True), x) + 2
