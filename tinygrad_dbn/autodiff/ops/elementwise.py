"""Elementwise ops. A row gives a scalar kernel and its partial derivatives; vjp and jvp follow from those.

Inside kernels and meanings, `np.exp` and the like act on scalars. In the derivatives the bare names are ops.
"""

# Kernels are generic in their arithmetic, so they carry no types; and rules name ops that are defined further down.
# mypy: disable-error-code="no-untyped-def, has-type"

from fractions import Fraction
from math import inf, nan

import numpy as np

from ..kernels.scalar import float_dtype
from ..operators import Value
from .mapped import in_line
from .row import example, row, stretched, unbroadcast

POSITIVE, NEGATIVE = (0.0, inf), (-inf, 0.0)


# ---- Arithmetic -----------------------------------------------------------------------------------------------------


@row(1, 1, meaning=lambda x, y: x + y, edges=[((inf, -inf), nan)], ulp=0.5)
def add(x, y):
    """x + y"""
    return x + y


@row(1, -1, meaning=lambda x, y: x - y, edges=[((inf, inf), nan)], ulp=0.5)
def subtract(x, y):
    """x − y"""
    return x - y


@row(lambda z, x, y: y, lambda z, x, y: x, meaning=lambda x, y: x * y, edges=[((0.0, inf), nan)], ulp=0.5)
def multiply(x, y):
    """x · y"""
    return x * y


def _exact(y: Value, z: Value) -> Value:
    """A constant beside objects as fractions: its reciprocal is to be no float. Among floats, as it is."""
    alone = z.dtype == np.object_ and getattr(y, "dtype", None) != np.object_
    return np.asarray(np.frompyfunc(Fraction, 1, 1)(y), object) if alone else y


@row(
    lambda z, x, y: reciprocal(_exact(y, z)),
    lambda z, x, y: -z / y,
    meaning=lambda x, y: x / y,
    edges=[((1.0, 0.0), inf), ((1.0, -0.0), -inf), ((0.0, 0.0), nan), ((inf, inf), nan)],
    ulp=0.5,
    slope_ulp=inf,  # −z / y has no more digits than a subnormal z
    curvature_ulp=inf,
)
def divide(x, y):
    """x / y"""
    return x / y


@row(-1, meaning=lambda x: -x, edges=[(inf, -inf), (0.0, -0.0)], ulp=0)
def negative(x):
    """−x"""
    return -x


@row(lambda y, x: -square(y), meaning=lambda x: 1 / x, edges=[(0.0, inf), (-0.0, -inf), (inf, 0.0)], ulp=0.5)
def reciprocal(x):
    """1 / x"""
    return 1 / x


@row(lambda y, x: 2 * x, meaning=lambda x: x**2, edges=[(-inf, inf), (-0.0, 0.0)], ulp=0.5)
def square(x):
    """x²"""
    return x * x


@row(
    lambda y, x: reciprocal(0 + 2 * y),  # 0 + −0 is 0: the slope there is the one from above
    meaning=lambda x: np.sqrt(x),
    edges=[(0.0, 0.0), (inf, inf), (-1.0, nan)],
    domain=POSITIVE,
    ulp=0.5,
)
def sqrt(x):
    """√x"""
    return np.sqrt(x)


@row(
    lambda z, x, y: chain(y, power(x, y - 1)),
    lambda z, x, y: chain(z, log(x)),
    meaning=lambda x, y: x**y,
    edges=[((0.0, 0.0), 1.0), ((nan, 0.0), 1.0), ((-1.0, 0.5), nan)],
    domain=POSITIVE,
    ulp=1,
    slopes=[((0.0, 0.0), (0.0, -inf)), ((0.0, 1.0), (1.0, 0.0))],
    slope_ulp=inf,  # y − 1 is rounded, and x^(y−1) may overflow where y times it does not
    curvature_ulp=inf,
)
def power(x, y):
    """x^y. At 0^0 its derivative by y is −∞, as it is on either side: were it 0, as PyTorch and JAX have it, then
    ∂²/∂x∂y at 0^1, which is made of it and is −∞, would be 1."""
    return x**y


@row(
    lambda z, g, d: d,
    lambda z, g, d: g,
    meaning=lambda g, d: g * d,
    edges=[((0.0, inf), 0.0), ((0.0, nan), 0.0), ((1.0, inf), inf), ((nan, 0.0), 0.0), ((nan, 1.0), nan)],
    ulp=0.5,
)
def chain(g, d):
    """g · d where nothing comes of nothing: 0 · ∞ = 0 · NaN = 0. The product of the chain rule."""
    return 0 if g == 0 or d == 0 else g * d


# ---- Exponentials and logarithms ------------------------------------------------------------------------------------


@row(lambda y, x: y, meaning=lambda x: np.exp(x), edges=[(-inf, 0.0), (inf, inf), (0.0, 1.0)], ulp=1)
def exp(x):
    """e^x"""
    return np.exp(x)


