"""The inference rules: theorems about sums and products of *any* size, by a few steps each of which is plain.

In the tradition of Edinburgh LCF (Gordon, Milner & Wadsworth 1979) a theorem is a value of an abstract type, here
`Thm`, and the only functions that build one are the rules of this file. What they derive is checked twice from
outside: by the value of every theorem in finite models (`proofs.kernel.semantics`) and, step by step, by Coq
(`proofs.coq`), for which a theorem keeps what its rule was given. So the rules need not be trusted: they are a way of
finding proofs.

What a theorem says: ``hyps |- left rel right`` with rel one of ``==``, ``>=``, ``>``. For all sizes of the sets, all
values of the free families that have their signs, and all values of the free indices: if every hypothesis holds *at all
values of its free indices*, then so does the conclusion.

SymPy decides the arithmetic (`combine`): that a rational function of the parts of a term is zero.
"""

from dataclasses import InitVar, dataclass
from types import MappingProxyType

from proofs.kernel import growth
from proofs.kernel.arithmetic import is_identity
from proofs.kernel.substitution import put, rebuilt
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    ZERO,
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
    Pow,
    ProofError,
    Same,
    Set,
    Slope,
    Sum,
    Term,
    below,
    fits,
    guard,
    plus,
    term,
    times,
    variables,
)

RELATIONS = ("==", ">=", ">")
_KEY = object()


@dataclass(frozen=True)
class Statement:
    """``left rel right``; made by `says`."""

    left: Term
    rel: str
    right: Term

    @property
    def free(self):
        return self.left.free | self.right.free

    def put(self, values=(), renamed=()):
        """The statement with terms for families and indices for indices."""
        return Statement(put(self.left, values, renamed), self.rel, put(self.right, values, renamed))

    def __repr__(self):
        return f"{self.left} {self.rel} {self.right}"


def says(left, rel, right):
    """The statement that ``left rel right``."""
    guard(type(rel) is str and rel in RELATIONS, lambda: f"unknown relation {rel!r}")
    return Statement(term(left), rel, term(right))


@dataclass(frozen=True, eq=False, repr=False)
class Thm:
    """A theorem ``hyps |- conclusion``. Only the rules of this file make one.

    rule, given, parents: the last step of the derivation: the rule, its other arguments by name, and the theorems it
    was applied to.
    """

    key: InitVar[object]
    conclusion: Statement
    hyps: frozenset
    rule: str
    given: MappingProxyType
    parents: tuple

    def __post_init__(self, key):
        guard(key is _KEY, "a theorem is made by the rules only")

    left = property(lambda self: self.conclusion.left)
    rel = property(lambda self: self.conclusion.rel)
    right = property(lambda self: self.conclusion.right)

    def __repr__(self):
        hyps = "".join(f"{h}, " for h in sorted(map(repr, self.hyps)))
        free = frozenset().union(self.conclusion.free, *(h.free for h in self.hyps))
        signs = sorted({f"{v} {'>' if v.sign == POSITIVE else '>='} 0" for v in free if type(v) is Family and v.sign})
        for_all = f"for {', '.join(signs)}: " if signs else ""
        return f"{for_all}{hyps[:-2]}{' ' if hyps else ''}|- {self.conclusion}"


def _derived(rule, conclusion, *parents, hyps=None, **given):
    for thm in parents:
        guard(type(thm) is Thm, lambda thm=thm: f"not a theorem: {thm!r}")
    together = frozenset().union(*(thm.hyps for thm in parents)) if hyps is None else frozenset(hyps)
    return Thm(_KEY, conclusion, together, rule, MappingProxyType(given), parents)


# --- assumptions, arithmetic, signs -------------------------------------------------------------------------


def assume(left, rel, right):
    """``left rel right |- left rel right``: the assumption stays on record, and speaks of all values of its indices."""
    statement = says(left, rel, right)
    return _derived("assume", statement, hyps=[statement])


