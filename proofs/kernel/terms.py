"""What the proof kernel speaks about: real numbers that depend on indices over finite sets of any size.

A `Term` is immutable, of one of the classes below and no other, and checked when it is made:

* numbers, ``+``, ``*``, integer powers, ``exp`` and ``log``. A power below zero asks for a base, and ``log`` for an
  argument, whose sign is evident (`Term.sign`), so a term has a value everywhere. ``log 0`` is 0, as in Coq's reals, so
  that q log q is 0 at q = 0;
* ``W(i, j)``, a family of numbers at indices. The `Set` of an index has one element or more: how many is left open. So
  a statement about terms is one about all sizes. `Cube` (J) is the set {0,1}^J, and ``Bit(s, j)`` is s_j;
* ``Sum(e, i)``; ``Same(i, j)``, 1 where the two are one index and 0 elsewhere; `Fold`, what a step makes of a start
when
  it is done for each element of a set, in order; and `Slope`, a derivative. They bind: names of what is bound do not
  matter, and nothing is ever captured.
"""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import cached_property


class ProofError(Exception):
    """The derivation is refused: it does not follow by the rule that was used."""


def guard(condition, why):
    """Raise ProofError unless the condition is True. Every check of the kernel is made here.

    why: the reason, or a function that returns it, where there are too many checks to write one for each.
    """
    if condition is not True:
        raise ProofError(why() if callable(why) else why)


class Sign(IntEnum):
    """What is promised of a number; each promise includes those before it."""

    REAL = 0
    NONNEGATIVE = 1
    POSITIVE = 2


REAL, NONNEGATIVE, POSITIVE = Sign


# --- sets, indices and families -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Set:
    """A finite set that is not empty."""

    name: str

    def __post_init__(self):
        _named(self)

    def __repr__(self):
        return self.name


@dataclass(frozen=True)
class Cube:
    """{0,1}^J: the states of units that are numbered by the set J."""

    of: "Set | Cube"

    def __post_init__(self):
        _sets(self.of)

    def __repr__(self):
        return f"{{0,1}}^{self.of}"


@dataclass(frozen=True)
class Index:
    """A variable for an element of a set."""

    name: str
    set: Set | Cube

    def __post_init__(self):
        _named(self)
        _sets(self.set)

    def __repr__(self):
        return self.name


@dataclass(frozen=True)
class Family:
    """A variable for numbers that are numbered by elements of sets, all of one sign; one number if there are no
    sets."""

    name: str
    sets: tuple
    sign: Sign

    def __post_init__(self):
        _named(self)
        _tuple(self.sets)
        _sets(*self.sets)
        guard(type(self.sign) is Sign, lambda: f"not a sign: {self.sign!r}")

    def __call__(self, *at):
        return App(self, at)

    def __repr__(self):
        return self.name


def _named(variable):
    guard(type(variable.name) is str, lambda: f"not a name: {variable.name!r}")


def _sets(*sets):
    for one in sets:
        guard(type(one) in (Set, Cube), lambda one=one: f"not a set: {one!r}")


def _tuple(parts):
    guard(type(parts) is tuple, lambda: f"may be changed later: {parts!r}")


def indices(names, over):
    """Indices over a set, by name: ``i, j = indices("i j", I)``. Always a list."""
    return [Index(name, over) for name in names.split()]


def families(names, *sets, sign=REAL):
    """Families over sets, by name. Always a list."""
    return [Family(name, sets, sign) for name in names.split()]


def numbers(names, sign=REAL):
    """Numbers as terms, by name. Always a list."""
    return [family() for family in families(names, sign=sign)]


# --- terms --------------------------------------------------------------------------------------------------