@row(lambda y, x: exp(x), meaning=lambda x: np.exp(x) - 1, edges=[(-inf, -1.0), (inf, inf), (-0.0, -0.0)], ulp=1)
def expm1(x):
    """e^x − 1"""
    return np.expm1(x)


@row(
    lambda y, x: reciprocal(0 + x),  # 0 + −0 is 0: the slope there is the one from above
    meaning=lambda x: np.log(x),
    edges=[(0.0, -inf), (inf, inf), (-1.0, nan)],
    domain=POSITIVE,
    ulp=1,
)
def log(x):
    """log x"""
    return np.log(x)


@row(
    lambda y, x: reciprocal(1 + x),
    meaning=lambda x: np.log(1 + x),
    edges=[(-1.0, -inf), (inf, inf), (-0.0, -0.0)],
    domain=(-1.0, inf),
    ulp=1,
)
def log1p(x):
    """log(1 + x)"""
    return np.log1p(x)


@row(
    lambda y, x: -exp(x) / (0 - expm1(x)),  # −1 / expm1(−x) would overflow; the pole is at ±0 alike
    meaning=lambda x: np.log(1 - np.exp(x)),
    edges=[(-inf, -0.0), (0.0, -inf), (1.0, nan)],
    domain=NEGATIVE,
    ulp=2,
)
def log1mexp(x):
    """log(1 − e^x) for x < 0 (Mächler 2012)"""
    return np.log(-np.expm1(x)) if x > -0.6931471805599453 else np.log1p(-np.exp(x))


# ---- Activations ----------------------------------------------------------------------------------------------------


@row(
    lambda y, x: 4 * sigmoid_slope(2 * x),  # 1 − tanh² without its cancellation
    meaning=lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    edges=[(-inf, -1.0), (inf, 1.0), (-0.0, -0.0)],
    ulp=2,
)
def tanh(x):
    """tanh x"""
    return np.tanh(x)


@row(
    lambda y, x: sigmoid_slope(x),  # not y · (1 − y), which cancels
    meaning=lambda x: 1 / (1 + np.exp(-x)),
    edges=[(-inf, 0.0), (inf, 1.0), (0.0, 0.5)],
    ulp=2,
)
def sigmoid(x):
    """1 / (1 + e^−x)"""
    e = np.exp(-np.abs(x))
    d = 1 + e
    y = (1 if x >= 0 else e) / d
    # Less what was lost when 1 + e was rounded. That over d is meant: for small e, where it matters, d is nearly 1.
    return y - y * (e - (d - 1))


@row(
    lambda y, x: -y * tanh(x / 2),  # σ(−x) − σ(x), to which the product rule comes, cancels near 0
    meaning=lambda x: 1 / ((1 + np.exp(x)) * (1 + np.exp(-x))),
    edges=[(-inf, 0.0), (inf, 0.0), (0.0, 0.25)],
    ulp=4,
    curvature_ulp=inf,  # the third derivative of sigmoid has roots, beside which it cancels
)
def sigmoid_slope(x):
    """σ(x) σ(−x), the derivative of sigmoid"""
    e = np.exp(-np.abs(x))
    return e / ((1 + e) * (1 + e))


@row(
    lambda y, x: sigmoid(x),
    meaning=lambda x: np.log(1 + np.exp(x)),
    edges=[(-inf, 0.0), (inf, inf)],
    ulp=2,
)
def softplus(x):
    """log(1 + e^x)"""
    return (x if x > 0 else 0) + np.log1p(np.exp(-np.abs(x)))


@row(
    lambda y, x: sigmoid(-x),
    meaning=lambda x: -np.log(1 + np.exp(-x)),
    edges=[(-inf, -inf), (inf, 0.0)],
    ulp=2,
)
def log_sigmoid(x):
    """log σ(x) = −log(1 + e^−x)"""
    return (x if x < 0 else 0) - np.log1p(np.exp(-np.abs(x)))


@row(
    lambda y, x: step(x),
    meaning=lambda x: x if x > 0 else 0 * x,
    edges=[(-inf, 0.0), (inf, inf), (-0.0, 0.0)],
    slopes=[(0.0, 0.0)],
    ulp=0,
)
def relu(x):
    """max(x, 0). Its derivative at 0 is 0."""
    return 0 if x <= 0 else x


@row(
    None,
    meaning=lambda x: 1 if x > 0 else 0,
    edges=[(-inf, 0.0), (inf, 1.0), (0.0, 0.0)],
    ulp=0,
)
def step(x):
    """1 where x > 0, else 0: the derivative of relu. Nothing flows through it."""
    return 1 if x > 0 else 0 if x <= 0 else x


# ---- Absolute value, extremes, choice -------------------------------------------------------------------------------


@row(
    lambda y, x: sign(x),
    meaning=lambda x: x if x > 0 else -x,
    edges=[(-inf, inf), (-0.0, 0.0)],
    slopes=[(0.0, 0.0)],
    ulp=0,
)
def abs(x):
    """|x|. Its derivative at 0 is 0."""
    return np.abs(x)


