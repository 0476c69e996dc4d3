"""The up-down algorithm against its exact expectation, and sampling with clamped units."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import assert_close, leaves, same_bits
from tests.random_models import random_rbm, untied_dbn
from tests.running import in_python  # noqa: F401 – a fixture
from tinygrad_dbn import exact, learning
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.learning.updown import up_down_loss, up_down_uniforms

pytestmark = pytest.mark.usefixtures("in_python")
RNG = np.random.default_rng(0)
X = exact.states(4)[[0, 3, 12, 15, 5, 10]]


@pytest.mark.parametrize(("sizes", "k"), [((4, 3, 2), 1), ((4, 3, 2, 3), 2)])
def test_the_mean_update_is_the_exact_expectation(sizes, k):
    dbn = untied_dbn(*sizes, weights=1.0)
    many = np.repeat(X, 20_000, axis=0)
    uniforms = up_down_uniforms(dbn.sizes, k)(np.random.default_rng(1), many)
    update = tree_map(np.negative, td.grad(up_down_loss(k))(dbn, many, *uniforms))
    wake, sleep = exact.expected_wake(dbn, X, k), exact.expected_sleep(dbn, X, k)
    wanted = tree_map(np.add, wake, sleep)
    assert_close(update, wanted, atol=0.02 * max(np.abs(leaf).max() for leaf in leaves(wanted)))
    with pytest.raises(ValueError, match="k = 0"):
        up_down_loss(0)


@pytest.mark.compiled
def test_up_down_improves_a_stack_whose_recognition_is_poor():
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(4, 4, rng, 0.5), td.RBM.init(4, 4, rng, 0.5)])
    before = exact.log_likelihood(dbn, X).mean()
    settings = {"epochs": 300, "seed": 0, "batch": 20, "optimiser": learning.sgd(0.2)}
    run = list(learning.up_down(dbn, np.repeat(X, 20, axis=0), **settings))
    after = run[-1].model
    assert exact.log_likelihood(after, X).mean() > before + 0.1
    assert not np.allclose(after.layers[0].R, after.layers[0].W)
    *_, again = learning.up_down(dbn, np.repeat(X, 20, axis=0), start=run[100], **settings)
    assert same_bits(again.model, after)


# ---- Clamping --------------------------------------------------------------------------------------------------------


def test_clamped_units_stay_and_the_rest_follows_the_conditional():
    rbm = random_rbm(4, 3, 1.0, seed=RNG)
    clamp = np.array([1.0, np.nan, np.nan, 0.0])
    x = rbm.gibbs(np.tile([1.0, 0, 0, 0], (40_000, 1)), np.random.default_rng(0), 30, clamp)
    assert (x[:, 0] == 1).all()
    assert (x[:, 3] == 0).all()
    states = exact.states(4)
    p = np.exp(exact.log_likelihood(rbm, states))
    p[(states[:, 0] != 1) | (states[:, 3] != 0)] = 0
    counts = np.bincount((x @ (1 << np.arange(4))).astype(int), minlength=16) / len(x)
    np.testing.assert_allclose(counts, p / p.sum(), atol=0.01)


def test_a_dbn_with_class_units_draws_what_it_is_told():
    """Two classes, each with pictures of its own: clamping a class brings up its pictures."""
    zeros, ones = np.tile([1.0, 1, 0, 0], (50, 1)), np.tile([0.0, 0, 1, 1], (50, 1))
    data, labels = np.concatenate([zeros, ones]), np.repeat([0, 1], 50)
    module = learning.RBMModule(epochs=300, batch=10, optimiser=learning.sgd(0.2))
    first = module.train(data, 4, seed=0).model
    h = (first.hidden_given_visible(data) > 0.5).astype(float)
    top, joint = td.RBM.init(6, 6, np.random.default_rng(1)), np.concatenate([h, np.eye(2)[labels]], axis=1)
    for _ in range(500):  # exact: CD-1 would leave one of the classes out
        top, _ = learning.sgd(0.3)(top, (), learning.maximum_likelihood(top, joint[[0, -1]]))
    dbn = td.DBN.with_classes([first, top], 2)
    assert dbn.sizes == (4, 6, 6)
    for label, picture in ((0, zeros[0]), (1, ones[0])):
        clamp = np.concatenate([np.full(4, np.nan), np.eye(2)[label]])
        drawn = dbn.sample(200, np.random.default_rng(0), steps=50, clamp=clamp)
        assert (drawn == picture).mean() > 0.9
    silent = dbn.layers[0].W[-2:]
    np.testing.assert_array_equal(silent, 0)
    with pytest.raises(ValueError, match="as wide as"):
        td.DBN.with_classes([first, top], 3)
