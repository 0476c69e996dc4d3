"""Countermodels: a spoiled theorem is refused because it is false, and here is where.

`refute` runs the body of a theorem with the checks of the kernel off, and looks for a finite model in which the
hypotheses of what it made hold, exactly or to thirty digits, and the conclusion does not. A random model rarely
satisfies Σ_i q[i] == 1: hypotheses are equations for entries of the model's tables, and solved one after the other.
"""

import itertools
import math
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import pytest
from flint import ctx

from proofs.kernel import normal, rules, terms
from proofs.kernel.semantics import (
    BITS,
    Model,
    NoValue,
    admissible,
    ball,
    counterexample,
    difference,
    everywhere,
    exp,
    families_of,
    holds,
    plus,
    power,
    sets_of,
    tables,
    times,
    value,
)
from proofs.kernel.terms import App, Cube, free_indices, in_order

THIRD, HALF = Fraction(1, 3), Fraction(1, 2)
NUMBERS = {
    terms.REAL: (*map(Fraction, (0, 0, 1, 1, -1, 2, -2)), HALF, -THIRD),
    terms.NONNEGATIVE: (*map(Fraction, (0, 0, 0, 1, 1, 2)), HALF, THIRD),
    terms.POSITIVE: (*map(Fraction, (1, 1, 2, 3)), HALF, THIRD),
}
"""The numbers of random models: few, so that coincidences are frequent."""

WORK = 3000
"""How many parts of terms may be evaluated to evaluate a theorem once."""


# --- models in which hypotheses hold ------------------------------------------------------------------------


def model_of(thm, sizes, random, tries=3):
    """A random model of the theorem's hypotheses with sets of these sizes; None if none was found."""
    for attempt in range(tries):
        model = tables(families_of(thm), sizes, lambda sign: random.choice(NUMBERS[sign]))
        with suppress(NoValue), ctx.workprec(BITS):
            model = _solved(model, _in_order(thm.hyps, random, attempt), random)
            if model and admissible(model) and all(everywhere(h, model, holds) for h in thm.hyps):
                return model
    return None


def _in_order(hyps, random, attempt):
    """The hypotheses; those that say what a family is last, the first time, since they can be satisfied whatever is."""
    hyps = sorted(hyps, key=repr)
    random.shuffle(hyps)
    return sorted(hyps, key=lambda h: _defines(h)) if attempt == 0 else hyps


def _defines(hypothesis):
    return App in (type(hypothesis.left), type(hypothesis.right), type(getattr(hypothesis.left, "of", None)))


def _solved(model, hyps, random):
    """The model with its tables changed so that the hypotheses hold, each at all values of its indices; or None."""
    frozen = set()
    for hypothesis in hyps:
        for at in model.places(free_indices(hypothesis)):
            reads = _reads(hypothesis, model, at)
            if not holds(hypothesis, model, at):
                model = _changed(hypothesis, model, at, reads - frozen, random)
                if model is None:
                    return None
            frozen |= reads
    return model


class _Watched(dict):
    """A table that keeps which of its entries were read."""

    def __init__(self, table, family, reads):
        super().__init__(table)
        self.family, self.reads = family, reads

    def __getitem__(self, at):
        self.reads.add((self.family, at))
        return super().__getitem__(at)


def _reads(statement, model, at):
    reads = set()
    watched = {family: _Watched(table, family, reads) for family, table in model.tables.items()}
    difference(statement, Model(model.sizes, watched), at)
    return reads


CURVES = (
    lambda u: u,
    lambda u: exp(plus(u, Fraction(-1))),  # the equation is linear in a logarithm
    lambda u: power(u, -1),
    lambda u: plus(exp(plus(u, Fraction(-1))), Fraction(-1)),
)
"""What is put for an entry, so that the equation may be linear in u."""


def _changed(hypothesis, model, at, entries, random):
    """The model with some of the entries changed, so that the hypothesis holds there; None if none will do."""
    families = in_order({family for family, _ in entries})
    groups = [[e for e in entries if e[0] == family] for family in families]
    moves = [(group, True) for group in groups if len(group) > 1]  # all in proportion
    moves += [([entry], False) for entry in sorted(entries, key=repr)]
    random.shuffle(moves)
    slacks = {"==": [Fraction(0)], ">=": [Fraction(0), Fraction(1)], ">": [Fraction(1), THIRD]}[hypothesis.rel]
    for curve, slack, (group, scaled) in itertools.product(CURVES, slacks, moves):
        with suppress(NoValue, ZeroDivisionError):
            found = _on_a_line(
                hypothesis, model, at, slack, lambda u, g=group, s=scaled, c=curve: _moved(model, g, s, c(u))
            )
            if found and admissible(found) and holds(hypothesis, found, at):
                return found
    return None


def _on_a_line(hypothesis, model, at, slack, line):
    """The model on a line where left − right is the slack, if it is linear there."""
    one, two = (difference(hypothesis, line(Fraction(u)), at) for u in (1, 2))
    rise = plus(two, times(Fraction(-1), one))
    if rise == 0:
        return None
    return line(plus(Fraction(1), times(plus(slack, times(Fraction(-1), one)), power(rise, -1))))


