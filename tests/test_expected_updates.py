"""Expected updates against sums over every run of the sampled rules, against those rules, and against the gradient."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tests import brute_force
from tests.comparing import assert_close, leaves
from tests.random_models import rows, untied_dbn
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact


@settings(max_examples=20)
@given(rbms(), st.integers(0, 1000), st.integers(1, 4))
def test_cd_is_the_sum_over_all_runs_of_its_chains(rbm, seed, k):
    H, D = rbm.W.shape
    X = rows(D, 4, seed)
    x, h = brute_force.states(D), brute_force.states(H)
    up, down = brute_force.conditional(rbm.W.T, rbm.c).T, brute_force.conditional(rbm.W, rbm.b).T
    start = np.bincount([brute_force.row(a) for a in X], minlength=len(x)) / len(X)
    end = start @ np.linalg.matrix_power(up @ down, k)
    change = start - end
    update = exact.expected_cd(rbm, X, k)
    np.testing.assert_allclose(update.W, np.einsum("x,xh,hj,xi->ji", change, up, h, x), atol=1e-12)
    np.testing.assert_allclose(update.b, change @ x, atol=1e-12)
    np.testing.assert_allclose(update.c, change @ up @ h, atol=1e-12)


def test_the_sampled_rule_has_this_mean():
    rng = np.random.default_rng(0)
    rbm, X = td.RBM.init(4, 3, rng, 1.5), rows(4, 4, 1)
    many = np.repeat(X, 20_000, axis=0)
    for k in (1, 3):
        assert_close(td.learning.contrastive_divergence(rbm, many, rng, k), exact.expected_cd(rbm, X, k), atol=0.01)


@given(rbms(scales=(0.1, 1.0)), st.integers(0, 1000))
def test_the_stationary_chain_gives_the_gradient(rbm, seed):
    X = rows(rbm.W.shape[1], 4, seed)
    assert_close(exact.expected_pcd(rbm, X), exact.gradient(rbm, X), atol=1e-12)
    chain = exact.rules.expected.equilibrium(rbm)
    np.testing.assert_allclose(exact.rules.expected.after_gibbs(rbm, chain, 1)[1], chain[1], atol=1e-13)


def test_the_bias_of_cd_vanishes_with_k():
    rng = np.random.default_rng(0)
    rbm, X = td.RBM.init(5, 4, rng, 1.0), rows(5, 4, 2)
    gradient = exact.gradient(rbm, X)
    angles = [exact.compare(exact.expected_cd(rbm, X, k), gradient).angle for k in (1, 2, 5, 10, 200)]
    assert all(a > b for a, b in pairwise(angles))
    assert angles[-1] < 1e-6


def brute_wake_or_sleep(dbn, weights, dreams):
    """E[h_k (h_(k−1) − mean)ᵀ] or its mirror image, over every configuration of x … h(L−1) and its weight."""
    sums = [{n: np.zeros_like(getattr(layer, n)) for n in "WbRc"} for layer in dbn.layers]
    for index in np.ndindex(weights.shape):
        h = [brute_force.states(n)[s] for n, s in zip(dbn.sizes, index, strict=False)]
        for k, layer in enumerate(dbn.layers):
            if dreams:
                error = h[k + 1] - brute_force.sigm(layer.R @ h[k] + layer.c)
                sums[k]["R"] += weights[index] * np.outer(error, h[k])
                sums[k]["c"] += weights[index] * error
            else:
                error = h[k] - brute_force.sigm(h[k + 1] @ layer.W + layer.b)
                sums[k]["W"] += weights[index] * np.outer(h[k + 1], error)
                sums[k]["b"] += weights[index] * error
    return [td.DirectedLayer(**part) for part in sums]


@pytest.mark.parametrize("shape", [(3, 2, 2), (2, 3, 2, 2)])
def test_wake_and_sleep_are_sums_over_all_configurations(shape):
    dbn, X = untied_dbn(*shape, weights=1.5, biases=1.5), rows(shape[0], 4, 1)
    data = np.bincount([brute_force.row(a) for a in X], minlength=2 ** shape[0]) / len(X)
    q = brute_force.recognition_joint(dbn)
    awake = data.reshape(-1, *[1] * (q.ndim - 1)) * q
    wake = exact.expected_wake(dbn, X)
    assert_close(wake.layers, tuple(brute_wake_or_sleep(dbn, awake, dreams=False)), atol=1e-12)
    h = exact.states(shape[-2])
    top_data = (h, awake.reshape(-1, len(h)).sum(axis=0))
    statistics = lambda e: (e[1][:, None] * dbn.top.hidden_given_visible(e[0])).T @ e[0]
    once = exact.rules.expected.after_gibbs(dbn.top, top_data, 1)
    np.testing.assert_allclose(wake.top.W, statistics(top_data) - statistics(once), atol=1e-12)

    asleep = brute_force.dbn_joint(dbn).sum(axis=-1)
    sleep = exact.expected_sleep(dbn)
    assert_close(sleep.layers, tuple(brute_wake_or_sleep(dbn, asleep, dreams=True)), atol=1e-12)
    assert not any(leaf.any() for leaf in leaves(sleep.top))
    assert_close(exact.expected_sleep(dbn, X, 500), sleep, atol=1e-6)  # long chains forget the data


@settings(max_examples=20)
@given(dbns(), st.integers(0, 1000))
def test_wake_is_the_bounds_gradient_in_the_generative_parameters(dbn, seed):
    X = rows(dbn.sizes[0], 4, seed)
    g = td.grad(lambda m: exact.deep_bound(m, X).mean())(dbn)
    wake = exact.expected_wake(dbn, X, k=None)
    assert_close(wake.top, g.top, atol=1e-10)
    for mine, theirs in zip(wake.layers, g.layers, strict=True):
        np.testing.assert_allclose(mine.W, theirs.W, atol=1e-10)
        np.testing.assert_allclose(mine.b, theirs.b, atol=1e-10)


def test_with_the_posterior_for_recognition_nothing_is_biased():
    """A tied DBN recognises exactly: wake is then the likelihood's gradient, and dreams leave recognition in peace."""
    rng = np.random.default_rng(0)
    dbn, X = td.DBN.from_tied(td.RBM.init(4, 3, rng, 1.0)), rows(4, 4, 3)
    assert_close(exact.expected_wake(dbn, X, k=None), exact.gradient(dbn, X), atol=1e-12)
    assert all(np.abs(leaf).max() < 1e-12 for leaf in leaves(exact.expected_sleep(dbn)))
    assert all(np.abs(leaf).max() < 1e-12 for leaf in leaves(exact.recognition_gradient(dbn, X)))


