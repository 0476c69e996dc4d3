"""Is one rational function of some terms another? SymPy's polynomials decide it: all that the kernel asks of SymPy."""

from fractions import Fraction
from functools import cache

from sympy.polys.domains import QQ
from sympy.polys.rings import ring

from proofs.kernel.terms import Add, Mul, Num, Pow, Same, below


def is_identity(left, right):
    """Are two terms equal as rational functions of their parts, that is of all that is not + * and whole powers?"""
    parts = sorted({*_parts(left), *_parts(right)}, key=lambda part: repr(part.key))
    polynomials, *names = _polynomials(len(parts))
    known = dict(zip(parts, names, strict=bool(parts)))
    over, _ = _fraction(Add((left, Mul((Num(Fraction(-1)), right)))), known, polynomials)
    return bool(over == 0)


@cache
def _polynomials(n):
    return ring([f"a{k}" for k in range(n)] or ["none"], QQ)


def _parts(e):
    match e:
        case Num():
            return []
        case Same(left, right) if left == right:
            return []
        case Add() | Mul() | Pow():
            return [p for part, _, _ in below(e) for p in _parts(part)]
    return [e]


def _fraction(e, known, polynomials):
    """The term over a common denominator: a polynomial, and the factors below it, {polynomial: power}."""
    match e:
        case Num(value):
            return polynomials.ground_new(QQ(value.numerator, value.denominator)), {}
        case Same(left, right) if left == right:
            return polynomials.one, {}
        case Add(parts):
            fractions = [_fraction(part, known, polynomials) for part in parts]
            common = {}
            for _, below_it in fractions:
                common |= {factor: max(n, common.get(factor, 0)) for factor, n in below_it.items()}
            over = polynomials.zero
            for top, below_it in fractions:
                over += _product(top, {factor: n - below_it.get(factor, 0) for factor, n in common.items()})
            return over, common
        case Mul(parts):
            over, together = polynomials.one, {}
            for top, below_it in (_fraction(part, known, polynomials) for part in parts):
                over *= top
                together |= {factor: n + together.get(factor, 0) for factor, n in below_it.items()}
            return over, together
        case Pow(base, exponent):
            top, below_it = _fraction(base, known, polynomials)
            if exponent >= 0:
                return top**exponent, {factor: n * exponent for factor, n in below_it.items()}
            return _product(polynomials.one, {factor: -n * exponent for factor, n in below_it.items()}), {
                top: -exponent
            }
    return known[e], {}


def _product(polynomial, powers):
    for factor, n in powers.items():
        if n:
            polynomial *= factor**n
    return polynomial
