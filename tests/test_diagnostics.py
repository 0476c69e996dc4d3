"""Measurements of a training: gradient lengths against the engine's own and their bound, and the reading of errors."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.learning.diagnostics import STEEPEST

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 4)), RNG.integers(0, 3, 7)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
def test_lengths_are_those_of_the_gradient_and_below_their_bounds(hidden):
    net = td.FeedForward.init((4, 6, 5, 3), np.random.default_rng(1), hidden)
    found = learning.layer_gradients(net, (X, Y))
    assert [g.layer for g in found] == [1, 2, 3]
    # ∇_{b^(k)} of one example is ∇_{a^(k)} (claim A5).
    per_example = [td.grad(lambda n, i=i: n.nll(X[i : i + 1], Y[i : i + 1]).sum())(net).biases for i in range(7)]
    bound = found[-1].mean
    for k, g in reversed(list(enumerate(found))):
        assert g.bound == pytest.approx(bound, rel=1e-12)
        bound *= np.linalg.svd(net.weights[k], compute_uv=False).max() * {"sigmoid": 1 / 4}.get(hidden, 1)
        assert g.mean == pytest.approx(np.mean([np.linalg.norm(b[k]) for b in per_example]), rel=1e-12)
        assert 0 < g.mean <= g.bound * (1 + 1e-12)


def test_the_bounds_steepness_is_that_of_the_activations():
    grid = np.linspace(-8, 8, 4001)
    for name, steepest in STEEPEST.items():
        slopes = td.grad(lambda x, name=name: td.models.feedforward.ACTIVATIONS[name](x).sum())(grid)
        assert slopes.max() == pytest.approx(steepest, rel=1e-6)


def test_gradients_of_sigmoids_vanish_with_depth():
    net = td.FeedForward.init((4, *[6] * 5, 3), np.random.default_rng(1))
    found = learning.layer_gradients(net, (X, Y))
    assert found[0].mean < 0.02 * found[-1].mean


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ((0.0, 0.3), "overfitting"),
        ((0.3, 0.31), "underfitting"),
        ((0.001, 0.002), "neither"),
        ((0.0, 0.0), "neither"),
        ((0.2, 0.1), "underfitting"),
    ],
)
def test_a_reading_names_the_larger_part(errors, verdict):
    assert learning.reading(*errors, tested=400).verdict == verdict


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 6, 1000), "test_error=6: write a share of examples, from 0 to 1"),
        ((-0.1, 0.2, 1000), "train_error=-0.1"),
        ((np.nan, 0.2, 1000), "train_error=nan"),
        ((0.1, 0.2, 1000, 1.5), "reachable=1.5"),
        ((0.1, 0.2, 0), "tested=0: write a whole number from 1"),
        ((0.1, 0.2, 2.5), "tested=2.5"),
    ],
)
def test_a_reading_of_no_shares_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        learning.reading(*given)
