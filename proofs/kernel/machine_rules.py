"""Draws plans of theorems: for each rule, premises of the shape that it asks for, and sometimes others."""

from hypothesis import strategies as st

from proofs.kernel import attacks, rules
from proofs.kernel.derived import ring
from proofs.kernel.machine import STATES, I, J, Terms, later
from proofs.kernel.semantics import families_of
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    REAL,
    ZERO,
    App,
    Cube,
    Exp,
    Family,
    Fold,
    Index,
    Log,
    Pow,
    ProofError,
    Sum,
    free_indices,
    numbers,
    plus,
    sum_over,
    term,
    times,
)


class Theorems(Terms):
    """Draws plans of theorems."""

    def theorem(self, depth=2):
        """A theorem by any rule, from theorems by at most so many rules one after another."""
        plain = (self.assumed, self.evident, self.arithmetic_identity, self.logarithms, self.linear, self.picked)
        wide = (*3 * (self.cases,), *5 * (self.induction,), self.differentiated, self.same_twice)
        deep = (self.added, self.rewritten, self.total, self.vanished, self.instance, self.instance)
        odd = 2 * (self.tampered,) if self.odd(5) else ()
        return self.among(*plain, *wide, *(2 * deep if depth else ()), *odd)(depth)

    def premise(self, depth):
        """A theorem that another one is made from: often one about a sum."""
        if self.odd(30):
            return later(attacks.lookalike)
        sums = (self.total, self.linear, self.sum_of_sums, self.sum_of_sums) if depth > 1 else ()
        return self.one_of(*(lambda rule=rule: rule(depth - 1) for rule in (self.theorem, self.theorem, *sums)))

    def sum_of_sums(self, depth=0):
        """What is assumed of a family over two sets, summed over both."""
        family = self.family(REAL, self.among((J, J), (I, J)))
        each = later(rules.assume, later(App, family, self.at(family.sets)), self.among(">=", "=="), self.number())
        return later(rules.total, later(rules.total, each, self.index(J)), self.index(family.sets[0]))

    # --- assumptions and arithmetic ---

    def assumed(self, depth=0):
        """An assumption, such as random models can be made to satisfy."""
        rel = (
            self.among("==", "==", "==", ">=", ">") if not self.odd(30) else self.among("!=", attacks.Everything("!="))
        )
        left = self.one_of(self.app, self.app, lambda: later(Sum, self.app(), self.index()), lambda: self.term(1))
        return later(rules.assume, left, rel, self.one_of(self.number, self.app, lambda: self.term(1)))

    def evident(self, depth=0):
        """What the signs of a term's parts say."""
        return later(rules.evident, self.oddity() if self.odd(8) else self.term(3, self.among(NONNEGATIVE, POSITIVE)))

    def added(self, depth=1):
        """A sum of weighted theorems."""
        pairs = []
        for _ in range(self.among(1, 1, 2)):
            pairs.append((self.term(1, self.among(REAL, NONNEGATIVE, POSITIVE)), self.premise(depth)))
        rel = self.among("best", "best", *rules.RELATIONS)
        return later(add_up, self.term(1), rel, self.odd(), *pairs)

    def arithmetic_identity(self, depth=0):
        """An identity, or what looks like one."""
        a, b, c = self.term(1), self.term(1), self.term(1)
        left, right = self.among(
            (later(times, a, later(plus, b, c)), later(times, later(plus, c, b), a)),
            (later(times, a, later(Pow, a, -1)), 1),
            (later(plus, a, b), later(plus, a, c)),
            (later(times, b, b), later(Pow, b, 2)),
        )
        return later(rules.combine, left, "==", right)

    def same_twice(self, depth=0):
        """Two terms that are one but for what they bind, or nearly."""
        name, sign = self.among("x", "y"), self.among(REAL, POSITIVE)

        def nested():
            body = App(Family(name, (J, J), sign), (self.index(J), self.index(J)))
            for _ in range(3):
                body = later(Sum, body, self.index(J))
            return body

        return later(rules.combine, nested(), "==", nested())

    # --- sums ---

    def linear(self, depth=0):
        """A sum of products taken apart, or one of sums turned round."""
        if self.odd(4):
            return later(rules.swap, self.term(2), self.index(), self.index())
        pairs = tuple((self.term(1), self.term(1)) for _ in range(self.among(1, 2)))
        return later(rules.linear, self.index(), *pairs)

    def picked(self, depth=0):
        """The one part of a sum that is not zero."""
        over = self.over()
        return later(rules.pick, self.term(1), self.index(over), self.index(over))

    def total(self, depth=1):
        """The sum of a theorem, or two."""
        thm = later(rules.total, self.one_of(self.assumed, lambda: self.premise(depth)), self.index())
        return thm if self.among(True, False) else later(rules.total, thm, self.index())

    def vanished(self, depth=1):
        """Parts that are equal because their sums are."""
        each = self.one_of(
            lambda: later(rules.evident, self.app(NONNEGATIVE)), self.evident, lambda: self.premise(depth)
        )
        index = self.index()
        sums = later(sums_equal, each, index) if not self.odd(8) else self.premise(depth)
        return later(rules.vanish, each, sums, index if not self.odd() else self.index())

    def rewritten(self, depth=1):
        """A term around the left side of an equation, rewritten."""
        thm = self.premise(depth)
        left = later(getattr, thm, "left")
        e = self.one_of(
            lambda: later(plus, left, self.term(1)),
            lambda: later(times, self.term(1), left),
            lambda: later(Exp, left),
            lambda: later(Sum, left, self.index()),
        )
        return later(rules.rewrite, e, thm)

    # --- exp and log ---

    def logarithms(self, depth=0):
        """What the rules for exp and log say."""
        positive = lambda: self.term(1, self.among(POSITIVE, POSITIVE, NONNEGATIVE))
        a = self.term(1)
        touching = self.among(
            later(rules.assume, later(Exp, a), "==", later(plus, 1, a)), later(rules.exp_of_log, later(Exp, a))
        )
        return self.one_of(
            lambda: later(rules.log_of_product, positive(), positive()),
            lambda: later(rules.log_of_exp, a),
            lambda: later(rules.exp_of_log, positive()),
            lambda: later(rules.tangent, a),
            lambda: later(rules.touches, touching),
            lambda: later(rules.combine, later(Log, a), "==", later(Log, a)),
        )

    # --- variables ---

    def instance(self, depth=1):
        """A theorem with terms for families, indices for indices and sets for sets."""
        bodies = tuple(self.term(1, sign) for sign in (REAL, NONNEGATIVE, POSITIVE))
        bodies = bodies if not self.odd(8) else (bodies[0],) * 3
        which = tuple(self.among(0, 1, 2, 3) for _ in range(self.among(0, 1, 1, 2)))
        renamed = tuple((self.index(s), self.index(s)) for s in (I, J, STATES) if self.odd(3))
        sets = self.among(*((),) * 6, ((I, J),), ((J, I),), ((J, Cube(I)),), ((I, STATES),))
        thm = self.premise(depth) if not sets else self.one_of(self.linear, self.picked, self.total)
        return later(instantiate, thm, bodies, which, renamed, sets, self.odd())

    def cases(self, depth=0):
        """By cases of a number that may be zero."""
        sign = NONNEGATIVE if not self.odd(8) else self.among(REAL, POSITIVE)
        family = self.family(sign, self.among((), (J,), (J,), (J, J)))
        number = later(App, family, self.at(family.sets))
        namesake = Family(family.name, family.sets, POSITIVE)
        others = tuple(later(App, f, self.at(f.sets)) for f in (family, namesake))
        also = self.among(number, self.term(1), *others, *others)
        for _ in range(self.among(0, 1)):
            also = self.among(later(Sum, also, self.index(J)), later(constant_fold, also))
        gap = later(plus, self.among(1, number), later(times, -1, also))
        left, rel = self.among(
            (later(plus, number, later(square, gap)), ">"),
            (later(times, number, gap), "=="),
            (later(times, number, also), self.among(">=", "==")),
            (later(plus, number, self.term(1, POSITIVE)), self.among(*rules.RELATIONS)),
        )
        return later(by_cases, left, rel, number, self.odd(8))

    # --- induction and derivatives ---

    def induction(self, depth=0):
        """On the size of J, mostly."""
        over = J if not self.odd() else STATES
        loops = lambda: later(Sum, self.looped(1, REAL, self.among((), (J,))), self.index(J))
        bits = lambda: later(Sum, self.zero_or_one(1, REAL), self.index(STATES))
        e = self.one_of(lambda: self.term(2), lambda: self.looped(2, REAL), bits, loops, loops)
        e = e if self.odd(8) else later(closed, e)
        other = self.one_of(
            lambda: later(one_element, e, over), lambda: later(one_element, e, over), self.app, self.number
        )
        template = self.among(only_once, only_once, twice_or_more, twice_or_more_at_last, step_by_step, assumed_steps)
        searched = self.odd(4)
        return later(template, e, other, over, self.among(0, 0, 0, 1, 2, 3), searched)

    def differentiated(self, depth=0):
        """The derivative of a term."""
        by = self.family(self.among(REAL, POSITIVE, NONNEGATIVE), ())
        x, t = App(by, ()), self.term(1)
        some = self.among(x, later(times, x, t), later(plus, x, t), later(Pow, x, self.among(2, 3)))
        body = self.among(
            self.term(2),
            later(times, some, t),
            later(Pow, some, self.among(2, 3, -1)),
            later(Exp, some),
            later(Log, self.among(later(Exp, some), x, later(Pow, some, 2))),
            later(Sum, later(times, t, some), self.index()),
        )
        return later(rules.differentiate, body, by, self.term(1, by.sign))

    def tampered(self, depth=0):
        """A theorem about what changes later, or one that was not derived."""
        return later(self.among(*attacks.TAMPERING))


