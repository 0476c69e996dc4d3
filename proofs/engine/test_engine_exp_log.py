"""The engine's exp, expm1, log and log1p: how far from the truth they can be, over the whole of float64.

No point is sampled. The shipped source runs on `Rounded` numbers (`rounding.py`), each of which stands for all floats
of a box, and gives a bound of what rounding does there. The same source on power series is what it would be without
any rounding; how far that is from the truth, the approximation, is enclosed too. Together they bound the error in the
box; where the bound is not good enough, the box is halved. A bound that stays above the claim refutes nothing: a
spoiled version is refused by a float at which it errs by more, which is looked for first.

The boxes are of reduced arguments: x = k log 2 + high for exponentials, x = 2^k m for logarithms, for every k. A result
that is subnormal is rounded once more, when 2^k comes in: to a unit at least twice as large, so that e ulps become at
most ½ + e/2. The bounds take every rounding at its worst, all at once: sampling (`test_engine_floats.py`) meets less.
"""

from itertools import pairwise
from types import FunctionType

import numpy as np
import pytest
from flint import arb, arb_poly, arb_series, ctx

from proofs.engine.rounding import (
    EXPONENTIALS,
    LOGARITHMS,
    Argument,
    Around1,
    Exponent,
    Rounded,
    Scaled,
    exponent,
    functions,
    power,
)
from proofs.engine.sampled import met_within
from proofs.harness.theorem import Spoiled, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels.floats import LOG2_HIGH, SQUARE_VANISHES

BITS, TERMS, HALVINGS = 140, 40, 9


@pytest.fixture(autouse=True)
def precise():
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = BITS, TERMS
    yield
    ctx.prec, ctx.cap = before


# ---- Boxes ----------------------------------------------------------------------------------------------------------


def box(low, high):
    """The ball between two numbers; a little more than that, for arb keeps 30 bits of a radius."""
    return arb((arb(low) + arb(high)) / 2, (arb(high) - arb(low)) / 2)


def both_signs(boxes):
    return [sign * b for b in boxes for sign in (1, -1)]


def binades(first, last):
    """From 2^last down to 2^first."""
    return [box(power(e), power(e + 1)) for e in reversed(range(first, last))]


class Unproved(Exception):
    """The bound found is above the claim, which may hold all the same."""


def bounded(bound, boxes, claim, halvings=HALVINGS):
    """Prove that the error is within the claim in every box. Raises `Unproved`."""
    for b in boxes:
        ulps = bound(b)
        if ulps > claim:
            if halvings == 0:
                raise Unproved(f"{ulps:.4g} ulp in {b}, promised {claim}")
            middle, radius = b.mid(), b.rad() / 2
            bounded(bound, [arb(middle - radius, radius), arb(middle + radius, radius)], claim, halvings - 1)


def ulps(result, truth, approximation):
    """A bound of |result − truth| in units in the last place of the truth, all over a box.

    `approximation` bounds how far exact arithmetic takes the formula from the truth. Let A be the error before the last
    rounding. Where A is less than one unit, the last rounding adds at most half a unit of the truth's binade: numbers
    beyond its end have larger units, but the end itself is a float that is near enough. Else it adds at most a whole.
    """
    unit = power(exponent(truth.abs_lower()) - 52)
    before = float(((result.error(without=result.last) + arb(approximation).abs_upper()) / unit).abs_upper())
    last = 0.0 if result.last is None else 0.5 if before < 1 else 1.0
    return (before + last) * (1 + 2.0**-50)


def integers(first, last):
    """An exponent that may be any of these."""
    return Exponent(Rounded(box(first, last), grid=0))


# ---- Exponentials: x = k log 2 + high --------------------------------------------------------------------------------

LOWEST, HIGHEST = -1083, 1025  # the exponents that come of arguments from −750 to 710
REACH = 355 / 1024  # no |high| is larger