class Term:
    """A real number. Two terms are equal if they are the same but for the names of what they bind."""

    sign = REAL
    """What is evident of its sign, from the signs of its parts alone."""

    def __add__(self, other):
        return plus(self, other)

    def __radd__(self, other):
        return plus(other, self)

    def __neg__(self):
        return times(-1, self)

    def __sub__(self, other):
        return plus(self, -term(other))

    def __rsub__(self, other):
        return plus(other, -self)

    def __mul__(self, other):
        return times(self, other)

    def __rmul__(self, other):
        return times(other, self)

    def __truediv__(self, other):
        return times(self, Pow(term(other), -1))

    def __rtruediv__(self, other):
        return Pow(self, -1) if type(other) is int and other == 1 else times(other, Pow(self, -1))

    def __pow__(self, exponent):
        return self if exponent == 1 else Pow(self, exponent)

    def __eq__(self, other):
        return isinstance(other, Term) and self.key == other.key

    def __hash__(self):
        return self._hash

    @cached_property
    def _hash(self):
        return hash(self.key)

    @cached_property
    def key(self):
        """Equal for terms that are the same but for the names of what they bind."""
        return _key(self, {})

    @cached_property
    def free(self):
        """The families and indices that occur free."""
        return _free(self)

    def __repr__(self):
        return text(self)


def _class_of_terms(cls):
    return dataclass(frozen=True, eq=False, repr=False)(cls)


@_class_of_terms
class Num(Term):
    """A rational number."""

    value: Fraction

    def __post_init__(self):
        guard(type(self.value) is Fraction, lambda: f"not a rational number: {self.value!r}")

    @cached_property
    def sign(self):
        return POSITIVE if self.value > 0 else NONNEGATIVE if self.value == 0 else REAL


@_class_of_terms
class App(Term):
    """A family at indices."""

    family: Family
    at: tuple

    def __post_init__(self):
        _family(self.family)
        guard(
            _over(self.at) == self.family.sets,
            lambda: f"{self.family} is over {self.family.sets}, not {_over(self.at)}",
        )

    @property
    def sign(self):
        return self.family.sign


@_class_of_terms
class Bit(Term):
    """The bit of a state at a unit: 0 or 1."""

    state: Index
    unit: Index
    sign = NONNEGATIVE

    def __post_init__(self):
        state, unit = _over((self.state, self.unit))
        guard(state == Cube(unit), lambda: f"{self.state} is no state of the units that {self.unit} is one of")


@_class_of_terms
class Same(Term):
    """1 if two indices are the same element, else 0."""

    left: Index
    right: Index
    sign = NONNEGATIVE

    def __post_init__(self):
        left, right = _over((self.left, self.right))
        guard(left == right, lambda: f"{self.left} and {self.right} are indices over two sets")


@_class_of_terms
class Add(Term):
    """The sum of its parts."""

    parts: tuple

    def __post_init__(self):
        _operands(self.parts)

    @cached_property
    def sign(self):
        signs = [part.sign for part in self.parts]
        return max(signs) if min(signs) >= NONNEGATIVE else REAL


@_class_of_terms
class Mul(Term):
    """The product of its parts."""

    parts: tuple

    def __post_init__(self):
        _operands(self.parts)

    @cached_property
    def sign(self):
        return min(part.sign for part in self.parts)


@_class_of_terms
class Pow(Term):
    """A whole power; below zero only of what is positive."""

    base: Term
    exponent: int

    def __post_init__(self):
        _terms(self.base)
        guard(type(self.exponent) is int, lambda: f"not a whole power: {self.exponent!r}")
        positive = self.exponent > 0 or self.base.sign == POSITIVE
        guard(positive, lambda: f"{self.base} may be zero, and something is divided by it")

    @cached_property
    def sign(self):
        return self.base.sign if self.base.sign == POSITIVE or self.exponent % 2 else NONNEGATIVE


@_class_of_terms
class Exp(Term):
    """e to the power of a term."""

    of: Term
    sign = POSITIVE

    def __post_init__(self):
        _terms(self.of)


@_class_of_terms
class Log(Term):
    """The natural logarithm of what is not negative; 0 at 0."""

    of: Term

    def __post_init__(self):
        _terms(self.of)
        guard(self.of.sign >= NONNEGATIVE, lambda: f"{self.of} may be negative, and has no logarithm then")


