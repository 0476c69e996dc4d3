"""The same functions on symbols and on exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import tinygrad_dbn as td
from proofs.decide.zero import is_zero
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.numbers.balls import Ball, UndecidedError, balls, precision
from tinygrad_dbn.autodiff.numbers.rational import Exact, log_array
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, branches, express, latex, symbols
from tinygrad_dbn.autodiff.trees import tree_map


def test_formulas_come_from_code():
    x = sympy.Symbol("x", real=True)
    assert express(ops.softplus, ()) == sympy.log(1 + sympy.exp(x))
    assert express(td.grad(ops.softplus), ()) == 1 / (1 + sympy.exp(-x))
    assert express(lambda x: (x @ x) / 2, (2,)) == sympy.expand(
        sum(s**2 for s in sympy.symbols("x_0 x_1", real=True)) / 2
    )
    assert latex(ops.exp, ()) == "e^{x}"


def test_every_branch_of_a_kernel_is_visited():
    found = branches(lambda: ops.sigmoid(symbols("x")))
    assert len(found) == 2
    assert {tuple(signs.values()) for signs, _ in found} == {(1,), (-1,)}
    with pytest.raises(ValueError, match="use `branches`"):
        ops.sigmoid(symbols("x"))


def test_symbols_meet_numbers_on_either_side():
    s = sympy.Symbol("x", real=True)
    x = Symbolic(s)
    for got, wanted in [
        (2 + x, 2 + s), (x + 2, s + 2), (2 - x, 2 - s), (x - 2, s - 2), (2 * x, 2 * s), (x * 2, s * 2),
        (2 / x, 2 / s), (x / 2, s / 2), (2**x, 2**s), (x**2, s**2), (-x, -s),
    ]:  # fmt: skip
        assert got.expr == wanted


def test_symbols_refuse_to_round():
    with pytest.raises(TypeError):
        float(Symbolic(sympy.Symbol("x")))
    assert Symbolic(0.1).expr == sympy.Rational(*(0.1).as_integer_ratio())


def odds(rng, *shape):
    draw = lambda *_: Fraction(int(rng.integers(1, 50)), int(rng.integers(1, 50)))
    return np.frompyfunc(draw, 1, 1)(np.empty(shape, object))


def test_probabilities_of_rational_odds_are_rational_and_sum_to_one():
    rng = np.random.default_rng(0)
    rbm = td.RBM(log_array(odds(rng, 3, 4)), log_array(odds(rng, 4)), log_array(odds(rng, 3)))
    log_p = exact.log_likelihood(rbm, exact.states(4))
    assert sum(v.exp().p for v in log_p) == 1
    floats = td.RBM(*(np.vectorize(lambda e: float(np.log(float(e.r))))(a) for a in (rbm.W, rbm.b, rbm.c)))
    np.testing.assert_allclose(
        exact.log_likelihood(floats, exact.states(4)), [np.log(float(v.r)) for v in log_p], rtol=1e-13
    )


def test_a_float_in_an_exact_run_raises():
    half = log_array([Fraction(1, 2)])
    with pytest.raises(TypeError, match=r"0\.1"):
        half + 0.1
    with pytest.raises(ValueError, match="not rational"):
        ops.exp(np.array([Exact(Fraction(1, 2))]))
    with pytest.raises(ValueError, match="neither"):
        half * Fraction(1, 3)


def test_gradients_at_a_scalar_are_formulas_too():
    x = sympy.Symbol("x", real=True)
    assert is_zero(express(td.grad(ops.tanh), ()) - sympy.diff(sympy.tanh(x), x))
    assert express(td.grad(td.grad(lambda x: x**3)), ()).expand() == 6 * x


def test_balls_enclose_what_floats_approximate():
    rng = np.random.default_rng(0)
    net = td.FeedForward.init((3, 4, 2), rng)
    x, y = rng.normal(size=(5, 3)), rng.integers(0, 2, 5)
    loss = lambda net, x: net.nll(x, y).mean()
    rounded, gradient = td.value_and_grad(loss)(net, x)
    with precision(200):
        exact, enclosure = td.value_and_grad(loss)(tree_map(balls, net), balls(x))
        assert exact[()].accuracy > 150
        assert abs(exact[()] - rounded) < 1e-15
        for ball, number in zip(enclosure.weights[0].flat, gradient.weights[0].flat, strict=True):
            assert ball.accuracy > 150
            assert abs(ball - number) < 1e-15


def test_a_comparison_that_balls_cannot_decide_raises():
    with precision(60):
        around_zero = Ball(2).log().exp() - 2
    assert around_zero < 1
    for question in (lambda: around_zero > 0, lambda: around_zero == 0, lambda: bool(around_zero)):
        with pytest.raises(UndecidedError, match="precision"):
            question()
    for op in (ops.sigmoid, ops.relu, lambda x: ops.maximum(x, 0), lambda x: ops.where(ops.greater(x, 0), x, 0)):
        with pytest.raises(UndecidedError, match="precision"):
            op(np.array([around_zero]))
    assert Ball(1) == 1
    assert Ball(1) != 2
    assert [bool(Ball(x)) for x in (-1, 0, 1)] == [True, False, True]
    assert not Ball(float("nan")).accuracy
    assert repr(Ball(0.5)).startswith("0.5")
    assert td.symbolic.Ball is Ball
    assert td.symbolic.Exact is Exact
    with pytest.raises(AttributeError, match="no attribute 'Bal'"):
        td.symbolic.Bal  # noqa: B018


def test_balls_do_not_round_to_floats():
    with pytest.raises(TypeError, match="would round"):
        float(Ball(Fraction(1, 3)))
    with pytest.raises(TypeError, match="would round"):
        np.asarray(balls([1, 2]), float)
    with pytest.raises(TypeError, match="no ball"):
        Ball("0.5")
    with pytest.raises(TypeError, match="no ball"):
        balls([0.5]) + Exact(Fraction(1, 2))
    with precision(100):
        third = Ball(Fraction(1, 3))
        assert third * 3 < 1.0000000001
        assert third != 1 / 3  # the float


@pytest.mark.parametrize("odds", [Fraction(1, 2), Fraction(3)])
def test_a_power_of_a_logarithm_is_refused(odds):
    with pytest.raises(ValueError, match="is not rational"):
        Exact.log_of(odds) ** 2
    assert Exact(odds) ** 2 == odds**2
