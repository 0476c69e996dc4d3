"""Countermodels of spoiled theorems, and none of true ones."""

from fractions import Fraction
from random import Random

import pytest

from proofs.kernel import normal, terms
from proofs.kernel.derived import derive, ring
from proofs.kernel.refutation import all_sizes, countermodel, model_of, refute, unchecked
from proofs.kernel.rules import Thm, assume, combine, evident, exp_of_log, grow, grown, inst, says, tangent, total
from proofs.kernel.semantics import everywhere, holds
from proofs.kernel.terms import POSITIVE, Bit, Cube, ProofError, Set, Sum, exp, families, indices, log, numbers

I, J = Set("I"), Set("J")
(i,), (j,), (s,) = indices("i", I), indices("j", J), indices("s", Cube(J))
a, p, q = families("a p q", I, sign=POSITIVE)
b, w = families("b", J)[0], families("w", J, I, sign=POSITIVE)[0]
A, G, P, T = numbers("A G P t", sign=POSITIVE)
TANGENT = combine(T - 1, ">=", log(T), (1, tangent(log(T))), (-1, exp_of_log(T)))


def jensen(normalised=True, sign=1, times=1):
    """log Σ q a >= Σ q log a for weights that sum to 1."""
    given = [assume(Sum(q(i) * a(i), i), "==", A), *[assume(Sum(q(i), i), "==", 1)] * normalised]
    each = inst(TANGENT, {T.family: a(i) / A})
    weighted = total(combine(q(i) * each.left, ">=", q(i) * each.right, (q(i), each)), i)
    return derive(sign * log(A), ">=", sign * times * Sum(q(i) * log(a(i)), i), (1, weighted), given=given)


def geometric(times=0):
    """Σ q log(a/G) == 0 for the geometric mean G."""
    given = [assume(log(G), "==", Sum(q(i) * log(a(i)), i)), assume(Sum(q(i), i), "==", 1)]
    return ring(Sum(q(i) * log(a(i) / G), i), times * log(G), *given)


def cube(one=1):
    """Σ_s Π_j e^(s_j b_j) == Π_j (1 + e^b_j)."""
    shape = says(Sum(exp(Sum(Bit(s, j) * b(j), j)), s), "==", exp(Sum(log(one + exp(b(j))), j)))
    first, more = grown(shape, J, first=True), grown(shape, J)
    known = assume(shape.left, "==", shape.right)
    return grow(shape.left, "==", shape.right, J, ring(first.left, first.right), ring(more.left, more.right, known))


TRUE = [jensen, geometric, cube]
SPOILED = [
    (jensen, {"normalised": False}),
    (jensen, {"sign": -1}),
    (jensen, {"times": 2}),
    (geometric, {"times": 1}),
    (cube, {"one": 2}),
]


@pytest.mark.parametrize("body", TRUE)
def test_what_is_true_has_no_countermodel(body):
    assert countermodel(body()) is None
    assert refute(body) is None


@pytest.mark.parametrize(("body", "spoiled"), SPOILED)
def test_what_is_spoiled_has_one(body, spoiled):
    with pytest.raises(ProofError):
        body(**spoiled)
    assert str(refute(lambda: body(**spoiled))).endswith(" is false")


def test_a_witness_reads_as_one_checks_it():
    thm = assume(Sum(q(i), i), "==", 1)
    wrong = lambda: combine(q(i), "==", 1, (1, thm))
    assert str(refute(wrong)) == "q = (3/4, 1/4), i = 0: 3/4 == 1 is false"


def test_a_body_that_fails_without_checks_is_judged_by_what_it_made():
    def body():
        combine(A, "==", P)
        raise LookupError

    assert refute(body) is not None
    assert refute(lambda: None) is None


def test_what_the_false_theorem_was_made_from_does_not_count():
    # The step is false and the end is true: only the proof is broken.
    assert refute(lambda: combine(A, ">", 0, (1, evident(A)), (0, combine(A, "==", P)))) is None


def test_checks_are_on_again_afterwards():
    with unchecked() as made:
        assert type(combine(A, "==", P)) is Thm
        assert len(made) == 1
    with pytest.raises(ProofError):
        combine(A, "==", P)
    with pytest.raises(ProofError):
        terms.guard(False, "off")


def test_normal_forms_found_with_the_checks_off_are_forgotten(monkeypatch):
    monkeypatch.setattr(normal, "KNOWN", {})
    ring(A * (G + P), A * G + A * P)
    before = dict(normal.KNOWN)
    assert A * (G + P) in before
    with unchecked():
        ring(A + G, P)
        assert A + G in normal.KNOWN
        assert before.items() <= normal.KNOWN.items()
    assert before == normal.KNOWN


HYPOTHESES = {
    "weights": [(Sum(q(i), i), "==", 1), (Sum(p(i), i), "==", P)],
    "a mean of distributions": [
        (p(i), "==", Sum(b(j) * w(j, i), j)),
        (Sum(w(j, i), i), "==", 1),
        (Sum(b(j), j), "==", 1),
    ],
    "a geometric mean": [(log(G), "==", Sum(q(i) * log(a(i)), i)), (Sum(q(i), i), "==", 1)],
    "an inequality": [(p(i), ">=", q(i) + 1), (Sum(p(i), i), ">", 7)],
    "an exponential": [(exp(b(j)), "==", A)],
}


@pytest.mark.parametrize("name", HYPOTHESES)
def test_hypotheses_are_solved(name):
    assumed = [assume(*hypothesis) for hypothesis in HYPOTHESES[name]]
    thm = combine(A, "==", A, *((0, h) for h in assumed if h.rel == "=="))
    thm = combine(A, ">=", A, (1, thm), *((0, h) for h in assumed))
    for sizes in all_sizes(thm, 3):
        model = model_of(thm, sizes, Random(0), tries=30)
        assert model is not None
        assert all(everywhere(h, model, holds) for h in thm.hyps)
        assert {type(x) for x in model.tables.get(q, {(): Fraction(1)}).values()} == {Fraction}
