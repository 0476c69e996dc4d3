"""Attempts to prove something false by cases and by induction."""

from proofs.kernel import rules as K
from proofs.kernel.attacks import STATES, TRUE, J, X, Z, attack, i, j, s, t, u, v, x, z, zi, zi_positive
from proofs.kernel.derived import ring
from proofs.kernel.growth import part
from proofs.kernel.substitution import put
from proofs.kernel.terms import NONNEGATIVE, ONE, POSITIVE, ZERO, Bit, Family, Fold, Same, Sum, families

# --- cases --------------------------------------------------------------------------------------------------


def _cases(left, rel, right, number, at_zero=None, elsewhere=None):
    """The rule, with premises that are found from the signs of the two cases."""
    statement, number = K.says(left, rel, right), K.term(number)
    there = Family(number.family.name, number.family.sets, POSITIVE)
    case = lambda value: statement.put({number.family: (number.at, value)})
    found = [
        given or K.combine(one.left, one.rel, one.right, (1, K.evident(one.left - one.right)))
        for given, one in ((at_zero, case(ZERO)), (elsewhere, case(there(*number.at))))
    ]
    return K.cases(left, rel, right, number, *found)


@attack
def cases_of_a_number_that_may_be_negative():
    return K.cases(X, ">=", 0, X, K.evident(ZERO), K.evident(Family("x", (), POSITIVE)()))


@attack
def cases_under_an_assumption_about_the_positive_namesake():
    there = Family("z", (), POSITIVE)()  # z = 2, its namesake 1
    elsewhere = K.combine(there * (there - 1), "==", 0, (there, K.assume(there, "==", 1)))
    return K.cases(Z * (Z - 1), "==", 0, Z, K.combine(ZERO * (ZERO - 1), "==", 0), elsewhere)


@attack
def cases_that_confuse_the_namesakes():
    there = Family("z", (), POSITIVE)()  # z = 2, its namesake 1
    elsewhere, at_zero = K.combine(there * (there - there), "==", 0), K.combine(ZERO * (ZERO - there), "==", 0)
    return K.cases(Z * (Z - there), "==", 0, Z, at_zero, elsewhere)


@attack
def cases_of_different_relations():
    return K.cases(Z, ">", 0, Z, K.evident(ZERO), K.evident(Family("z", (), POSITIVE)()))


def _some(total):
    """z[i] + (1 − total of z)² > 0, by cases of z[i]: false at z = (0, 1) if the total goes over all of z."""
    zero = put(total, {zi: ((i,), ZERO)})
    at_zero = K.combine(ZERO + (1 - zero) ** 2, ">", 0, (1, K.assume((1 - zero) ** 2, ">", 0)))
    there = put(total, {zi: ((i,), zi_positive(i))})
    elsewhere = K.combine(zi_positive(i) + (1 - there) ** 2, ">", 0, (1, K.evident(zi_positive(i) + (1 - there) ** 2)))
    return K.cases(zi(i) + (1 - total) ** 2, ">", 0, zi(i), at_zero, elsewhere)


@attack
def cases_of_a_family_under_its_sum():
    return _some(Sum(zi(i), i))


@attack
def cases_of_a_family_under_a_sum_over_another_index():
    return _some(Sum(zi(j), j))


@attack
def a_sum_hidden_in_a_fold():
    return _some(Fold(x, (), Sum(zi(i), i), X, t, ()))


@attack
def a_family_that_is_zero_at_some_elements():
    (zt,) = families("z", J, sign=NONNEGATIVE)
    return _cases(Fold(z, (), ONE, Z * zt(t), t, ()) + zt(t), ">", 0, zt(t))


# --- induction ----------------------------------------------------------------------------------------------

COUNT = Sum(ONE, t)
GROWN = {first: lambda e, first=first: K.grown(e, J, first) for first in (True, False)}


def _grow(left, right, base=None, step=None, over=J, rel="=="):
    """The rule, with premises that are found by arithmetic and one use of the statement itself."""
    statement = K.says(left, rel, right)
    known = K.assume(left, rel, right)
    one, more = K.grown(statement, over, first=True), K.grown(statement, over)
    base = base or K.combine(one.left, rel, one.right)
    return K.grow(left, rel, right, over, base, step or K.combine(more.left, rel, more.right, (1, known)))


@attack
def induction_without_the_base_case():
    return _grow(Sum(v(t), t), 1 + Sum(v(t), t))


@attack
def induction_from_another_base_case():
    return _grow(Sum(v(t), t), 1 + Sum(v(t), t), base=TRUE)


@attack
def induction_from_a_base_that_is_assumed():
    left, right = Sum(v(t), t), 1 + Sum(v(t), t)
    one = K.grown(K.says(left, "==", right), J, first=True)
    return _grow(left, right, base=K.assume(one.left, "==", one.right))


@attack
def induction_without_the_step():
    return _grow(COUNT, ONE, step=TRUE)


@attack
def an_induction_step_that_assumes_something_else():
    more = K.grown(K.says(COUNT, "==", ONE), J)
    return _grow(COUNT, ONE, step=K.assume(more.left, "==", more.right))


@attack
def induction_over_a_free_index():
    # No k before the last is the last.
    return _grow(Sum(Same(u, t), u), ZERO)


@attack
def induction_over_states_as_if_they_were_elements():
    return K.grow(Sum(Bit(s, t), s), "==", 0, STATES, TRUE, TRUE)


@attack
def a_fold_over_a_set_that_numbers_its_state():
    # Only at the last element the state is 1, so the sum is 1.
    each = Fold(v, (u,), ZERO, Same(t, u) * ONE, t, (u,))
    statement = K.says(Sum(each, u), "==", 0)
    more = K.grown(statement, J)
    return _grow(Sum(each, u), ZERO, step=ring(more.left, more.right, K.assume(statement.left, "==", 0)))


@attack
def a_fold_over_states_under_a_sum_over_units():
    # 2^(n − 1) states have the bit.
    each = Fold(x, (), ZERO, X + Bit(s, t), s, ())
    return _grow(Sum(each, t), Sum(Fold(x, (), ZERO, X, s, ()), t), step=TRUE)


@attack
def a_family_that_has_the_name_of_a_part():
    last = Fold(x, (), ZERO, v(t), t, ())
    other = part(v, "n")()
    more = K.grown(K.says((COUNT - 1) * (last - other), "==", 0), J)
    return _grow((COUNT - 1) * (last - other), ZERO, step=K.combine(more.left, "==", 0))


@attack
def one_part_of_two_families():
    # At the first element f[0] and f at the first state would be one number.
    (states,) = families("v", STATES)
    none = Sum(Fold(x, (), states(s), X * (1 - Bit(s, t)), t, ()), s)
    once = Fold(x, (), 2 * ONE, X * (X - 1) / 2, t, ())
    left = once * (Fold(x, (), ZERO, v(t), t, ()) - none)
    more = K.grown(K.says(left, "==", 0), J)
    two = _grow(once * (once - 1), ZERO, step=_square(once))
    step = K.combine(more.left, "==", 0, (more.left.parts[1] / 2, two))
    return _grow(left, ZERO, step=step)


def _square(once):
    """The step of once (once − 1) == 0."""
    more = K.grown(K.says(once * (once - 1), "==", 0), J)
    known = K.assume(once * (once - 1), "==", 0)
    return K.combine(more.left, "==", 0, ((once * (once - 1) / 2 - 1) / 2, known))
