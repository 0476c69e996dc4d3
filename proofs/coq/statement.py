"""What a theorem means, written in Coq's reals. This file is trusted: it is all of Python that is.

A set is a size n > 0, its indices are the natural numbers below n, and those of {0,1}^J are below 2^n. A family is a
function of its indices, with a premise that says its sign. A hypothesis is a premise, for all values of its free
indices.
"""

import functools
import re
from dataclasses import dataclass, field

from proofs.kernel.terms import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
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
    Set,
    Slope,
    Sum,
    Term,
    below,
    free_indices,
    in_order,
)

RELATION = {"==": "=", ">=": ">=", ">": ">"}
SIGN = {NONNEGATIVE: "0 <= ", POSITIVE: "0 < "}


@dataclass
class Names:
    """A Coq identifier for each set, family and index: the last letter says which, and no two are the same."""

    given: dict = field(default_factory=dict)

    def __getitem__(self, variable):
        if variable not in self.given:
            kind = {Set: "n", Family: "f", Index: "i"}[type(variable)]
            base = re.sub(r"\W+", "_", variable.name, flags=re.ASCII) or "v"
            name = f"{base}_{kind}"
            while name in self.given.values():
                name += "'"
            self.given[variable] = name
        return self.given[variable]


@dataclass(frozen=True)
class Scope:
    """How variables are written: texts maps sets and indices to texts, and families to functions of texts."""

    names: Names
    texts: dict
    taken: frozenset = frozenset()

    def size(self, a_set):
        """The number of elements of a set."""
        return f"(2 ^ {self.size(a_set.of)})%nat" if type(a_set) is Cube else self.texts[a_set]

    def with_texts(self, texts):
        """The scope in which some variables are written otherwise."""
        return Scope(self.names, {**self.texts, **texts}, self.taken)

    def bind(self, *variables):
        """Their names, such as nothing around them has, and the scope in which they stand for the variables."""
        texts, taken, names = dict(self.texts), set(self.taken), []
        for variable in variables:
            name = self.names[variable]
            while name in taken:
                name += "'"
            taken.add(name)
            names.append(name)
            texts[variable] = applied(name) if type(variable) is Family else name
        return names, Scope(self.names, texts, frozenset(taken))


def applied(name):
    """The function that writes a family of that name at indices."""
    return lambda *at: f"({' '.join([name, *at])})" if at else name


def show(e: Term, scope: Scope) -> str:
    """The term in Coq."""
    at = lambda indices: "".join(f" {scope.texts[i]}" for i in indices)
    match e:
        case Num(value):
            whole = str(value.numerator) if value >= 0 else f"(- {-value.numerator})"
            return whole if value.denominator == 1 else f"({whole} / {value.denominator})"
        case App(family, indices):
            return scope.texts[family](*(scope.texts[i] for i in indices))
        case Bit(state, unit):
            return f"(bit{at((state, unit))})"
        case Same(left, right):
            return f"(same{at((left, right))})"
        case Add(parts):
            return f"({' + '.join(show(part, scope) for part in parts)})"
        case Mul(parts):
            return f"({' * '.join(show(part, scope) for part in parts)})"
        case Pow(base, exponent):
            power = show(base, scope) if exponent in (1, -1) else f"({show(base, scope)} ^ {abs(exponent)})"
            return power if exponent >= 0 else f"(/ {power})"
        case Exp(of):
            return f"(exp {show(of, scope)})"
        case Log(of):
            return f"(ln {show(of, scope)})"
        case Sum(body, index):
            (name,), inner = scope.bind(index)
            return f"(Sigma {scope.size(index.set)} (fun {name} => {show(body, inner)}))"
        case Fold(at=indices):
            return f"({fold(e, scope)}{at(indices)})" if indices else fold(e, scope)
        case Slope(body, by, place):
            (name,), inner = scope.bind(by)
            return f"(Derive (fun {name} => {show(body, inner)}) {show(place, scope)})"
    raise AssertionError(e)


