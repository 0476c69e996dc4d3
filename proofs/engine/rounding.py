"""Rounding errors followed through the shipped source of `floats`, rigorously, for all arguments of a box at once.

The functions of `floats.py` run on `Rounded` numbers in the place of floats. A `Rounded` stands for every value that a
float can take there: v + Σ cᵢ δᵢ ± rest, where v is what exact arithmetic gives, each |δᵢ| ≤ 1 is the error of one
rounding, and all figures are Arb balls. Errors are kept apart by their origin, for the last bits are won by computing
an error and taking it away again: what cancels in the code cancels here. Products of errors go to the rest.

Three facts about IEEE arithmetic are used, and nothing else:

- A result is rounded to the nearest float: an error of at most half a unit in the last place, or its distance to any
  float there is.
- It is not rounded if it is a float. Every number carries a `grid`, 2^q of which it is known to be a multiple, and
  multiples of 2^q up to 2^(53+q) are floats. That covers Sterbenz's lemma and the short constant of log 2.
- `fma` leaves out the rounding of its product. Here it is a product and a sum whose error has a δ of its own at each
  use: δ = 0 is allowed, so that the bounds hold for either way of computing.

The same functions run on power series (python-flint's `arb_series`) to find what they are in exact arithmetic.
"""

from functools import reduce
from itertools import count
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace

from flint import arb

from proofs.harness.theorem import Spoiled
from tinygrad_dbn.autodiff.kernels import floats

_origins = count()


def exponent(x):
    """⌊log₂ x⌋ of a positive exact ball."""
    mantissa, power = x.man_exp()
    return int(mantissa).bit_length() - 1 + int(power)


def power(e):
    return arb(2) ** e


def between(low, high):
    """The smallest ball that holds both."""
    return arb(low).union(arb(high))


def half_unit(size):
    """The largest error of rounding a number no larger than `size`.

    Numbers just beyond a power of two are rounded to it, if they are nearer than half of the wider gap above it.
    """
    e = exponent(size)
    beyond = (size - power(e)).abs_upper()
    return beyond.max(power(e - 54)) if beyond < power(e - 53) else power(e - 53)


class Rounded:
    """v + Σ cᵢ δᵢ ± rest, on a grid: see the head of this file.

    `errors` has the coefficient cᵢ of each origin i. `product` is the size of a product's own rounding error, which
    gets a δ when the product is used; `last` is the origin of the last rounding.
    """

    __slots__ = ("errors", "grid", "last", "product", "rest", "value")

    def __init__(self, value, errors=None, rest=0, grid=None, product=None, last=None):
        self.value, self.errors, self.rest = value, errors or {}, arb(rest)
        self.grid, self.product, self.last = grid, product, last

    @classmethod
    def exact(cls, number):
        """A float or an integer, a multiple of its own last bit; or a ball, any of whose numbers is meant."""
        value = arb(number)
        grid = None if not value.is_exact() else 0 if value == 0 else int(value.man_exp()[1])
        return cls(value, grid=grid)

    @classmethod
    def float_in(cls, box, last_bit=None):
        """Any float in a ball: a multiple of the last bit of the smallest, or of 2^last_bit where that is known."""
        smallest = box.abs_lower()
        return cls(box, grid=last_bit if last_bit is not None or smallest == 0 else exponent(smallest) - 52)

    def used(self):
        """The errors, with a new δ for the rounding of a product."""
        return self.errors if self.product is None else {**self.errors, next(_origins): self.product}

    def is_zero(self):
        return self.value == 0 and not self.errors and self.rest == 0 and self.product is None

    def error(self, without=None):
        """A bound of what separates the number from v, but for one origin."""
        parts = (c.abs_upper() for origin, c in self.used().items() if origin != without)
        return sum(parts, self.rest).abs_upper()

    def __neg__(self):
        return self * -1.0

    def __abs__(self):
        return self if self > 0 else -self

    def __add__(self, other):
        if isinstance(other, Rounder):
            return NotImplemented
        return _sum(self, _number(other), 1)

    def __radd__(self, other):
        return _sum(_number(other), self, 1)

    def __sub__(self, other):
        return _sum(self, _number(other), -1)

    def __rsub__(self, other):
        return _sum(_number(other), self, -1)

    def __mul__(self, other):
        a, b = self, _number(other)
        if b.is_power_of_two():
            return a.scaled(b.value)
        if a.is_power_of_two():
            return b.scaled(a.value)
        ea, eb = a.used(), b.used()
        grid = None if a.grid is None or b.grid is None else a.grid + b.grid
        errors = {o: c * b.value for o, c in ea.items()}
        for o, c in eb.items():
            errors[o] = errors.get(o, 0) + c * a.value
        rest = abs(a.value) * b.rest + abs(b.value) * a.rest + a.error() * b.error()
        return _rounded(a.value * b.value, errors, rest, grid, product=True)

    __rmul__ = __mul__

    def is_power_of_two(self):
        known = self.value.is_exact() and self.value != 0 and not self.errors and self.rest == 0
        return known and abs(int(self.value.man_exp()[0])) == 1

    def scaled(self, by):
        """Times ±2^e: exact, so that errors keep their origins."""
        grid = None if self.grid is None else self.grid + int(by.man_exp()[1])
        product = None if self.product is None else self.product * abs(by)
        errors = {o: c * by for o, c in self.errors.items()}
        return Rounded(self.value * by, errors, self.rest * abs(by), grid, product, self.last)

    def __truediv__(self, other):
        a, b = self, _number(other)
        quotient = a.value / b.value
        errors = {o: c / b.value for o, c in a.used().items()}
        for o, c in b.used().items():
            errors[o] = errors.get(o, 0) - c * quotient / b.value
        smallest = (abs(b.value) - b.error()).abs_lower()
        rest = (a.rest + abs(quotient) * b.rest) / abs(b.value)
        rest += (a.error() + abs(quotient) * b.error()) * b.error() / (abs(b.value) * smallest)
        return _rounded(quotient, errors, rest, None)

    def __rtruediv__(self, other):
        return _number(other) / self

    def whole(self):
        """A ball that holds every value the number can take."""
        return self.value + arb(0, self.error())

    def __gt__(self, other):
        return _decided(self.whole() > arb(other), self.whole() <= arb(other))

    def __lt__(self, other):
        return _decided(self.whole() < arb(other), self.whole() >= arb(other))

    def __eq__(self, other):
        return _decided(self.is_zero() and other == 0, self.whole() != arb(other))

    __hash__ = None


