"""exp, expm1, log, log1p and tanh of one float, as polynomials that LLVM turns into vector instructions.

A kernel says `np.exp(x)`. When it is compiled for floats, `np` stands for this file (see `kernels.compiled`): a call
into the C library would keep LLVM from handling four or eight elements at once.

Every function computes in float64, whatever the width of its argument; a float32 kernel is thus rounded once, at its
end. There are no branches, only `select`, and no tables. How the results are reached, with k an integer:

    e^x = 2^k e^r              x = k log 2 + r, |r| ≤ ½ log 2, and e^r = 1 + r + r²/2! + … + r¹³/13!
    log x = k log 2 + log m    x = 2^k m, √½ ≤ m < √2, and log m = 2 artanh s = 2 s + s³ R(s²), s = (m − 1)/(m + 1)

R is the polynomial of degree 6 that is closest to it in Chebyshev's sense, 1.6e-18 at worst.

The rest is care about the last bit: log 2 is the sum of a short and a long constant, so that k times the short one is
exact (Cody and Waite 1980), and each sum ends with its largest term. Worst errors:
`proofs/engine/test_engine_floats.py`.

The bits of a result do not depend on the machine. A product and a sum become one instruction where `fma` says so and
nowhere else: left to LLVM (its flag `contract`), they would where the processor has that instruction, and round twice
where it has not. Only `add` lets LLVM reorder a sum, whose last bits then depend on how wide the machine's vectors are.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from .jit import disabled

VERSION = sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""Part of the name under which a compiled kernel is kept: an edit of this file makes new ones."""

inline = njit(forceinline=True, error_model="numpy")

LOG2_HIGH, LOG2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is log 2 to 86 bits
ROUNDER = 1.5 * 2.0**52  # x + ROUNDER has the nearest integer to x in its last bits
SMALLEST_NORMAL, TWO_54 = 2.0**-1022, 2.0**54
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
SQUARE_VANISHES = 2.0**-54  # below this x² is lost beside x

abs, sqrt = np.abs, np.sqrt  # one instruction each already


def instruction(in_python: Callable[..., Any]) -> Callable[..., Any]:
    """An instruction of LLVM's, for compiled code; in_python does the same where Numba is switched off."""
    return lambda code: in_python if disabled() else intrinsic(code)


def _by_horner(x, coefficients):
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = x * total + c
    return total


@instruction(lambda condition, yes, no: yes if condition else no)
def select(context, condition, yes, no):
    """`yes if condition else no`, both computed: Python's own may become a jump, and a jump ends a vector."""

    def code(context, builder, signature, arguments):
        return builder.select(*arguments)

    return types.float64(types.boolean, types.float64, types.float64), code


@instruction(lambda a, b, c: a * b + c)
def fma(context, a, b, c):
    """a · b + c, rounded once, on every machine: where no instruction does it, the C library does. Twice in Python."""

    def code(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), code


@instruction(_by_horner)
def polynomial(context, x, coefficients):
    """c₀ + x (c₁ + x (c₂ + …)) for a tuple of coefficients, by one `fma` a step."""
    count = len(coefficients)

    def code(context, builder, signature, arguments):
        x, given = arguments
        total = builder.extract_value(given, count - 1)
        for i in range(count - 2, -1, -1):
            total = builder.fma(x, total, builder.extract_value(given, i))
        return total

    return types.float64(types.float64, coefficients), code


@instruction(lambda value: value)
def inlined(context, value):
    """The value, in a function that is from then on always inlined where it is called, however long it is."""

    def code(context, builder, signature, arguments):
        builder.function.attributes.add("alwaysinline")
        return arguments[0]

    return value(value), code


@instruction(lambda a, b: a + b)
def add(context, a, b):
    """a + b in a sum whose order is free: it may run in the lanes of a vector. No other operation is reordered."""

    def code(context, builder, signature, arguments):
        return builder.fadd(*arguments, flags=("reassoc",))

    return types.float64(types.float64, types.float64), code


@inline
def _power_of_two(k):
    """2^k for −1023 < k < 1024, by its bits."""
    return np.int64((k + 1023) << 52).view(np.float64)


