"""The kernel: what terms are and mean, what each rule derives, and that it refuses every attack."""

import itertools
import math
from dataclasses import FrozenInstanceError
from fractions import Fraction
from random import Random

import pytest
from flint import ctx
from hypothesis import assume, given
from hypothesis import strategies as st

from proofs.kernel import attacks, attacks_on_induction, attacks_on_rules, attacks_on_terms, growth, rules
from proofs.kernel.machine import STATES, I, J, Terms, verdict
from proofs.kernel.machine_rules import closed
from proofs.kernel.refutation import NUMBERS
from proofs.kernel.semantics import BITS, Model, NoValue, ball, difference, holds, refuted, tables, value
from proofs.kernel.substitution import put
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    REAL,
    ZERO,
    Bit,
    Cube,
    Family,
    Fold,
    Index,
    Log,
    Num,
    ProofError,
    Same,
    Slope,
    Sum,
    exp,
    families,
    in_order,
    indices,
    log,
    numbers,
    variables,
)

ATTACK_MODULES = (attacks, attacks_on_terms, attacks_on_rules, attacks_on_induction)  # each adds to attacks.ATTACKS

i, j, k = indices("i j k", I)
t, u = indices("t u", J)
(s,) = indices("s", STATES)
X, Y = numbers("x y")
(Z,), (T,) = numbers("z", sign=NONNEGATIVE), numbers("t", sign=POSITIVE)
(p,), (q,), (r,), (c,) = (families(*f) for f in (("p", I), ("q", I), ("r", J), ("c", I, I)))
v = Family("v", (), REAL)
TOTAL = Fold(v, (), ZERO, v() + r(t), t, ())


def test_one_order_in_every_run():
    """Also of variables that are called alike. A set of Python's has another order with every seed of its hashes."""
    alike = [Index("a", I), Index("a", J), Index("a", STATES), Index("b", I)]
    alike += [Family("f", over, sign) for over in ((I,), (I, J), (J,)) for sign in (NONNEGATIVE, POSITIVE, REAL)]
    random = Random(0)
    orders = {tuple(in_order(random.sample(alike, len(alike)))) for _ in range(50)}
    assert len(orders) == 1


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_an_attack_is_refused(name):
    with pytest.raises((ProofError, FrozenInstanceError, ValueError)):
        attacks.ATTACKS[name]()


# --- terms --------------------------------------------------------------------------------------------------


def test_what_is_bound_has_no_name():
    assert Sum(p(i), i) == Sum(p(j), j) != Sum(q(i), i)
    assert Sum(Sum(c(i, j), j), i) == Sum(Sum(c(j, i), i), j) != Sum(Sum(c(i, j), i), j)
    assert Slope(X * X, X.family, T) == Slope(Y * Y, Y.family, T) != Slope(X * Y, X.family, T)
    w = Family("w", (), REAL)
    assert Fold(w, (), ZERO, w() + r(u), u, ()) == TOTAL != Fold(w, (), ZERO, w() + r(t), u, ())
    vector = lambda f, a: Fold(f, (a,), p(a), f(a) + 1, t, (j,))
    assert vector(q, i) == vector(Family("u", (I,), REAL), k) != vector(q, i) + 0


def test_what_is_bound_again_is_another():
    assert Sum(Sum(p(i), i), i) == Sum(Sum(p(i), i), j) != Sum(Sum(p(j), i), j)
    assert Sum(Sum(Sum(c(i, j), j), i), i) == Sum(Sum(Sum(c(i, j), j), i), k) != Sum(Sum(Sum(c(i, i), j), i), i)


def test_variables_of_one_name_are_told_apart_by_sign_and_sets():
    names = [Family("x", sets, sign) for sets in ((), (I,), (J,)) for sign in (REAL, NONNEGATIVE, POSITIVE)]
    assert len({*names}) == 9
    assert Index("i", I) != Index("i", J)
    assert put(Z * Family("z", (), POSITIVE)(), {Z.family: ((), X)}) == X * Family("z", (), POSITIVE)()


def test_a_substitution_captures_nothing():
    assert put(Sum(X * p(i), i), {v: ((), Y)}) == Sum(X * p(i), i)
    captured = put(Sum(X * p(i), i), {X.family: ((), p(i))})
    assert captured == Sum(p(i) * p(j), j)
    assert captured.free == {p, i}
    assert put(Sum(c(i, j), i), {}, {j: i}) == Sum(c(k, i), k)
    assert put(Sum(p(i), i), {p: ((j,), c(j, i))}) == Sum(c(k, i), k)
    assert put(TOTAL, {r: ((u,), v() * r(u))}) == Fold(Y.family, (), ZERO, Y + v() * r(t), t, ())
    assert put(Slope(X * Y, X.family, X), {Y.family: ((), X)}) == Slope(Y * X, Y.family, X)
    both = put(c(i, j), {}, {i: j, j: i})
    assert both == c(j, i)