def test_reduction():
    """x − k LOG2_HIGH is computed without rounding, and no larger than REACH, for the k that is nearest."""
    ctx.prec = BITS
    inverse, most = arb(1.4426950408889634), max(-LOWEST, HIGHEST)
    assert most * (1 / inverse) > 750
    # x · inverse is rounded, by 2^-43 at most, then to the nearest integer: it is off from k by ½ + 2^-42.
    assert (arb(0.5) + power(-42)) / inverse + most * abs(1 / inverse - arb(LOG2_HIGH)) < REACH
    # k LOG2_HIGH is a float; and, for k ≠ 0, x and it are multiples of 2^-54, as is every difference below ½.
    numerator, denominator = LOG2_HIGH.as_integer_ratio()
    assert numerator * most < 2**53
    assert denominator <= 2**54
    assert REACH < 0.5 - 2.0**-10
    assert LOG2_HIGH - REACH > 0.25


def constant(number):
    """A number as a power series."""
    return arb_series([arb(number)])


def taylor_difference(change):
    """A bound of |P(r) − e^r|, a function of r, for the polynomial P that exp computes."""
    p = functions(constant, change)["exp"](Argument(Exponent(constant(0)), arb_series([0, 1]), constant(0)))
    factorials = [arb(i).gamma() for i in range(1, TERMS + 2)]
    differences = [abs(p[i] - 1 / factorials[i]) for i in range(TERMS)]

    def bound(r):
        size = arb(abs(r).abs_upper())
        return sum((d * size**i for i, d in enumerate(differences)), 2 * size**TERMS / factorials[TERMS])

    return bound


class Exponentials:
    """The exponentials of `floats`, as shipped or spoiled, and what the proofs about them share."""

    def __init__(self, change=None):
        self.functions = functions(Rounded.exact, change)
        self.high, self.low = arb(self.functions["LOG2_HIGH"]), arb(self.functions["LOG2_LOW"])
        self.taylor = taylor_difference(change)

    def reduced(self, k, high):
        """(x, r, error): the argument, r = x − k (log 2), and how far 2^-k e^x is from the polynomial at r."""
        n = k.n if isinstance(k, Exponent) else Rounded.exact(k)
        x = Argument(k, Rounded.float_in(high, -54 if isinstance(k, int) and k else None), n)
        r = high - n.value * self.low
        slip = abs(n.value).abs_upper() * abs(self.high + self.low - arb.const_log2())
        return x, r, self.taylor(r) + r.exp() * slip

    def exp(self, high):
        x, r, error = self.reduced(integers(LOWEST, -LOWEST), high)
        return ulps(self.functions["exp"](x), r.exp(), error)

    def expm1(self, k):
        def bound(high):
            x, _, error = self.reduced(k, high)
            return ulps(self.functions["expm1"](x), (k * self.high + high).expm1(), power(k) * error)

        return bound

    def large_expm1(self, high):
        """expm1 for k > 60, in units of 2^(k−1): all is scaled, exactly, but the constant ½, which is below 2^-60."""
        x, r, error = self.reduced(integers(60, HIGHEST), high)
        half = box(0, power(-60))
        code = self.functions["expm1"].__code__
        constants = tuple(Rounded(half) if c == 0.5 else c for c in code.co_consts)
        scaled = FunctionType(code.replace(co_consts=constants), self.functions)
        return ulps(scaled(x), 2 * r.exp() - 2 * half, 2 * error)


WHOLE = both_signs([box(0.25, REACH), box(0.125, 0.25), box(0, 0.125)])
SMALL = both_signs([box(0.25, REACH), *binades(-54, -2)])
SIGN = Spoiled("what the reduction lost with its sign turned", change=("(high - r) - low)", "low - (high - r))"))
OF_EXP = [*EXPONENTIALS, SIGN]


