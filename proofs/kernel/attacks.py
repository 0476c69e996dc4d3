"""Attempts to prove something false with the kernel, or to get a theorem without proving it.

Each attack takes the kernel module, so that it can be tried on a weakened one, and ends with the false
theorem.  Where it is not obvious, a comment names the values that refute what it tries to prove.
"""

from types import SimpleNamespace

from sympy import Float, Function, Integer, Symbol, evaluate, log, oo, srepr

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
