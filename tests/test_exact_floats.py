"""The compiled sums against those made of ops, and at the extremes of what a double holds."""

from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb

import tinygrad_dbn as td
from tests.random_models import dominated, random_rbm, rows, stacked_dbn
from tests.running import python
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact
from tinygrad_dbn.exact import budget
from tinygrad_dbn.exact.sums import certify, matrices
from tinygrad_dbn.exact.sums.batches import in_order


def by_ops(f, model):
    """f(model) computed by the sums made of ops: inside a trace the model holds Tensors."""
    return td.vjp(f, model)[0]


@given(rbms(scales=(0.1, 1.0, 30.0, 1e4)))
def test_compiled_and_ops_agree_within_the_bound(rbm):
    value, error = exact.log_partition(rbm, with_error=True)
    assert value == exact.log_partition(rbm)
    assert abs(value - by_ops(exact.log_partition, rbm)) <= 10 * error  # the ops have no bound, but are as stable
    X = exact.states(rbm.W.shape[1])
    values, errors = exact.log_likelihood(rbm, X, with_error=True)
    assert (np.abs(values - by_ops(lambda m: exact.log_likelihood(m, X), rbm)) <= 10 * errors).all()


@given(dbns(), st.sampled_from([1.0, 100.0]))
def test_layers_agree_within_the_bound(dbn, scale):
    layers = [td.models.DirectedLayer(scale * layer.W, layer.b, layer.R, layer.c) for layer in dbn.layers]
    dbn = td.DBN(layers, dbn.top)
    X = exact.states(dbn.sizes[0])
    values, errors = exact.log_likelihood(dbn, X, with_error=True)
    assert (np.abs(values - by_ops(lambda m: exact.log_likelihood(m, X), dbn)) <= 10 * errors).all()


@pytest.mark.parametrize(
    ("units", "others", "weights", "biases"),
    [(16, 17, 0.3, 1), (16, 40, 1, 1e4), (17, 19, 300, 100), (16, 20, 1e4, 1e6), (15, 900, 0.05, 0.1), (16, 820, 1, 1)],
)
def test_many_blocks_narrow_and_wide(units, others, weights, biases):
    rbm = random_rbm(units, others, weights, biases)
    value, error = exact.log_partition(rbm, with_error=True)
    assert value == pytest.approx(float(by_ops(exact.log_partition, rbm)), rel=1e-13, abs=error)
    assert exact.log_partition(rbm.transposed()) == value


@pytest.mark.parametrize("weight", [0.0, 1.0, -1.0, 50.0, -50.0, 1e4, -1e4])
@pytest.mark.parametrize("bias", [0.0, 3.0, 1e6, -1e6])
def test_all_equal(weight, bias):
    """Z = Σ_k C(n, k) e^(ck) (1 + e^(b + wk))^m, summed here in logarithms."""
    n, m = 9, 11
    k = np.arange(n + 1)
    truth = np.logaddexp.reduce(np.log(comb(n, k)) + bias * k + m * np.logaddexp(0, bias + weight * k))
    value, error = exact.log_partition(
        td.RBM(np.full((m, n), weight), np.full(n, bias), np.full(m, bias)), with_error=True
    )
    assert abs(value - truth) <= error + 1e-15 * abs(truth)


def test_one_state_dominates_by_e_to_the_5000():
    n, m = 16, 20
    free = (n - 2 + m - 1) * np.log(2)
    value, error = exact.log_partition(dominated(n, m), with_error=True)
    assert abs(value - (2500 + free)) <= error < 1e-9


