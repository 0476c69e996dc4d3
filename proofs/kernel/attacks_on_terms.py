"""Attempts to prove something false by terms that say what they do not mean, and by folds."""

from fractions import Fraction

from proofs.kernel import rules as K
from proofs.kernel.attacks import A, I, Liar, Minus, P, X, Y, Z, attack, c, i, j, p, p_, q, r, t, u, v, w, x, y, z
from proofs.kernel.substitution import put
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    REAL,
    ZERO,
    Add,
    Bit,
    Exp,
    Family,
    Fold,
    Num,
    Pow,
    Same,
    Sum,
    families,
)

# --- terms --------------------------------------------------------------------------------------------------


@attack
def floats_round():
    # Three times the double nearest 0.1 is not the double nearest 0.3000...04.
    return K.combine(3 * Num(0.1), "==", Num(3 * 0.1))


@attack
def infinity():
    return K.evident(Num(float("inf")))


@attack
def an_expression_of_another_program():
    return K.evident(Add((Minus(Fraction(-1)), ONE)))


@attack
def a_number_with_a_sign_of_its_own():
    return K.evident(type("Odd", (Fraction,), {})(-1))


@attack
def a_family_with_a_sign_of_its_own():
    return K.evident(Liar("l", (), POSITIVE)())


@attack
def a_sign_that_is_none():
    return K.evident(Family("l", (), 7)())


@attack
def a_class_of_terms_of_ones_own():
    return K.evident(type("Odd", (Exp,), {})(X))


@attack
def cancel_a_pole():
    return K.combine((X**2 - 1) / (X - 1), "==", X + 1)  # x = 1


@attack
def divide_by_what_may_be_zero():
    return K.combine(Z / Z, "==", 1)


@attack
def half_a_power():
    return K.evident(Pow(X**2, Fraction(1, 2)) - X)


@attack
def logarithm_of_a_negative_number():
    return K.log_of_product(X - 1, X - 1)


@attack
def a_sum_taken_to_be_positive():
    return K.evident(Sum(r(i), i))


@attack
def a_sum_of_two_terms():
    return K.evident(Sum((q(i), p(i)), i))


@attack
def a_family_at_an_index_of_another_set():
    return K.evident(p(t))


@attack
def a_bit_of_what_is_no_state():
    return K.evident(Bit(i, t))


@attack
def compare_elements_of_two_sets():
    return K.evident(Same(i, t))


@attack
def the_slope_at_the_end_of_the_numbers():
    return K.differentiate(Z, z, Z)


@attack
def confuse_what_is_bound_twice_under_one_name():
    sums = lambda body: Sum(Sum(Sum(body, j), i), i)
    return K.combine(sums(c(i, i)), "==", sums(c(i, j)))


@attack
def capture_in_a_substitution():
    return K.combine(put(Sum(p(i) * A, i), {A.family: ((), p(i))}), "==", Sum(p(i) * p(i), i))


# --- folds --------------------------------------------------------------------------------------------------


@attack
def a_fold_that_goes_negative():
    return K.evident(Fold(p_, (), ONE, P - 1, t, ()))


@attack
def a_fold_that_starts_negative():
    return K.evident(Fold(p_, (), -ONE, P, t, ()))


@attack
def a_fold_of_positive_numbers_over_signed_ones():
    return K.evident(Fold(p_, (), ONE, P * v(t), t, ()))


@attack
def a_part_of_the_state_that_falls_below_zero_a_step_later():
    # The state is a family: at one index 1, and then what the other was minus 5.
    (two,) = families("f", I, sign=NONNEGATIVE)
    return K.evident(Fold(two, (i,), p(i), Sum(two(j), j) - 5 * Same(i, j), t, (i,)))


@attack
def two_states_of_one_name():
    # A real state and a positive one: the folds that start at them are not one.
    real = Fold(Family("s", (), REAL), (), ONE, Family("s", (), REAL)(), t, ())
    other = Fold(Family("s", (), POSITIVE), (), ONE, Family("s", (), POSITIVE)(), t, ())
    return K.combine(real, "==", other + 1)


@attack
def two_folds_that_read_alike():
    return K.combine(Fold(x, (), ZERO, X + v(t), t, ()), "==", Fold(x, (), ZERO, X + 2 * v(t), t, ()))


@attack
def a_family_for_an_element():
    return K.evident(Fold(p_, (), ONE, P, w, ()))


@attack
def an_expression_for_a_state():
    return K.evident(Fold(X + 1, (), ONE, ONE, t, ()))


@attack
def a_fold_over_its_own_parameter():
    return K.evident(Fold(p, (i,), p(i), p(i), i, (i,)))


@attack
def one_parameter_twice():
    (two,) = families("f", I, I, sign=POSITIVE)
    return K.evident(Fold(two, (i, i), p(i), two(i, i), t, (i, j)))


@attack
def a_fold_read_at_an_index_of_another_set():
    return K.evident(Fold(p, (i,), p(i), p(i), t, (u,)))


@attack
def a_parameter_hidden_in_a_fold():
    state = Fold(y, (), X, Y, t, ())
    return K.combine(put(state, {x: ((), ONE)}), "==", put(state, {x: ((), 2 * ONE)}))
