"""Attempts to prove something false by the rules for arithmetic, sums, logarithms and variables."""

from fractions import Fraction

from proofs.kernel import rules as K
from proofs.kernel.attacks import TRUE, A, I, J, P, T, X, Y, Z, a, attack, c, g, i, j, p, p_, q, r, t, v, w, x, y, z
from proofs.kernel.derived import ring
from proofs.kernel.terms import ONE, ZERO, Fold, Log, Num, Slope, Sum, exp, families, indices, log

# --- arithmetic and sums ------------------------------------------------------------------------------------


@attack
def a_wrong_identity():
    return K.combine((1 + T) ** 2, "==", 1 + T**2)


@attack
def a_wrong_identity_under_a_hypothesis():
    return K.combine(X, "==", 2 * Y, (1, K.assume(X, "==", Y)))


@attack
def an_inequality_used_as_an_equation():
    return K.combine(X, "==", Y, (1, K.assume(X, ">=", Y)))


@attack
def a_negative_weight():
    return K.combine(-T, ">=", 0, (-1, K.evident(T)))


@attack
def a_weight_of_any_sign():
    return K.combine(X * T, ">=", 0, (X, K.evident(T)))


@attack
def strict_though_the_weight_may_be_zero():
    return K.combine(Z * T, ">", 0, (Z, K.evident(T)))


@attack
def strict_though_no_inequality_is():
    return K.combine(Z, ">", 0, (1, K.evident(Z)))


@attack
def a_real_number_is_not_negative():
    return K.evident(X)


@attack
def a_negative_number_is_not_negative():
    return K.evident(-1)


@attack
def divide_by_a_number_that_is_zero_without_looking_so():
    zero = log((1 + log(2)) * (1 + log(3))) - log(1 + log(2) + log(3) + log(2) * log(3))
    return ring(ONE, ZERO, K.assume(zero, "==", 0))


@attack
def pull_what_varies_out_of_a_sum():
    return K.linear(i, (q(i), ONE))


@attack
def pull_a_varying_fold_out_of_a_sum():
    return K.linear(i, (Fold(x, (), p(i), X * v(t), t, ()), ONE))


@attack
def the_sum_of_a_product():
    return ring(Sum(p(i) * q(i), i), Sum(p(i), i) * Sum(q(i), i))


@attack
def the_divergence_reversed():
    return ring(Sum(q(i) * log(q(i) / p(i)), i), Sum(p(i) * log(p(i) / q(i)), i))


@attack
def sums_that_change_places_wrongly():
    return K.combine(Sum(Sum(c(i, j), j), i), "==", Sum(Sum(c(j, i), j), i) + 1, (1, K.swap(c(i, j), i, j)))


@attack
def pick_an_index_by_itself():
    return K.pick(p(i), i, i)


@attack
def vanish_without_a_sum_that_is_zero():
    return K.vanish(K.evident(q(i)), TRUE, i)


@attack
def vanish_by_an_equation():
    return K.vanish(TRUE, K.combine(Sum(ONE, i), "==", Sum(ONE, i)), j)


@attack
def rewrite_by_an_inequality():
    return K.rewrite(X, K.assume(X, ">=", 0))


@attack
def rewrite_within_a_fold_by_what_is_assumed_of_its_state():
    state = Fold(x, (), ZERO, X + 1, t, ())
    return K.combine(K.rewrite(state, K.assume(X, "==", 0)).right, "==", Fold(x, (), ZERO, ONE, t, ()))


# --- exp and log --------------------------------------------------------------------------------------------


@attack
def the_logarithm_of_a_product_with_zero():
    return K.log_of_product(Z, T)


@attack
def the_exponential_of_the_logarithm_of_zero():
    return K.exp_of_log(Z)


@attack
def touch_elsewhere():
    return K.touches(K.assume(exp(X), "==", 2 + X))


@attack
def touch_without_the_exponential():
    return K.touches(K.combine(log(T), "==", log(T)))


@attack
def the_tangent_the_other_way():
    return K.combine(1 + X, ">=", exp(X), (1, K.tangent(X)))


# --- variables ----------------------------------------------------------------------------------------------

TANGENT = K.combine(T - 1, ">=", log(T), (1, K.tangent(log(T))), (-1, K.exp_of_log(T)))
HIDDEN = Sum(Sum(c(i, j), j), i)
DIAGONAL = K.total(K.total(K.assume(c(i, j), "==", 0), j), i)


@attack
def instantiate_a_positive_number_by_zero():
    return K.inst(K.evident(T), {a: ZERO})


@attack
def instantiate_a_positive_number_by_a_negative_one():
    return K.inst(TANGENT, {a: -ONE})


@attack
def instantiate_what_may_be_zero_by_a_real_number():
    return K.inst(K.evident(Z), {z: X})


@attack
def instantiate_a_positive_family_under_a_fold_by_a_signed_one():
    return K.inst(K.evident(Fold(p_, (), ONE, P * w(t), t, ())), {w: ((t,), v(t))})


@attack
def instantiate_a_family_by_a_number_of_parameters():
    return K.inst(K.evident(p(i)), {p: ((), T)})


@attack
def instantiate_a_term_that_is_no_family():
    return K.inst(TANGENT, {log(T): Num(Fraction(100))})


@attack
def capture_the_index():
    thm = K.inst(K.linear(i, (A, q(i))), {A.family: p(i)})
    return K.combine(Sum(p(i) * q(i), i), "==", p(i) * Sum(q(i), i), (1, thm))


@attack
def capture_the_other_index_by_a_family_of_both():
    thm = K.inst(K.linear(t, (r(i), v(t))), {r: ((i,), g(i, t))})
    return K.combine(Sum(g(i, t) * v(t), t), "==", g(i, t) * Sum(v(t), t), (1, thm))


@attack
def rename_the_indices_of_a_hypothesis_to_one():
    # c = ((0, 1), (1, 0)) is zero at (k, k), and its sum is 2.
    return K.inst(DIAGONAL, indices={i: j})


@attack
def let_an_index_arrive_that_a_hypothesis_has():
    # x = y[i] for all i gives Σ_i y[i] = n x; r[i] = y[i] does not make r constant.
    thm = K.total(K.assume(X, "==", r(i)), i)
    return K.inst(thm, {x: r(i)})


@attack
def make_one_set_of_two_whose_indices_have_one_name():
    (there,) = indices("i", J)
    (real,) = families("r", J)
    thm = K.linear(i, (Sum(real(there), there), r(i)))
    return K.inst(K.combine(thm.left, "==", thm.right, (1, thm)), sets={J: I})


@attack
def a_negative_slope_of_a_square():
    return K.combine(K.differentiate(X**2, x, X).left, "==", -2 * X)


@attack
def the_slope_of_the_logarithm_at_zero():
    return K.differentiate(Log(X**2), x, X)


@attack
def the_slope_of_a_fold():
    return K.differentiate(Fold(y, (), X, Y * X, t, ()), x, X)


@attack
def a_slope_that_hides_what_it_depends_on():
    return K.combine(Slope(X * Y, x, T), "==", Slope(X * X, x, T))
