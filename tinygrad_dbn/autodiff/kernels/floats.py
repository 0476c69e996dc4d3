"""exp, log, tanh, sin, erf and their kin of one float, as polynomials that LLVM turns into vector instructions.

A kernel says `np.exp(x)`. When it is compiled for floats, `np` stands for this file (see `kernels.compiled`): a call
into the C library would keep LLVM from handling four or eight elements at once.

Every function computes in float64, whatever the width of its argument; a float32 kernel is thus rounded once, at its
end. There are no branches, only `select`, and no tables but the digits of 2/π. How the results are reached, with k an
integer:

    e^x = 2^k e^r              x = k log 2 + r, |r| ≤ ½ log 2, and e^r = 1 + r + r²/2! + … + r¹³/13!
    log x = k log 2 + log m    x = 2^k m, √½ ≤ m < √2, and log m = 2 artanh s = 2 s + s³ R(s²), s = (m − 1)/(m + 1)

    sin x = ± sin r or ± cos r   x = k π/2 + r, |r| ≤ ¼ π, and Taylor's series of both
    erf x = x + x S(x²)          |x| < ⅞, and 1 − erfc x above
    erfc x = e^(−x²) (1¼ + C(t)) / (1 + 2x)   x ≥ ½, t = (x − 4)/(x + 4), and 1 − erf x below, 2 − erfc −x for x ≤ −½

R is the polynomial of degree 6 that is closest to it in Chebyshev's sense, 1.6e-18 at worst. S, of degree 12, is off by
1.3e-17 at most, and 1¼ + C, of degree 22, by 1.5e-17 of its value: both interpolate at Chebyshev's nodes, C as far as
x = 28, where e^(−x²) vanishes.

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
from llvmlite import ir
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

HALF_PI_HIGH, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17
ROOT_HIGH, ROOT_LOW = 1.1283791670955126, 1.533545961316588e-17  # 2 / √π
TWO_OVER_PI = np.array(
    [
        0x0000000000000000, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561,
        0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41,
        0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7,
        0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
    ],
    np.uint64,
)  # fmt: skip
"""The binary digits of 2/π behind the point, after 64 zeros: as many as the largest float moves before it, and 192."""

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


@instruction(lambda a, b: np.uint64(int(a) * int(b) >> 64))
def high_product(context, a, b):
    """The upper 64 of the 128 bits of a · b."""

    def code(context, builder, signature, arguments):
        wide = ir.IntType(128)
        a, b = (builder.zext(x, wide) for x in arguments)
        return builder.trunc(builder.lshr(builder.mul(a, b), wide(64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


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
def _turned(x):
    """(n, r, low): |x| = n π/2 + r + low but for multiples of 2π, |r| ≤ ¼ π (Payne and Hanek 1983).

    |x| is m 2^e, m an integer of 53 bits. Digits of 2/π that 2^e moves to fours and above count for whole turns, which
    are left out; of m times the next 192, the upper 128 are kept. No float is so near to a multiple of π/2 that these
    would not do: the first 62 of them vanish at most.
    """
    bits = np.float64(np.abs(x)).view(np.int64)
    start = max(int(bits) >> 52, 1022) - 1013  # the first digit that counts; below ½ the result is not used
    m = np.uint64((bits & 0xFFFFFFFFFFFFF) | 0x10000000000000)
    k, left, right = start >> 6, np.uint64(start & 63), np.uint64(63 - (start & 63))
    first = (TWO_OVER_PI[k] << left) | (TWO_OVER_PI[k + 1] >> np.uint64(1) >> right)
    second = (TWO_OVER_PI[k + 1] << left) | (TWO_OVER_PI[k + 2] >> np.uint64(1) >> right)
    third = (TWO_OVER_PI[k + 2] << left) | (TWO_OVER_PI[k + 3] >> np.uint64(1) >> right)
    carried = high_product(m, third)
    lower = m * second + carried
    upper = m * first + high_product(m, second) + np.uint64(lower < carried)  # the unit of its last bit: 2^-62 π/2
    n = (upper + np.uint64(1 << 61)) >> np.uint64(62)
    rest = np.int64(upper - (n << np.uint64(62)))
    a = np.float64(rest)
    b = np.float64(rest - np.int64(a)) + np.float64(lower) * 2.0**-64
    high = a * HALF_PI_HIGH
    low = fma(a, HALF_PI_HIGH, -high) + fma(a, HALF_PI_LOW, b * HALF_PI_HIGH)
    size = np.abs(x)
    small = size < 0.785
    return select(small, 0.0, np.float64(n)), select(small, size, high * 2.0**-62), select(small, 0.0, low * 2.0**-62)


@inline
def _waves(x):
    """(n, sin r, cos r) for |x| = n π/2 + r but for multiples of 2π, |r| ≤ ¼ π."""
    n, r, low = _turned(x)
    z = r * r
    odd = polynomial(
        z, (-1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000,
            1 / 355687428096000)
    )  # fmt: skip
    even = polynomial(
        z, (1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200, 1 / 20922789888000)
    )
    half = 0.5 * z
    line = 1.0 - half
    sine = r + fma(r * z, odd, low * line)
    return n, sine, line + (((1.0 - line) - half) + fma(z * z, even, -r * low))


@inline
def sin(x):
    """sin x."""
    x = np.float64(x)
    n, sine, cosine = _waves(x)
    y = select((n == 1.0) | (n == 3.0), cosine, sine)
    return select(np.abs(x) < np.inf, np.copysign(1.0, x) * select((n == 2.0) | (n == 3.0), -y, y), np.nan)


@inline
def cos(x):
    """cos x."""
    x = np.float64(x)
    n, sine, cosine = _waves(x)
    y = select((n == 1.0) | (n == 3.0), sine, cosine)
    return select(np.abs(x) < np.inf, select((n == 1.0) | (n == 2.0), -y, y), np.nan)


@inline
def _bell(x):
    """(e, lost): e^(−x²) = e (1 − lost), lost being what x² had when it was rounded."""
    x = select(np.abs(x) > 40.0, 40.0, x)
    square = x * x
    return exp(-square), fma(x, x, -square)


@inline
def _small_erf(x):
    """erf x for |x| < ⅞."""
    z = x * x
    w = z * z
    even = polynomial(
        w, (0.1283791670955126, 0.11283791670955111, 0.0052239776253799495, 0.00012055332664402735,
            1.646179331465805e-06, 1.4735405934568758e-08, 6.627786135071423e-11)
    )  # fmt: skip
    odd = polynomial(
        w, (-0.37612638903183754, -0.026866170645127092, -0.0008548327017905889, -1.4925638169259221e-05,
            -1.636001974888772e-07, -1.1712641683192752e-09)
    )  # fmt: skip
    return fma(x, fma(z, odd, even), x)


@inline
def _large_erfc(x):
    """erfc x for x ≥ ½."""
    x = select(x > 28.0, 28.0, x)
    t = (x - 4.0) / (x + 4.0)
    w = t * t
    even = polynomial(
        w, (-0.01700488137444749, 0.015379652102619901, -0.1010390660363143, -0.06633036581196795,
            -0.016197734061059108, -0.0007577732634973155, 0.00015062155590137163, -1.1221668942295945e-05,
            2.9313186423696087e-07, 7.540467350144586e-08, -1.8406671051403966e-08, 1.9717656765049794e-09)
    )  # fmt: skip
    odd = polynomial(
        w, (-0.1396211168405625, 0.06809705425468844, 0.09373283499853434, 0.03716751553379472, 0.00503197001856426,
            -0.00019925696553927866, -2.4398057333996413e-05, 5.706494720146254e-06, -8.195085083459565e-07,
            1.03256669073015e-07, -9.652213521087604e-09)
    )  # fmt: skip
    e, lost = _bell(x)
    y = (1.25 + fma(t, odd, even)) / (1.0 + 2.0 * x)
    return e * fma(y, -lost, y)


@inline
def erf(x):
    """(2 / √π) ∫₀ˣ e^(−t²) dt."""
    x = np.float64(x)
    size = np.abs(x)
    return select(size < 0.875, _small_erf(x), np.copysign(1.0 - _large_erfc(size), x))


@inline
def erfc(x):
    """1 − erf x."""
    x = np.float64(x)
    size = np.abs(x)
    large = _large_erfc(size)
    return select(size < 0.5, 1.0 - _small_erf(x), select(x < 0.0, 2.0 - large, large))


@inline
def erf_slope(x):
    """(2 / √π) e^(−x²)."""
    e, lost = _bell(np.float64(x))
    return e * (ROOT_HIGH + fma(ROOT_HIGH, -lost, ROOT_LOW))


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
