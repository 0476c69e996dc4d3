"""Is an expression identically zero? A decision procedure for exp, log and tanh over the rationals.

`is_zero` answers, and `counterexample` shows where it is not, for expressions in + - * / integer powers, exp, log and
tanh of symbols, which are all taken to be real: softmax networks, free energies and likelihoods are made of these. Of
sin, cos, erf and √π it knows the values and no relation: each is a variable, the same where the same is written. The
idea is the odds: with u = e^W, every exp of a sum is a product of positive variables, a partition function is a
polynomial, a marginal a quotient of two.

When it answers True. The arguments of all exponentials are expressed over a basis that is linearly independent over the
rationals, and exp of each basis element becomes a new variable. A logarithm splits over the irreducible factors of its
argument where these are positive, and log of each factor becomes a new variable. What is left is a quotient of
polynomials with rational coefficients, computed exactly; if its numerator is the zero polynomial, the expression is
zero wherever it is defined. (tanh x is written 1 - 2/(e^2x + 1).)

When it answers False. The expression is enclosed in ball arithmetic at a rational point, and the ball does not contain
zero. A normal form that is not zero is no proof: the new variables may satisfy a relation.

Otherwise `Undecided` is raised. Trusted: this file; FLINT's polynomials and Arb's balls, by python-flint; and SymPy's
automatic evaluation. SymPy's `simplify` is not: it has called a non-zero constant zero (issue 23086).
"""

import math
import random
from dataclasses import dataclass
from functools import cache
from itertools import islice

import sympy as sp
from flint import Ordering, arb, ctx, fmpq, fmpq_mat, fmpq_mpoly_ctx

__all__ = ["Counterexample", "Undecided", "counterexample", "has_a_point", "is_zero"]

OPAQUE = (sp.sin, sp.cos, sp.erf)
DRAWN = 400  # points, among which some are looked for at which expressions have given signs


class Undecided(Exception):
    """Neither proved to be zero nor proved not to be."""


@dataclass(frozen=True)
class Counterexample:
    """A point at which an expression is not zero, and a ball without zero that holds its value there."""

    at: dict
    value: arb

    def __str__(self):
        point = ", ".join(f"{s} = {value}" for s, value in self.at.items())
        return f"{self.value.str(6)} at {point}" if point else self.value.str(6)


def is_zero(expr, positive=()):
    """True if the expression is proved to be zero, False if it is proved not to be; else raises `Undecided`.

    ``positive`` lists symbols to be taken as positive, besides those declared so in SymPy. Raises ValueError where that
    would make two symbols of the expression one.
    """
    expr = sp.sympify(expr)
    renamed = {s: sp.Symbol(s.name, positive=True) for s in positive}
    if any(to != s and expr.has(to) for s, to in renamed.items()):
        raise ValueError(f"{expr} has two symbols of a name in {positive}: taken as positive, they would be one")
    return counterexample(expr.xreplace(renamed)) is None


def counterexample(expr, where=None):
    """None if the expression is proved to be zero, else a point at which it is proved not to be.

    ``where`` maps other expressions to the signs, 1 or −1, that they have at the point. Raises `Undecided` where
    neither is found.
    """
    expr, where = sp.sympify(expr), where or {}
    defined, found = _at_some_points(expr, where, points=3, precision=128)
    if found:
        return found
    plain = _without_opaque(expr)
    if _normal_form(plain).value(plain)[0] == 0:
        if defined or _at_some_points(expr, {}, points=12, precision=2048)[0]:
            return None
        raise Undecided(f"its normal form is zero, but no value was found at which it is defined: {expr}")
    _, found = _at_some_points(expr, where, points=12, precision=2048)
    if found:
        return found
    raise Undecided(f"the normal form is not zero, yet no value away from zero was found: {expr}")


def has_a_point(where):
    """Whether a point is found at which every expression of ``where`` has its sign; where none is, there may be one."""
    return bool(_inside(frozenset(where.items())))


# --- False: a ball that does not contain zero ---------------------------------------------------------------


