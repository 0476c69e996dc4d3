"""Normal forms, as equations that the rules derive. Nothing here is trusted.

The normal form of a term is a sum of products of parts in normal form, in which sums are as far inside as they go
(no constant factor, no sum of sums under Σ), an exponential has one product as its exponent and a logarithm no product.
"""

from fractions import Fraction

import sympy
from sympy import Integer, Rational, Symbol, expand, factorint, fraction, together

from proofs.kernel.rules import (
    combine,
    exp_of_log,
    inst,
    linear,
    log_of_exp,
    log_of_product,
    pick,
    rewrite,
    swap,
)
from proofs.kernel.substitution import fresh, put
from proofs.kernel.terms import (
    ONE,
    POSITIVE,
    ZERO,
    Add,
    Exp,
    Log,
    Mul,
    Num,
    Pow,
    Same,
    Sum,
    below,
    exp,
    log,
    numbers,
    plus,
    times,
)

# --- arithmetic in SymPy ------------------------------------------------------------------------------------


class Parts:
    """A symbol of SymPy for each part of terms that is not + * or a whole power, and back."""

    def __init__(self):
        self.symbols, self.terms = {}, {}

    def expression(self, e):
        """The term as an expression of SymPy in these symbols."""
        match e:
            case Num(value):
                return Rational(value.numerator, value.denominator)
            case Add(parts):
                return sympy.Add(*map(self.expression, parts))
            case Mul(parts):
                return sympy.Mul(*map(self.expression, parts))
            case Pow(base, exponent):
                return self.expression(base) ** exponent
        if e not in self.symbols:
            if type(e) is Same and e.left == e.right:
                return Integer(1)
            symbol = Symbol(f"a{len(self.symbols)}", positive=True if e.sign == POSITIVE else None)
            self.symbols[e], self.terms[symbol] = symbol, e
        return self.symbols[e]

    def term(self, expression):
        """An expression of SymPy in these symbols as a term."""
        match expression:
            case sympy.Rational():
                return Num(Fraction(int(expression.p), int(expression.q)))
            case sympy.Add():
                return plus(*_ordered(map(self.term, expression.args)))
            case sympy.Mul():
                number, factors = expression.as_coeff_mul()
                return times(*([self.term(number)] if number != 1 else []), *_ordered(map(self.term, factors)))
            case sympy.Pow():
                return self.term(expression.base) ** int(expression.exp)
        return self.terms[expression]


def _ordered(terms):
    """In an order that does not depend on how they were found, so that equal sums and products look equal."""
    return sorted(terms, key=_order)


def _order(e):
    return repr(e.key)


def arithmetic(e, *equations):
    """``e == `` its expanded form, from ``e == e₁`` and the like."""
    parts = Parts()
    out = equations[0].right if equations else e
    return combine(e, "==", parts.term(_expanded(parts.expression(out))), *((1, thm) for thm in equations))


def _expanded(expression):
    """Sums of products; a denominator that is a sum is kept as a factor, without what is common to its products."""
    return sympy.Add(*map(_reduced, sympy.Add.make_args(expand(expression))))


def _reduced(product):
    """The product, of whose denominators each is divided by the positive factors that all its products have."""
    out = product
    for base, n in product.as_powers_dict().items():
        if base.is_Add and n.is_negative and (common := _common(base)) != 1:
            out = out * base**-n * expand(base / common) ** n * common**n
    return out


def _common(added):
    """The product of the positive symbols, to their lowest powers, that all products of a sum have."""
    powers = [product.as_powers_dict() for product in added.args]
    symbols = {base for factors in powers for base in factors if base.is_Symbol and base.is_positive}
    lowest = {symbol: min(factors.get(symbol, 0) for factors in powers) for symbol in symbols}
    return sympy.Mul(*(symbol**n for symbol, n in lowest.items()))


# --- lemmas -------------------------------------------------------------------------------------------------

X, Y = numbers("x y")
T, = numbers("t", sign=POSITIVE)  # fmt: skip
x, y, t = X.family, Y.family, T.family


def _log_of_one():
    one = rewrite(log(times(1, 1)), combine(times(1, 1), "==", 1))
    return combine(log(1), "==", 0, (-1, log_of_product(1, 1)), (1, one))


def _exp_of_zero():
    # exp(log 1) is 1, and log 1 is 0.
    return combine(exp(0), "==", 1, (-1, rewrite(exp(log(1)), LOG_ONE)), (1, exp_of_log(1)))


def _exp_of_sum():
    # exp(log(exp x exp y)) is exp x exp y, and log(exp x exp y) is x + y.
    product = exp(X) * exp(Y)
    logs = log_of_product(exp(X), exp(Y)), log_of_exp(X), log_of_exp(Y)
    logs = combine(log(product), "==", X + Y, *((1, thm) for thm in logs))
    return combine(exp(X + Y), "==", product, (-1, rewrite(exp(log(product)), logs)), (1, exp_of_log(product)))


