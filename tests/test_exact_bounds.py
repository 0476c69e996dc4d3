"""The best factorial q, the gap split by layer, and the bound's ceiling, against the full joint and each other."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tests import brute_force
from tests.random_models import random_rbm, rows
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact
from tinygrad_dbn.exact.variational import bound
from tinygrad_dbn.exact.variational.factorial import coordinate_ascent


@settings(max_examples=20)
@given(dbns(), st.integers(0, 1000))
def test_best_factorial_lies_between_recognition_and_likelihood(dbn, seed):
    X = exact.states(dbn.sizes[0])
    found = exact.best_factorial(dbn, X, np.random.default_rng(seed), starts=3)
    scale = np.abs(found.bound) + 1
    assert (found.bound >= exact.bound(dbn, X) - 1e-12 * scale).all()
    assert (found.bound <= exact.log_likelihood(dbn, X) + 1e-12 * scale).all()
    np.testing.assert_allclose(exact.bound(dbn, X, found.q), found.bound, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.q @ exact.states(dbn.sizes[1]), found.means, rtol=1e-9, atol=1e-12)


@settings(max_examples=30)
@given(dbns(), st.integers(0, 1000))
def test_coordinate_ascent_never_falls(dbn, seed):
    log_p = np.log(brute_force.dbn_joint_with_h1(dbn))
    start = np.random.default_rng(seed).normal(0, 3, (len(log_p), dbn.sizes[1]))
    bounds = [b for _, b in coordinate_ascent(log_p, start)]
    assert all((after >= before - 1e-12 * (1 + np.abs(before))).all() for before, after in pairwise(bounds))


def test_no_factorial_q_on_a_grid_is_better():
    rng = np.random.default_rng(3)
    for _ in range(5):
        dbn = td.DBN.from_rbms([td.RBM.init(3, 2, rng, 4.0), td.RBM.init(2, 3, rng, 4.0)])
        X, joint = exact.states(3), np.log(brute_force.dbn_joint_with_h1(dbn))
        found = exact.best_factorial(dbn, X, rng)
        m = np.linspace(1e-6, 1 - 1e-6, 401)
        a, b = np.meshgrid(m, m, indexing="ij")
        q = np.stack([(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b])
        for log_p, best in zip(joint, found.bound, strict=True):
            grid = (q * (log_p[:, None, None] - np.log(q))).sum(axis=0).max()
            assert grid - 1e-9 <= best < grid + 1e-3


def test_several_starts_are_needed_where_units_exclude_each_other():
    """A prior that wants exactly one of two units on: a factorial q must choose, and a bad start chooses badly."""
    top = td.RBM([[10.0, -10.0]], [-5.0, 5.0], [0.0])
    dbn = td.DBN((td.DirectedLayer([[2.0], [0.0]], [0.0], [[-9.0], [9.0]], [0.0, 0.0]),), top)
    found = exact.best_factorial(dbn, [[1.0]], np.random.default_rng(0))
    one = exact.best_factorial(dbn, [[1.0]], np.random.default_rng(0), starts=1)
    assert found.fixed_points == 2
    assert found.bound > one.bound + 0.5
    for seed in range(8):  # some of these end on the better of the two, others not: the q returned is always the best
        found = exact.best_factorial(dbn, [[1.0]], np.random.default_rng(seed))
        np.testing.assert_allclose(found.means, [[1, 0]], atol=0.05)
        np.testing.assert_allclose(exact.bound(dbn, [[1.0]], found.q), found.bound, rtol=1e-12)


def test_an_rbm_loses_nothing_to_a_factorial_q():
    rng = np.random.default_rng(0)
    rbm = td.RBM.init(4, 3, rng, 2.0)
    X = exact.states(4)
    found = exact.best_factorial(rbm, X, rng, starts=2)
    np.testing.assert_allclose(found.bound, exact.log_likelihood(rbm, X), rtol=1e-12)
    np.testing.assert_allclose(found.means, rbm.hidden_given_visible(X), atol=1e-9)
    with pytest.raises(ValueError, match="starts=0: write a whole number from 1"):
        exact.best_factorial(rbm, X, rng, starts=0)


@settings(max_examples=30)
@given(dbns(depths=(2, 3, 4)))
def test_the_gap_splits_by_layer(dbn):
    """bound and KLs by their definitions over all configurations of all layers at once."""
    joint, q = brute_force.dbn_joint(dbn).sum(axis=-1), brute_force.recognition_joint(dbn)
    X = exact.states(dbn.sizes[0])
    audit = exact.audit_layers(dbn, X)
    hidden = tuple(range(1, q.ndim))
    log_q = np.log(np.where(q > 0, q, 1))
    np.testing.assert_allclose(audit.bound, (q * (np.log(joint) - log_q)).sum(axis=hidden), rtol=1e-9, atol=1e-9)
    for k in hidden:  # E_q KL(q(h_k | h_<k) ‖ p(h_k | h_<k, x)), each conditional from its own joint
        above = tuple(range(k + 1, q.ndim))
        q_k, p_k = q.sum(axis=above), joint.sum(axis=above)
        q_given, p_given = q_k / q_k.sum(axis=k, keepdims=True), p_k / p_k.sum(axis=k, keepdims=True)
        kl = (q_k * (np.log(np.where(q_k > 0, q_given, 1)) - np.log(p_given))).sum(axis=tuple(range(1, k + 1)))
        np.testing.assert_allclose(audit.kl[:, k - 1], kl, rtol=1e-8, atol=1e-9)
    scale = np.abs(audit.log_likelihood) + np.abs(audit.bound) + 1
    assert (np.abs(audit.residual) <= 1e-12 * scale).all()
    assert (audit.kl >= -1e-12).all()


def test_two_layers_are_the_audit():
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(4, 3, rng, 1.0), td.RBM.init(3, 2, rng, 1.0)])
    X = exact.states(4)
    layered, plain = exact.audit_layers(dbn, X), exact.audit(dbn, X)
    np.testing.assert_allclose(layered.bound, plain.bound, rtol=1e-13)
    np.testing.assert_allclose(layered.kl[:, 0], plain.kl, rtol=1e-11)


@pytest.mark.parametrize("which", ["recognition", "posterior"])
def test_a_bound_made_of_ops_is_the_same_of_a_few_rows_at_a_time(which, monkeypatch):
    dbn, X = td.DBN.from_rbms([random_rbm(4, 3), random_rbm(3, 2)]), rows(4, 5)
    q = exact.posterior(dbn, X) if which == "posterior" else None
    monkeypatch.setattr(bound, "ELEMENTS", 2 << 3)  # two rows, each with the states of three units
    (lower, audit), _ = td.vjp(lambda m: (exact.bound(m, X, q), exact.audit(m, X, q)), dbn)
    np.testing.assert_allclose(lower, exact.bound(dbn, X, q), rtol=1e-13)
    np.testing.assert_allclose(audit.log_likelihood, exact.log_likelihood(dbn, X), rtol=1e-13)


@settings(max_examples=30)
@given(dbns(), st.integers(0, 1000))
def test_the_ceiling_is_the_bound_under_the_aggregated_posterior(dbn, seed):
    rng = np.random.default_rng(seed)
    X = rows(dbn.sizes[0], 5, rng)
    layer, seen = dbn.layers[0], [brute_force.row(x) for x in X]
    q = brute_force.conditional(layer.R.T, layer.c).T[seen]
    given_h = brute_force.conditional(layer.W, layer.b)[seen]

    def bound(prior):
        return (q * (np.log(given_h) + np.log(prior) - np.log(np.where(q > 0, q, 1)))).sum() / 5

    top = exact.ceiling(dbn, X)
    np.testing.assert_allclose(top.prior, q.mean(axis=0), rtol=1e-9)
    assert top.bound == pytest.approx(bound(q.mean(axis=0)), rel=1e-9, abs=1e-9)
    assert top.log_likelihood == pytest.approx(np.log(given_h @ q.mean(axis=0)).mean(), rel=1e-9, abs=1e-9)
    assert top.bound - top.room == pytest.approx(exact.bound(dbn, X).mean(), rel=1e-9, abs=1e-9)
    assert top.bound <= top.log_likelihood + 1e-12 * (1 + abs(top.bound))
    for prior in rng.dirichlet(np.ones(q.shape[1]), 5):  # no prior is above the ceiling
        assert bound(np.maximum(prior, 1e-300)) <= top.bound + 1e-9 * (1 + abs(top.bound))


@settings(max_examples=30)
@given(rbms(), st.integers(0, 1000))
def test_a_gain_of_the_bound_is_a_difference_of_divergences(rbm, seed):
    rng = np.random.default_rng(seed)
    H, D = rbm.W.shape
    X = rows(D, 4, rng)
    new = td.DBN.from_rbms([rbm, random_rbm(H, 3, 1.0, seed=rng)])
    direct, by_divergence = exact.bound_gain(rbm, new, X)
    assert direct == pytest.approx(by_divergence, rel=1e-9, abs=1e-9)
    moved = td.DBN((td.DirectedLayer(rbm.W + 1, rbm.b, rbm.W, rbm.c),), new.top)
    with pytest.raises(ValueError, match="differ in W"):
        exact.bound_gain(rbm, moved, X)


def test_the_bound_can_be_differentiated_in_q():
    """∂ bound / ∂ q(h) = log p(x, h) − log q(h) − 1; with a q that is a Tensor the audit too is made of ops."""
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(3, 2, rng, scale=1.0), td.RBM.init(2, 2, rng, scale=1.0)])
    X = exact.states(3)[[1, 6]]
    q = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    slope = td.grad(lambda q: exact.bound(dbn, X, q).sum())(q)
    log_joint = np.log(brute_force.dbn_joint_with_h1(dbn))[[1, 6]]
    np.testing.assert_allclose(slope, log_joint - np.log(q) - 1, rtol=1e-12)
    of_kl = td.grad(lambda q: exact.audit(dbn, X, q).kl.sum())(q)
    np.testing.assert_allclose(of_kl, np.log(q) - log_joint + exact.log_likelihood(dbn, X)[:, None] + 1, rtol=1e-12)
    with pytest.raises(ValueError, match="not to 1"):
        td.grad(lambda q: exact.bound(dbn, X, 2 * q).sum())(q)