class Around1(Rounded):
    """A number that may be in a box around 1, where one has to say which side of it is looked at."""

    __slots__ = ("below",)

    def __lt__(self, bound):
        return self.below if bound == 1.0 and self.whole().overlaps(arb(1)) else super().__lt__(bound)


def _decided(yes, no):
    if yes == no:
        raise ValueError("a box lies on both sides of a comparison: divide it there")
    return yes


def _number(x):
    return x if isinstance(x, Rounded) else Rounded.exact(x)


def _sum(a, b, sign):
    if a is b and sign < 0 and a.product is None:
        return Rounded.exact(0)
    if b.is_zero():
        return a
    if a.is_zero():
        return b if sign > 0 else -b
    errors = dict(a.used())
    for o, c in b.used().items():
        errors[o] = errors.get(o, 0) + sign * c
    grid = None if a.grid is None or b.grid is None else min(a.grid, b.grid)
    smaller = a.whole().abs_upper().min(b.whole().abs_upper())
    return _rounded(a.value + sign * b.value, errors, a.rest + b.rest, grid, nearby=smaller)


def _rounded(value, errors, rest, grid, product=False, nearby=None):
    """The result of an operation, rounded unless its grid says that it is a float already.

    `nearby` is how far from it there is some float: of two floats, each is as far from their sum as the other is long.
    """
    rest = arb(rest).abs_upper()
    result = Rounded(value, errors, rest, grid)
    size = (abs(value).abs_upper() + result.error()).abs_upper()
    if size == 0 or (grid is not None and size <= power(53 + grid)):
        return result
    smallest = result.whole().abs_lower()
    if smallest > 0:
        found = exponent(smallest) - 52
        result.grid = found if grid is None else max(grid, found)
    radius = half_unit(size) if nearby is None else half_unit(size).min(nearby)
    if product:
        result.product = radius
    else:
        result.last = next(_origins)
        result.errors[result.last] = radius
    return result


# ---- The bits of floats ----------------------------------------------------------------------------------------------
#
# `floats` splits an argument into an exponent and the rest by reading its bits, and makes 2^k by writing bits. A
# theorem chooses the parts itself: it hands in an `Argument` or a `Scaled` that has them. These stay as they are under
# the steps that `floats` takes to find the parts, and give each part where `floats` expects it.