@inline
def _reduced(x):
    """(k, r, r², rest): x = k log 2 + r but for rounding, and e^(x − k log 2) = 1 + (r + (r²/2 + rest))."""
    shifted = np.float64(fma(x, 1.4426950408889634, ROUNDER))
    k = shifted.view(np.int64) - np.float64(ROUNDER).view(np.int64)
    n = shifted - ROUNDER
    high, low = fma(n, -LOG2_HIGH, x), n * LOG2_LOW
    r = high - low
    z = r * r  # even and odd terms apart: two short chains run side by side
    even = polynomial(z, (1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800, 1 / 6227020800))
    odd = polynomial(z, (1 / 24, 1 / 720, 1 / 40320, 1 / 3628800, 1 / 479001600))
    return k, r, z, fma(z * r, fma(r, odd, even), (high - r) - low)


@inline
def exp(x):
    """e^x."""
    x = np.float64(x)
    k, r, z, rest = _reduced(select(x > 710.0, 710.0, select(x < -750.0, -750.0, x)))
    half = k >> 1  # in two steps, since 2^k alone may over- or underflow
    return (1.0 + (r + fma(0.5, z, rest))) * _power_of_two(half) * _power_of_two(k - half)


@inline
def expm1(x):
    """e^x − 1."""
    x = np.float64(x)
    k, r, z, rest = _reduced(select(x > 710.0, 710.0, select(x < -60.0, -60.0, x)))
    half = _power_of_two(k - 1)  # half of everything, lest 2^1024 overflow
    constant, slope, curve = half - 0.5, half * r, 0.5 * half * z
    line = constant + slope
    most = line + curve
    lost = ((half - constant) - 0.5) + (slope - (line - constant)) + (curve - (most - line))
    return select(np.abs(x) < SQUARE_VANISHES, x, 2.0 * (most + fma(half, rest, lost)))


@inline
def _log(x, error):
    """log(x + error) for normal and subnormal x > 0 and an error below the last bit of x."""
    subnormal = x < SMALLEST_NORMAL
    bits = np.float64(select(subnormal, x * TWO_54, x)).view(np.int64)
    k = (bits - SQRT_HALF_BITS) >> 52
    m = np.int64(bits - (k << 52)).view(np.float64)
    n = np.float64(k) - select(subnormal, 54.0, 0.0)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = polynomial(w, (0.666666666666667, 0.28571428626253836, 0.1818289243253687, 0.14617807153417325))
    odd = polynomial(w, (0.3999999999989889, 0.22222211089379496, 0.15331611722055008))
    # The error's share, error / x, is so small that three terms of 1 / m = (1 − s) / (1 + s) do.
    share = 0.5 * error * _power_of_two(1 - k) * fma(-2.0 * s, 1.0 - s, 1.0)  # 2^-k alone may underflow
    half_square = 0.5 * f * f
    curve = fma(z, fma(z, odd, even), half_square)
    return fma(n, LOG2_HIGH, f - (half_square - fma(s, curve, fma(n, LOG2_LOW, share))))


@inline
def log(x):
    """log x."""
    x = np.float64(x)
    return select(x > 0.0, select(x < np.inf, _log(x, 0.0), x), select(x == 0.0, -np.inf, np.nan))


@inline
def log1p(x):
    """log(1 + x)."""
    x = np.float64(x)
    u = 1.0 + x
    lost: float = select(x < 1.0, x - (u - 1.0), 1.0 - (u - x))
    y = select(np.abs(x) < SQUARE_VANISHES, x, _log(u, lost))
    return select(x > -1.0, select(x < np.inf, y, x), select(x == -1.0, -np.inf, np.nan))


@inline
def tanh(x):
    """tanh x."""
    x = np.float64(x)
    size = np.abs(x)
    e = expm1(2.0 * select(size > 22.0, 22.0, size))
    d = e + 2.0
    y = e / d
    return np.copysign(y - y * (e - (d - 2.0)) / d, x)  # less what was lost when e + 2 was rounded


@inline
def _ordered(bits):
    """The bits of a float as an integer of the same order; and back. NaNs are outermost, below −∞ or above ∞."""
    return bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)


@inline
def peak(x):
    """The largest element of a line, or 0 where that is infinite or NaN: ∞ − ∞ is no shift, and NaN speaks for itself.

    Integers are compared, for LLVM makes no vector of a maximum that has to mind NaN.
    """
    largest = _ordered(np.float64(-np.inf).view(np.int64))
    for i in range(len(x)):
        largest = max(largest, _ordered(np.float64(x[i]).view(np.int64)))
    value = np.int64(_ordered(largest)).view(np.float64)
    return value if np.abs(value) < np.inf else 0.0