def _exp_of_minus():
    back = rewrite(exp(X - X), combine(X - X, "==", 0))
    both = inst(EXP_SUM, {y: -X})  # exp(x − x) == exp x exp(−x)
    return combine(exp(-X), "==", 1 / exp(X), (-1 / exp(X), both), (1 / exp(X), back), (1 / exp(X), EXP_ZERO))


def _log_of_inverse():
    one = rewrite(log(T * (1 / T)), combine(T * (1 / T), "==", 1))
    return combine(log(1 / T), "==", -log(T), (-1, log_of_product(T, 1 / T)), (1, one), (1, LOG_ONE))


LOG_ONE = _log_of_one()
EXP_ZERO = _exp_of_zero()
EXP_SUM = _exp_of_sum()
EXP_MINUS = _exp_of_minus()
LOG_INVERSE = _log_of_inverse()


# --- normal forms -------------------------------------------------------------------------------------------


KNOWN = None
"""Where a `Normaliser` looks for normal forms, and keeps what it finds, {term: ``term == `` its form}; None: each has
its own. The harness keeps them from a theorem to its spoiled versions, whose terms are mostly the same."""


class Normaliser:
    """Normal forms of terms, each found once."""

    def __init__(self):
        self.found = {} if KNOWN is None else KNOWN

    def __call__(self, e):
        """``e == `` its normal form."""
        if e not in self.found:
            parts = {p for p in _parts(e) if type(p) in (Sum, Exp, Log)}
            changed = [thm for thm in map(self.part, _ordered(parts)) if thm.left != thm.right]
            self.found[e] = arithmetic(e, *([rewrite(e, *changed)] if changed else []))
        return self.found[e]

    def part(self, e):
        """``e == `` its normal form, for what is no arithmetic."""
        if e not in self.found:
            match e:
                case Sum():
                    self.found[e] = self.sum(e)
                case Exp():
                    self.found[e] = self.exp(e)
                case Log():
                    self.found[e] = self.log(e)
        return self.found[e]

    def sum(self, e, swapped=False):
        """Constant factors before the Σ, and a Σ for each product; none for one with a factor [i = j]."""
        body = self(e.body)
        pairs, steps = [], []
        for product in _products(body.right):
            constant, rest = _split(product, e.index)
            if other := _picked_by(rest, e.index):
                rest = _without(rest, Same(e.index, other))
                found = pick(rest, e.index, other)
                steps += [(constant, found), (constant, self(found.right))]
                rest = Same(e.index, other) * rest
            elif not swapped and (best := self.in_order(rest, e.index)):
                steps.append((constant, best))
            pairs.append((constant, rest))
        apart = linear(e.index, *pairs)
        inside = combine(e.body, "==", apart.left.body, (1, body))
        return _chain(e, rewrite(e, inside), apart, *steps)

    def in_order(self, product, i):
        """``Σ_i product == `` it with the Σ_j of a factor outside, if that looks simpler; None if it does not."""
        found = []
        for factor in _factors_of(product):
            if type(factor) is Sum:
                other = _without(product, factor)
                j = fresh(factor.index, product.free | {i}) if factor.index in {i, *other.free} else factor.index
                of = put(factor.body, {}, {factor.index: j})
                apart = linear(j, (other, of))
                together = combine(product, "==", apart.left, (-1, apart))
                over = swap(other * of, i, j)
                inner = self.sum(over.right, swapped=True)
                found.append(_chain(Sum(product, i), rewrite(Sum(product, i), together), over, inner))
        best = min(found, key=lambda thm: _order(thm.right), default=None)
        return best if best and _order(best.right) < _order(Sum(product, i)) else None

    def exp(self, e):
        """exp of a sum as a product, and exp(log t) as t."""
        products = _products(self(e.of).right)
        if not products:
            return _chain(e, rewrite(e, self(e.of)), EXP_ZERO)
        steps = [self.reshaped(e, _nested(plus, products))]
        for k, product in enumerate(products):
            rest = products[k + 1 :]
            before = times(*(self.exp_of_product(p).right for p in products[:k]))
            if rest:
                steps.append((before, inst(EXP_SUM, {x: product, y: _nested(plus, rest)})))
            after = exp(_nested(plus, rest)) if rest else ONE
            steps.append((before * after, self.exp_of_product(product)))
        return _chain(e, *steps)

    def reshaped(self, e, argument):
        """``f(…) == f(argument)`` for exp or log, the arguments being equal by arithmetic and normal forms."""
        return rewrite(e, combine(e.of, "==", argument, (1, self(e.of))))

    def exp_of_product(self, product):
        """exp(n m) as exp(m) to the power of n, for a whole number n and a product m with a factor 1/k at most."""
        number, rest = _number(product)
        if rest == ONE:
            number, rest = Fraction(1), product
        if number.numerator == 1:
            if type(product) is Log and product.of.sign == POSITIVE:
                return exp_of_log(product.of)
            return combine(exp(product), "==", exp(product))
        if number.numerator < 0:
            minus = _multiple(-number, rest)
            out, back = self.exp_of_product(minus), inst(EXP_MINUS, {x: minus})
            same = rewrite(exp(product), combine(product, "==", -minus))
            inverse = 1 / out.right
            return combine(exp(product), "==", inverse, (1, same), (1, back), (-inverse / exp(minus), out))
        unit = _multiple(number / number.numerator, rest)
        less = _multiple(number - number / number.numerator, rest)
        one, before = self.exp_of_product(unit), self.exp_of_product(less)
        same = rewrite(exp(product), combine(product, "==", unit + less))
        apart = inst(EXP_SUM, {x: unit, y: less})
        power = _power(one.right, number.numerator)
        return combine(exp(product), "==", power, (1, same), (1, apart), (exp(less), one), (one.right, before))

    def log(self, e):
        """log of a product as a sum, and log(exp a) as a."""
        body = self(e.of)
        if body.right.sign < POSITIVE:
            return rewrite(e, body)
        factors = _factors(body.right)
        powers = [_power(base, n) for base, n in factors]
        steps = [self.reshaped(e, _nested(times, powers) if powers else ONE)]
        for k, (base, n) in enumerate(factors):
            if rest := powers[k + 1 :]:
                steps.append(log_of_product(powers[k], _nested(times, rest)))
            steps.append(self.log_of_power(base, n))
        return _chain(e, *steps, *([] if factors else [LOG_ONE]))

    def log_of_power(self, base, n):
        """log(b^n) as n log b."""
        here = log_of_exp(base.of) if type(base) is Exp else combine(log(base), "==", log(base))
        if n == 1:
            return here
        if n < 0:
            positive = _power(base, -n)
            same = rewrite(log(_power(base, n)), combine(_power(base, n), "==", 1 / positive))
            back, out = inst(LOG_INVERSE, {t: positive}), self.log_of_power(base, -n)
            return combine(log(_power(base, n)), "==", -out.right, (1, same), (1, back), (-1, out))
        less = _power(base, n - 1)
        same = rewrite(log(_power(base, n)), combine(_power(base, n), "==", times(base, less)))
        apart, before = log_of_product(base, less), self.log_of_power(base, n - 1)
        right = here.right + before.right
        return combine(log(_power(base, n)), "==", right, (1, same), (1, apart), (1, here), (1, before))