class Rounder:
    """`x + ROUNDER` has the integer nearest to x in its last bits, where `- ROUNDER` and `view` find it."""

    def view(self, _):
        return 0


class Exponent:
    """An exponent k that is one of many: n stands for all of them, and 2^k is taken for what `power` says."""

    def __init__(self, n, power=1):
        self.n, self.power = n, power

    def itself(self, *_):
        return self

    __rshift__ = __lshift__ = __sub__ = __rsub__ = itself


class Argument:
    """An argument of e^x by its parts, x = k LOG2_HIGH + high, within the range that `floats` cuts arguments to."""

    def __init__(self, k, high, n):
        self.k, self.high, self.n = k, high, n

    def itself(self, *_):
        return self

    __mul__ = __rmul__ = __add__ = __abs__ = itself

    def __sub__(self, other):
        return self.n if isinstance(other, Rounder) else self.high

    def view(self, _):
        return self.k

    def beyond(self, _):
        return False

    __gt__ = __lt__ = beyond


class Scaled:
    """An argument of log by its parts, x = 2^k m; and as one of log1p, so large that 1 + x is rounded to x."""

    def __init__(self, k, m):
        self.k, self.m = k, m

    def itself(self, *_):
        return self

    __mul__ = __radd__ = __abs__ = itself

    def view(self, kind):
        return self.m if kind == "float64" else self

    def __rshift__(self, _):
        return self.k

    def __sub__(self, other):
        return 0.0 if other is self else self  # x − x; or its bits, less a constant or the exponent's

    def __gt__(self, bound):
        return True

    def __lt__(self, bound):
        return bound == float("inf")


# Changes of a passage that spoil a function of `floats`, each beside its name.
LOG2_TO_53_BITS = Spoiled("log 2 to 53 bits", change=("1.9082149292705877e-10", "1.9082e-10"))
EXPONENTIALS = [
    Spoiled("a coefficient off by 10⁻⁹", change=("(1 / 6, 1 / 120,", "(1 / 6, 1 / 119.9999999,")),
    Spoiled("the last term left out", change=(", 1 / 6227020800))", "))")),
    LOG2_TO_53_BITS,
]
LOGARITHMS = [
    Spoiled("a coefficient off by 10⁻⁹", change=("0.28571428626253836", "0.28571428726253836")),
    Spoiled("the last term left out", change=(", 0.15331611722055008", "")),
    LOG2_TO_53_BITS,
]


def floats_with(change=None):
    """The shipped file `floats`, or a version with one passage changed: (old, new)."""
    source = Path(floats.__file__).read_text()
    if change is not None:
        old, new = change
        assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in floats.py"
        source = source.replace(old, new)
    module = ModuleType("floats")
    module.__file__, module.__package__ = floats.__file__, floats.__package__
    exec(source, module.__dict__)
    return module


def fma(a, b, c):
    """a b + c. For an argument x of e^x, x − k LOG2_HIGH is its high part."""
    return c.high if isinstance(c, Argument) else a * b + c


def functions(number, change=None):
    """The functions of `floats` and what they name, uncompiled, for numbers that are not floats.

    `number(n)` makes one such number of an integer, of a power of two, or of a ball of either.
    """

    def integer(k):
        return k.n if isinstance(k, Exponent) else number(k)

    def power_of_two(k):
        return number(k.power if isinstance(k, Exponent) else power(k))

    class Kind(str):
        def __call__(self, v):
            return integer(v) if self == "float64" and isinstance(v, int | Exponent) else v

    numpy = {"float64": Kind("float64"), "int64": Kind("int64"), "abs": abs, "inf": float("inf"), "nan": float("nan")}
    names = dict(vars(floats_with(change)))
    for name in ("_reduced", "exp", "expm1", "_log", "log", "log1p", "tanh"):
        names[name] = FunctionType(names[name].py_func.__code__, names, name)
    names["np"] = SimpleNamespace(**numpy, copysign=lambda size, x: size)
    names["fma"] = fma
    names["polynomial"] = lambda x, coefficients: reduce(lambda total, c: x * total + c, reversed(coefficients))
    names["select"] = lambda condition, yes, no: yes if condition else no
    names["ROUNDER"], names["_power_of_two"] = Rounder(), power_of_two
    return names
