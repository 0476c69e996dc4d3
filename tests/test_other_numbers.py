"""The same functions on symbols and on exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import tinygrad_dbn as td
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.rational import Exact, log_array
from tinygrad_dbn.autodiff.symbolic import Symbolic, branches, express, latex, symbols


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