@_class_of_terms
class Sum(Term):
    """The sum of a term over an index, which it binds."""

    body: Term
    index: Index

    def __post_init__(self):
        _terms(self.body)
        _over((self.index,))

    @property
    def sign(self):
        return self.body.sign


@_class_of_terms
class Fold(Term):
    """v(at), where v starts as ``init`` and becomes ``step`` once for each element of a set, in order.

    state: the family v, bound in step, over the sets of ``params``. params: indices, bound in init and step, so that
    ``init`` is v(params). over: the index of the element, bound in step.
    """

    state: Family
    params: tuple
    init: Term
    step: Term
    over: Index
    at: tuple

    def __post_init__(self):
        _over((self.over,))
        fits(self.state, self.params, self.init)
        fits(self.state, self.params, self.step)
        guard(self.over not in self.params, lambda: f"{self.over} is bound twice")
        guard(
            _over(self.at) == self.state.sets, lambda: f"{self.state} is over {self.state.sets}, not {_over(self.at)}"
        )

    @property
    def sign(self):
        return self.state.sign


@_class_of_terms
class Slope(Term):
    """The derivative of a term by a number, which it binds, at a value of that number."""

    body: Term
    by: Family
    at: Term

    def __post_init__(self):
        _terms(self.body)
        fits(self.by, (), self.at)
        guard(self.by.sign != NONNEGATIVE, lambda: f"no open set of values: {self.by!r}")


CLASSES = (Num, App, Bit, Same, Add, Mul, Pow, Exp, Log, Sum, Fold, Slope)


def _terms(*parts):
    for part in parts:
        guard(type(part) in CLASSES, lambda part=part: f"not a term: {part!r}")


def _operands(parts):
    _tuple(parts)
    guard(parts != (), "no parts")
    _terms(*parts)


def _family(family):
    guard(type(family) is Family, lambda: f"not a family: {family!r}")


def _over(at):
    _tuple(at)
    for index in at:
        guard(type(index) is Index, lambda index=index: f"not an index: {index!r}")
    return tuple(index.set for index in at)


def fits(family, params, body):
    """Refuse unless ``body``, as a function of ``params``, may be what a family stands for: this is where a sign's
    promise is kept, wherever a value takes a family's place."""
    _family(family)
    _terms(body)
    guard(_over(params) == family.sets, lambda: f"{family} is over {family.sets}, not {_over(params)}")
    guard(len(set(params)) == len(params), lambda: f"two parameters of one name: {params}")
    guard(body.sign >= family.sign, lambda: f"{body}, for {family}, is not known to be {family.sign.name.lower()}")


def term(value):
    """The value as a term: itself, or a whole number or fraction; anything else is refused."""
    if type(value) in (int, Fraction):
        return Num(Fraction(value))
    _terms(value)
    return value


ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


def plus(*parts):
    """The sum of some terms."""
    return Add(tuple(map(term, parts))) if len(parts) > 1 else term(*parts) if parts else ZERO


def times(*parts):
    """The product of some terms."""
    return Mul(tuple(map(term, parts))) if len(parts) > 1 else term(*parts) if parts else ONE


def exp(e):
    """e to the power of a term."""
    return Exp(term(e))


def log(e):
    """The logarithm of a term."""
    return Log(term(e))


def sum_over(*indices, of):
    """``Sum`` over several indices, the first outermost."""
    for index in reversed(indices):
        of = Sum(term(of), index)
    return of


# --- what is bound, and what is free ------------------------------------------------------------------------


def below(e):
    """The terms that a term is made of, each with the families and the indices that are bound in it."""
    match e:
        case Add(parts) | Mul(parts):
            return [(part, (), ()) for part in parts]
        case Pow(part, _) | Exp(part) | Log(part):
            return [(part, (), ())]
        case Sum(body, index):
            return [(body, (), (index,))]
        case Fold(state, params, init, step, over, _):
            return [(init, (), params), (step, (state,), (*params, over))]
        case Slope(body, by, at):
            return [(body, (by,), ()), (at, (), ())]
    return []


