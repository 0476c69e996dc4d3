"""The gradient by expectations: against the engine's own through the enumeration, and at the extremes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import comb
from threadpoolctl import threadpool_limits

import tinygrad_dbn as td
from tests.comparing import leaves, same_bits
from tests.random_models import dominated, random_rbm, rows, stacked_dbn
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact
from tinygrad_dbn.exact import budget
from tinygrad_dbn.exact.sums import enumeration, gradients, moments, odds, posteriors, sizes
from tinygrad_dbn.exact.sums.posteriors import STRIPS
from tinygrad_dbn.exact.sums.sizes import ROWS


def by_ops(model, X):
    """The same gradient made of ops: inside a trace the model holds Tensors."""
    return td.vjp(lambda m: exact.gradient(m, X), model)[0]


def assert_within(got, error, wanted, slack=1.0, other_error=1e-300):
    for value, bound, other in zip(leaves(got), leaves(error), leaves(wanted), strict=True):
        np.testing.assert_array_less(np.abs(value - other), slack * bound + other_error)


def test_a_mixture_knows_its_likelihoods():
    dbn, X = stacked_dbn(9, 6, 5), rows(9, 20)
    prior, error = exact.log_prior(dbn), 1e-12
    mixture = posteriors.mixture(dbn.layers[0], X, prior, error)
    np.testing.assert_allclose(mixture.value, exact.log_likelihood(dbn, X), rtol=1e-13)
    assert (mixture.error > error).all()


@settings(max_examples=40)
@given(rbms(scales=(0.1, 1.0, 30.0, 1e4)), st.integers(0, 1000))
def test_both_ways_agree_for_an_rbm(rbm, seed):
    X = rows(rbm.W.shape[1], 4, seed)
    value, error = exact.gradient(rbm, X, with_error=True)
    assert same_bits(value, exact.gradient(rbm, X))
    assert_within(value, error, by_ops(rbm, X), 10)  # the ops have no bound, but are as stable


@settings(max_examples=40)
@given(dbns((1, 2, 3)), st.sampled_from([1.0, 100.0]), st.integers(0, 1000))
def test_both_ways_agree_for_a_dbn(dbn, scale, seed):
    layers = [td.models.DirectedLayer(scale * layer.W, layer.b, layer.R, layer.c) for layer in dbn.layers]
    dbn, X = td.DBN(layers, dbn.top), rows(dbn.sizes[0], 4, seed)
    value, error = exact.gradient(dbn, X, with_error=True)
    assert_within(value, error, by_ops(dbn, X), 10)
    for layer, bound in zip(value.layers, error.layers, strict=True):
        assert not layer.R.any()
        assert not layer.c.any()
        assert not bound.R.any()
        assert not bound.c.any()


@pytest.mark.parametrize(
    ("units", "others", "weights", "biases"),
    [(16, 17, 0.3, 1), (16, 30, 1, 1e4), (16, 18, 40, 30), (16, 17, 300, 100), (16, 18, 1e4, 1e6), (9, 850, 1, 1)],
)
def test_many_blocks_narrow_and_wide(units, others, weights, biases):
    """Enumerated here in one piece, with every logarithm taken; and both ways round."""
    rbm, x = random_rbm(units, others, weights, biases), exact.states(units)
    log_p = -rbm.free_energy(x)
    p, h = np.exp(log_p - np.logaddexp.reduce(log_p)), rbm.hidden_given_visible(x)
    model = td.RBM((p[:, None] * h).T @ x, p @ x, p @ h)
    for this, free in ((rbm, model), (rbm.transposed(), model.transposed())):
        X = rows(this.W.shape[1], 5)
        given_x = this.hidden_given_visible(X)
        truth = td.RBM(given_x.T @ X / 5 - free.W, X.mean(axis=0) - free.b, given_x.mean(axis=0) - free.c)
        value, error = exact.gradient(this, X, with_error=True)
        assert_within(value, error, truth, other_error=1e-12 + 1e-15 * np.abs(log_p).max())  # that of these sums


@pytest.mark.parametrize("sums", [odds.sum_blocks, moments.sum_blocks])
@pytest.mark.parametrize("more", [-3.0, 3.0])
def test_blocks_after_one_another_are_added_to_the_sum_of_each(sums, more):
    """The later ones are smaller, or larger."""
    W, c, b = (np.array(leaf) for leaf in leaves(random_rbm(17, 18, 0.3)))
    c[sizes.LOW + sizes.MIDDLE :] += more
    together, exponent = sums(W, b, c, 0, 4, None)
    each = [sums(W, b, c, k, k + 1, None) for k in range(4)]
    wanted = sum(np.ldexp(value, power - exponent) for value, power in each)
    np.testing.assert_allclose(together, wanted, rtol=1e-13)


@pytest.mark.parametrize("weight", [0.0, 50.0, 1e4, -1e4])
@pytest.mark.parametrize("bias", [0.0, 1e6, -1e6])
def test_all_equal(weight, bias):
    """All n units alike: E[x] is a sum over how many of them are on, in logarithms."""
    n, m = 9, 11
    k = np.arange(n + 1)
    log_p = np.log(comb(n, k)) + bias * k + m * np.logaddexp(0, bias + weight * k)
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    on = np.exp(-np.logaddexp(0, -(bias + weight * k)))
    X = np.zeros((1, n))
    model = td.RBM(np.full((m, n), weight), np.full(n, bias), np.full(m, bias))
    value, error = exact.gradient(model, X, with_error=True)
    truth = td.RBM(np.full((m, n), -(p * on) @ k / n), np.full(n, -p @ k / n), np.full(m, on[0] - p @ on))
    assert_within(value, error, truth, 10)


def test_one_state_dominates_by_e_to_the_5000():
    n, m = 16, 20
    value, error = exact.gradient(dominated(n, m), np.zeros((1, n)), with_error=True)
    x, h = np.where(np.arange(n) < 2, 1, 0.5), np.where(np.arange(m) < 1, 1, 0.5)
    data = np.where(np.arange(m) < 1, 0, 0.5)
    assert_within(value, error, td.RBM(-np.outer(h, x), -x, data - h))
    assert max(leaf.max() for leaf in leaves(error)) < 1e-9


def test_an_impossible_example_pulls_with_all_its_weight():
    """log p(x) is −10⁶ or so, and its gradient is as exact as any other."""
    rbm = td.RBM(np.full((2, 3), 1e4), np.full(3, -1e6), np.zeros(2))
    value = exact.gradient(rbm, np.array([[1.0, 0, 0]]))
    np.testing.assert_array_equal(value.b, [1, 0, 0])
    np.testing.assert_array_equal(value.W, [[1, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(value.c, 0.5, rtol=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_the_expectation_of_what_is_never_on_is_not_negative(seed):
    """E[x] less E[(1 − h) x] is at most zero there, and with some seeds it rounds to less."""
    rng = np.random.default_rng(seed)
    rbm = td.RBM(rng.normal(size=(6, 9)), rng.normal(size=9), np.full(6, -45.0))
    expected, _ = gradients.expectations(rbm)
    assert min(leaf.min() for leaf in leaves(expected)) >= 0


def test_no_layers_is_the_rbm_and_one_layer_may_come_twice():
    rbm, X = random_rbm(5, 4, 1.0), rows(5, 6)
    assert same_bits(exact.gradient(td.DBN((), rbm), X), td.DBN((), exact.gradient(rbm, X)))
    same = td.models.DirectedLayer.from_rbm(random_rbm(5, 5, 1.0))
    dbn = td.DBN((same, same), rbm)
    value, error = exact.gradient(dbn, X, with_error=True)
    assert_within(value, error, by_ops(dbn, X), 10)


def test_many_examples_are_the_mean_of_their_parts():
    dbn = stacked_dbn(12, 5, 4, 3)
    X = rows(12, STRIPS * ROWS + 700)
    cut = STRIPS * ROWS - 300
    first, second = (leaves(exact.gradient(dbn, part)) for part in (X[:cut], X[cut:]))
    share = cut / len(X)
    for whole, a, b in zip(leaves(exact.gradient(dbn, X)), first, second, strict=True):
        np.testing.assert_allclose(whole, share * a + (1 - share) * b, rtol=0, atol=1e-14)


@pytest.mark.parametrize("model", [random_rbm(17, 18, 0.5), stacked_dbn(30, 11, 10, 9)])
def test_same_bits_for_any_number_of_threads(model, monkeypatch):
    X = rows(model.W.shape[1] if isinstance(model, td.RBM) else model.sizes[0], 1500)
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(budget, "cores", lambda threads=threads: threads)
        with threadpool_limits(threads):
            found.append(exact.gradient(model, X, with_error=True))
    for other in found[1:]:
        assert same_bits(other, found[0])


def test_the_width_is_the_models():
    rbm, X = random_rbm(6, 5, 1.0), rows(6, 7)
    narrow = td.RBM(*(leaf.astype(np.float32) for leaf in leaves(rbm)))
    same = td.RBM(*(leaf.astype(np.float64) for leaf in leaves(narrow)))
    value, error = exact.gradient(narrow, X.astype(np.float32), with_error=True)
    assert {leaf.dtype for leaf in leaves(value)} == {np.dtype(np.float32)}
    wide = exact.gradient(same, X)
    assert_within(value, error, wide)
    assert all((np.abs(v - w) <= 2.0**-24 * np.abs(w)).all() for v, w in zip(leaves(value), leaves(wide), strict=True))


def test_the_bound_grows_with_the_model_and_stays_small():
    worst = [
        max(leaf.max() for leaf in leaves(exact.gradient(random_rbm(n, n, 0.3), rows(n, 3), with_error=True)[1]))
        for n in (2, 8, 16)
    ]
    assert 0 < worst[0] < worst[1] < worst[2] < 1e-11


def test_a_gradient_is_differentiated_by_the_engine():
    """Inside a trace it is made of ops, so that the Hessian is there too: in b it is minus the model's covariance."""
    rbm, X = random_rbm(3, 2, 1.0), rows(3, 4)
    p, x = np.exp(exact.log_likelihood(rbm, exact.states(3))), exact.states(3)
    covariance = (p[:, None] * x).T @ x - np.outer(p @ x, p @ x)
    for i in range(3):
        row = td.grad(lambda m, i=i: exact.gradient(m, X).b[i])(rbm).b
        np.testing.assert_allclose(row, -covariance[i], atol=1e-14)


