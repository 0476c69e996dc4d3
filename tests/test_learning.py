"""Learning: the rules point where they should, the stack is built as the lecture builds it, and runs repeat."""

import sys
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import leaves, same_bits
from tinygrad_dbn import exact, learning
from tinygrad_dbn.autodiff.trees import tree_map

X = td.exact.states(4)[[0, 3, 12, 15, 5, 10]]
SETTINGS = {"seed": 3, "epochs": 4, "rate": 0.1, "batch": 4}
*_, STARTED = learning.greedy(X, (4, 3, 2), **SETTINGS)


def test_exact_maximum_likelihood_climbs():
    rbm = td.RBM.init(4, 3, np.random.default_rng(0), scale=0.1)
    two_patterns = X[[0, 5, 5]]
    step, velocity = learning.sgd(0.5), learning.optimisers.at_rest(rbm)
    values = []
    for _ in range(1500):
        values.append(exact.log_likelihood(rbm, two_patterns).mean())
        rbm, velocity = step(rbm, velocity, learning.maximum_likelihood(rbm, two_patterns))
    assert all(b > a for a, b in pairwise(values))
    optimum = np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3
    assert optimum - 0.1 < values[-1] < optimum


def test_contrastive_divergence_is_a_difference_of_statistics():
    rng = np.random.default_rng(0)
    rbm = td.RBM.init(4, 3, rng, scale=1.0)
    g = learning.contrastive_divergence(rbm, X, np.random.default_rng(5), k=2)
    x_k = rbm.gibbs(X, np.random.default_rng(5), 2)
    statistics = lambda x: rbm.hidden_given_visible(x).T @ x / len(x)
    np.testing.assert_allclose(g.W, statistics(X) - statistics(x_k), atol=1e-14)
    np.testing.assert_allclose(g.b, X.mean(axis=0) - x_k.mean(axis=0), atol=1e-14)


def test_a_rule_takes_one_round_of_gibbs_sampling_unless_told():
    rbm, seed = td.RBM.init(4, 3, np.random.default_rng(0), scale=1.0), 5
    for rule, kept in (
        (learning.contrastive_divergence, ()),
        (learning.persistent_contrastive_divergence, (X,)),
        (learning.parallel_tempering, (np.stack([X] * 3),)),
    ):
        assert same_bits(rule(rbm, X, seed, *kept), rule(rbm, X, seed, *kept, k=1))
        assert not same_bits(rule(rbm, X, seed, *kept), rule(rbm, X, seed, *kept, k=2))


def test_long_chains_make_cd_the_gradient():
    rng = np.random.default_rng(0)
    rbm = td.RBM.init(4, 3, rng, scale=0.5)
    many = np.repeat(X, 5000, axis=0)
    g, truth = learning.contrastive_divergence(rbm, many, rng, k=20), exact.gradient(rbm, X)
    np.testing.assert_allclose(g.W, truth.W, atol=0.01)


def test_persistent_chains_go_on_from_where_they_stood():
    rbm = td.RBM.init(4, 3, np.random.default_rng(0), scale=1.0)
    start = X[:2]
    g, particles = learning.persistent_contrastive_divergence(rbm, X, np.random.default_rng(5), start, k=2)
    np.testing.assert_array_equal(particles, rbm.gibbs(start, np.random.default_rng(5), 2))
    statistics = lambda x: rbm.hidden_given_visible(x).T @ x / len(x)
    np.testing.assert_allclose(g.W, statistics(X) - statistics(particles), atol=1e-14)
    np.testing.assert_allclose(g.b, X.mean(axis=0) - particles.mean(axis=0), atol=1e-14)