@row(
    None,
    meaning=lambda x: 1 if x > 0 else -1,
    edges=[(-inf, -1.0), (inf, 1.0), (0.0, 0.0)],
    ulp=0,
)
def sign(x):
    """−1, 0 or 1. Nothing flows through it."""
    return 1 if x > 0 else -1 if x < 0 else x


def _one(z: Value) -> Value:
    return np.ones((), z.dtype)


def _wins(z: Value, x: Value, y: Value) -> Value:
    """The share of x in z = max(x, y): 1 where it is strictly ahead, ½ at a tie."""
    return where(greater(x, y), _one(z), where(equal(x, y), _one(z) / 2, 0))


@row(
    lambda z, x, y: _wins(z, x, y),
    lambda z, x, y: _wins(z, y, x),
    meaning=lambda x, y: x if x > y else y,
    edges=[((nan, 1.0), nan), ((1.0, nan), nan), ((-inf, inf), inf)],
    slopes=[((1.0, 1.0), (0.5, 0.5))],
    ulp=0,
)
def maximum(x, y):
    """The larger of x and y, NaN if either is. At a tie each gets half of the derivative."""
    return x if x > y or x != x else y


@row(
    lambda z, x, y: _wins(z, y, x),
    lambda z, x, y: _wins(z, x, y),
    meaning=lambda x, y: x if x < y else y,
    edges=[((nan, 1.0), nan), ((1.0, nan), nan), ((-inf, inf), -inf)],
    slopes=[((1.0, 1.0), (0.5, 0.5))],
    ulp=0,
)
def minimum(x, y):
    """The smaller of x and y, NaN if either is. At a tie each gets half of the derivative."""
    return x if x < y or x != x else y


@row(
    lambda z, x, low, high: where(greater(low, x), 0, where(greater(x, high), 0, _one(z))),
    lambda z, x, low, high: where(greater(low, x), where(greater(low, high), 0, _one(z)), 0),
    lambda z, x, low, high: where(greater(maximum(x, low), high), _one(z), 0),
    meaning=lambda x, low, high: high if (low if x < low else x) > high else low if x < low else x,
    edges=[((nan, 0.0, 1.0), nan), ((inf, 0.0, 1.0), 1.0), ((-inf, 0.0, 1.0), 0.0), ((5.0, 2.0, 1.0), 1.0)],
    examples=[example((2,), (1,), (1,))],
    slopes=[((0.0, 0.0, 1.0), (1.0, 0.0, 0.0)), ((1.0, 0.0, 1.0), (1.0, 0.0, 0.0))],
    ulp=0,
)
def clip(x, low, high):
    """min(max(x, low), high). At a bound the derivative is x's."""
    y = low if x < low else x
    return high if y > high else y


@row(
    of="arrays",
    mapped=in_line,
    meaning=lambda condition, x, y: x if condition else y,
    vjps=(
        None,
        lambda g, z, c, x, y: unbroadcast(where(c, g, 0), np.shape(x)),
        lambda g, z, c, x, y: unbroadcast(where(c, 0, g), np.shape(y)),
    ),
    jvps=(
        None,
        lambda t, z, c, x, y: stretched(where(c, t, 0), np.shape(z)),
        lambda t, z, c, x, y: stretched(where(c, 0, t), np.shape(z)),
    ),
    edges=[((True, 1.0, nan), 1.0), ((False, nan, inf), inf)],
    examples=[example(np.array([True, False]), (2,), (1,))],
    promotes=False,
    ulp=0,
)
def where(condition, x, y):
    """x where the condition holds, else y. The branch not taken sends nothing back, not even NaN."""
    dtype = float_dtype(x, y)
    return np.where(condition, np.asarray(x, dtype), np.asarray(y, dtype))


# ---- Comparisons: booleans, through which nothing flows -------------------------------------------------------------

NOTHING = (None, None)


@row(
    of="arrays",
    mapped=in_line,
    vjps=NOTHING,
    jvps=NOTHING,
    edges=[((nan, nan), False), ((0.0, -0.0), False)],
    promotes=False,
    ulp=0,
)
def greater(x, y):
    """x > y, as booleans."""
    return np.asarray(np.greater(x, y))


@row(
    of="arrays",
    mapped=in_line,
    vjps=NOTHING,
    jvps=NOTHING,
    edges=[((nan, nan), False), ((0.0, -0.0), True)],
    promotes=False,
    ulp=0,
)
def greater_equal(x, y):
    """x ≥ y, as booleans."""
    return np.asarray(np.greater_equal(x, y))


@row(
    of="arrays",
    mapped=in_line,
    vjps=NOTHING,
    jvps=NOTHING,
    edges=[((nan, nan), False), ((0.0, -0.0), True)],
    promotes=False,
    ulp=0,
)
def equal(x, y):
    """x = y, as booleans."""
    return np.asarray(np.equal(x, y))