def combine(left, rel, right, *weighted):
    """``left rel right`` because left − right is the sum of weight · (left − right) over the given pairs (weight,
    theorem).

    That is an identity of rational functions of the terms' parts, whatever those parts mean; SymPy decides it. An
    inequality's weight is not negative, and for ``>`` one strict inequality's weight is positive.
    """
    statement, weights, theorems = says(left, rel, right), [term(w) for w, _ in weighted], [t for _, t in weighted]
    out = _derived("combine", statement, *theorems, weights=tuple(weights))
    unequal = [(w, t) for w, t in zip(weights, theorems, strict=True) if t.rel != "=="]
    guard(rel != "==" or not unequal, "an equation does not follow from inequalities")
    guard(all(w.sign >= NONNEGATIVE for w, _ in unequal), "the weight of an inequality may be negative")
    strict = any(t.rel == ">" and w.sign == POSITIVE for w, t in unequal)
    guard(rel != ">" or strict, "no strict inequality has a positive weight")
    over = plus(*(w * (t.left - t.right) for w, t in zip(weights, theorems, strict=True)))
    is_so = is_identity(statement.left - statement.right, over)
    guard(is_so, lambda: f"no identity: {left} − ({right}) is not {over}")
    return out


def evident(e):
    """``e >= 0``, or ``e > 0``, from the signs of its parts."""
    e = term(e)
    guard(e.sign >= NONNEGATIVE, lambda: f"not evidently >= 0: {e}")
    return _derived("evident", says(e, ">" if e.sign == POSITIVE else ">=", 0))


def rewrite(e, *equations):
    """``e == e'``: each equation's left side is replaced by its right side wherever it stands in e.

    Also within sums, since an equation holds for all values of its free indices; but not within folds and slopes.
    """
    e = term(e)
    guard(all(t.rel == "==" for t in equations), "only equations say what to put for what")
    sides = {t.left: t.right for t in equations}
    return _derived("rewrite", says(e, "==", _replaced(e, sides)), *equations)


def _replaced(e, sides):
    if e in sides:
        return sides[e]
    return e if type(e) in (Fold, Slope) else rebuilt(e, [_replaced(part, sides) for part, _, _ in below(e)])


# --- sums ---------------------------------------------------------------------------------------------------


def total(thm, index):
    """From ``left rel right``: ``Sum(left) rel Sum(right)``, for it holds at every index, and there is one."""
    return _derived("total", says(Sum(thm.left, index), thm.rel, Sum(thm.right, index)), thm, index=index)


def linear(index, *pairs):
    """``Sum(c₁ e₁ + c₂ e₂ + …) == c₁ Sum(e₁) + c₂ Sum(e₂) + …`` for pairs (c, e), where no c has the index."""
    pairs = tuple((term(c), term(e)) for c, e in pairs)
    guard(all(index not in c.free for c, _ in pairs), lambda: f"a coefficient depends on {index}")
    inside = plus(*(c * e for c, e in pairs))
    return _derived("linear", says(Sum(inside, index), "==", plus(*(c * Sum(e, index) for c, e in pairs))),
                    index=index, pairs=pairs)  # fmt: skip


def swap(e, i, j):
    """``Σ_i Σ_j e == Σ_j Σ_i e``."""
    e = term(e)
    return _derived("swap", says(Sum(Sum(e, j), i), "==", Sum(Sum(e, i), j)), e=e, i=i, j=j)


def pick(e, i, j):
    """``Σ_i [i = j] e == e`` with j for i."""
    e = term(e)
    guard(i != j, "an index is the same as itself")
    return _derived("pick", says(Sum(Same(i, j) * e, i), "==", put(e, {}, {i: j})), e=e, i=i, j=j)


def vanish(thm, zero, index):
    """From ``left >= right`` and ``Sum(left) == Sum(right)``: ``left == right``, at every index."""
    out = _derived("vanish", says(thm.left, "==", thm.right), thm, zero, index=index)
    guard(thm.rel != "==" and zero.conclusion == says(Sum(thm.left, index), "==", Sum(thm.right, index)),
          "not the sums of the two sides of an inequality")  # fmt: skip
    return out


# --- exp and log --------------------------------------------------------------------------------------------


def log_of_product(a, b):
    """``log(a b) == log a + log b`` for a, b > 0."""
    a, b = term(a), term(b)
    guard(a.sign == b.sign == POSITIVE, lambda: f"{a} or {b} may be zero")
    return _derived("log_of_product", says(Log(times(a, b)), "==", plus(Log(a), Log(b))), a=a, b=b)


