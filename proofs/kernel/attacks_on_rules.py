"""Attempts to prove something false by the rules of the kernel: in its arithmetic, and rule by rule."""

from types import SimpleNamespace

from sympy import I, Integer, Symbol, log

from proofs.kernel.attacks import (
    A,
    P,
    S,
    a,
    attack,
    cube,
    cube_theorem,
    g,
    o,
    p,
    q,
    signed,
    t,
    tangent,
    u,
    v,
    x,
    y,
    z,
    z_i,
    z_i_positive,
    z_positive,
)

# --- arithmetic ---------------------------------------------------------------------------------------------


@attack
def a_wrong_identity(K):
    return K.ring((1 + o) ** 2 - 1 - o**2)


@attack
def a_wrong_identity_under_a_hypothesis(K):
    return K.ring(S - 2 * P, K.assume(S - P))


@attack
def an_inequality_used_as_an_equation(K):
    return K.ring(S - P, K.assume(S - P, ">="))


@attack
def pull_what_varies_out_of_a_sum(K):
    return K.ring(K.Sigma(q / (q + A)) - q / (q + A) * K.Sigma(1))


@attack
def pull_a_varying_logarithm_out_of_a_sum(K):
    return K.ring(K.Sigma(log(q + A)) - log(q + A) * K.Sigma(1))


@attack
def pull_a_varying_loop_out_of_a_sum(K):
    state = cube(K).at(Symbol("u<>[i]", positive=True))[0]
    return K.ring(K.Sigma(state) - state * K.Sigma(1))


@attack
def the_sum_of_a_product(K):
    return K.ring(K.Sigma(p * q) - K.Sigma(p) * K.Sigma(q))


@attack
def the_divergence_reversed(K):
    return K.ring(K.Sigma(q * log(q / p)) - K.Sigma(p * log(p / q)))


@attack
def a_sum_taken_to_be_positive(K):
    return K.nonneg(K.Sigma(y))


# --- rules --------------------------------------------------------------------------------------------------


@attack
def an_unknown_relation(K):
    return K.scale(K.assume(A, "!="), 0)  # 0 != 0


@attack
def a_negative_coefficient(K):
    return K.nonneg(o - 1)


@attack
def a_real_generator(K):
    return K.nonneg(y)


@attack
def a_negative_number(K):
    return K.nonneg(-1)


@attack
def transport_between_different_terms(K):
    return K.transport(Integer(-1), K.nonneg(1))


@attack
def instantiate_a_constrained_symbol(K):
    return K.inst(K.ring(S - P, K.assume(S - P)), {S: Integer(1), P: Integer(2)})


@attack
def instantiate_a_sequence_by_a_number(K):
    return K.inst(cube_theorem(K), {u: Integer(1)})


@attack
def instantiate_a_positive_symbol_by_a_negative_number(K):
    return K.inst(K.nonneg(t), {t: Integer(-1)})


@attack
def instantiate_a_positive_symbol_by_zero(K):
    return K.inst(K.positive(t), {t: Integer(0)})


@attack
def instantiate_a_positive_sequence_by_a_signed_one(K):
    state = K.Loop("product", (S,), (1,), (o,), (S * o,)).at(u)[0]
    return K.inst(K.nonneg(state), {u: signed})  # v = (-1)


@attack
def instantiate_a_real_symbol_by_an_imaginary_number(K):
    return K.inst(K.scale(K.nonneg(1), y**2), {y: I})


@attack
def instantiate_a_term_that_is_no_symbol(K):
    return K.inst(tangent(K), {log(t): Integer(100)})


@attack
def capture_the_index(K):
    return K.inst(K.ring(K.Sigma(q * A) - A * K.Sigma(q)), {A: a})


@attack
def capture_the_index_by_a_loop(K):
    state = cube(K).at(Symbol("u<>[i]", positive=True))[0]
    return K.inst(K.ring(K.Sigma(q * A) - A * K.Sigma(q)), {A: state})


@attack
def capture_the_other_index(K):
    return K.inst(K.ring(K.Sigma_t(v * A) - A * K.Sigma_t(v)), {A: v})


@attack
def capture_the_other_index_by_a_family_of_both(K):
    return K.inst(K.ring(K.Sigma_t(v * q) - q * K.Sigma_t(v)), {q: g})


@attack
def pull_a_family_of_both_out_of_either_sum(K):
    return K.ring(K.Sigma_t(K.Sigma(g * q)) - K.Sigma(q) * K.Sigma_t(g))


@attack
def instantiate_what_may_be_zero_by_a_negative_number(K):
    return K.inst(K.nonneg(z), {z: Integer(-1)})


@attack
def logarithm_at_zero(K):
    return K.square(log(z))


@attack
def entropy_of_a_negative_number(K):
    return K.square(K.xlogx(y))


@attack
def strictly_positive_though_it_may_be_zero(K):
    return K.positive(z)


@attack
def add_a_lookalike(K):
    return K.add(K.nonneg(1), SimpleNamespace(rel=">=", expr=Integer(-2), hyps=frozenset()))