# --- what plans call ----------------------------------------------------------------------------------------


def add_up(right, rel, wrong, *pairs):
    """``combine`` for the left side that the pairs say; for the strongest relation if it is "best"."""
    weights = [(term(w), thm) for w, thm in pairs]
    if rel == "best":
        unequal = [(w.sign, t.rel) for w, t in weights if t.rel != "=="]
        rel = "==" if not unequal else ">" if (POSITIVE, ">") in unequal else ">="
    left = plus(term(right), *(w * (t.left - t.right) for w, t in weights))
    return rules.combine(left + 1 if wrong else left, rel, right, *weights)


def sums_equal(each, index):
    """The assumption that the sums of two sides are equal."""
    return rules.assume(Sum(each.left, index), "==", Sum(each.right, index))


def instantiate(thm, bodies, which, renamed, sets, odd):
    """``inst``, for some of the families that occur, by a body of the sign of each."""
    families = families_of(thm)
    values = {}
    for k in which if families else ():
        family = families[k % len(families)]
        places = tuple(rules.over_sets(s, dict(sets)) for s in family.sets)
        family = Family(family.name, places, family.sign)
        params = tuple(Index(name, s) for name, s in zip("ij" if not odd else "ii", places, strict=False))
        values[family] = params, bodies[family.sign]
    return rules.inst(thm, values, dict(renamed), dict(sets))