def test_small_arguments():
    """Below 2⁻⁵⁴, expm1(x) and log1p(x) are x: both differ from it by less than x², a quarter of an ulp."""
    assert SQUARE_VANISHES <= 2.0**-54
    x = np.array([0.0, 5e-324, -1e-310, 2.0**-55, -(2.0**-54) * (1 - 2.0**-53)])
    for op in (ops.expm1, ops.log1p):
        assert np.array_equal(op(x), x)


@theorem("exp is within one ulp", claim="ops", level="E", sizes="all of float64", spoiled=OF_EXP)
def test_exp(change=None):
    met_within("exp", 1, change)
    bounded(Exponentials(change).exp, WHOLE, claim=1)


@theorem(
    "expm1 is within 1.25 ulp",
    claim="ops",
    level="E",
    sizes="all of float64",
    spoiled=[*OF_EXP, Spoiled("what the sums lost forgotten", change=("fma(half, rest, lost)", "half * rest"))],
)
def test_expm1(change=None):
    met_within("expm1", 1.25, change)
    exponentials = Exponentials(change)
    bounded(exponentials.expm1(0), SMALL, claim=1.25)
    for k in [*range(1, 61), *range(-1, -88, -1)]:
        bounded(exponentials.expm1(k), both_signs([box(0, REACH)]), claim=1.25)
    bounded(exponentials.large_expm1, WHOLE, claim=1.25)


# ---- Logarithms: x = 2^k m -------------------------------------------------------------------------------------------

FROM, TO = -75 / 256, 425 / 1024  # m − 1 lies between them, for √½ ≤ m < √2
EXPONENTS = [(k, k) for k in range(1, 9)] + [(2**j + 1, 2 ** (j + 1)) for j in range(3, 11)]  # up to 2048


class Logarithms:
    """The logarithms of `floats`, as shipped or spoiled, for an exponent k that is one integer, or any of a range."""

    def __init__(self, change=None):
        self.functions = functions(Rounded.exact, change)
        self.functions["SQUARE_VANISHES"] = 0.0  # below it, log1p(x) is x: see `test_small_arguments`
        self.high, self.low = arb(self.functions["LOG2_HIGH"]), arb(self.functions["LOG2_LOW"])
        self.residual = artanh_difference(change)

        honest = self.functions["_log"]
        self.functions["_log"] = lambda u, lost: honest(self.parts(u), lost)

    def parts(self, u):
        """2^k m, for the k that is being looked at."""
        return u if isinstance(u, Scaled) else Scaled(self.k, u.scaled(power(-self.k)))

    def error(self, k, f):
        """How far the formula is from log 2^k (1 + f), without rounding."""
        slip = abs(k).abs_upper() * abs(self.high + self.low - arb.const_log2())
        return abs(f / (2 + f)) ** 3 * self.residual + slip

    def log(self, first, last):
        k = integers(first, last) if first < last else first
        several = box(first, last)

        def bound(f):
            result = self.functions["_log"](Scaled(k, Rounded(1 + f, grid=-53)), 0.0)
            return ulps(result, several * arb.const_log2() + f.log1p(), self.error(several, f))

        return bound

    def log1p(self, k):
        def bound(x):
            self.k = k
            error = self.error(arb(k), (1 + x) / power(k) - 1 if k else x)
            return max(ulps(self.functions["log1p"](number), x.log1p(), error) for number in numbers(x))

        def numbers(x):
            number = Around1.float_in(x)
            for number.below in (True, False) if k == 1 else (True,):
                yield number

        return bound

    def small_log1p(self, lost):
        """log1p of x = d + lost, where 1 + x is rounded to 1 + d."""

        def bound(d):
            one = Scaled(0, Rounded(1 + d, grid=-53))
            result = self.functions["_log"](one, Rounded.float_in(lost))
            size = abs(lost).abs_upper()
            error = self.error(arb(0), d) + 0.51 * size**2 + 4 * size * abs(d) ** 3  # the share of what was lost
            return ulps(result, (d + lost).log1p(), error)

        return bound

    def large_log1p(self, first, last):
        """log1p from 2^54, where 1 + x is rounded to x."""
        several = box(first, last)
        k = integers(first, last)
        k.power = box(0, power(-53))

        def bound(f):
            result = self.functions["log1p"](Scaled(k, Rounded(1 + f, grid=-53)))
            truth = several * arb.const_log2() + f.log1p()
            return ulps(result, truth, self.error(several, f) + power(-52))

        return bound