@pytest.mark.parametrize(
    ("wrong", "k", "words"),
    [
        (X, 0, "k=0: write a whole number from 1"),
        (X, 1.5, r"k=1\.5"),
        (X[:0], 1, "at least one row"),
        (X[0], 1, r"shape \(4,\) for 4 visible units"),
        (X[:, :3], 1, "4 visible"),
        (X * np.nan, 1, "has NaN or inf"),
    ],
)
def test_rules_refuse_what_they_cannot_take(wrong, k, words):
    rbm = td.RBM.init(4, 3, 0)
    for call in (
        lambda: learning.contrastive_divergence(rbm, wrong, 0, k),
        lambda: learning.persistent_contrastive_divergence(rbm, wrong, 0, X, k),
        lambda: learning.persistent_contrastive_divergence(rbm, X, 0, wrong, k),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    if k != 1:
        with pytest.raises(ValueError, match=words):
            learning.cd_loss(k)


def test_many_particles_at_rest_make_pcd_the_gradient():
    rbm = td.RBM.init(4, 3, np.random.default_rng(0), scale=1.0)
    rng = np.random.default_rng(1)
    at_rest, _ = exact.sample(rbm, 40000, rng)
    g, _ = learning.persistent_contrastive_divergence(rbm, X, rng, at_rest)
    np.testing.assert_allclose(g.W, exact.gradient(rbm, X).W, atol=0.01)


@pytest.mark.parametrize("at", [0, 2, 5, 7])
def test_the_particles_are_part_of_what_is_kept(tmp_path, at):
    stages = list(learning.greedy(X, (4, 3, 2), rule="pcd", **SETTINGS))
    assert [s.particles.shape for s in stages] == [(4, 4)] * 5 + [(4, 3)] * 5
    td.save(tmp_path / "kept.safetensors", stages[at])
    *_, last = learning.greedy(X, (4, 3, 2), rule="pcd", **SETTINGS, start=td.load(tmp_path / "kept.safetensors"))
    assert same_bits(last, stages[-1])


@pytest.mark.parametrize("rule", ["cd", "ml", "pcd"])
def test_a_tied_second_layer_starts_where_the_first_one_ended(rule):
    stages = list(learning.greedy(X, (4, 3, 4), rule=rule, **SETTINGS))
    assert [(s.layer, s.epoch) for s in stages] == [(layer, epoch) for layer in (1, 2) for epoch in range(5)]
    before, after = exact.audit(stages[4].model, X), exact.audit(stages[5].model, X)
    np.testing.assert_allclose(after.log_likelihood, before.log_likelihood, rtol=1e-13)
    np.testing.assert_allclose(after.kl, 0, atol=1e-13)
    assert stages[-1].model.sizes == (4, 3, 4)
    assert not same_bits(stages[5].rbms[1], stages[6].rbms[1])


def test_the_first_layer_is_left_alone_while_the_second_is_trained():
    stages = list(learning.greedy(X, (4, 3, 2), **SETTINGS))
    assert all(same_bits(s.rbms[0], stages[4].rbms[0]) for s in stages[5:])


@pytest.mark.parametrize("stop", [0, 2, 4, 5, 7])
def test_a_run_resumes_to_the_same_bits(stop):
    stages = list(learning.greedy(X, (4, 3, 2), **SETTINGS))
    again = list(learning.greedy(X, (4, 3, 2), start=stages[stop], **SETTINGS))
    assert len(again) == len(stages) - stop - 1
    assert all(same_bits(a, b) for a, b in zip(again, stages[stop + 1 :], strict=True))


def test_every_epoch_sees_a_sample_of_its_own(monkeypatch):
    seen = []

    def rule(rbm, x, rng, k):
        seen.append(x[:, 0].sum())
        return tree_map(np.zeros_like, rbm)

    monkeypatch.setattr(sys.modules[learning.greedy.__module__], "contrastive_divergence", rule)
    list(learning.greedy(np.repeat(X, 500, axis=0), (4, 3, 2), seed=0, epochs=5, batch=3000))
    assert len(set(seen[:5])) == 1  # the data itself
    assert len(set(seen[5:])) == 5


@pytest.mark.parametrize("rule", ["cd", "pcd"])
def test_an_epoch_is_its_rule_with_k_rounds(rule):
    start, end = learning.greedy(X, (4, 3), rule=rule, k=3, seed=3, epochs=1, rate=0.1, batch=6)
    rng = np.random.default_rng([3, 1, 1])
    data = X[rng.permutation(6)]
    if rule == "cd":
        direction = learning.contrastive_divergence(start.rbms[0], data, rng, k=3)
    else:
        direction, kept = learning.persistent_contrastive_divergence(start.rbms[0], data, rng, start.particles, k=3)
        np.testing.assert_array_equal(end.particles, kept)
    for after, before, step in zip(*map(leaves, (end.rbms[0], start.rbms[0], direction)), strict=True):
        np.testing.assert_allclose(after, before + 0.1 * step, rtol=1e-14, atol=1e-15)


def test_the_schedule_is_asked_for_each_epoch_of_each_layer_from_1_on():
    asked = []
    learning.greedy_dbn(X, (4, 3, 2), **SETTINGS, schedule=lambda n: asked.append(n) or 1.0)
    assert asked == [1, 2, 3, 4] * 2


def test_pretrain_ends_where_greedy_ends():
    *_, last = learning.greedy(X, (4, 3, 2), **SETTINGS)
    assert same_bits(learning.greedy_dbn(X, (4, 3, 2), **SETTINGS), last.model)
    other = learning.greedy_dbn(X, (4, 3, 2), **{**SETTINGS, "seed": 4})
    assert not same_bits(other, last.model)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": (5, 3)}, "4 units for a model of 5"),
        ({"sizes": (4,)}, "sizes"),
        ({"sizes": (4, 0)}, "sizes"),
        ({"sizes": ()}, r"sizes \(\): write D and the hidden units"),
        ({"sizes": (4, 2.5)}, r"sizes=2\.5"),
        ({"epochs": -1}, "epochs=-1"),
        ({"epochs": 2.5}, r"epochs=2\.5"),
        ({"batch": 0}, "batch=0"),
        ({"rule": "cdd"}, "'cdd' is not known"),
        ({"rate": -1.0}, "rate=-1.0"),
        ({"k": 0}, "k=0"),
        ({"start": STARTED, "sizes": (4, 6)}, "start has 4 visible and 3 hidden, 3 visible and 2 hidden units for a"),
        ({"start": STARTED, "sizes": (4, 3)}, r"for a stack of sizes \(4, 3\): give one of those sizes"),
        ({"lowest": STARTED.rbms[0], "sizes": (4, 2)}, "lowest has 4 visible and 3 hidden units"),
    ],
)
def test_refusals(change, words):
    settings = {"sizes": (4, 3), **SETTINGS, **change}
    with pytest.raises(ValueError, match=words):
        learning.greedy(X, **settings)  # at the call: it is not iterated


