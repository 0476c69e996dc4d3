"""What terms mean, as a program: the value of a term, and the truth of a theorem, in a finite model.

A model gives each set a size, and each family a table of numbers. A value is a rational number, exactly, as long as no
exp or log is met, and a ball of python-flint from there on: a theorem that is found false *is* false. Nothing here is
shared with the rules, which is why it can find a rule that is wrong. Nor does it rely on the checks that terms make of
themselves: what is no term, 1/0 and the logarithm of a negative number raise `NoValue`.
"""

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce

from flint import arb, ctx, fmpq

from proofs.kernel.terms import (
    NONNEGATIVE,
    POSITIVE,
    Add,
    App,
    Bit,
    Cube,
    Exp,
    Family,
    Fold,
    Index,
    Log,
    Mul,
    Num,
    Pow,
    Same,
    Slope,
    Sum,
    free_indices,
    in_order,
    variables,
)

BITS = 200
"""The precision of balls."""

MARGIN = Fraction(1, 10**12)
"""By how much a theorem about balls is to be false: far more than hypotheses about balls may be off."""


class NoValue(Exception):
    """The term is not well formed, or divides by zero, or asks for the logarithm of a negative number."""


@dataclass(frozen=True)
class Model:
    """sizes: {set: how many elements}; tables: {family: {indices: value}}; depth: how many derivatives it is within."""

    sizes: dict
    tables: dict = field(default_factory=dict)
    depth: int = 0

    def range(self, a_set):
        """The elements of a set: 0, 1, … A state of {0,1}^J is the number whose binary digits are its bits."""
        return range(2 ** len(self.range(a_set.of)) if type(a_set) is Cube else self.sizes[a_set])

    def places(self, variables):
        """All values of some indices together."""
        return [
            dict(zip(variables, at, strict=True)) for at in itertools.product(*(self.range(v.set) for v in variables))
        ]

    def having(self, family, table, depth=None):
        """The same model with a table for one more family."""
        return Model(self.sizes, {**self.tables, family: table}, self.depth if depth is None else depth)


def value(e, model, at):
    """The value of a term: a Fraction, a ball, or within a derivative a `Dual`. at: {free index: element}."""
    match e:
        case Num(Fraction() as number):
            return number
        case App(Family(sets=sets) as family, tuple(places)) if _sets(places) == sets and family in model.tables:
            return model.tables[family][tuple(at[i] for i in places)]
        case Bit(Index(set=Cube(units)) as state, Index() as unit) if units == unit.set:
            return Fraction(at[state] >> at[unit] & 1)
        case Same(Index() as left, Index() as right) if left.set == right.set:
            return Fraction(at[left] == at[right])
        case Add(tuple(parts)) if parts:
            return reduce(plus, (value(part, model, at) for part in parts))
        case Mul(tuple(parts)) if parts:
            return reduce(times, (value(part, model, at) for part in parts))
        case Pow(base, int(exponent)):
            return power(value(base, model, at), exponent)
        case Exp(of):
            return exp(value(of, model, at))
        case Log(of):
            return log(value(of, model, at))
        case Sum(body, Index() as index):
            return reduce(plus, (value(body, model, {**at, index: k}) for k in model.range(index.set)))
        case Fold(Family(sets=sets), tuple(params), _, _, Index() as over, tuple(places)) if (
            _sets(params) == _sets(places) == sets and len({*params, over}) == len(params) + 1
        ):
            return _looped(e, model, at)
        case Slope(body, Family(sets=(), sign=sign) as by, place) if sign != NONNEGATIVE:
            depth = model.depth + 1
            moved = Dual(depth, value(place, model, at), Fraction(1))
            return _slope(value(body, model.having(by, {(): moved}, depth), at), depth)
    raise NoValue(f"no term: {e!r}")


def _sets(places):
    return tuple(i.set if type(i) is Index else None for i in places)


def _looped(e, model, at):
    def table(body, model, **more):
        places = model.places(e.params)
        return {
            tuple(place.values()): value(body, model, {**at, **more.get("element", {}), **place}) for place in places
        }

    state = table(e.init, model)
    for k in model.range(e.over.set):
        state = table(e.step, model.having(e.state, state), element={e.over: k})
    return state[tuple(at[i] for i in e.at)]


# --- arithmetic on fractions, balls and duals ---------------------------------------------------------------


@dataclass(frozen=True)
class Dual:
    """A number and its derivative, as forward differentiation carries them along; depth tells derivatives apart."""

    depth: int
    value: object
    slope: object


def ball(x):
    """A Fraction or a ball, as a ball."""
    return arb(fmpq(x.numerator, x.denominator)) if type(x) is Fraction else x


def _depth(x):
    return x.depth if type(x) is Dual else 0