def artanh_difference(change):
    """A bound of |D(s)| / s³, where log computes 2 artanh s + D(s) in exact arithmetic: from s = (m − 1) / (m + 1)."""
    s = arb_series([0, 1])
    m = (1 + s) / (1 - s)
    computed = functions(constant, change)["_log"](Scaled(Exponent(constant(0)), m), constant(0))
    wanted = [arb(2) / i if i % 2 else arb(0) for i in range(TERMS)]
    difference = [computed[i] - wanted[i] for i in range(TERMS)]
    assert all(d == 0 for d in difference[:3]), "the first terms of the series are wrong"
    quotient = arb_poly(difference[3:])
    slope, most = quotient.derivative(), 11 / 64
    assert arb(TO) / (2 + arb(TO)) < most
    assert arb(FROM) / (2 + arb(FROM)) > -most
    found = 2 * arb(most) ** (TERMS - 3)
    for i in range(512):
        piece = box(most * i / 512, most * (i + 1) / 512)
        found = found.max((abs(quotient(piece.mid())) + abs(slope(piece)) * piece.rad()).abs_upper())
    return found


OF_LOG = [
    *LOGARITHMS,
    Spoiled("half of the square forgotten", change=("odd, even), half_square)", "odd, even), 0.0)")),
]
AROUND_1 = [box(FROM, -0.25), box(0.25, TO), *both_signs(binades(-54, -2))]


@theorem("log is within 1.25 ulp", claim="ops", level="E", sizes="all of float64", spoiled=OF_LOG)
def test_log(change=None):
    met_within("log", 1.25, change)
    logarithms = Logarithms(change)
    bounded(logarithms.log(0, 0), AROUND_1, claim=1.25)
    for first, last in EXPONENTS:
        for ends in ((first, last), (-last, -first)):
            bounded(logarithms.log(*ends), [box(FROM, 0), box(0, TO)], claim=1.25)


@theorem(
    "log1p is within 2.25 ulp, and within 4.5 below 2⁻⁴⁷",
    claim="ops",
    level="E",
    sizes="all of float64",
    spoiled=[*OF_LOG, Spoiled("what 1 + x lost forgotten", change=("_log(u, lost)", "_log(u, 0.0)"))],
)
def test_log1p(change=None):
    met_within("log1p", 4.5, change)
    logarithms = Logarithms(change)
    bounded(logarithms.log1p(0), [box(FROM, -0.25), box(0.25, TO), *both_signs(binades(-47, -2))], claim=1.25)
    for last_bit in (power(-52), -power(-53)):
        for lost in both_signs([box(0, abs(last_bit) / 4), box(abs(last_bit) / 4, abs(last_bit) / 2)]):
            bounded(logarithms.small_log1p(lost), [last_bit * j for j in range(1, 65)], claim=4.5)
    for lost in both_signs(binades(-54, -53)):
        bounded(logarithms.small_log1p(lost), [arb(0)], claim=4.5)
    for k in [*range(1, 55), *range(-1, -54, -1)]:
        edges = [power(k) * (1 + arb(f)) - 1 for f in ((FROM if k > -53 else 0), 0, TO)]
        bounded(logarithms.log1p(k), [box(*ends) for ends in pairwise(edges)], claim=2.25)
    for first, last in ((55, 64), (65, 256), (257, 1024)):
        bounded(logarithms.large_log1p(first, last), [box(FROM, 0), box(0, TO)], claim=1.25)
