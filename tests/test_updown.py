"""The up-down algorithm against its exact expectation, and sampling with clamped units."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tests import brute_force
from tests.comparing import assert_close, leaves, same_bits
from tests.random_models import random_rbm, untied_dbn
from tinygrad_dbn import exact, learning
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.learning.updown import up_down_loss, up_down_uniforms
from tinygrad_dbn.models import class_logits
from tinygrad_dbn.models.classes import of_class

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
    with pytest.raises(ValueError, match="k=0: write a whole number from 1"):
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


REAL = td.GaussianRBM(np.ones((3, 4)), np.zeros(4), np.zeros(3))
CATEGORICAL = td.CategoricalRBM(np.ones((3, 4)), np.zeros(4), np.zeros(3), 2)


@pytest.mark.parametrize(
    ("lowest", "given", "says"),
    [
        (REAL, X, "a DBN of real visible units"),
        (CATEGORICAL, X, "a DBN of categorical visible units"),
        (td.RBM.init(4, 3, 0), X - 0.5, r"X\[0, 0\] is -0\.5: a number from 0 to 1"),
        (td.RBM.init(4, 3, 0), X * np.nan, r"X\[0, 0\] is nan"),
        (td.RBM.init(4, 3, 0), X[0], "one example per row"),
        (td.RBM.init(4, 3, 0), X[:, :3], "3 units for a model of 4"),
        (td.RBM.init(4, 3, 0), X[:0], "empty batch"),
    ],
)
def test_only_numbers_from_0_to_1_are_learned_from(lowest, given, says):
    dbn = td.DBN.from_rbms([lowest, td.RBM.init(3, 2, 1)])
    with pytest.raises(ValueError, match=says):
        learning.up_down(dbn, given, epochs=1, seed=0)


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
    for stack, classes in (([top], 2), ([first, td.RBM.init(4, 3, np.random.default_rng(2))], 0)):
        with pytest.raises(ValueError, match=f"and {classes} classes: at least two"):
            td.DBN.with_classes(stack, classes)


# ---- Class units -----------------------------------------------------------------------------------------------------

Y = X[:, 0].astype(int)


def labelled_dbn(*sizes, recognised=(0.0, 0.0)):
    """A random DBN whose last two units of h(L−1) are class units, recognised with these logits whatever x is."""
    *below, last = untied_dbn(*sizes, weights=1.0, seed=3).layers
    free = np.arange(len(last.W)) < len(last.W) - 2
    c = np.where(free, last.c, np.concatenate([np.zeros(len(free) - 2), recognised]))
    W, R = (free[:, None] * half for half in (last.W, last.R))
    return td.DBN((*below, td.DirectedLayer(W, last.b, R, c)), untied_dbn(*sizes, weights=1.0, seed=3).top)


def test_of_one_class_everything_is_an_example():
    np.testing.assert_allclose(exact.log_class(labelled_dbn(4, 4, 2), X, 1), 0, atol=1e-14)


@pytest.mark.parametrize(("sizes", "k"), [((4, 4, 2), 1), ((4, 3, 4, 2), 2)])
def test_with_labels_the_mean_update_is_the_exact_expectation_where_classes_are_recognised_for_certain(sizes, k):
    dbn, means = labelled_dbn(*sizes), []
    for label in (0, 1):  # three rows of each
        certain = labelled_dbn(*sizes, recognised=60 * (2 * np.eye(2)[label] - 1))
        means.append(
            tree_map(np.add, *(f(certain, X[label == Y], k) for f in (exact.expected_wake, exact.expected_sleep)))
        )
    wanted = tree_map(lambda one, other: (one + other) / 2, *means)
    many, labels = np.repeat(X, 20_000, axis=0), np.repeat(np.eye(2)[Y], 20_000, axis=0)
    uniforms = up_down_uniforms(dbn.sizes, k)(np.random.default_rng(1), many, labels)
    update = tree_map(np.negative, td.grad(up_down_loss(k, classes=2))(dbn, many, labels, *uniforms))
    np.testing.assert_array_equal(update.layers[-1].W[-2:], 0)  # no weights lead down from a class
    # What is certain is not learned: the class units' recognition is learned from dreams, from where it is.
    np.testing.assert_allclose(update.layers[-1].c[-2:] + 0.5, wanted.layers[-1].c[-2:] + 0.5, atol=0.02)
    for found, exactly in zip(leaves(learned_elsewhere(update)), leaves(learned_elsewhere(wanted)), strict=True):
        np.testing.assert_allclose(found, exactly, atol=0.01)
        assert np.abs(exactly).max() > 0.05


def learned_elsewhere(direction):
    """A direction without the rows of the class units."""
    *below, last = direction.layers
    return tuple(below), {name: getattr(last, name)[:-2] for name in "WRc"}, last.b, direction.top


def test_up_down_learns_the_classes_of_pictures():
    """With its weights at random the model knows nothing of the classes of pictures, and afterwards it does."""
    rng = np.random.default_rng(0)
    dbn = td.DBN.with_classes([td.RBM.init(4, 6, rng, 0.5), td.RBM.init(8, 6, rng, 0.1)], 2)
    data, labels = np.repeat(X, 10, axis=0), np.repeat(np.eye(2)[Y], 10, axis=0)
    settings = {"epochs": 150, "seed": 0, "batch": 60, "optimiser": learning.momentum(0.3)}
    run = list(learning.up_down(dbn, data, labels, **settings))
    before, after = (np.exp(exact.log_class(m, X, 2))[np.arange(6), Y] for m in (dbn, run[-1].model))
    assert before.mean() < 0.6
    assert after.min() > 0.7
    guessed = np.argmax(class_logits(run[-1].model, X, 2), axis=1)
    assert (guessed == Y).mean() > 0.8
    *_, again = learning.up_down(dbn, data, labels, start=run[100], **settings)
    assert same_bits(again.model, run[-1].model)


def test_the_class_given_x_is_what_enumeration_says():
    for sizes in ((3, 4, 2), (3, 2, 4, 3)):
        dbn = untied_dbn(*sizes, weights=1.0, seed=4)  # here class units have weights downwards as well
        joint = brute_force.dbn_joint(dbn)
        joint = np.moveaxis(joint, -2, 1).reshape(2**3, 2 ** sizes[-2], -1).sum(axis=2)  # x, h(L−1)
        free = 2 ** (sizes[-2] - 2)
        per_class = joint.reshape(2**3, 4, free).sum(axis=2)[:, [1, 2]]  # states of the last two units: 01, 10
        wanted = per_class / per_class.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(np.exp(exact.log_class(dbn, exact.states(3), 2)), wanted, rtol=1e-10)
        for y in (0, 1):
            given = np.exp(exact.log_likelihood(of_class(dbn, y, 2), exact.states(3)))
            np.testing.assert_allclose(given, per_class[:, y] / per_class[:, y].sum(), rtol=1e-10)


def test_the_class_by_free_energy_is_what_the_top_says_of_the_recognised_features():
    certain = untied_dbn(3, 4, 3, weights=1.0, seed=5)
    layer = certain.layers[0]
    dbn = td.DBN((td.DirectedLayer(layer.W, layer.b, 1e3 * layer.R, 1e3 * layer.c),), certain.top)  # h is 0 or 1
    h = np.round(dbn.recognise(exact.states(3))[0])
    rows = np.concatenate([np.repeat(h[:, :2], 2, axis=0), np.tile(np.eye(2), (8, 1))], axis=1)
    wanted = exact.conditional_likelihood(dbn.top, rows, given=[0, 1]).reshape(8, 2)
    found = td.ops.softmax(class_logits(dbn, exact.states(3), 2), axis=-1)
    np.testing.assert_allclose(found, wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-9)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.eye(2)[Y[:5]], "labels of 5 rows for 6 examples"),
        (np.full((6, 2), 0.5), "labels\\[0, 0\\] is 0.5"),
        (Y, "one example per row"),
        (np.eye(4)[Y], "write 1 to 3"),
        (np.eye(3)[Y], "have weights downwards"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, says):
    with pytest.raises(ValueError, match=says):
        learning.up_down(labelled_dbn(4, 4, 2), X, labels, epochs=1, seed=0)
    with pytest.raises(ValueError, match="an RBM's classes are among its visible units"):
        exact.log_class(td.DBN((), random_rbm(4, 3)), X, 2)
    with pytest.raises(ValueError, match="class 2 of 2"):
        of_class(labelled_dbn(4, 4, 2), 2, 2)