def test_a_training_at_its_end_has_its_model():
    assert same_bits(learning.greedy_dbn(X, (4, 3, 2), **SETTINGS, start=STARTED), STARTED.model)


def test_a_rate_of_numpys_does_not_widen_float32():
    for number in (float, np.float64):
        settings = {"rate": number(0.1), "decay": number(0.5), "schedule": lambda epoch, number=number: number(0.5)}
        start = td.models.autoencoder.as_width(td.RBM.init(4, 3, 0), np.float32)
        *_, end = learning.greedy(X.astype(np.float32), (4, 3), seed=0, epochs=2, lowest=start, **settings)
        assert {leaf.dtype for leaf in leaves(end.rbms)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize(
    ("rule", "rate"), [*((rule, 1e308) for rule in ("cd", "pcd", "centred", "pt", "ml")), ("ml", 1e200)]
)
def test_divergence_is_named(rule, rate, batch):
    said = pytest.raises(learning.Diverged, match=r"^layer 1 diverged in epoch \d: lower the rate$")
    with said as e, np.errstate(all="ignore"):
        list(learning.greedy(X, (4, 3), seed=0, epochs=9, rule=rule, batch=batch, rate=rate))
    assert all(np.isfinite(leaf).all() for leaf in leaves(e.value.last.rbms))


def test_what_a_rule_refuses_is_no_divergence():
    lowest = td.GaussianRBM.for_data(X, 3, 0)
    with pytest.raises(ValueError, match="real visible units"):
        list(learning.greedy(X, (4, 3), **SETTINGS, rule="pt", lowest=lowest))