def _chain(left, *steps):
    """``left == `` where steps end; each an equation, or (factor, equation) where a factor of the term is replaced."""
    pairs = [step if type(step) is tuple else (ONE, step) for step in steps]
    if not pairs:
        return combine(left, "==", left)
    parts = Parts()
    out = parts.expression(left)
    for factor, thm in pairs:
        out += parts.expression(factor) * (parts.expression(thm.right) - parts.expression(thm.left))
    return combine(left, "==", parts.term(_expanded(out)), *pairs)


def _parts(e):
    return [e] if type(e) not in (Num, Add, Mul, Pow) else [p for part, _, _ in below(e) for p in _parts(part)]


def _factors_of(product):
    return product.parts if type(product) is Mul else (product,)


def _products(e):
    return [p for p in (e.parts if type(e) is Add else (e,)) if p != ZERO]


def _number(product):
    """The number in front of a product, and the rest."""
    factors = _factors_of(product)
    number = next((f.value for f in factors if type(f) is Num), Fraction(1))
    rest = [f for f in factors if type(f) is not Num]
    return number, times(*rest)


def _multiple(number, e):
    return e if number == 1 else Num(number) * e


def _split(product, index):
    """The factors without the index, and those with it."""
    factors = _factors_of(product)
    return times(*(f for f in factors if index not in f.free)), times(*(f for f in factors if index in f.free))


def _nested(join, parts):
    """The parts joined two by two from the right, as the laws of exp and log take them apart."""
    return join(parts[0], _nested(join, parts[1:])) if len(parts) > 1 else parts[0]


def _picked_by(product, index):
    """j, if the product has a factor [index = j]; None if it has not."""
    return next((f.right for f in _factors_of(product) if type(f) is Same and f.left == index != f.right), None)


def _without(product, factor):
    return times(*(f for f in _factors_of(product) if f != factor))


def _power(base, n):
    return base if n == 1 else Pow(base, n)


def _factors(e):
    """The factors of a positive term as pairs (base, power): primes, positive parts, and what is left of a sum."""
    parts = Parts()
    over, below_it = fraction(together(parts.expression(e)))
    found = []
    for sign, expression in ((1, sympy.factor_terms(sympy.factor(over))), (-1, sympy.factor(below_it))):
        for base, n in expression.as_powers_dict().items():
            if base.is_Rational:
                for prime, m in [*factorint(base.p).items(), *((q, -m) for q, m in factorint(base.q).items())]:
                    if prime != 1:
                        found.append((Num(Fraction(int(prime))), sign * int(n) * int(m)))
            else:
                found.append((parts.term(base), sign * int(n)))
    if not all(base.sign == POSITIVE for base, _ in found):
        return [(e, 1)]
    return [pair for pair in found if pair[0] != ONE]
