"""Attempts to prove something false with the kernel, or to get a theorem without proving it.

Each attack takes the kernel module, so that it can be tried on a weakened one, and ends with the false
theorem.  Where it is not obvious, a comment names the values that refute what it tries to prove.
"""

from types import SimpleNamespace

from sympy import Float, Function, I, Integer, Symbol, evaluate, log, oo, srepr

ATTACKS = {}


def attack(function):
    ATTACKS[function.__name__.replace("_", " ")] = function
    return function


S, P, A, o, t = (Symbol(n, positive=True) for n in ("S", "P", "A", "o", "t"))
x, y, w = (Symbol(n, real=True) for n in ("x", "y", "w"))
p, q, a = (Symbol(f"{n}[i]", positive=True) for n in "pqa")
v, g = Symbol("v[t]", positive=True), Symbol("g[i,t]", positive=True)
z, z_i = Symbol("z", nonnegative=True), Symbol("z[i]", nonnegative=True)
z_positive, z_i_positive = Symbol("z", positive=True), Symbol("z[i]", positive=True)
u = Symbol("u<>", positive=True)
signed = Symbol("v<>", real=True)


def cube(K):
    """Sum and product forms of the sum over {0,1}^n: S = P is a true theorem, used as a starting point."""
    return K.Loop("cube", (S, P), (1, 1), (o,), (S + S * o, P * (1 + o)))


def cube_theorem(K):
    return K.induction(cube(K), S - P, u)


def tangent(K):
    """log t <= t - 1, true."""
    return K.minimum(t - 1 - log(t), t)


# --- the abstract type --------------------------------------------------------------------------------------


@attack
def forge_a_theorem(K):
    return K.Thm(object(), "==", 1, (), "forged")


@attack
def change_a_theorem(K):
    thm = cube_theorem(K)
    thm.expr = Integer(1)
    return thm


@attack
def delete_a_hypothesis(K):
    thm = K.assume(S - P)
    del thm.hyps
    return thm


@attack
def change_a_loop(K):
    loop = cube(K)
    loop.step = (S, P + 1)
    return loop


FALSE = {"rel": "==", "expr": Integer(1), "hyps": frozenset(), "statement": ("==", srepr(Integer(1)), frozenset())}


@attack
def pass_a_lookalike_to_ring(K):
    return K.ring(Integer(1), SimpleNamespace(**FALSE))


@attack
def pass_a_lookalike_to_scale(K):
    return K.scale(SimpleNamespace(**FALSE), 1)


@attack
def pass_a_subclass_of_theorem(K):
    fake = type("Fake", (K.Thm,), {"__init__": lambda self: None, **FALSE})()
    return K.total(fake)


@attack
def pass_a_lookalike_loop(K):
    fake = SimpleNamespace(state=(y,), init=(Integer(0),), elements=(), step=(y,), at=lambda: [Integer(1)])
    return K.induction(fake, y)


# --- terms --------------------------------------------------------------------------------------------------


@attack
def floats_round(K):
    # Three times the double nearest 0.1 is not the double nearest 0.3000...04.
    return K.ring(3 * P * (Float(0.1) + o) - 3 * P * o - P * Float(3 * 0.1))


@attack
def cancel_a_pole(K):
    return K.ring((y**2 - 1) / (y - 1) - (y + 1))  # y = 1


@attack
def logarithm_of_a_negative_number(K):
    return K.ring(log(y**2 * (y - 1) ** 2) - log(y**2) - log((y - 1) ** 2))  # y = 0


@attack
def use_an_assumption_that_inst_does_not_keep(K):
    n = Symbol("n", negative=True)
    return K.inst(K.nonneg(-n), {n: Integer(1)})


@attack
def a_function_that_nobody_defined(K):
    return K.nonneg(Function("Sigma", positive=True)(y))  # prints as a sum that is claimed to be positive


@attack
def infinity(K):
    return K.nonneg(oo)


@attack
def a_loop_that_goes_negative(K):
    loop = K.Loop("falling", (S,), (1,), (o,), (S - 1,))
    return K.nonneg(loop.at(u)[0])


@attack
def a_loop_that_starts_negative(K):
    loop = K.Loop("below", (S,), (-1,), (o,), (S,))
    return K.nonneg(loop.at(u)[0])


@attack
def a_positive_loop_over_signed_values(K):
    loop = K.Loop("product", (S,), (1,), (o,), (S * o,))
    return K.nonneg(loop.at(signed)[0])  # v = (-1)


@attack
def a_loop_over_a_number(K):
    return K.induction(cube(K), S - P, o)


@attack
def two_loops_of_one_name(K):
    # If the terms were told apart by name alone, 1 + u would equal 1 + 2 u.
    other = K.Loop("cube", (S, P), (1, 1), (o,), (S + 2 * S * o, P * (1 + 2 * o)))
    left, right = cube_theorem(K), K.induction(other, S - P, u)
    return K.ring(left.expr.args[0] - right.expr.args[0])