LARGE = td.RBM.init(50, 60, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: exact.gradient(LARGE, np.zeros((1, 50))), exact.TooLarge, r"gradient sums over 2\^50 states"),
        (lambda: exact.gradient(random_rbm(20, 24, 1.0), rows(20, 9), max_seconds=1e-4), exact.TooLarge, "max_seconds"),
        (lambda: exact.gradient(random_rbm(9, 9, 1.0), rows(9, 9), max_bytes=1e3), exact.TooLarge, "max_bytes"),
        (lambda: exact.gradient(stacked_dbn(9, 30, 4), rows(9, 1)), exact.TooLarge, r"2\^30 states"),
        (lambda: exact.gradient(stacked_dbn(9, 8, 4), rows(9, 9), max_bytes=1e3), exact.TooLarge, "max_bytes"),
        (lambda: exact.gradient(stacked_dbn(9, 8, 4), np.full((2, 9), 0.5)), ValueError, r"X\[0, 0\] is 0.5"),
        (lambda: exact.gradient(stacked_dbn(9, 8, 4), rows(8, 2)), ValueError, "8 units for a model of 9"),
        (lambda: exact.gradient(random_rbm(4, 3, 1e150), rows(4, 1)), ValueError, "float64 does not resolve"),
        (lambda: exact.gradient(td.DBN.from_tied(random_rbm(4, 3, 1e150)), rows(4, 1)), ValueError, "does not resolve"),
        (lambda: exact.log_likelihood(random_rbm(4, 3, 1e150), rows(4, 1)), ValueError, "float64 does not resolve"),
        (
            lambda: td.grad(lambda m: exact.gradient(m, rows(3, 1), with_error=True)[0].b.sum())(random_rbm(3, 2, 1.0)),
            TypeError,
            "plain arrays of floats",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_nothing_is_computed_before_it_is_refused(monkeypatch):
    def fail(*_):
        raise AssertionError("a sum was started")

    monkeypatch.setattr(gradients.float64, "log_prior", fail)
    with pytest.raises(exact.TooLarge):
        exact.gradient(stacked_dbn(9, 24, 24, 24), rows(9, 1))


def test_blocks_that_just_fit_a_double_are_weighed_like_the_others():
    """Where all ranges add up to 600 nats, the loop's own sum of them may round to more: it is not to matter.

    Half of the states have high bits 0, which lifts the ranges that count; the two halves weigh the same.
    """

    def model(rng, scale):
        W, b = rng.normal(size=(17, 16)), rng.normal(size=16)
        W[:, -1] = b[-1] = 0
        size = scale * sizes.MAX_FALL / np.abs(np.vstack([W, b])).sum()
        W, b = W * size, b * size
        W[:, -1] = -700
        return td.RBM(W, b, np.full(17, 700.0))

    def in_a_row(rbm):
        """What the loop adds up, in its order."""
        total = 0.0
        for row in np.vstack([rbm.b, rbm.W]):
            low, middle = (sum(map(abs, row[some].tolist())) for some in (slice(0, 7), slice(7, 15)))
            total += low + middle
        return total

    drawn = ((seed, model(np.random.default_rng(seed), 1)) for seed in range(500))
    seed = next(s for s, m in drawn if enumeration.wide(m.W, m.b) is None and in_a_row(m) > sizes.MAX_FALL)
    near = model(np.random.default_rng(seed), 1 - 1e-13)
    halves = [exact.log_partition(td.RBM(near.W[:, :-1], near.b[:-1], near.c + s * near.W[:, -1])) for s in (0, 1)]
    bias = np.append(np.zeros(15), halves[0] - halves[1])
    found, wanted = (
        exact.gradient(td.RBM(m.W, m.b + bias, m.c), np.zeros((1, 16)))
        for m in (model(np.random.default_rng(seed), 1), near)
    )
    assert wanted.b[-1] == pytest.approx(-0.5, abs=1e-6)
    np.testing.assert_allclose(found.W, wanted.W, atol=1e-9)