def square(e):
    """e²"""
    return Pow(term(e), 2)


def constant_fold(e):
    """The term, as what a fold is that changes nothing."""
    x = Family("x", (), REAL)
    return Fold(x, (), term(e), x(), Index("i", J), ())


def settled(statement, *given, search=False):
    """A statement from the signs of its parts, by arithmetic with some theorems, or by search; else an assumption."""
    left, rel, right = statement.left, statement.rel, statement.right
    attempts = [
        lambda: rules.combine(left, rel, right, (1, rules.evident(left))),
        lambda: rules.combine(left, rel, right),
        *(lambda thm=thm: rules.combine(left, rel, right, (1, thm)) for thm in given),
    ]
    if search and rel == "==":
        attempts.append(lambda: ring(left, right, *given))
    for attempt in attempts:
        try:
            return attempt()
        except ProofError:
            continue
    return rules.assume(left, rel, right)


def by_cases(left, rel, number, exchanged):
    """``cases`` of ``left rel 0``."""
    statement, family = rules.says(left, rel, 0), number.family
    there = Family(family.name, family.sets, POSITIVE)(*number.at)
    at_zero, elsewhere = (settled(statement.put({family: (number.at, value)})) for value in (ZERO, there))
    return rules.cases(left, rel, ZERO, number, elsewhere if exchanged else at_zero, elsewhere)


