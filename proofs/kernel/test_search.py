"""The search finds what it should, and what it finds has the value of what it was asked for."""

from fractions import Fraction

import pytest

from proofs.kernel.derived import by_cases, derive, everywhere, induction, ring, summed
from proofs.kernel.lemmas import cube_sum, divergence_of_a_state, layer_sums_to_one, log_of_ratio
from proofs.kernel.model import require_model
from proofs.kernel.normal import Normaliser
from proofs.kernel.rules import assume, evident
from proofs.kernel.semantics import everywhere as at_all_places
from proofs.kernel.semantics import holds, tables
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    Bit,
    Cube,
    Family,
    Fold,
    ProofError,
    Same,
    Set,
    Sum,
    exp,
    families,
    indices,
    log,
    numbers,
    sum_over,
)

I, J = Set("I"), Set("J")
i, k, m = indices("i k m", I)
j, = indices("j", J)  # fmt: skip
s, = indices("s", Cube(J))  # fmt: skip
F, G = families("f g", I)
P, = families("p", I, sign=POSITIVE)  # fmt: skip
W, = families("W", I, J)  # fmt: skip
U, = families("u", J)  # fmt: skip
X, Y = numbers("x y")
T, = numbers("t", sign=POSITIVE)  # fmt: skip
Q, = numbers("q", sign=NONNEGATIVE)  # fmt: skip

NORMAL_FORMS = [
    (X * (Y + 1) - X, X * Y),
    (Sum(X * F(i) + G(i) * 2, i), X * Sum(F(i), i) + 2 * Sum(G(i), i)),
    (Sum(Same(i, k) * F(i) * G(k), i), F(k) * G(k)),
    (Sum(F(i) * Sum(Same(i, k) * G(k), k), i), Sum(F(i) * G(i), i)),
    (sum_over(i, j, of=W(i, j) * F(i) * U(j)), sum_over(j, i, of=U(j) * F(i) * W(i, j))),
    (exp(2 * X - 3 * log(T)), exp(X) ** 2 / T**3),
    (exp(X - X), ONE),
    (Sum(exp(X + F(i)), i), exp(X) * Sum(exp(F(i)), i)),
    (log(T * exp(X) / 6), log(T) + X - log(2) - log(3)),
    (log(Sum(T * P(i), i)), log(T) + log(Sum(P(i), i))),
    (log(1 / (1 + exp(-X))), X - log(1 + exp(X))),
]  # fmt: skip


def true_in_some_models(thm):
    """Is the theorem true in a few models of its families, of several sizes?"""
    found = {v for side in (thm.left, thm.right) for v in side.free if type(v) is Family}
    numbers = iter([Fraction(n % 7 + 1, n % 3 + 1) for n in range(10**4)])
    return all(
        at_all_places(thm.conclusion, tables(found, {I: a, J: b}, lambda sign: next(numbers)), holds)
        for a, b in ((1, 1), (2, 1), (1, 2), (3, 2))
    )


@pytest.mark.parametrize(("e", "other"), NORMAL_FORMS, ids=[repr(e) for e, _ in NORMAL_FORMS])
def test_equal_terms_have_one_normal_form(e, other):
    normal = Normaliser()
    assert normal(e).left == e
    assert normal(e).right == normal(other).right
    assert normal(normal(e).right).right == normal(e).right
    assert true_in_some_models(normal(e))
    assert ring(e, other).left == e


def test_different_terms_are_not_equated():
    for e, other in [
        (X, Y),
        (Sum(F(i), i) ** 2, Sum(F(i) ** 2, i)),
        (log(T) ** 2, log(T**2)),
        (exp(X) + 1, exp(X + 1)),
    ]:
        with pytest.raises(ProofError):
            ring(e, other)


def test_consequences_of_equations_and_inequalities():
    given = assume(X + Y, "==", 1), assume(X - Y, "==", T)
    assert ring(X**2 - Y**2, T, *given).hyps == {thm.conclusion for thm in given}
    with pytest.raises(ProofError):
        ring(X, T, *given)
    above = assume(F(i), ">=", G(i))
    parts = (1, summed(above, i, P(i))), (1, evident(ONE))
    assert derive(Sum(P(i) * F(i), i) + 1, ">", Sum(P(i) * G(i), i), *parts).hyps == {above.conclusion}
    with pytest.raises(ProofError):
        derive(Sum(P(i) * F(i), i), ">", Sum(P(i) * G(i), i), parts[0])


def test_lemmas_hold_in_models():
    for thm in (cube_sum(s, j, U(j)), layer_sums_to_one(s, j, U(j)), divergence_of_a_state(Q, T), log_of_ratio(Q, T)):
        assert thm.hyps == frozenset()
        assert true_in_some_models(thm)


def test_induction_and_what_holds_everywhere():
    assert induction(Sum(ONE, s), "==", exp(log(2) * Sum(ONE, j)), J).hyps == frozenset()
    with pytest.raises(ProofError):
        induction(Sum(ONE, s), "==", Sum(ONE, j), J)
    assert everywhere(Bit(s, j) ** 2, Bit(s, j), J, s, j).right == Bit(s, j)
    with pytest.raises(ProofError):
        everywhere(Bit(s, j) ** 2, 2 * Bit(s, j), J, s, j)


def test_cases_of_a_number_that_may_be_zero():
    assert by_cases(Q * log(2 * Q), "==", Q * log(2) + Q * log(Q), Q).hyps == frozenset()
    with pytest.raises(ProofError):
        by_cases(log(2 * Q), "==", log(2) + log(Q), Q)  # log 0 is 0 here


def test_a_model_satisfies_the_hypotheses():
    thm = assume(Sum(P(i), i), "==", 1)
    half = Fraction(1, 2)
    assert require_model(thm, {P: (half, half)}) is thm
    with pytest.raises(ProofError, match="false in the model"):
        require_model(thm, {P: (half, 1)})
    with pytest.raises(ProofError, match="signs"):
        require_model(thm, {P: (2, -1)})
    states = assume(Sum(Family("c", (Cube(J),), NONNEGATIVE)(s), s), "==", 4 * Sum(ONE, j))
    assert require_model(states, {Family("c", (Cube(J),), NONNEGATIVE): (0, 5, 2, 1)}) is states


def test_folds_are_left_as_they_are():
    fold = Fold(X.family, (), ONE, X * (U(j) + U(j)), j, ())
    assert Normaliser()(fold + fold).right == 2 * fold
