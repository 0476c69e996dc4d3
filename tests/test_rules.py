"""The centred gradient and parallel tempering, against their definitions and judged by the exact likelihood."""

from dataclasses import replace

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import assert_close, leaves
from tests.random_models import random_rbm, rows
from tinygrad_dbn import exact
from tinygrad_dbn.exact.annealing import tempered
from tinygrad_dbn.learning import centred, greedy, parallel_tempering, persistent_contrastive_divergence
from tinygrad_dbn.learning.tempering import exchanged

RBM, X = random_rbm(4, 3, 1.0), rows(4, 6)
SOFTMAX = td.CategoricalRBM(*(leaf for leaf in leaves(random_rbm(6, 3, 1.0))), categories=3)
VALUES = td.models.one_hot(np.random.default_rng(0).integers(0, 3, (5, 2)), 3)
KINDS = pytest.mark.parametrize(("rbm", "X"), [(RBM, X), (SOFTMAX, VALUES)], ids=["binary", "softmax"])


# ---- The centred gradient --------------------------------------------------------------------------------------------


@KINDS
def test_it_is_the_step_of_steepest_ascent_in_centred_parameters(rbm, X):
    """E = −(h − λ)ᵀW(x − μ) − b'ᵀ(x − μ) − c'ᵀ(h − λ): the gradient in W, b', c', led back to W, b, c."""
    mean, hidden = X.mean(axis=0), rbm.hidden_given_visible(X).mean(axis=0)

    def log_p(parameters):
        W, b, c = parameters
        plain = replace(rbm, W=W, b=b - td.ops.matmul(hidden, W), c=c - td.ops.matmul(W, mean))
        return exact.log_likelihood(plain, X).mean()

    start = (rbm.W, rbm.b + hidden @ rbm.W, rbm.c + rbm.W @ mean)
    W, b, c = td.grad(log_p)(start)
    expected = replace(rbm, W=W, b=b - hidden @ W, c=c - W @ mean)
    assert_close(centred(rbm, exact.gradient(rbm, X), X), expected, atol=1e-12)


def test_it_does_not_matter_which_state_of_a_unit_is_called_on():
    """All visible units turned over, in the data and in the model, which keeps its hidden units' conditionals."""
    turned = td.RBM(-RBM.W, -RBM.b, RBM.c + RBM.W.sum(axis=1))
    np.testing.assert_allclose(exact.log_likelihood(turned, 1 - X), exact.log_likelihood(RBM, X), atol=1e-12)
    plain, other = exact.gradient(RBM, X), exact.gradient(turned, 1 - X)
    assert np.abs(plain.W + other.W).max() > 0.01
    plain, other = centred(RBM, plain, X), centred(turned, other, 1 - X)
    expected = td.RBM(-other.W, -other.b, other.c + other.W.sum(axis=1))
    assert_close(plain, expected, atol=1e-12)


def test_from_the_gradient_it_climbs():
    for seed in range(20):
        rbm, some = random_rbm(4, 3, 2.0, seed=seed), rows(4, 5, seed)
        gradient = exact.gradient(rbm, some)
        assert (
            sum((a * b).sum() for a, b in zip(leaves(centred(rbm, gradient, some)), leaves(gradient), strict=True)) > 0
        )


# ---- Parallel tempering ----------------------------------------------------------------------------------------------


def test_an_exchange_keeps_every_chains_distribution():
    """Independent exact states of three temperatures, exchanged: each temperature's states are counted again."""
    ladder, rng = [tempered(random_rbm(3, 2, 2.0), np.zeros(3), beta) for beta in (0, 0.5, 1)], np.random.default_rng(0)
    count = 40_000
    start = np.array([exact.sample(at, count, rng)[0] for at in ladder])
    end = exchanged(ladder, start, rng)
    assert 0.1 < (start[2] != end[2]).any(axis=1).mean() < 0.9
    for at, x in zip(ladder, end, strict=True):
        p = np.exp(exact.log_marginal(at, 0))
        found = np.bincount((x @ [1, 2, 4]).astype(int), minlength=8) / count
        assert (np.abs(found - p) < 5 * np.sqrt(p * (1 - p) / count)).all()


def test_chains_of_softmax_units_come_to_the_likelihoods_gradient():
    rng, start = np.random.default_rng(0), np.tile(VALUES, (4, 400, 1))
    direction, end = parallel_tempering(SOFTMAX, VALUES, rng, start, k=20)
    assert_close(direction, exact.gradient(SOFTMAX, VALUES), atol=5 / np.sqrt(end.shape[1]))
    assert (end.reshape(*end.shape[:2], 2, 3).sum(axis=3) == 1).all()
    np.testing.assert_allclose(end[0].mean(axis=0), 1 / 3, atol=0.05)  # at β = 0 all values have the same chance