def _value(x, depth):
    return x.value if _depth(x) == depth else x


def _slope(x, depth):
    return x.slope if _depth(x) == depth else Fraction(0)


def _both(x, y):
    return (x, y) if type(x) is type(y) else (ball(x), ball(y))


def plus(x, y):
    """x + y"""
    if depth := max(_depth(x), _depth(y)):
        return Dual(depth, plus(_value(x, depth), _value(y, depth)), plus(_slope(x, depth), _slope(y, depth)))
    x, y = _both(x, y)
    return x + y


def times(x, y):
    """x y"""
    if depth := max(_depth(x), _depth(y)):
        (a, da), (b, db) = ((_value(z, depth), _slope(z, depth)) for z in (x, y))
        return Dual(depth, times(a, b), plus(times(da, b), times(a, db)))
    x, y = _both(x, y)
    return x * y


def power(x, n):
    """x to the power of n"""
    if type(x) is Dual:
        return Dual(
            x.depth, power(x.value, n), times(times(Fraction(n), power(x.value, n - 1)), x.slope) if n else Fraction(0)
        )
    if x == 0 and n < 0:
        raise NoValue("1/0")
    return x**n


def exp(x):
    """e to the power of x"""
    if type(x) is Dual:
        return Dual(x.depth, exp(x.value), times(exp(x.value), x.slope))
    return Fraction(1) if x == 0 else ball(x).exp()


def log(x):
    """The logarithm; 0 at 0, where it has no derivative: that is a ball about which nothing is known."""
    if type(x) is Dual:
        return Dual(x.depth, log(x.value), arb("nan") if x.value == 0 else times(x.slope, power(x.value, -1)))
    if x < 0:
        raise NoValue(f"log({x})")
    return Fraction(0) if type(x) is Fraction and x in (0, 1) else ball(x).log()


# --- truth --------------------------------------------------------------------------------------------------


def difference(statement, model, at):
    """left − right."""
    with ctx.workprec(BITS):
        return plus(value(statement.left, model, at), times(Fraction(-1), value(statement.right, model, at)))


def refuted(statement, model, at):
    """Is the statement false there: exactly for rational values, by `MARGIN` and more otherwise?"""
    apart = difference(statement, model, at)
    if type(apart) is Fraction:
        return not {"==": apart == 0, ">=": apart >= 0, ">": apart > 0}[statement.rel]
    return bool(abs(apart) > ball(MARGIN) if statement.rel == "==" else apart < ball(-MARGIN))


def holds(statement, model, at, tolerance=Fraction(1, 10**30)):
    """Is it true there: exactly for rational values, and as far as balls of `BITS` bits can tell otherwise?"""
    apart = difference(statement, model, at)
    if type(apart) is Fraction:
        return {"==": apart == 0, ">=": apart >= 0, ">": apart > 0}[statement.rel]
    near = bool(abs(apart) < ball(tolerance))
    return near if statement.rel == "==" else bool(apart > 0) or (near and statement.rel == ">=")


def everywhere(statement, model, truth):
    """Does ``truth`` hold of the statement at all values of its free indices?"""
    return all(truth(statement, model, at) for at in model.places(free_indices(statement)))


def admissible(model):
    """Have the numbers of a model the signs of their families?"""
    signs = {POSITIVE: lambda x: x > 0, NONNEGATIVE: lambda x: x >= 0}
    return all(signs.get(f.sign, lambda x: True)(x) for f, table in model.tables.items() for x in table.values())


def counterexample(thm, model):
    """Where a theorem is false in a model of its hypotheses: values of its free indices. None if nowhere.

    Raises `NoValue` where it has no value.
    """
    if not (admissible(model) and all(everywhere(h, model, holds) for h in thm.hyps)):
        return None
    return next((at for at in model.places(free_indices(thm.conclusion)) if refuted(thm.conclusion, model, at)), None)


def families_of(thm):
    """The families that a theorem speaks of for all their values."""
    free = frozenset().union(*(statement.free for statement in (thm.conclusion, *thm.hyps)))
    return in_order(v for v in free if type(v) is Family)


def sets_of(statements):
    """The sets that statements speak of, bound ones included, without cubes."""
    sides = [side for statement in statements for side in (statement.left, statement.right)]
    found = set()
    for v in set().union(*map(variables, sides)):
        for one in (v.set,) if type(v) is Index else v.sets:
            while type(one) is Cube:
                one = one.of
            found.add(one)
    return sorted(found, key=repr)


def tables(families, sizes, number):
    """A model with a number for each place of each family: ``number(sign)`` gives the next one."""
    model = Model(dict(sizes))
    made = {f: {at: number(f.sign) for at in itertools.product(*map(model.range, f.sets))} for f in families}
    return Model(model.sizes, made)