def log_of_exp(a):
    """``log(exp a) == a``."""
    return _derived("log_of_exp", says(Log(Exp(term(a))), "==", a), a=term(a))


def exp_of_log(a):
    """``exp(log a) == a`` for a > 0."""
    a = term(a)
    guard(a.sign == POSITIVE, lambda: f"{a} may be zero")
    return _derived("exp_of_log", says(Exp(Log(a)), "==", a), a=a)


def tangent(a):
    """``exp a >= 1 + a``."""
    return _derived("tangent", says(Exp(term(a)), ">=", 1 + term(a)), a=term(a))


def touches(thm):
    """From ``exp a == 1 + a``: ``a == 0``, the one place where the tangent touches."""
    a = thm.left.of if type(thm.left) is Exp else ZERO
    guard(thm.conclusion == says(Exp(a), "==", plus(1, a)), lambda: f"not exp a == 1 + a: {thm.conclusion}")
    return _derived("touches", says(a, "==", 0), thm, a=a)


# --- variables ----------------------------------------------------------------------------------------------


def inst(thm, values=None, indices=None, sets=None):
    """The theorem, also its hypotheses, with terms for families, indices for indices and sets for sets.

    values: {family: term}, or {family: (params, term)} for one over sets; indices: {index: index}, over the same set;
    sets: {set: set}, changed first. Nothing is captured (`put`), and what takes a family's place has its sign (`fits`).
    A hypothesis then speaks of all values of the indices that arrive in it, and its own stay apart.
    """
    values = {
        f: (tuple(v[0]), term(v[1])) if type(v) is tuple else ((), term(v)) for f, v in dict(values or {}).items()
    }
    indices, sets = dict(indices or {}), dict(sets or {})
    for family, (params, body) in values.items():
        fits(family, params, body)
    there = {statement: _over_sets(statement, sets) for statement in (thm.conclusion, *thm.hyps)}
    hyps = [_still_apart(there[h], values, indices).put(values, indices) for h in thm.hyps]
    return _derived("inst", there[thm.conclusion].put(values, indices), thm, hyps=hyps,
                    values=values, indices=indices, sets=sets)  # fmt: skip


def _still_apart(hypothesis, values, indices):
    """The hypothesis, unless two of the indices that it speaks of at all values would become one, or one that arrives:
    it would say less then than the theorem needs."""
    own = [indices.get(v, v) for v in hypothesis.free if type(v) is Index]
    arriving = [body.free - {*params} for family, (params, body) in values.items() if family in hypothesis.free]
    guard(len({*own}) == len(own) and all(free.isdisjoint(own) for free in arriving),
          f"the indices of {hypothesis} would not stay apart")  # fmt: skip
    return hypothesis


def _over_sets(statement, sets):
    if not sets:
        return statement
    names = variables(statement.left) | variables(statement.right)
    guard(len({over_sets(v, sets) for v in names}) == len(names), "two variables would become one")
    return Statement(over_sets(statement.left, sets), statement.rel, over_sets(statement.right, sets))


def over_sets(v, sets):
    """A term, index, family or set with sets for sets throughout."""
    again = lambda *parts: tuple(over_sets(part, sets) for part in parts)
    match v:
        case Set():
            return sets.get(v, v)
        case Cube(of):
            return Cube(*again(of))
        case Index(name, over):
            return Index(name, *again(over))
        case Family(name, over, sign):
            return Family(name, again(*over), sign)
        case App(family, at):
            return App(*again(family), again(*at))
        case Bit(left, right) | Same(left, right):
            return type(v)(*again(left, right))
        case Sum(body, index):
            return Sum(*again(body, index))
        case Fold(state, params, init, step, over, at):
            return Fold(*again(state), again(*params), *again(init, step, over), again(*at))
    return rebuilt(v, again(*(part for part, _, _ in below(v))))