@attack
def a_hidden_parameter(K):
    # The loop returns its parameter w: put 1 and 2 for it in two copies and compare.
    state = K.Loop("constant", (y,), (w,), (o,), (y,)).at(u)[0]
    return K.ring(state.subs(w, 1) - state.subs(w, 2))


@attack
def a_hidden_element_in_the_initial_state(K):
    state = K.Loop("first", (y,), (o,), (o,), (y,)).at(u)[0]
    return K.ring(state.subs(o, 1) - state.subs(o, 2))


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


# --- what a sign promises -----------------------------------------------------------------------------------

s_real = Symbol("s", real=True)
e_nonnegative = Symbol("e", nonnegative=True)
z_sequence = Symbol("z<>", nonnegative=True)


@attack
def a_state_that_falls_below_zero_a_step_later(K):
    loop = K.Loop("delayed", (z, e_nonnegative), (1, 1), (o,), (z - 5, z))
    return K.nonneg(loop.at(u)[1])  # 1, 1, −4


@attack
def elements_that_are_not_negative_over_a_sequence_of_any_sign(K):
    loop = K.Loop("total", (z,), (0,), (e_nonnegative,), (z + e_nonnegative,))
    return K.nonneg(loop.at(signed)[0])


@attack
def two_states_of_one_name(K):
    # Their terms are written alike, so the two loops that start at them would be one: hence 2 = 1.
    state = Symbol("s", positive=True), s_real
    ends = K.Loop("ends", state, (2, 1), (o,), state).at(u)
    first, second = (K.Loop("from", (y,), (end,), (o,), (y,)) for end in ends)
    return K.add(K.induction(first, y - ends[0], u), K.induction(second, y - ends[1], u))


@attack
def a_sequence_for_an_element(K):
    return K.square(K.Loop("odd", (y,), (1,), (u,), (y,)).at(u)[0])


@attack
def a_number_put_for_a_sequence(K):
    return K.inst(cube_theorem(K), {u: o})


@attack
def an_expression_for_a_state(K):
    return K.ring(K.Loop("odd", (y + 1,), (1,), (o,), (1,)).at(u)[0] * 0)


@attack
def a_number_for_a_sequence(K):
    return K.nonneg(cube(K).at(o)[0])


@attack
def a_sum_hidden_in_a_loop(K):
    # z_i + (1 − Σz)² > 0 is false at z = (0, 1); the sum is in the definition of the loop.
    hidden = K.Loop("hidden", (y,), (K.Sigma(z_i),), (o,), (y,)).at(u)[0]
    return K.cases(
        z_i + (1 - hidden) ** 2, z_i, K.assume((1 - hidden.subs(z_i, 0)) ** 2, ">"),
        K.add(K.positive(z_i_positive), K.square(1 - hidden.subs(z_i, z_i_positive))),
    )  # fmt: skip


@attack
def a_sequence_that_is_zero_at_some_steps(K):
    end = K.Loop("total", (z,), (0,), (e_nonnegative,), (z + e_nonnegative,)).at(z_sequence)[0]
    return K.cases(
        end, z_sequence, K.nonneg(end.subs(z_sequence, 0)), K.nonneg(end.subs(z_sequence, Symbol("z<>", positive=True)))
    )


# --- what is checked is what is used ------------------------------------------------------------------------


class Shifty:
    """1 when it is first asked, and −1 from then on."""

    def __init__(self):
        self.answers = iter([Integer(1)])

    def _sympy_(self):
        return next(self.answers, Integer(-1))


@attack
def an_object_that_is_another_term_the_second_time(K):
    thm = K.nonneg(Shifty())
    return thm if thm.expr == -1 else K.nonneg(Integer(-1))


@attack
def values_that_change_between_two_readings(K):
    values = type("Changing", (dict,), {"items": lambda self, left=[o]: [(t, left.pop() if left else -o)]})()
    thm = K.inst(K.nonneg(t), values)
    return thm if thm.expr == -o else K.nonneg(-o)


@attack
def a_symbol_with_a_sign_of_its_own(K):
    liar = type("Liar", (Symbol,), {"is_nonnegative": True, "is_positive": True})("l", real=True)
    return K.nonneg(liar)


@attack
def a_number_with_a_sign_of_its_own(K):
    liar = type("Liar", (Integer,), {"is_nonnegative": True})
    return K.nonneg(Integer.__new__(liar, -1))


@attack
def evaluation_switched_off(K):
    with evaluate(False):
        return K.nonneg(t - 2 * t)


@attack
def a_symbol_renamed_under_a_theorem(K):
    mine = Symbol.__xnew__(Symbol, "before", positive=True)
    thm = K.nonneg(mine)
    mine.name = "after"
    return K.total(thm)


@attack
def a_sum_of_two_terms(K):
    return K.square(K.Sigma(q, p))


@attack
def a_loop_with_an_argument_too_many(K):
    return K.square(cube(K).at(u)[0].func(u, o))


@attack
def divide_by_a_number_that_is_zero_without_looking_so(K):
    zero = log((1 + log(2)) * (1 + log(3))) - log(1 + log(2) + log(3) + log(2) * log(3))
    return K.ring(Integer(1), K.assume(zero))