def _own(e):
    """The families and indices that stand in a term itself, free."""
    match e:
        case App(family, at):
            return {family, *at}
        case Bit(left, right) | Same(left, right):
            return {left, right}
        case Fold(at=at):
            return set(at)
    return set()


def _free(e):
    return frozenset(_own(e)).union(*(part.free - {*bound, *at} for part, bound, at in below(e)))


def variables(e):
    """The families and indices that occur, free or bound."""
    return _own(e).union(*({*variables(part), *bound, *at} for part, bound, at in below(e)))


def in_order(variables):
    """Variables in an order that is the same in every run: by name, then by what they are over, then by sign."""
    over = lambda v: v.sets if type(v) is Family else v.set if type(v) is Index else ()
    return sorted(variables, key=lambda v: (v.name, repr(over(v)), getattr(v, "sign", REAL)))


def free_indices(e):
    """The indices that occur free in a term or a statement, in order."""
    return in_order(v for v in e.free if type(v) is Index)


def _key(e, bound):
    """The term with numbers for what it binds."""
    own = lambda v: bound.get(v, v)
    match e:
        case Num(value):
            return value
        case App(family, at):
            return "app", own(family), tuple(map(own, at))
        case Bit(left, right):
            return "bit", own(left), own(right)
        case Same(left, right):
            return "same", own(left), own(right)
        case Pow(base, exponent):
            return "pow", _key(base, bound), exponent
        case Sum(body, index):
            return "sum", index.set, _key(body, _deeper(bound, index))
        case Fold(state, params, init, step, over, at):
            inner = _deeper(bound, *params)
            loop = _key(init, inner), _key(step, _deeper(inner, state, over))
            return "fold", state.sets, state.sign, over.set, *loop, tuple(map(own, at))
        case Slope(body, by, at):
            return "slope", by.sign, _key(body, _deeper(bound, by)), _key(at, bound)
    return type(e).__name__, *(_key(part, bound) for part, _, _ in below(e))


def _deeper(bound, *more):
    """``bound`` with numbers for more variables, higher than any before, also where one of the same name is bound
    again."""
    above = max(bound.values(), default=-1) + 1
    return {**bound, **{v: above + k for k, v in enumerate(more)}}


# --- text ---------------------------------------------------------------------------------------------------


def text(e, tight=False):
    """The term as one reads it; ``tight`` puts sums in brackets."""
    at = lambda indices: f"[{', '.join(map(repr, indices))}]" if indices else ""
    match e:
        case Num(value):
            return f"({value})" if tight and (value < 0 or value.denominator > 1) else str(value)
        case App(family, indices):
            return family.name + at(indices)
        case Bit(state, unit):
            return f"{state}_{unit}"
        case Same(left, right):
            return f"[{left} = {right}]"
        case Add(parts):
            out = " + ".join(map(text, parts)).replace("+ -", "- ")
            return f"({out})" if tight else out
        case Mul((Num(value), *rest)) if value == -1 and rest:
            return f"-{text(times(*rest), tight=True)}"
        case Mul(parts):
            return " ".join(text(part, tight=True) for part in parts)
        case Pow(base, -1):
            return f"1/{text(base, tight=True)}" if type(base) not in (Mul, Pow) else f"1/({text(base)})"
        case Pow(base, exponent):
            return (
                f"{text(base, tight=True)}^{exponent}" if type(base) not in (Mul, Pow) else f"({text(base)})^{exponent}"
            )
        case Exp(of) | Log(of):
            return f"{type(e).__name__.lower()}({text(of)})"
        case Sum(body, index):
            return f"Σ_{index} {text(body, tight=True)}" if not tight else f"(Σ_{index} {text(body, tight=True)})"
        case Fold(state, params, init, step, over, indices):
            return f"fold({state}{at(params)} from {init}, for {over}: {step}){at(indices)}"
        case Slope(body, by, at_value):
            return f"d/d{by} ({text(body)}) at {by} = {text(at_value)}"
    raise AssertionError