def closed(e):
    """The sum of a term over all free indices over J and its states."""
    return sum_over(*(v for v in free_indices(term(e)) if v.set in (J, STATES)), of=e)


def one_element(e, over):
    """What `grown` says of one element."""
    return rules.grown(term(e), over, first=True)


def _grow(left, right, over, wrong, search, *known):
    """``grow``, with premises that were found from `known` and the statement itself. wrong: 1, 2 another premise."""
    statement = rules.says(left, "==", right)
    hypothesis = rules.assume(left, "==", right)
    one, more = rules.grown(statement, over, first=True), rules.grown(statement, over)
    base = settled(one, search=search) if wrong != 1 else rules.combine(ONE, "==", ONE)
    step = settled(more, hypothesis, *known, search=search) if wrong != 2 else rules.combine(ONE, "==", ONE)
    return rules.grow(left, "==", right, over, base, step)


def step_by_step(e, other, over, wrong, search):
    """e == other, because one more element adds as much to both."""
    index = Index("i", over)
    added = lambda body: Fold(Family("x", (), REAL), (), ZERO, Family("x", (), REAL)() + body, index, ())
    return _grow(plus(Sum(term(e), index), other), plus(added(term(e)), term(other)), over, wrong, search)


def assumed_steps(e, other, over, wrong, search):
    """e == other + e."""
    return _grow(term(e), plus(other, e) if wrong else term(other), over, wrong, search)


X, = numbers("x")  # fmt: skip
ONCE = Fold(X.family, (), 2 * ONE, X * (X - 1) * (ONE / 2), Index("i", J), ())
"""1 if there is one element, 0 if there are more."""


def _zero_or_one():
    statement = rules.says(ONCE * (ONCE - 1), "==", 0)
    one, more = rules.grown(statement, J, first=True), rules.grown(statement, J)
    known = rules.assume(statement.left, "==", 0)
    base = rules.combine(one.left, "==", 0)
    step = rules.combine(more.left, "==", 0, ((ONCE * (ONCE - 1) / 2 - 1) / 2, known))
    return rules.grow(statement.left, "==", 0, J, base, step)


ZERO_OR_ONE = _zero_or_one()


def only_once(e, other, over, wrong, search):
    """ONCE (e − other) == 0, if e is other where there is one element."""
    left = ONCE * (term(e) - term(other))
    statement = rules.says(left, "==", 0)
    one, more = rules.grown(statement, J, first=True), rules.grown(statement, J)
    step = rules.combine(more.left, "==", 0, (more.left.parts[1] * (ONE / 2), ZERO_OR_ONE))
    return rules.grow(left, "==", ZERO, J, settled(one, search=search), step)


COUNT = Sum(ONE, Index("i", J))


def twice_or_more(e, other, over, wrong, search):
    """(n − 1)(e − other) == 0, if e is other where there are n elements and more than one."""
    return _grow((COUNT - 1) * (term(e) - term(other)), ZERO, over, wrong, search)


def twice_or_more_at_last(e, other, over, wrong, search):
    """The same of what e is at the last element."""
    last = Fold(Family("x", (), REAL), (), ZERO, term(e), Index("i", J), ())
    return twice_or_more(last, other, over, wrong, search)


plans = st.binary(min_size=300, max_size=300).map(lambda choices: Theorems(choices).theorem())
"""Plans of theorems."""