def test_sleep_is_biased_and_by_how_much():
    dbn, X = untied_dbn(4, 3, 2, weights=1.5, biases=1.5), rows(4, 4, 3)
    found = exact.compare(exact.expected_sleep(dbn), exact.recognition_gradient(dbn, X))
    assert 5 < found.angle < 120
    assert all(name.startswith(("layers[0].R", "layers[0].c")) for name, *_ in found.worst)


def test_compare():
    rbm = td.RBM([[3.0, 0.0]], [0.0, 0.0], [4.0])
    same_way = exact.compare(rbm, rbm)
    assert (same_way.angle, same_way.length, same_way.signs) == (0, 1, 1)
    other = td.RBM([[0.0, 0.0]], [0.0, 2.5], [-4.0])
    found = exact.compare(other, rbm)
    cosine = -16 / (5 * np.hypot(2.5, 4))
    assert found.angle == pytest.approx(np.degrees(np.arccos(cosine)))
    assert found.length == pytest.approx(np.hypot(2.5, 4) / 5)
    assert found.signs == 0  # W[0, 0] and c[0] of the one, b[1] and c[0] of the other: none agrees
    assert found.worst[0] == ("c[0]", -4.0, 4.0)
    assert found.worst[1] == ("W[0, 0]", 0.0, 3.0)
    still = exact.compare((np.array([1.0, 0.0, 0.0]),), (np.array([1.0, 2.0, 0.0]),))
    assert still.signs == 1 / 2  # of the two that either moves
    tiny = exact.compare((np.array([1.0, 1e-9]),), (np.array([1.0, 0.0]),))
    assert np.radians(tiny.angle) == pytest.approx(1e-9, rel=1e-6)
    with pytest.raises(ValueError, match="update is zero everywhere"):
        exact.compare(td.RBM([[0.0, 0.0]], [0.0, 0.0], [0.0]), rbm)
    with pytest.raises(ValueError, match="two of one model"):
        exact.compare(rbm, rbm.transposed())
    with pytest.raises(ValueError, match="two of one model"):
        exact.compare(rbm.transposed(), rbm)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda r, d: exact.expected_cd(r, np.zeros((1, 3)), 0), ValueError, "k=0: write a whole number from 1"),
        (lambda r, d: exact.expected_wake(d, np.zeros((1, 3)), 0), ValueError, "k=0: write a whole number from 1"),
        (lambda r, d: exact.expected_sleep(d, np.zeros((1, 3))), ValueError, "X and k together"),
        (lambda r, d: exact.expected_cd(td.RBM.init(20, 20, np.random.default_rng(0)), np.zeros((1, 20))),
         exact.TooLarge, r"2\^20 states.* max_seconds="),
    ],
)  # fmt: skip
def test_refusals(call, error, words):
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=words):
        call(td.RBM.init(3, 2, rng), td.DBN.from_tied(td.RBM.init(3, 2, rng)))