def _at_some_points(expr, where, points, precision):
    """Whether the expression is defined at some of so many points, and a point of them where it is not zero, or None.

    At every point the expressions of ``where`` have the signs that it gives them.
    """
    before, ctx.prec = ctx.prec, precision
    defined = False
    try:
        for point in islice(_points(expr, where), points):
            ball = _enclose(expr, _balls(point))
            defined = defined or ball.is_finite()
            if ball.is_finite() and not ball.contains(0):
                return True, Counterexample(point, ball)
        return defined, None
    finally:
        ctx.prec = before


def _points(expr, where):
    """Rational points, by chance but always the same, at which the expressions of ``where`` have their signs."""
    chance = random.Random(2006)
    inside = _inside(frozenset(where.items()))
    others = sorted(expr.free_symbols.difference(*inside[:1]), key=str)
    return ({**point, **_drawn(others, chance)} for point in inside)


@cache
def _inside(signs):
    """Points for the symbols of expressions that are to have given signs: (expression, sign); at most a dozen."""
    chance = random.Random(1986)
    symbols = sorted(set().union(*(e.free_symbols for e, _ in signs)), key=str)
    drawn = (_drawn(symbols, chance) for _ in range(DRAWN))
    return [*islice((p for p in drawn if all(_enclose(e, _balls(p)) * sign > 0 for e, sign in signs)), 12)]


def _drawn(symbols, chance):
    """A rational number for each symbol, positive where it is."""
    return {s: fmpq(chance.randint(1, 40) * (1 if s.is_positive else chance.choice((1, -1))), 23) for s in symbols}


def _balls(point):
    return {s: arb(value) for s, value in point.items()}


def _enclose(expr, at):
    """A ball that contains the value of the expression; not finite where the expression is undefined."""
    if expr not in at:
        at[expr] = _enclose_node(expr, [_enclose(part, at) for part in expr.args])
    return at[expr]


def _enclose_node(expr, parts):
    if expr.is_Rational:
        return arb(fmpq(expr.p, expr.q))
    if expr is sp.E:
        return arb(1).exp()
    if expr is sp.pi:
        return arb.pi()
    if expr.is_Add:
        return sum(parts, arb(0))
    if expr.is_Mul:
        return math.prod(parts, start=arb(1))
    if isinstance(expr, sp.exp):
        return parts[0].exp()
    if expr.func in (sp.log, sp.tanh) and len(parts) == 1:
        return parts[0].log() if expr.func is sp.log else parts[0].tanh()
    if expr.func in OPAQUE:
        return getattr(parts[0], expr.func.__name__)()
    if expr.is_Pow and expr.exp.is_Rational:
        return parts[0] ** (int(expr.exp) if expr.exp.is_Integer else parts[1])
    raise Undecided(f"outside the fragment: {expr.func.__name__}")


# --- True: a numerator that is the zero polynomial ----------------------------------------------------------


def _without_opaque(expr):
    """The expression with a variable for each sin, cos and erf in it, and one for √π."""
    named = {e: sp.Dummy(e.func.__name__, real=True) for e in expr.atoms(*OPAQUE)}
    return expr.xreplace(named).subs(sp.pi, sp.Dummy("root", positive=True) ** 2)


class _Finer(Exception):
    """A later round needs a root of an earlier exponential: start again with that root as the variable."""


def _normal_form(expr):
    roots = {}
    while True:
        try:
            return _NormalForm(expr, roots)
        except _Finer as finer:
            which, root = finer.args
            roots[which] = roots.get(which, 1) * root


