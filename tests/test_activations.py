"""Activations and other functions that are made of rows: their meaning to many digits, edges, and every transform."""

import numpy as np
import pytest
import sympy
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture
from flint import arb
from scipy.special import ndtr

import tinygrad_dbn as td
from tinygrad_dbn import ops

X = np.array([-800.0, -30.0, -1.5, -1e-3, 1e-300, 0.7, 30.0, 800.0])
Y = np.array([-799.0, 5.0, -1.5, 2.0, -1e-3, 0.7, -40.0, 801.0])
MEANINGS = {  # each on balls
    "leaky_relu": lambda x: x if x > 0 else arb("0.01") * x,
    "elu": lambda x: x if x > 0 else x.expm1(),
    "silu": lambda x: x / (1 + (-x).exp()),
    "gelu": lambda x: x * (-x / arb(2).sqrt()).erfc() / 2,
}
EDGES = {
    "leaky_relu": [(-np.inf, -np.inf), (0.0, 0.0), (np.inf, np.inf)],
    "elu": [(-np.inf, -1.0), (0.0, 0.0), (np.inf, np.inf)],
    "silu": [(-np.inf, 0.0), (0.0, 0.0), (np.inf, np.inf)],
    "gelu": [(-np.inf, 0.0), (0.0, 0.0), (np.inf, np.inf)],
}
SLOPES = {"leaky_relu": (0.01, 0.01, 1.0), "elu": (0.0, 1.0, 1.0), "silu": (0.0, 0.5, 1.0)}  # at −∞, 0 and ∞
SLOPES["gelu"] = SLOPES["silu"]
STRETCHED = {"gelu": 200}  # x / √2 is rounded, of which erfc makes x² times as much: at −30 a few hundred ulps


@pytest.mark.parametrize("name", MEANINGS)
def test_an_activation_has_its_meaning(name):
    wanted = [float(MEANINGS[name](arb(x))) for x in X]
    np.testing.assert_allclose(getattr(ops, name)(X), wanted, rtol=2e-15 * STRETCHED.get(name, 1))
    half = getattr(ops, name)(X.astype(np.float32))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, wanted, rtol=1e-6, atol=1e-37)


def test_gelu_is_exact():
    """Where tanh or the sigmoid stand for Φ, values are off by some thousandths."""
    x = np.linspace(-6, 6, 101)
    np.testing.assert_allclose(ops.gelu(x), x * ndtr(x), rtol=1e-14)


@pytest.mark.parametrize("name", MEANINGS)
def test_an_activation_at_its_edges(name):
    f = getattr(ops, name)
    at, values = np.array(EDGES[name]).T
    np.testing.assert_array_equal(f(at), values)
    np.testing.assert_array_equal(td.grad(lambda x: f(x).sum())(at), SLOPES[name])
    assert np.isnan(f(np.array([np.nan]))).all()


def test_logaddexp_is_numpys_at_the_extremes_too():
    extremes = np.array([-np.inf, -1e308, -800.0, 0.0, 800.0, 1e308, np.inf, np.nan])
    x, y = extremes[:, None], extremes
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ops.logaddexp(x, y), np.logaddexp(x, y), rtol=1e-15)
    dx, dy = td.grad(lambda x, y: ops.logaddexp(x, y).sum(), (0, 1))(X, Y)
    np.testing.assert_allclose(dx, 1 / (1 + np.exp(Y - X)), rtol=1e-12)
    np.testing.assert_allclose(dx + dy, 1, rtol=1e-15)


FUNCTIONS = {
    "leaky_relu": ops.leaky_relu,
    "elu": lambda x: ops.elu(x, 0.5),
    "silu": ops.silu,
    "gelu": ops.gelu,
    "logaddexp": lambda x: ops.logaddexp(x, x[..., ::-1] * 0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_transform_takes_them(name):
    f, x = FUNCTIONS[name], np.array([[-1.5, 0.3, 2.0], [0.1, -0.4, 1.0]])
    td.check_grads(f, [x])
    np.testing.assert_allclose(td.vmap(f)(x), f(x), rtol=1e-15)
    with interpreted():
        np.testing.assert_allclose(td.compile(td.grad(lambda x: f(x).sum()))(x), td.grad(lambda x: f(x).sum())(x))


def test_silu_is_a_formula_too():
    found = td.symbolic.express(ops.silu, ())
    (x,) = found.free_symbols
    for value in (-1.5, 0.7):
        assert abs((found - x / (1 + sympy.exp(-x))).subs(x, value).evalf(30)) < 1e-20


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sorting_is_a_permutation(axis):
    x = np.random.default_rng(0).permutation(12.0 + np.arange(12)).reshape(3, 4)
    np.testing.assert_array_equal(ops.sort(x, axis), np.sort(x, axis))
    weights = np.cos(np.arange(12)).reshape(3, 4)
    g = td.grad(lambda x: (ops.sort(x, axis) * weights).sum())(x)
    np.testing.assert_array_equal(np.take_along_axis(g, np.argsort(x, axis), axis), weights)
    np.testing.assert_array_equal(td.grad(lambda x: (np.sort(x, axis) * weights).sum())(x), g)
    td.check_grads(lambda x: ops.sort(x, axis), [x], order=1)


def test_positions_are_integers_out_of_the_trace():
    x = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    t = td.Tensor(x)
    for name in ("argmax", "argmin"):
        for axis in (None, 0, 1):
            wanted = getattr(np, name)(x, axis=axis)
            np.testing.assert_array_equal(getattr(np, name)(t, axis=axis), wanted)
            np.testing.assert_array_equal(getattr(t, name)(axis), wanted)


def test_sorting_is_refused_where_values_are_not_known():
    with pytest.raises(TypeError, match="many examples at once"):
        td.vmap(ops.sort)(np.ones((2, 3)))
    with pytest.raises(TypeError, match="only shapes and dtypes are known"):
        td.compile(ops.sort)(np.ones(3))
