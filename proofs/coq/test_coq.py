"""The way to Coq: a file that stands alone, and, with ``pytest proofs --coq``, an example of every rule that Coq
accepts, and derivations with the checks off that it refuses where they are false."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from proofs.coq import asked, check
from proofs.coq.asked import CHANGED, EVERYTHING, digest, must_accept, running
from proofs.coq.check import AXIOMS, file_of
from proofs.coq.statement import Names, Scope, meaning, show
from proofs.coq.steps import Proof, derivation
from proofs.kernel import growth, rules
from proofs.kernel.derived import derive, induction, ring
from proofs.kernel.lemmas import log_below_tangent, log_touches_tangent
from proofs.kernel.normal import T, t
from proofs.kernel.refutation import countermodel, unchecked
from proofs.kernel.rules import (
    assume,
    cases,
    combine,
    differentiate,
    evident,
    exp_of_log,
    inst,
    linear,
    pick,
    rewrite,
    swap,
    total,
    vanish,
)
from proofs.kernel.terms import (
    CLASSES,
    NONNEGATIVE,
    ONE,
    POSITIVE,
    ZERO,
    Bit,
    Cube,
    Fold,
    Pow,
    Same,
    Set,
    Slope,
    Sum,
    exp,
    families,
    indices,
    log,
    numbers,
    plus,
    term,
)

I, J, L = Set("I"), Set("J"), Set("L")
(i, i2), (j,), (l,), (s, s2) = indices("i k", I), indices("j", J), indices("l", L), indices("s r", Cube(J))
p, q = families("p q", I, sign=POSITIVE)
f, g = families("f g", I, J)
(a,), (x,) = families("a", J), families("x", L, sign=NONNEGATIVE)
Q, = numbers("q", sign=NONNEGATIVE)  # fmt: skip
Q_ABOVE, = numbers("q", sign=POSITIVE)  # fmt: skip
H, = numbers("h")  # fmt: skip


def tangent_in_cases():
    """q log q >= q − 1 for q >= 0."""
    claim = rules.says(Q * log(Q), ">=", Q - 1)
    zero, above = (claim.put({Q.family: ((), value)}) for value in (ZERO, Q_ABOVE))
    at_zero = derive(zero.left, ">=", zero.right, (1, evident(ONE)))
    elsewhere = derive(above.left, ">=", above.right, (Q_ABOVE, log_below_tangent(1 / Q_ABOVE)))
    return cases(claim.left, ">=", claim.right, Q, at_zero, elsewhere)


def equal_where_nothing_is_lost():
    """Σ q (p/q − 1) == Σ q log(p/q) |- p/q == 1."""
    tangent = log_below_tangent(p(i) / q(i))
    weighted = combine(q(i) * (p(i) / q(i) - 1), ">=", q(i) * log(p(i) / q(i)), (q(i), tangent))
    same = vanish(weighted, assume(Sum(weighted.left, i), "==", Sum(weighted.right, i)), i)
    return log_touches_tangent(combine(p(i) / q(i) - 1, "==", log(p(i) / q(i)), (1 / q(i), same)), p(i) / q(i))


def fold(state, step, start=ONE):
    """A fold over L."""
    return Fold(state, (), start, step, l, ())


def product_above_sum():
    """Π (1 + x) >= 1 + Σ x for x >= 0."""
    v, = families("v", sign=POSITIVE)  # fmt: skip
    left, right = fold(v, v() * (1 + x(l))), 1 + Sum(x(l), l)
    more = growth.part(x, "n")()
    said = rules.says(left, ">=", right)
    base, step = rules.grown(said, L, first=True), rules.grown(said, L)
    known = (1 + more, assume(left, ">=", right)), (1, evident(more * Sum(x(l), l)))
    return rules.grow(
        left, ">=", right, L, derive(base.left, ">=", base.right), derive(step.left, ">=", step.right, *known)
    )


def same_states():
    """Σ_s Σ_r [s = r] exp(Σ_j s_j a_j) == Σ_s exp(Σ_j s_j a_j), by induction on the number of units."""
    weight = exp(Sum(Bit(s, j) * a(j), j))
    return induction(Sum(Sum(Same(s, s2) * weight, s2), s), "==", Sum(weight, s), J)


def vectors_stay_positive():
    """A recursion of vectors with weights above zero, from ones."""
    (v,), (W,) = families("v", I, sign=POSITIVE), families("W", L, I, I, sign=POSITIVE)
    return total(evident(Fold(v, (i,), ONE, Sum(W(l, i, i2) * v(i2), i2), l, (i,))), i)


EXAMPLES = {
    "cases": tangent_in_cases,
    "vanish": equal_where_nothing_is_lost,
    "grow": product_above_sum,
    "grow states": same_states,
    "cube": lambda: induction(Sum(exp(Sum(Bit(s, j) * a(j), j)), s), "==", exp(Sum(log(1 + exp(a(j))), j)), J),
    "fold": vectors_stay_positive,
    "swap": lambda: ring(
        Sum(Sum(f(i, j) * g(i, j), j), i), Sum(Sum(f(i, j) * g(i, j), i), j), swap(f(i, j) * g(i, j), i, j)
    ),
    "pick": lambda: pick(f(i, j) * p(i), i, i2),
    "linear": lambda: linear(i, (H, f(i, j)), (2, p(i))),
    "rewrite": lambda: rewrite(log(Sum(p(i) / q(i), i)), combine(p(i) / q(i), "==", p(i) * (1 / q(i)))),
    "differentiate": lambda: differentiate(log(Sum(exp(f(i, j) + H * Same(i, i2)), i)) / (1 + exp(H**3)), H.family, 0),
    "a set of a premise alone": lambda: combine(H, "==", H, (1, combine(Sum(a(j), j), "==", Sum(a(j), j)))),
    "captured": lambda: inst(pick(f(i, j), i, i2), {f: ((i, j), Sum(f(i2, j) * p(i), i2))}),
    "sets": lambda: inst(linear(i, (2, p(i))), sets={I: Cube(J)}),
}


def test_a_file_stands_alone():
    text = file_of({"cube": (EXAMPLES["cube"](), "the sum over all states (* as a product *)")})
    assert text.startswith("(* What the exported theorems are about")
    assert "Theorem cube :" in text
    assert "Print Assumptions cube." in text
    assert "(* What is proved: the sum over all states ( * as a product * ) *)" in text


def test_the_meaning_of_a_theorem():
    thm = combine(Sum(p(i), i), "==", Sum(p(i), i))
    assert meaning(thm, Names()) == (
        "forall (I_n : nat) (p_f : nat -> R), ((0 < I_n)%nat) -> "
        "(forall (k0_i : nat), ((k0_i < I_n)%nat) -> 0 < (p_f k0_i)) -> "
        "(Sigma I_n (fun i_i => (p_f i_i))) = (Sigma I_n (fun i_i => (p_f i_i)))"
    )


RECURSION = Fold(f, (i, j), p(i), f(i2, j), l, (i, j))
TEXTS = {
    "0": ZERO,
    "(- 2)": -2,
    "(3 / 4)": Fraction(3, 4),
    "h_f": H,
    "(f_f i_i j_i)": f(i, j),
    "(bit s_i j_i)": Bit(s, j),
    "(same i_i k_i)": Same(i, i2),
    "(h_f + q_f + 1)": plus(H, Q, 1),
    "(h_f * q_f)": H * Q,
    "(h_f ^ 3)": H**3,
    "(/ t_f)": 1 / T,
    "(/ (t_f ^ 2))": Pow(T, -2),
    "(exp h_f)": exp(H),
    "(ln q_f)": log(Q),
    "(Sigma J_n (fun j_i' => (a_f j_i')))": Sum(a(j), j),
    "(Sigma (2 ^ J_n)%nat (fun s_i' => (bit s_i' j_i)))": Sum(Bit(s, j), s),
    "((iterate L_n (fun l_i f_f' => (fun i_i' j_i' => (f_f' k_i j_i'))) "
    "(fun i_i' j_i' => (p_f i_i'))) i_i j_i)": RECURSION,
    "(Derive (fun h_f' => (h_f' ^ 2)) h_f)": Slope(H**2, H.family, H),
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_term_is_in_coq(text):
    """This is the part that no proof checks, so each kind of term is compared with what a reader expects."""
    free = [I, J, L, f, p, a, H.family, Q.family, T.family, i, i2, j, s]
    _, scope = Scope(Names(), {}).bind(*free)
    assert show(term(TEXTS[text]), scope) == text


def test_every_kind_of_term_is_written():
    assert {type(term(e)) for e in TEXTS.values()} == set(CLASSES)


def test_hypotheses_are_premises_for_all_their_indices():
    thm = assume(p(i), ">=", H)
    assert meaning(thm, Names()).endswith(
        "(forall (i_i' : nat), ((i_i' < I_n)%nat) -> (p_f i_i') >= h_f) -> (p_f i_i) >= h_f"
    )


def test_namesakes_have_two_names():
    thm = combine(Q, "==", Q)
    both = combine(Q + Q_ABOVE, "==", Q + Q_ABOVE)
    assert "(q_f : R)" in meaning(thm, Names())
    assert "(q_f : R) (q_f' : R)" in meaning(both, Names())


def test_every_rule_has_a_translation_and_an_example():
    named = sorted({thm.rule for example in EXAMPLES.values() for thm in derivation(example())})
    translated = {name for name in dir(Proof) if not name.startswith("_")}
    rules_of_file = ["assume", "cases", "combine", "differentiate", "evident", "exp_of_log", "grow", "inst", "linear",
                     "log_of_exp", "log_of_product", "pick", "rewrite", "swap", "tangent", "total", "touches",
                     "vanish"]  # fmt: skip
    assert named == rules_of_file
    assert set(named) <= translated


@pytest.fixture
def coq(request):
    """Coq, for the tests that need it."""
    if not request.config.getoption("--coq", False):
        pytest.skip("needs Coq: pytest proofs --coq")
    return running()


@pytest.mark.parametrize("example", EXAMPLES)
def test_coq_accepts(coq, example):
    answer = coq.check(EXAMPLES[example]())
    assert answer.accepted, f"{answer.refused}: {answer.message}"
    assert set(answer.axioms) <= set(AXIOMS)


def test_coq_is_not_asked_again_about_what_it_accepted(monkeypatch):
    thm, other = combine(Q, "==", Q), combine(H, "==", H)
    monkeypatch.setattr(asked, "accepted_before", lambda: {digest(thm)})
    monkeypatch.setattr(asked, "running", lambda: pytest.fail("asked", pytrace=False))
    assert must_accept([thm], CHANGED) == [digest(thm)]
    for theorems, asking in [([thm], EVERYTHING), ([other], CHANGED), ([thm, other], CHANGED)]:
        with pytest.raises(pytest.fail.Exception, match="asked"):
            must_accept(theorems, asking)


def test_a_digest_is_of_all_that_coq_reads(monkeypatch):
    """Of what is stated, of how it is derived, and of the prelude: that 1 + Q is Q + 1 has two derivations here."""
    short = combine(plus(1, Q), "==", plus(Q, 1))
    long = combine(plus(1, Q), "==", plus(Q, 1), (1, short))
    stated = {digest(short), digest(combine(plus(1, Q), "==", plus(Q, 1, 0)))}
    monkeypatch.setattr(check, "PRELUDE", SimpleNamespace(read_text=lambda: "(* another *)"))
    assert len(stated | {digest(long), digest(short)}) == 4


def fold_that_leaves_its_sign():
    """v starts at 1 and falls by 5: not a number above zero, as its family says."""
    v, = families("v", sign=POSITIVE)  # fmt: skip
    return evident(fold(v, v() - 5))


UNSOUND = {
    "a fold that does not keep its sign": fold_that_leaves_its_sign,
    "a sum of real numbers is not negative": lambda: rules._derived("evident", rules.says(Sum(f(i, j), i), ">=", 0)),
    "no identity": lambda: combine(Sum(p(i), i), "==", Sum(q(i), i)),
    "a weight that may be negative": lambda: combine(H * T, ">=", 0, (H, evident(T))),
    "a number for a positive one": lambda: inst(exp_of_log(T), {t: H}),
    "a coefficient that depends on the index": lambda: rules._derived(
        "linear", rules.says(Sum(p(i) * q(i), i), "==", p(i2) * Sum(q(i), i)), index=i, pairs=((p(i2), q(i)),)
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_coq_refuses_what_is_false(coq, name):
    with unchecked():
        thm = UNSOUND[name]()
    answer = coq.check(thm)
    assert not answer.accepted
    assert countermodel(answer.refused)


def test_slopes_have_a_meaning():
    assert "Derive (fun h_f => (exp h_f)) 0" in meaning(combine(Slope(exp(H), H.family, ZERO), "==",
                                                                Slope(exp(H), H.family, ZERO)), Names())  # fmt: skip