def cases(left, rel, right, number, at_zero, elsewhere):
    """``left rel right`` for a number >= 0, from its being so at 0 and where the number is positive.

    number: a family of sign NONNEGATIVE at indices. at_zero: the statement with 0 for it; elsewhere: with a positive
    family of the same name. The guards: all that the statement says of the family, it says of this one number; and no
    hypothesis speaks of it.
    """
    statement = says(left, rel, right)
    guard(type(number) is App and number.sign == NONNEGATIVE, lambda: f"{number} is no number that is 0 or more")
    family, there = number.family, Family(number.family.name, number.family.sets, POSITIVE)
    out = _derived("cases", statement, at_zero, elsewhere, number=number)
    guard(
        not any(f in h.free for h in out.hyps for f in (family, there)),
        lambda: f"{number} is constrained by a hypothesis",
    )
    guard(there not in statement.free, lambda: f"{number} and its positive namesake are two numbers")
    without = [_replaced(side, {number: ZERO}) for side in (statement.left, statement.right)]
    guard(all(family not in e.free for e in without), lambda: f"other members of {family} than {number} occur")
    guard(not any(_under_its_binder(side, number) for side in (statement.left, statement.right)),
          f"{number} stands for several numbers: its index is bound")  # fmt: skip
    for value, thm in (ZERO, at_zero), (there(*number.at), elsewhere):
        guard(thm.conclusion == statement.put({family: (number.at, value)}), f"not a case of {number}")
    return out


def _under_its_binder(e, number):
    for part, bound, at in below(e):
        inside = number.family in part.free
        if (inside and (number.family in bound or set(at) & set(number.at))) or _under_its_binder(part, number):
            return True
    return False


# --- induction on the size of a set -------------------------------------------------------------------------


def grow(left, rel, right, over, base, step):
    """``left rel right`` for all sizes of a set, from its being so for one element and, if for n elements, for one
    more.

    base: the statement `grown` from nothing, without hypotheses; step: the statement `grown` by one element, whose only
    hypothesis is the statement itself. The guards: no index over the set, or over its states, is free; and no part of a
    family has the name of another part or family.
    """
    statement = says(left, rel, right)
    out = _derived("grow", statement, base, step, hyps=[], over=over)
    guard(type(over) is Set and all(over not in growth.within(v.set) for v in statement.free if type(v) is Index),
          f"an index over {over} is free")  # fmt: skip
    named = [v for v in variables(statement.left) | variables(statement.right) if type(v) is Family]
    parts = [p for family in named for p in growth.all_parts(family, over)]
    guard(len({*named, *parts}) == len(named) + len(parts), lambda: f"a part of one of {named} has the name of another")
    guard(base.conclusion == grown(statement, over, first=True) and not base.hyps, "not the statement for one element")
    guard(step.conclusion == grown(statement, over), "not the statement for one element more")
    guard(step.hyps <= {statement}, "the step assumes more than the statement")
    return out


def grown(e, over, first=False):
    """A term or statement with one more element in a set, as `proofs.kernel.growth` says."""
    if type(e) is Statement:
        return Statement(grown(e.left, over, first), e.rel, grown(e.right, over, first))
    return growth.grown(e, over, first)


# --- derivatives --------------------------------------------------------------------------------------------


def differentiate(body, by, at):
    """``d body/d by at a value == `` what the rules of the differential calculus make of it."""
    slope = Slope(term(body), by, term(at))
    return _derived("differentiate", says(slope, "==", put(derivative(slope.body, by), {by: ((), slope.at)})))


def derivative(e, by):
    """The derivative of a term by a number; parts without that number are left out."""
    again = lambda part: derivative(part, by)
    if by not in e.free:
        return ZERO
    match e:
        case App():
            return ONE
        case Add(parts):
            return plus(*(again(part) for part in parts if by in part.free))
        case Mul(parts):
            return plus(*(times(*parts[:k], again(p), *parts[k + 1 :]) for k, p in enumerate(parts) if by in p.free))
        case Pow(base, exponent):
            return times(exponent, ONE if exponent == 1 else Pow(base, exponent - 1), again(base))
        case Exp(of):
            return e * again(of)
        case Log(of):
            return again(of) / of
        case Sum(body, index):
            return Sum(again(body), index)
    raise ProofError(f"no rule for the slope of {type(e).__name__.lower()}s")