def test_parallel_tempering_keeps_the_width_of_the_parameters():
    rbm = td.RBM(*(leaf.astype(np.float32) for leaf in leaves(RBM)))
    direction, end = parallel_tempering(rbm, X.astype(np.float32), 0, np.ones((3, 5, 4), np.float32))
    assert {a.dtype for a in (*leaves(direction), end)} == {np.dtype(np.float32)}


def test_an_exchange_is_accepted_as_often_as_detailed_balance_asks():
    """One pair of states: p_a(x) p_b(y) A(x, y) = p_a(y) p_b(x) A(y, x), A the acceptance counted."""
    ladder, rng, count = [tempered(RBM, np.zeros(4), beta) for beta in (0.3, 1)], np.random.default_rng(0), 100_000
    x, y = np.eye(4)[0], np.array([0.0, 1, 1, 0])
    log_p = [exact.log_likelihood(at, [x, y]) for at in ladder]
    rates = []
    for hot, cold in ((x, y), (y, x)):
        start = np.array([np.tile(hot, (count, 1)), np.tile(cold, (count, 1))])
        rates.append((exchanged(ladder, start, rng)[1] == hot).all(axis=1).mean())
    ratio = np.exp(log_p[0][0] + log_p[1][1] - log_p[0][1] - log_p[1][0])
    assert rates[0] * ratio == pytest.approx(rates[1], abs=0.01)
    assert max(rates) == 1


def test_the_direction_is_the_data_less_the_coldest_chains():
    start = np.array([rows(4, 5, seed) for seed in range(3)])
    direction, end = parallel_tempering(RBM, X, np.random.default_rng(0), start, k=2)
    assert end.shape == start.shape
    h = [RBM.hidden_given_visible(x) for x in (X, end[-1])]
    np.testing.assert_allclose(direction.W, h[0].T @ X / 6 - h[1].T @ end[-1] / 5, atol=1e-12)
    np.testing.assert_allclose(direction.b, X.mean(axis=0) - end[-1].mean(axis=0), atol=1e-12)


def test_it_crosses_where_a_single_chain_does_not():
    """Two modes, all on and all off, of half the probability each; all chains start in one."""
    n, w = 8, 6.0
    rbm = td.RBM(np.full((1, n), w), np.full(n, -w / 2), [-n * w / 2])  # F of all on is that of all off
    on = exact.unit_means(rbm, 0)
    np.testing.assert_allclose(on, 0.5, atol=1e-3)
    rng, start = np.random.default_rng(0), np.ones((50, n))
    _, alone = persistent_contrastive_divergence(rbm, start, rng, start, k=100)
    _, together = parallel_tempering(rbm, start, rng, np.ones((10, 50, n)), k=100)
    assert alone.mean() > 0.9
    assert 0.25 < together[-1].mean() < 0.75


# ---- Both in a training ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["centred", "pt"])
def test_a_training_by_them_nears_the_optimum_and_goes_on_to_the_same_bits(rule):
    data = td.datasets.bars_and_stripes(2).train
    settings = {"seed": 0, "epochs": 120, "rule": rule, "rate": 0.3, "decay": 0.8, "batch": 6, "scale": 1.0}
    course = list(greedy(data, (4, 6), **settings))
    start, end = (np.mean(exact.log_likelihood(at.rbms[0], data)) for at in (course[0], course[-1]))
    assert start + 0.5 < end < exact.optimum(data)
    *_, again = greedy(data, (4, 6), **settings, start=course[110])
    for mine, theirs in zip(leaves(again), leaves(course[-1]), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda rng: parallel_tempering(RBM, X, rng, X), r"particles of shape \(6, 4\) .* give \(M, N, D\)"),
        (lambda rng: parallel_tempering(RBM, X, rng, X[None]), "at least 2 temperatures"),
        (lambda rng: parallel_tempering(RBM, X, rng, np.ones((2, 3, 5))), "for 4 visible units"),
        (lambda rng: parallel_tempering(RBM, X, rng, np.ones((2, 3, 4)), k=0), "k=0: write a whole number from 1"),
        (lambda rng: parallel_tempering(RBM, X * np.nan, rng, np.ones((2, 3, 4))), "X has NaN or inf"),
        (lambda rng: parallel_tempering(RBM, X[:0], rng, np.ones((2, 3, 4))), r"X of shape \(0, 4\)"),
        (lambda rng: parallel_tempering(RBM, X, rng, np.full((2, 3, 4), np.nan)), "particles have NaN or inf"),
        (lambda rng: centred(RBM, RBM, X * np.nan), "X has NaN or inf"),
        (lambda rng: centred(RBM, RBM, X[:, :3]), r"X of shape \(6, 3\) for 4 visible units"),
        (lambda rng: centred(td.GaussianRBM(RBM.W, RBM.b, RBM.c), RBM, X), "real visible units.*or a CategoricalRBM"),
    ],
)
def test_other_input_is_refused_with_what_to_write(call, said):
    with pytest.raises(ValueError, match=said):
        call(np.random.default_rng(0))