def _moved(model, entries, scaled, number):
    changed = dict(model.tables)
    for family, at in entries:
        now = model.tables[family][at]
        changed[family] = {**changed[family], at: times(now, number) if scaled else number}
    return Model(model.sizes, changed)


# --- countermodels ------------------------------------------------------------------------------------------


def all_sizes(thm, largest, work=WORK):
    """Sizes for the sets of a theorem, smaller ones first, with which it takes at most so much work to evaluate."""
    statements = [thm.conclusion, *thm.hyps]
    sets = sets_of(statements)
    runs = Counter()
    for statement in statements:
        for side in (statement.left, statement.right):
            runs += _runs(side, free_indices(statement))
    for sizes in sorted(itertools.product(range(1, largest + 1), repeat=len(sets)), key=sum):
        model = Model(dict(zip(sets, sizes, strict=True)))
        if sum(count * math.prod(_size(model, one) for one in over) for over, count in runs.items()) <= work:
            yield model.sizes


def _runs(e, indices):
    """How many parts of a term are evaluated once for each value of some indices: {the sets of these: how many}."""
    over = tuple(sorted((i.set for i in indices), key=repr))
    found = Counter({over: 1})
    for part, _, at in terms.below(e):
        found += _runs(part, (*indices, *at))
    return found


def _size(model, a_set):
    """How many elements a set has; infinitely many, if they are too many states of states."""
    return 2.0 ** min(_size(model, a_set.of), 99) if type(a_set) is Cube else model.sizes[a_set]


@dataclass(frozen=True)
class Countermodel:
    """A model of a theorem's hypotheses, and values of the free indices, at which its conclusion is false."""

    thm: object
    model: Model
    at: dict

    def __repr__(self):
        tables = [f"{family} = {_table(self.model, family)}" for family in families_of(self.thm)]
        tables += [f"{index} = {k}" for index, k in self.at.items()]
        sides = [_number(value(side, self.model, self.at)) for side in (self.thm.left, self.thm.right)]
        sizes = [f"|{a_set}| = {n}" for a_set, n in self.model.sizes.items()] if not tables else []
        return f"{', '.join(sizes + tables)}: {sides[0]} {self.thm.rel} {sides[1]} is false"


def _table(model, family, *at):
    if len(at) == len(family.sets):
        return _number(model.tables[family][at])
    return f"({', '.join(_table(model, family, *at, k) for k in model.range(family.sets[len(at)]))})"


def _number(x):
    return str(x) if type(x) is Fraction and x.denominator < 10**6 else ball(x).str(6, radius=False)


def countermodel(thm, seed=0, largest=3, draws=30):
    """A `Countermodel` of a theorem that the rules did not make; None if none was found.

    Where even sets of one element take more than `WORK`, it is looked for among them.
    """
    random = Random(seed)
    sizes = list(all_sizes(thm, largest)) or list(all_sizes(thm, 1, math.inf))
    for _, size in itertools.product(range(draws), sizes):
        model = model_of(thm, size, random)
        with suppress(NoValue):
            if model and (at := counterexample(thm, model)) is not None:
                return Countermodel(thm, model, at)
    return None


# --- a kernel whose checks are off --------------------------------------------------------------------------


@contextmanager
def unchecked():
    """Within it, the rules derive whatever they are asked to. Gives the list of the theorems that they make."""
    made, derived = [], rules._derived

    def recorded(*args, **given):
        made.append(derived(*args, **given))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms.guard, "__code__", (lambda condition, why: None).__code__)
        patch.setattr(rules, "is_identity", lambda left, right: True)
        patch.setattr(rules, "_derived", recorded)
        patch.setattr(normal, "KNOWN", dict(normal.KNOWN or {}))  # what is found in here may be false: it is forgotten
        yield made


def refute(body):
    """A `Countermodel` of a theorem that the body makes with the checks off; None if none was found.

    Of what it returns first, and then of any other theorem that it makes and derives nothing from. A body that fails
    even so returns nothing, and what it made before is looked at.
    """
    with unchecked() as made:
        try:
            returned = body()
        except (
            Exception
        ):  # a derivation of what is false may fail in any way; without a witness the caller's test fails
            returned = ()
    parents = {id(parent) for thm in made for parent in thm.parents}
    candidates = [*theorems_in(returned), *(thm for thm in made if id(thm) not in parents)]
    candidates = {id(thm): thm for thm in candidates}.values()
    # Each a few times first: a search among many models of one that is true takes long.
    found = (countermodel(thm, draws=draws) for draws in (2, 30) for thm in candidates)
    return next((one for one in found if one), None)


def theorems_in(returned):
    """The theorems that the body of a proof returns: one, or several."""
    return [thm for thm in (returned if isinstance(returned, tuple | list) else [returned]) if type(thm) is rules.Thm]