SIGNS = {
    REAL: [X, -T, Log(Z), X + T, X * T, Sum(p(i), i), Num(Fraction(-1)), X**3, TOTAL],
    NONNEGATIVE: [Z, ZERO, X**2, Z * T, Z + Z, Bit(s, t), Same(i, j), Sum(Z * T, i), Z**3],
    POSITIVE: [T, ONE, exp(X), Z + T, T * T, 1 / T, Sum(T + Z, i), T**2, exp(Log(Z))],
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_evident_of_the_parts(sign):
    assert {e.sign for e in SIGNS[sign]} == {sign}


# --- semantics ----------------------------------------------------------------------------------------------

COUNTER = itertools.count(1)
SIZES = {I: 3, J: 2}
NUMBERS_OF = tables([p, q, r, c, v], SIZES, lambda sign: Fraction(next(COUNTER), 7))
P, Q, R, C = ({at: x for at, x in NUMBERS_OF.tables[f].items()} for f in (p, q, r, c))


@pytest.mark.parametrize(
    ("e", "wanted"),
    [
        (Sum(p(i) * q(i), i), sum(P[a,] * Q[a,] for a in range(3))),
        (Sum(Sum(c(i, j) * Same(i, j), j), i), sum(C[a, a] for a in range(3))),
        (Sum(Sum(Bit(s, t) * r(t), t), s), sum(R[a,] for state in range(4) for a in range(2) if state >> a & 1)),
        (TOTAL, R[0,] + R[1,]),
        (Fold(v, (), ONE, v() * 2 + r(t), t, ()), (2 + R[0,]) * 2 + R[1,]),
        (Sum(Fold(p, (i,), q(i), p(i) + Sum(p(j), j), t, (k,)), k), 16 * sum(Q[a,] for a in range(3))),
        (Slope(X**3 - X, X.family, Num(Fraction(2))), 11),
        (Slope(Slope(X * X * Y * Y, X.family, Y), Y.family, Num(Fraction(2))), 6 * 4),
        (Slope(exp(X) * 3, X.family, ZERO), 3),
        (log(Num(Fraction(0))), 0),
    ],
)
def test_a_value_is_what_one_computes(e, wanted):
    assert value(e, NUMBERS_OF, {}) == wanted


def test_a_value_of_exp_and_log_is_enclosed():
    ball_of = difference(rules.says(Sum(exp(p(i)) * log(1 + exp(q(i))), i), "==", 0), NUMBERS_OF, {})
    near = sum(math.exp(P[a,]) * math.log1p(math.exp(Q[a,])) for a in range(3))
    assert abs(float(ball_of) - near) < 1e-12 * near
    assert ball_of.rad() < 1e-40 * near


def test_what_has_no_value_is_said():
    zero = Model({}, {X.family: {(): Fraction(1)}, T.family: {(): Fraction(0)}, Z.family: {(): Fraction(-1)}})
    for e in (1 / T, log(Z)):
        with pytest.raises(NoValue):
            value(e, zero, {})
    slope = rules.says(Slope(log(X**2), X.family, ZERO), "==", 0)  # there is none: it is not 0, and not another number
    assert not refuted(slope, zero, {})
    assert not holds(slope, zero, {})


# --- rules --------------------------------------------------------------------------------------------------

KNOWN = rules.assume(p(i), ">=", q(i))
EQUAL = rules.assume(Sum(p(i), i), "==", Sum(q(i), i))
DERIVED = {
    "p[i] >= q[i] |- p[i] >= q[i]": lambda: KNOWN,
    "for t > 0: p[i] >= q[i] |- t p[i] + x >= t q[i] + x": lambda: rules.combine(
        T * p(i) + X, ">=", T * q(i) + X, (T, KNOWN)
    ),
    "for t > 0: |- t > 0": lambda: rules.evident(T),
    "p[i] >= q[i] |- Σ_i p[i] >= Σ_i q[i]": lambda: rules.total(KNOWN, i),
    "|- Σ_i (x p[i] + y q[i]) == x (Σ_i p[i]) + y (Σ_i q[i])": lambda: rules.linear(i, (X, p(i)), (Y, q(i))),
    "|- Σ_i (Σ_j c[i, j]) == Σ_j (Σ_i c[i, j])": lambda: rules.swap(c(i, j), i, j),
    "|- Σ_i [i = j] c[i, k] == c[j, k]": lambda: rules.pick(c(i, k), i, j),
    "p[i] >= q[i], Σ_i p[i] == Σ_i q[i] |- p[i] == q[i]": lambda: rules.vanish(KNOWN, EQUAL, i),
    "for t > 0: |- log(t exp(x)) == log(t) + log(exp(x))": lambda: rules.log_of_product(T, exp(X)),
    "|- log(exp(x)) == x": lambda: rules.log_of_exp(X),
    "for t > 0: |- exp(log(t)) == t": lambda: rules.exp_of_log(T),
    "|- exp(x) >= 1 + x": lambda: rules.tangent(X),
    "exp(x) == 1 + x |- x == 0": lambda: rules.touches(rules.assume(exp(X), "==", 1 + X)),
    "x == r[t] |- Σ_i x == Σ_i r[t]": lambda: rules.rewrite(Sum(X, i), rules.assume(X, "==", r(t))),
    "c[j, i] >= q[i] |- Σ_k c[j, k] >= Σ_k q[k]": lambda: rules.combine(
        Sum(c(j, k), k), ">=", Sum(q(k), k), (1, rules.inst(rules.total(KNOWN, i), {p: ((i,), c(j, i))}))
    ),
    "|- d/dx (x^2 + exp(x y)) at x = 1 == 2 1^1 1 + exp(1 y) 1 y": lambda: rules.differentiate(
        X**2 + exp(X * Y), X.family, ONE
    ),
}


@pytest.mark.parametrize("says", DERIVED)
def test_a_rule_derives_what_it_says(says):
    thm = DERIVED[says]()
    assert repr(thm) == says
    assert verdict(thm, models=20) is None


def test_by_cases_and_by_induction():
    there, e = Family("z", (), POSITIVE)(), Z * log(Z)
    shape = rules.says(e * Z, "==", Z * e)
    cases = [rules.combine(at.left, "==", at.right) for at in (shape.put({Z.family: ((), x)}) for x in (ZERO, there))]
    assert verdict(rules.cases(shape.left, "==", shape.right, Z, *cases)) is None
    claim = rules.says(TOTAL, "==", Sum(r(t), t))
    one, more = rules.grown(claim, J, first=True), rules.grown(claim, J)
    base, known = rules.combine(one.left, "==", one.right), rules.assume(claim.left, "==", claim.right)
    thm = rules.grow(claim.left, "==", claim.right, J, base, rules.combine(more.left, "==", more.right, (1, known)))
    assert thm.conclusion == claim
    assert not thm.hyps
    assert verdict(thm, models=20) is None
    everywhere = rules.inst(thm, sets={J: Cube(J)})
    assert repr(everywhere) == "|- fold(v from 0, for t: v + r[t]) == Σ_t r[t]"
    assert verdict(everywhere) is None


@given(st.binary(min_size=60, max_size=60), st.integers(0, 2), st.integers(0, 9))
def test_one_element_more_is_what_grown_says(choices, size, seed):
    # From `size` elements to one more, the families of the larger model taken apart.
    plan, random = Terms(choices).term(3), Random(seed)
    try:
        e = closed(plan())
        named = {f for f in variables(e) if type(f) is Family}
        more = rules.grown(e, J, first=size == 0)
        rules.grow(e, "==", e, J, rules.combine(*_same(more)), rules.combine(*_same(rules.grown(e, J))))
    except (ProofError, AttributeError, TypeError, ValueError):
        assume(False)
    large = tables(named, {I: 2, J: size + 1}, lambda sign: random.choice(NUMBERS[sign]))
    small = Model({I: 2, J: max(size, 1)}, {**large.tables, **_parts(named, large, size)})
    at = {index: random.choice(large.range(index.set)) for index in e.free if type(index) is Index}
    assume(all(v.set != Cube(Cube(J)) for v in variables(e) if type(v) is Index))
    try:
        with ctx.workprec(BITS):
            apart = [ball(value(term, model, at)) for term, model in ((e, large), (more, small))]
            assert abs(apart[0] - apart[1]) < 1e-30
    except NoValue:
        assume(False)


def _same(e):
    return e, "==", e


def _parts(named, large, size):
    """The tables of the parts of families (`growth.part`), from those over a set with one element more than `size`."""
    places = {
        J: {"": range(size), "n": [size], "0": [0]},
        STATES: {"": range(2**size), "on": range(2**size, 2 ** (size + 1)), "0": [0], "1": [1]},
    }
    found = {}
    for family in named:
        options = [places.get(over, {"": large.range(over)}) for over in family.sets]
        for marks in itertools.product(*options):
            table = {}
            for at in itertools.product(*(o[mark] for o, mark in zip(options, marks, strict=True))):
                kept = [(x, mark) for x, mark in zip(at, marks, strict=True) if mark in ("", "on")]
                table[tuple(x - 2**size if mark == "on" else x for x, mark in kept)] = large.tables[family][at]
            if any(marks):
                found[growth.part(family, *marks)] = table
    return found