def fold(e, scope):
    """The end of a fold: a function of its indices, or a number if it has none."""
    (over, state), inner = scope.bind(e.over, e.state)
    step = f"(fun {over} {state} => {function(e.params, e.step, inner)})"
    return f"(iterate {scope.size(e.over.set)} {step} {function(e.params, e.init, scope)})"


def function(params, body, scope):
    """The body as a function of the parameters."""
    names, inner = scope.bind(*params)
    return f"(fun {' '.join(names)} => {show(body, inner)})" if names else show(body, scope)


# --- theorems -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variables:
    """All that a theorem speaks of: its sets, families and indices, in a fixed order."""

    sets: tuple
    families: tuple
    indices: tuple

    def __iter__(self):
        return iter((*self.sets, *self.families, *self.indices))


def variables(thm):
    """Those that occur in the theorem."""
    statements = [thm.conclusion, *thm.hyps]
    free = frozenset().union(*(s.free for s in statements))
    bare = {v for s in statements for v in sets_in(s)}
    kind = lambda k, among: tuple(in_order(v for v in among if type(v) is k))
    return Variables(kind(Set, bare), kind(Family, free), kind(Index, thm.conclusion.free))


def sets_in(statement):
    """The sets that numbers in a statement are numbered by, also where an index is bound."""
    found = set()
    for e in (statement.left, statement.right):
        over = [s for v in e.free for s in (v.sets if type(v) is Family else (v.set,))]
        found |= {bottom(s) for s in over} | sets_bound_in(e)
    return found


@functools.lru_cache(maxsize=2**14)
def sets_bound_in(e):
    """The sets of what is bound somewhere in a term."""
    found = set()
    for part, families, indices in below(e):
        over = [index.set for index in indices] + [s for f in families for s in f.sets]
        found |= {bottom(s) for s in over} | sets_bound_in(part)
    return frozenset(found)


def bottom(a_set):
    """J of {0,1}^J, and of {0,1}^{0,1}^J."""
    while type(a_set) is Cube:
        a_set = a_set.of
    return a_set


def relation(statement, scope):
    """``left rel right``."""
    return f"{show(statement.left, scope)} {RELATION[statement.rel]} {show(statement.right, scope)}"


def promised(variable, scope):
    """What is promised of a variable: a size is not 0, an index is below its size, a family has its sign."""
    match variable:
        case Set():
            return [f"(0 < {scope.size(variable)})%nat"]
        case Index():
            return [f"({scope.texts[variable]} < {scope.size(variable.set)})%nat"]
        case Family(sign=sign, sets=sets) if sign != REAL:
            at = tuple(Index(f"k{n}", s) for n, s in enumerate(sets))
            return [for_all(at, scope, lambda inner: SIGN[sign] + show(App(variable, at), inner))]
    return []


def for_all(variables, scope, claim, premises=lambda inner: ()):
    """``forall variables, what is promised of them -> premises -> claim``."""
    names, inner = scope.bind(*variables)
    typed = [f"({name} : {type_of(v)})" for name, v in zip(names, variables, strict=True)]
    given = [p for v in variables for p in promised(v, inner)] + list(premises(inner))
    return "".join([f"forall {' '.join(typed)}, "] * bool(typed) + [f"({p}) -> " for p in given] + [claim(inner)])


def type_of(variable):
    """The Coq type of a variable."""
    return "nat -> " * len(variable.sets) + "R" if type(variable) is Family else "nat"


def hypothesis(statement, scope):
    """A hypothesis: for all values of its free indices."""
    return for_all(free_indices(statement), scope, lambda inner: relation(statement, inner))


def meaning(thm, names):
    """The theorem as a Coq proposition without free variables."""
    hyps = lambda inner: [hypothesis(h, inner) for h in sorted(thm.hyps, key=repr)]
    return for_all(tuple(variables(thm)), Scope(names, {}), lambda inner: relation(thm.conclusion, inner), hyps)
