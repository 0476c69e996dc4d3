"""A machine that applies the rules of the kernel at random, and evaluates whatever they derive.

Bytes that Hypothesis draws make a `Plan`: which rule to apply, to which terms, and to theorems that are planned
likewise. Names are few, so that variables of one name with different signs and sets are frequent, and what is bound
meets what is free; now and then an argument is not what its place asks for. A plan that is refused says nothing. What
the kernel derives is evaluated in random models of its hypotheses (`verdict`), and must be true.

This file plans terms; `proofs.kernel.machine_rules` plans theorems. They know the shapes of the rules, not their
checks: the test switches each check off and lets the machine find a theorem that is false then.
"""

from dataclasses import dataclass
from fractions import Fraction

from proofs.kernel import attacks
from proofs.kernel.refutation import Random, all_sizes, model_of
from proofs.kernel.semantics import NoValue, counterexample
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
    Sign,
    Slope,
    Sum,
    plus,
    term,
    times,
)

I, J = Set("I"), Set("J")
STATES = Cube(J)


@dataclass(frozen=True)
class Plan:
    """A call that is made later: of ``make``, with what its arguments make."""

    make: object
    of: tuple

    def __call__(self):
        return self.make(*map(done, self.of))

    def __repr__(self):
        return f"{getattr(self.make, '__name__', self.make)}({', '.join(map(repr, self.of))})"


def later(make, *of):
    """The plan to call ``make``."""
    return Plan(make, of)


def done(value):
    """What is planned, also within tuples."""
    return tuple(map(done, value)) if type(value) is tuple else value() if type(value) is Plan else value


class Terms:
    """Plans of terms, as bytes say, one for each choice.

    A sign asks for a term of which it is evident; most of the time it gets one.
    """

    def __init__(self, choices):
        self.choices = iter(choices)

    def among(self, *options):
        """One of the options; the first when no bytes are left."""
        return options[next(self.choices, 0) % len(options)]

    def one_of(self, *plans):
        """What one of the functions plans."""
        return self.among(*plans)()

    def odd(self, one_in=20):
        """Is this argument to be an unsuitable one?"""
        return next(self.choices, 0) % one_in == one_in - 1

    def over(self):
        """A set."""
        return self.among(I, J, J, J, STATES) if not self.odd(60) else Cube(STATES)

    def index(self, over=None):
        """An index, over a set if one is given."""
        return Index(self.among("i", "j"), over or self.over())

    def family(self, sign=None, sets=None):
        """A family, over at most two sets if none are given."""
        sets = self.among((), (), (I,), (J,), (J,), (STATES,), (I, J), (J, J)) if sets is None else sets
        sign = self.among(*Sign) if sign is None or self.odd() else sign
        name = self.among("x", "y", "z") if not self.odd() else self.among("x@n", "x@0", "x@on", "y@n")
        return Family(name, sets, sign)

    def at(self, sets):
        """Indices over the sets."""
        return tuple(self.index(s if not self.odd(30) else None) for s in sets)

    def app(self, sign=REAL):
        """A family at indices."""
        family = self.family(sign)
        return later(App, family, self.at(family.sets))

    def number(self, sign=REAL):
        """A rational number, as a term."""
        choices = {REAL: (0, 1, -1, 2, Fraction(1, 2)), NONNEGATIVE: (0, 1, 2), POSITIVE: (1, 1, 2, Fraction(1, 2))}
        return later(term, self.among(*choices[sign]))

    def term(self, size=2, sign=REAL):
        """Any term, of parts of parts as many levels deep as its size says, at most."""
        sign = self.among(*Sign) if self.odd(40) else sign
        if self.odd(100):
            return self.oddity()
        if size <= 0 or self.odd(6):
            return self.among(self.app, self.app, self.number)(sign)
        return self.among(self.arithmetic, self.arithmetic, self.function, self.summed, self.zero_or_one, self.looped)(
            size, sign
        )

    def arithmetic(self, size, sign):
        """A sum, product or power."""
        t = lambda sign: self.term(size - 1, sign)
        options = [
            lambda: later(plus, t(sign), t(min(sign, NONNEGATIVE))),
            lambda: later(times, t(sign), t(sign)),
            lambda: later(Pow, t(sign), self.among(1, 2, 3, Fraction(1, 2) if self.odd(6) else 2)),
            (lambda: later(Pow, t(POSITIVE), self.among(-1, -1, -2, 0))) if sign != NONNEGATIVE else None,
            (lambda: later(Pow, t(REAL), 2)) if sign < POSITIVE else None,
        ]
        return self.one_of(*filter(None, options))

    def function(self, size, sign):
        """An exponential, a logarithm or a slope."""
        t = lambda sign=REAL: self.term(size - 1, sign)
        if sign != REAL:
            return later(Exp, t())
        slope = lambda: later(Slope, t(), self.family(self.among(REAL, POSITIVE), ()), t(POSITIVE))
        return self.one_of(lambda: later(Exp, t()), lambda: later(Log, t(NONNEGATIVE)), slope)

    def summed(self, size, sign):
        """A sum, or one of a sum."""
        body = self.term(size - 1, sign)
        for _ in range(self.among(1, 1, 2)):
            body = later(Sum, body, self.index())
        return body

    def zero_or_one(self, size, sign):
        """A bit or a comparison, times something."""
        if sign == POSITIVE:
            return self.term(size - 1, sign)
        over = self.over()
        bits = lambda: later(Bit, *(self.index(s if not self.odd() else None) for s in (STATES, J)))
        some = self.one_of(bits, lambda: later(Same, self.index(over), self.index(over if not self.odd() else None)))
        return some if self.among(True, False) else later(times, some, self.term(size - 1, sign))

    def looped(self, size, sign, sets=()):
        """A fold, whose state is over some sets."""
        state = self.family(sign, sets or self.among((), (), (), (J,), (I,), (J, J)))
        names = self.among("ij", "ji", "ij", "ji", "ij", "ii")
        params = tuple(map(Index, names, state.sets if not self.odd(10) else self.among((I,), (J,), ())))
        here, body = later(App, state, params), self.term(size - 1, sign)
        body = self.term(size - 1) if self.odd(8) else body
        over = self.among(self.index(J), self.index(), self.index(STATES), *params[:1])
        mark = later(Same, over, params[0]) if params and params[0].set == over.set else later(Bit, over, self.index(J))
        step = self.among(
            body, mark, mark, later(plus, here, body), later(times, here, body), later(plus, here, mark), here
        )
        at = self.at(state.sets) if not self.odd(10) else self.at((J,))
        return later(Fold, state, params, self.term(size - 1, sign), step, over, at)

    def oddity(self):
        """What is no term, or none for long."""
        return self.among(
            later(Num, 0.5),
            later(plus, later(attacks.Minus, Fraction(-1)), 1),
            later(self.among(Add, Mul), ()),
            later(App, attacks.Liar("x", (), POSITIVE), ()),
            later(App, later(Family, "x", (), 7), ()),
        )


# --- truth --------------------------------------------------------------------------------------------------

WORK = 400
"""How much work it may be to evaluate a theorem in a model."""


def verdict(thm, seed=0, models=3):
    """None if a theorem is true in some random models, else what is wrong with it."""
    random = Random(seed)
    try:
        sizes = list(all_sizes(thm, 3, work=WORK))
        for _ in range(models if sizes else 0):
            model = model_of(thm, random.choice(sizes), random, tries=1)
            if model and (at := counterexample(thm, model)) is not None:
                return f"false at {at} in {model}"
    except (NoValue, AttributeError, TypeError, KeyError) as error:
        return f"no value: {type(error).__name__} {error}"
    return None