@attack
def cases_of_a_symbol_that_may_be_negative(K):
    return K.cases(y, y, K.nonneg(0), K.nonneg(Symbol("y", positive=True)))


@attack
def cases_under_an_assumption_about_the_namesake(K):
    elsewhere = K.ring(z_positive * (z_positive - 1), K.assume(z_positive - 1))
    return K.cases(z * (z - 1), z, K.ring(Integer(0)), elsewhere)  # z = 2, its namesake 1


@attack
def cases_that_confuse_the_namesakes(K):
    expr = z * (z - z_positive)
    return K.cases(expr, z, K.ring(Integer(0)), K.ring(Integer(0)))  # z = 2, its namesake 1


@attack
def cases_of_different_relations(K):
    return K.cases(z, z, K.ring(Integer(0)), K.nonneg(z_positive))


@attack
def cases_of_a_family_under_its_sum(K):
    # z = (0, 1) at the first index: 0 + (1 - 1)^2, though it is positive if all are zero and if none is.
    expr = z_i + (1 - K.Sigma(z_i)) ** 2
    at_zero = K.transport(expr.subs(z_i, 0), K.positive(1))
    elsewhere = K.add(K.positive(z_i_positive), K.square(1 - K.Sigma(z_i_positive)))
    return K.cases(expr, z_i, at_zero, elsewhere)


@attack
def vanish_without_a_sum_that_is_zero(K):
    return K.vanish(K.nonneg(q))


@attack
def another_zero_where_the_variable_cannot_be(K):
    return K.unique(t**2 - 1, t, Integer(-1))


@attack
def a_zero_that_is_not_the_only_one(K):
    return K.unique((t - 1) * (t - 2), t, Integer(2))


@attack
def a_slope_that_may_be_zero(K):
    return K.unique(z * (t - 1), t, A, K.ring(Integer(0)))


@attack
def scale_by_a_negative_number(K):
    return K.scale(tangent(K), -1)


@attack
def scale_by_a_real_symbol(K):
    return K.scale(tangent(K), y)


@attack
def a_sum_over_what_is_no_index_set(K):
    return K.total(K.nonneg(1), over=lambda e: -e)


@attack
def vanish_by_what_is_no_sum(K):
    return K.vanish(K.nonneg(1), over=lambda e: e - e)


@attack
def a_minimum_that_is_not_reached(K):
    return K.minimum(t - 2 - log(t), t)


@attack
def a_maximum(K):
    return K.minimum(log(t) - t + 1, t)


@attack
def a_rise_on_the_left(K):
    return K.minimum((t - 1) ** 3, t)


@attack
def a_fall_on_the_right(K):
    return K.minimum((1 - t) ** 3, t)


@attack
def a_minimum_with_a_pole(K):
    return K.minimum((t - 1) ** 2 / (t - 2) ** 2 - (t - 1) ** 2, t)


@attack
def a_minimum_on_the_whole_line(K):
    return K.minimum((y - 1) ** 2 * (y + 5), y)  # y = -6


@attack
def induction_without_the_base_case(K):
    return K.induction(K.Loop("base", (S, P), (2, 1), (o,), (S + S * o, P * (1 + o))), S - P, u)


@attack
def induction_without_the_step(K):
    return K.induction(K.Loop("step", (S, P), (1, 1), (o,), (S + S * o, P * (1 + 2 * o))), S - P, u)


@attack
def an_invariant_about_the_element(K):
    # y becomes the last element, but need not be 0 or *this* element.
    return K.induction(K.Loop("last", (x,), (0,), (o,), (o,)), x * (x - o), u)


@attack
def an_invariant_with_a_sum(K):
    # True of a state that does not vary, false of one that is run for each index.
    loop = K.Loop("product", (S,), (1,), (o,), (S * o,))
    return K.induction(loop, K.Sigma(S) - S * K.Sigma(1), Symbol("u<>[i]", positive=True))


@attack
def an_induction_step_that_assumes_something_else(K):
    wrong = K.Loop("step", (S, P), (1, 1), (o,), (S + S * o, P * (1 + 2 * o)))
    return K.induction(wrong, S - P, u, step=K.assume(S + S * o - P * (1 + 2 * o)))


@attack
def an_induction_step_of_another_loop(K):
    wrong = K.Loop("step", (S, P), (1, 1), (o,), (S + S * o, P * (1 + 2 * o)))
    return K.induction(wrong, S - P, u, step=K.ring((S - P) * (1 + o), K.assume(S - P)))


@attack
def an_induction_that_starts_below(K):
    return K.induction(K.Loop("falling", (y,), (-1,), (o,), (y + o,)), y, u, step=K.add(K.assume(y, ">="), K.nonneg(o)))


@attack
def an_invariant_that_depends_on_the_index(K):
    # That y is q[i] for *all* i would make the next state the same; but each index has a state of its own: q = (1, 2).
    loop = K.Loop("mean", (y,), (q,), (o,), (K.Sigma(q) - y * K.Sigma(1) + y,))
    everywhere = K.assume(y - q)
    step = K.ring(loop.step[0] - q, everywhere, K.total(everywhere))
    return K.induction(loop, y - q, u, step=step)
