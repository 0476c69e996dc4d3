"""Exact quantities against their definitions."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tests import brute_force
from tests.random_models import random_rbm, rows, stacked_dbn
from tests.running import python
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact
from tinygrad_dbn.exact.states import BLOCK


@given(rbms())
def test_rbm_agrees_with_brute_force(rbm):
    joint = brute_force.rbm_joint(rbm)
    H, D = rbm.W.shape
    weights = [[-brute_force.energy(rbm, x, h) for h in brute_force.states(H)] for x in brute_force.states(D)]
    assert exact.log_partition(rbm) == pytest.approx(np.logaddexp.reduce(np.ravel(weights)), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(np.exp(exact.log_likelihood(rbm, exact.states(D))), joint.sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(
        exact.posterior(rbm, exact.states(D)), joint / joint.sum(axis=1, keepdims=True), rtol=1e-9, atol=1e-14
    )


@given(dbns())
def test_dbn_agrees_with_brute_force(dbn):
    joint = brute_force.dbn_joint_with_h1(dbn)
    X = exact.states(dbn.sizes[0])
    log_p = exact.log_likelihood(dbn, X)
    np.testing.assert_allclose(np.exp(log_p), joint.sum(axis=1), rtol=1e-10)
    assert np.exp(log_p).sum() == pytest.approx(1, rel=1e-12)
    posterior = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(exact.posterior(dbn, X), posterior, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(exact.posterior(dbn, X[0]), posterior[0], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(np.exp(exact.log_prior(dbn)), joint.sum(axis=0), rtol=1e-9)


@given(dbns(), st.integers(0, 1000))
def test_bound_and_gap_agree_with_brute_force(dbn, seed):
    joint = brute_force.dbn_joint_with_h1(dbn)
    X = exact.states(dbn.sizes[0])
    drawn = np.random.default_rng(seed).dirichlet(np.ones(joint.shape[1]), len(X))
    recognition = brute_force.conditional(dbn.layers[0].R.T, dbn.layers[0].c).T
    for given_q, q in ((drawn, drawn), (None, recognition)):
        expected = (q * (np.log(joint) - np.log(np.where(q > 0, q, 1)))).sum(axis=1)
        np.testing.assert_allclose(exact.bound(dbn, X, given_q), expected, rtol=1e-9, atol=1e-9)
        audit = exact.audit(dbn, X, given_q)
        np.testing.assert_allclose(audit.bound, expected, rtol=1e-9, atol=1e-9)
        assert (audit.kl >= -1e-12).all()
        scale = np.abs(audit.log_likelihood) + np.abs(audit.bound) + 1
        assert (np.abs(audit.residual) <= 1e-12 * scale).all()


def test_bound_is_tight_at_the_posterior_and_a_point_mass_is_allowed():
    dbn, X = stacked_dbn(3, 2, 2, weights=1.0), exact.states(3)
    np.testing.assert_allclose(exact.bound(dbn, X, exact.posterior(dbn, X)), exact.log_likelihood(dbn, X), rtol=1e-13)
    point = np.zeros((8, 4))
    point[:, 2] = 1
    joint = brute_force.dbn_joint_with_h1(dbn)
    np.testing.assert_allclose(exact.bound(dbn, X, point), np.log(joint[:, 2]), rtol=1e-12)


@given(rbms())
def test_tied_dbn_is_the_rbm(rbm):
    X = exact.states(rbm.W.shape[1])
    audit = exact.audit(td.DBN.from_tied(rbm), X)
    np.testing.assert_allclose(audit.log_likelihood, exact.log_likelihood(rbm, X), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(audit.kl, 0, atol=1e-10)


@given(rbms(scales=(0.1, 1.0)), st.integers(0, 1000))
def test_gradient_is_the_difference_of_expectations(rbm, seed):
    H, D = rbm.W.shape
    X = rows(D, 4, seed)
    joint = brute_force.rbm_joint(rbm)
    x, h = np.array(brute_force.states(D)), np.array(brute_force.states(H))
    p_h = brute_force.sigm(X @ rbm.W.T + rbm.c)
    g = exact.gradient(rbm, X)
    np.testing.assert_allclose(g.W, p_h.T @ X / 4 - np.einsum("xh,hj,xi->ji", joint, h, x), atol=1e-12)
    np.testing.assert_allclose(g.b, X.mean(axis=0) - joint.sum(axis=1) @ x, atol=1e-12)
    np.testing.assert_allclose(g.c, p_h.mean(axis=0) - joint.sum(axis=0) @ h, atol=1e-12)


@settings(max_examples=4)
@given(dbns(), st.integers(0, 1000))
def test_dbn_gradient_agrees_with_finite_differences(dbn, seed):
    X = rows(dbn.sizes[0], 3, seed)
    g = exact.gradient(dbn, X)
    td.check_grads(lambda m: exact.log_likelihood(m, X).mean(), [dbn], order=1, modes=["vjp"], rtol=1e-4)
    assert all((layer.R == 0).all() and (layer.c == 0).all() for layer in g.layers)


def test_many_blocks_give_what_one_would():
    rbm = random_rbm(15, 14, 0.3)
    assert 2 * BLOCK < 1 << 14
    h = exact.states(14)
    terms = h @ rbm.c + np.logaddexp(0, h @ rbm.W + rbm.b).sum(axis=1)
    assert exact.log_partition(rbm) == pytest.approx(np.logaddexp.reduce(terms), rel=1e-13)
    dbn = td.DBN.from_tied(rbm)
    X = exact.states(15)[:600]
    np.testing.assert_allclose(exact.log_likelihood(dbn, X), exact.log_likelihood(rbm, X), rtol=1e-12)
    by_ops, _ = td.vjp(lambda dbn: exact.log_likelihood(dbn, X[:3]), dbn)
    np.testing.assert_allclose(by_ops, exact.log_likelihood(rbm, X[:3]), rtol=1e-12)


def test_huge_weights_neither_overflow_nor_vanish():
    ln4 = log(4)  # two free hidden units
    for size, first in ((1e4, -1e6 + 2e4 - ln4), (-1e4, -1e6 - ln4)):
        rbm = td.RBM(np.full((2, 3), size), np.full(3, -1e6), np.zeros(2))
        assert exact.log_partition(rbm) == pytest.approx(ln4, rel=1e-15)  # x = 0 carries everything
        assert exact.log_likelihood(rbm, np.array([[1.0, 0, 0]]))[0] == pytest.approx(first, rel=1e-12)
    zeros = td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2))
    assert exact.log_partition(zeros) == pytest.approx(5 * log(2), rel=1e-15)


def test_memory_does_not_grow_with_the_number_of_states():
    program = (
        "import resource, numpy as np, tinygrad_dbn as td; r = td.RBM.init({n}, {n}, np.random.default_rng(0));"
        "td.exact.log_partition(r); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = [int(python(program.format(n=n))) for n in (13, 18)]
    assert peaks[1] < peaks[0] + 20_000  # kilobytes; 2^18 states of 18 units at once would be 38 000


RBM3 = td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: exact.log_likelihood(RBM3, np.zeros(3)), ValueError, r"One example: x\[None\]"),
        (lambda: exact.log_likelihood(RBM3, np.zeros((2, 4))), ValueError, "4 units for a model of 3"),
        (lambda: exact.log_likelihood(RBM3, np.zeros((0, 3))), ValueError, "empty batch"),
        (lambda: exact.log_likelihood(RBM3, [[0, 1, 0.5]]), ValueError, r"X\[0, 2\] is 0.5"),
        (lambda: exact.log_likelihood(RBM3, [[0, np.nan, 1]]), ValueError, r"X\[0, 1\] is nan"),
        (lambda: exact.log_likelihood(RBM3, [["a", "b", "c"]]), ValueError, "numbers 0 and 1"),
        (lambda: exact.bound(RBM3, np.zeros((1, 3)), np.ones((1, 3))), ValueError, "q has shape"),
        (lambda: exact.bound(RBM3, np.zeros((1, 3)), np.ones((1, 4))), ValueError, "sums to"),
        (lambda: exact.bound(RBM3, np.zeros((1, 3)), [[2.0, -1.0, 0, 0]]), ValueError, r"q\[0, 1\] is -1.0"),
        (
            lambda: exact.log_partition(td.RBM.init(60, 50, np.random.default_rng(0))),
            exact.TooLarge,
            "seconds; the budget",
        ),
        (lambda: exact.states(40), ValueError, "0 to 26"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