def test_a_likelihood_that_no_double_holds():
    """p(h1) below e^−5000 for most states: the products underflow, which is seen, and logarithms take their place."""
    top = td.RBM(np.zeros((1, 6)), np.array([-900.0] * 6), np.zeros(1))
    layer = td.models.DirectedLayer(np.zeros((6, 4)), np.full(4, 1.5), np.zeros((6, 4)), np.zeros(6))
    dbn = td.DBN([layer], top)
    h = exact.states(6)
    truth = -900 * h.sum(axis=1) - 6 * np.log1p(np.exp(-900.0))
    np.testing.assert_allclose(exact.log_prior(dbn), truth, rtol=1e-13, atol=1e-13)
    identity = td.models.DirectedLayer(1800 * np.eye(6), np.full(6, -900.0), np.zeros((6, 6)), np.zeros(6))
    value, error = matrices.mixture(identity, None, truth, 0.0)  # g is copied, and a bit is lost with e^−900
    copied = np.array([np.logaddexp.reduce(truth - 900 * np.abs(h - x).sum(axis=1)) for x in h])
    np.testing.assert_allclose(value, copied, atol=error.max())


def test_a_factor_that_no_double_holds():
    """e^−825 alone is lost, but not beside the e^−800 that is all the other state has."""
    layer = td.models.DirectedLayer(
        np.array([[-715.0, -468, 197, -262]]), np.array([2.6, 4.0, -7.2, 5.1]), np.zeros((1, 4)), np.zeros(1)
    )
    X, prior = exact.states(4), np.log([0.5, 0.5])
    values, errors = matrices.mixture(layer, X, prior, 0.0)
    truth = np.logaddexp.reduce(np.array(layer.log_conditional(X, exact.states(1))) + prior, axis=1)
    assert (np.abs(values - truth) <= errors).all()


def test_width_and_layout_do_not_matter():
    rbm = random_rbm(9, 12, 1.0)
    narrow = td.RBM(*(a.astype(np.float32) for a in (rbm.W, rbm.b, rbm.c)))
    same = td.RBM(*(a.astype(np.float64) for a in (narrow.W, narrow.b, narrow.c)))
    assert exact.log_partition(narrow) == exact.log_partition(same)
    X = exact.states(9)
    np.testing.assert_array_equal(exact.log_likelihood(narrow, X), exact.log_likelihood(same, np.asfortranarray(X)))


def test_an_example_does_not_depend_on_the_others():
    dbn, X = stacked_dbn(20, 9, 8), rows(20, 1500)
    together = exact.log_likelihood(dbn, X)
    np.testing.assert_allclose(np.concatenate([exact.log_likelihood(dbn, x[None]) for x in X[:20]]), together[:20])
    assert np.isfinite(together).all()


def test_the_bound_grows_with_the_model_and_stays_small():
    errors = [exact.log_partition(random_rbm(n, n, 0.3), with_error=True)[1] for n in (2, 8, 16)]
    assert 0 < errors[0] < errors[1] < errors[2] < 1e-12
    assert certify.log_partition_error(np.zeros((1, 1)), np.zeros(1), np.zeros(1), 0.0) < 1e-13


def test_errors_are_for_floats_only():
    with pytest.raises(TypeError, match="plain arrays of floats"):
        td.grad(lambda m: exact.log_partition(m, with_error=True)[0])(random_rbm(3, 2, 1.0))


def test_memory_stays_below_a_hundred_megabytes():
    program = (
        "import resource, numpy as np, tinygrad_dbn as td; peak = lambda: resource.getrusage(0).ru_maxrss;"
        "rng = np.random.default_rng(0); td.exact.log_partition(td.RBM.init(3, 3, rng)); before = peak();"
        "td.exact.log_partition(td.RBM.init({n}, 784, rng)); print(peak() - before)"
    )
    # Kilobytes beyond the interpreter and its libraries.
    assert max(int(python(program.format(n=n))) for n in (18, 20)) < 100_000


def test_batches_are_computed_side_by_side_and_given_in_order(monkeypatch):
    """Each waits for another to be there: one after the other, none would ever end."""
    monkeypatch.setattr(budget, "cores", lambda: 2)
    for count in (2, 4):
        together = Barrier(2, timeout=5)
        assert list(in_order(lambda i, b=together: (b.wait(), i)[1], range(count))) == list(range(count))
    assert list(in_order(lambda i: i, range(1))) == [0]