class _NormalForm:
    """Quotients of polynomials in the symbols, in exp of each basis element and in log of each factor.

    Exponentials and logarithms are nested, so the variables are found in rounds, innermost first; a new round has more
    variables, and everything is then evaluated again in the larger ring.
    """

    def __init__(self, expr, roots):
        self.roots = roots  # position in the basis -> which root of the exponential is the variable
        self.variables = sorted(expr.free_symbols, key=str)
        self.positive = {s for s in self.variables if s.is_positive}
        self.basis = []  # (variable, argument): variable = exp(argument)
        self.logs = {}  # irreducible polynomial, as an expression in the variables -> variable
        self.safe = set()  # those polynomials that are known to be positive, so that exp(log f) = f
        self.known = {}  # exp or log node -> expression in the variables
        self._enter_ring()
        for _, nodes in sorted(_by_depth(expr).items()):
            self._resolve_exps([e for e in nodes if _is_exp(e)])
            self._resolve_logs([e for e in nodes if isinstance(e, sp.log)])
            self._enter_ring()

    def _enter_ring(self):
        # FLINT's contexts are keyed by name; ours are positions, so equal names cannot collide.
        self.ring = fmpq_mpoly_ctx.get([f"v{k}" for k in range(max(1, len(self.variables)))], Ordering.degrevlex)
        one = self.ring.constant(1)
        self.memo = {v: (g, one) for v, g in zip(self.variables, self.ring.gens(), strict=False)}

    # Quotients (numerator, denominator), reduced only where the reduced form is needed.

    def value(self, expr):
        if expr not in self.memo:
            self.memo[expr] = self._value(expr)
        return self.memo[expr]

    def _value(self, expr):
        if expr in self.known:
            return self.value(self.known[expr])
        if expr.is_Rational:
            return self.ring.constant(fmpq(expr.p, expr.q)), self.ring.constant(1)
        if isinstance(expr, sp.tanh):
            return self.value(_odds(expr))
        if expr.is_Add:
            return self._sum([self.value(part) for part in expr.args])
        if expr.is_Mul:
            parts = [self.value(part) for part in expr.args]
            return self._reduced(math.prod(n for n, _ in parts), math.prod(d for _, d in parts))
        if expr.is_Pow and expr.exp.is_Integer:
            n, d = self.value(expr.base)
            k = int(expr.exp)
            return (n**k, d**k) if k > 0 else self._reduced(d**-k, n**-k)
        raise Undecided(f"outside the fragment: {expr.func.__name__}")

    def _sum(self, parts):
        common = self._common([d for _, d in parts])
        return self._reduced(sum(n * (common / d) for n, d in parts), common)

    def _common(self, denominators):
        common = self.ring.constant(1)
        for d in denominators:
            if common % d != 0:
                common *= d / common.gcd(d)
        return common

    def _reduced(self, n, d):
        if d == 0:
            raise Undecided("division by zero")
        shared = n.gcd(d)
        return n / shared, d / shared

    def _expression(self, polynomial):
        """The polynomial as an expression in the variables."""

        def term(powers, c):
            return sp.Mul(_rational(c), *(v ** int(k) for v, k in zip(self.variables, powers, strict=False) if k))

        return sp.Add(*(term(powers, c) for powers, c in polynomial.to_dict().items()))

    def _new_variable(self, kind):
        variable = sp.Dummy(kind)
        self.variables.append(variable)
        return variable

    # exp

    def _resolve_exps(self, nodes):
        """Express the arguments over a basis that is independent over the rationals, earlier elements first."""
        outside, arguments = {}, {}
        for node in nodes:
            outside[node], arguments[node] = self._split_logs(sp.Integer(1) if node is sp.E else node.args[0])
        columns = [argument for _, argument in self.basis] + list(arguments.values())
        if not columns:
            return
        reduced, pivots = self._relations(columns)
        old = len(self.basis)
        for row, pivot in enumerate(pivots):
            if pivot >= old:
                # exp(b/q) is the variable, q the common denominator of all that is expressed by it.
                q = math.lcm(*(int(entry.q) for entry in reduced[row][old:]))
                q *= self.roots.get(row, 1)
                variable = self._new_variable("e")
                self.positive.add(variable)
                self.basis.append((variable, columns[pivot] / q))
                reduced[row] = [entry * q for entry in reduced[row]]
        for k, node in enumerate(arguments, start=old):
            powers = [row[k] for row in reduced]
            for which, power in enumerate(powers):
                if not power.is_Integer:
                    raise _Finer(which, int(power.q))
            product = sp.Mul(*(variable**p for (variable, _), p in zip(self.basis, powers, strict=True)))
            self.known[node] = outside[node] * product

    def _split_logs(self, argument):
        """exp(k log f + rest) is f^k exp(rest), k an integer: the pair f^k, rest, in the variables."""
        n, d = self.value(argument)
        outside = sp.Integer(1)
        expression = self._expression(n) / self._expression(d)
        if d.is_constant():
            expression = sp.expand(expression)
            for factor, variable in self.logs.items():
                power = expression.coeff(variable, 1)
                if power.is_Integer and factor in self.safe:
                    outside *= factor**power
                    expression -= power * variable
        return outside, expression

    def _relations(self, columns):
        """The matrix whose columns are these expressions, in reduced echelon form over the rationals.

        Its rows that are not zero, and the column where each begins.
        """
        quotients = [self.value(column) for column in columns]
        common = self._common([d for _, d in quotients])
        vectors = [(n * (common / d)).to_dict() for n, d in quotients]
        monomials = sorted(set().union(*vectors))
        reduced, rank = fmpq_mat([[vector.get(m, 0) for vector in vectors] for m in monomials]).rref()
        rows = [[_rational(entry) for entry in row] for row in reduced.tolist()[:rank]]
        return rows, [next(k for k, entry in enumerate(row) if entry) for row in rows]

    # log

    def _resolve_logs(self, nodes):
        if nodes:
            self._enter_ring()
        for node in nodes:
            n, d = self.value(node.args[0])
            self.known[node] = self._log(n) - self._log(d)

    def _log(self, polynomial):
        """The log of each factor known to be positive, and one opaque log for the others together."""
        constant, factors = polynomial.factor()
        out, rest = sp.Integer(0), sp.Integer(1)
        arguments = dict(self.basis)
        for factor, power in factors:
            f = self._expression(factor)
            if f in arguments:
                out += power * arguments[f]
            elif self._is_positive(factor):
                self.safe.add(f)
                out += power * self._log_of(f)
            else:
                rest *= f**power
        value = _rational(constant)
        if rest != 1:
            return out + self._log_of(value * rest)
        if value <= 0:
            raise Undecided("log of a number that is not positive")
        for number, sign in ((value.p, 1), (value.q, -1)):
            for prime, power in sp.factorint(number).items():
                self.safe.add(sp.Integer(prime))
                out += sign * power * self._log_of(sp.Integer(prime))
        return out

    def _log_of(self, factor):
        if factor not in self.logs:
            self.logs[factor] = self._new_variable("l")
        return self.logs[factor]

    def _is_positive(self, polynomial):
        """Positive coefficients, and even powers of whatever may be negative; and not zero at the origin."""
        of_the_ring = self.variables[: self.ring.nvars()]  # later variables are not in the polynomial
        signed = [k for k, v in enumerate(of_the_ring) if v not in self.positive]
        terms = polynomial.to_dict().items()
        never_zero = any(all(powers[k] == 0 for k in signed) for powers, _ in terms)
        return never_zero and all(c > 0 and all(powers[k] % 2 == 0 for k in signed) for powers, c in terms)


def _rational(c):
    """A rational number of FLINT's as one of SymPy's."""
    return sp.Rational(int(c.p), int(c.q))


def _odds(tanh):
    """tanh x by the odds e^2x."""
    return 1 - 2 / (sp.exp(2 * tanh.args[0]) + 1)


def _is_exp(expr):
    return isinstance(expr, sp.exp) or expr is sp.E  # SymPy writes exp(1) as a constant of its own


def _by_depth(expr):
    """The exp and log nodes of the expression (tanh through its exp), by how deeply they are nested."""
    depth, found = {}, {}

    def visit(e):
        if e not in depth:
            if isinstance(e, sp.tanh):
                depth[e] = visit(_odds(e))
            else:
                depth[e] = max(map(visit, e.args), default=0)
                if _is_exp(e) or isinstance(e, sp.log):
                    depth[e] += 1
                    found.setdefault(depth[e], []).append(e)
        return depth[e]

    visit(expr)
    return found
