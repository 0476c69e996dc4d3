"""Models: what they compute, what they sample, what they refuse."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

import tinygrad_dbn as td
from tests import brute_force
from tests.random_models import random_rbm, stacked_dbn
from tests.strategies import rbms
from tinygrad_dbn import learning
from tinygrad_dbn.learning import Dropout
from tinygrad_dbn.models import feedforward


@given(rbms())
def test_rbm_conditionals_and_free_energy_come_from_the_energy(rbm):
    joint = brute_force.rbm_joint(rbm)
    H, D = rbm.W.shape
    x, h = np.array(brute_force.states(D)), np.array(brute_force.states(H))
    given_x = joint / joint.sum(axis=1, keepdims=True)
    given_h = joint / joint.sum(axis=0)
    np.testing.assert_allclose(rbm.hidden_given_visible(x), given_x @ h, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rbm.visible_given_hidden(h), given_h.T @ x, rtol=1e-9, atol=1e-12)
    free = -np.logaddexp.reduce([[-brute_force.energy(rbm, a, b) for b in h] for a in x], axis=1)
    np.testing.assert_allclose(rbm.free_energy(x), free, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rbm.energy(x[-1], h[-1]), brute_force.energy(rbm, x[-1], h[-1]), rtol=1e-12)


def test_feed_forward_follows_the_lecture_and_drops_units():
    rng = np.random.default_rng(0)
    net = td.FeedForward.init((3, 4, 5, 2), rng, hidden="tanh")
    x = rng.normal(size=(6, 3))
    masks = Dropout(0.5).draw(net, 6, rng)
    h = x
    for W, b, m in zip(net.weights[:-1], net.biases[:-1], masks, strict=True):
        h = np.tanh(h @ W.T + b) * m
    a = h @ net.weights[-1].T + net.biases[-1]
    expected = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net(x, masks), expected, rtol=1e-13)
    y = np.array([0, 1, 0, 1, 1, 0])
    np.testing.assert_allclose(net.nll(x, y, masks), -np.log(expected[np.arange(6), y]), rtol=1e-13)
    assert {0.0, 1.0} == set(np.unique(masks[0]))
    td.check_grads(lambda net: net.nll(x, y, masks).mean(), [net], order=2)


def glorots(inputs, units):
    return np.sqrt(6 / (inputs + units))


RANGES = {
    "sigmoid": lambda inputs, units: 4 * glorots(inputs, units),
    "relu": lambda inputs, units: np.sqrt(6 / inputs),
    **dict.fromkeys(("tanh", "linear", "softmax"), glorots),
}


def fills(W, r):
    """Whether weights are uniform in ±r: near both ends, none beyond, with that variance."""
    return bool(0.998 * r < W.max() < r and -r < W.min() < -0.998 * r and abs(W.var() / (r * r / 3) - 1) < 0.05)


@pytest.mark.parametrize("hidden", feedforward.ACTIVATIONS)
@pytest.mark.parametrize("output", feedforward.OUTPUTS)
def test_every_layer_of_a_network_starts_in_the_range_of_its_activation(hidden, output):
    net = td.FeedForward.init((100, 400, 50), np.random.default_rng(0), hidden, output)
    for W, activation, (m, n) in zip(net.weights, (hidden, output), ((100, 400), (400, 50)), strict=True):
        assert W.shape == (n, m)
        assert fills(W, RANGES[activation](m, n))
        assert not fills(W, 1.01 * RANGES[activation](m, n))
    assert not any(b.any() for b in net.biases)


@pytest.mark.parametrize("hidden", feedforward.ACTIVATIONS)
@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_every_layer_of_an_autoencoder_starts_in_the_range_of_its_activation(hidden, output):
    sizes, rng = (100, 400, 50), np.random.default_rng(0)
    deep = td.Autoencoder.init(sizes, rng, tied=False, hidden=hidden, code="linear", output=output)
    for W, activation, (m, n) in zip(deep.encoder.weights, (hidden, "linear"), ((100, 400), (400, 50)), strict=True):
        assert fills(W, RANGES[activation](m, n))
    for V, activation, (m, n) in zip(deep.decoder_weights, (output, hidden), ((100, 400), (400, 50)), strict=True):
        assert V.shape == (n, m)
        assert fills(V, RANGES[activation](n, m))  # it leads from n units down to m
    assert not any(b.any() for b in deep.decoder_biases)


def test_modules_and_output_layers_start_in_the_range_of_their_activations():
    X = np.random.default_rng(0).random((40, 100))
    for module in (learning.AutoencoderModule(epochs=0), learning.EmbeddingModule(epochs=0)):
        assert fills(module.train(X, 400, 0).weights[0], RANGES["sigmoid"](100, 400))
    stack = learning.pretrain((400,), learning.RBMModule(epochs=0), X, 0)
    assert fills(stack.network(50, 0).weights[-1], glorots(400, 50))


def test_class_units_are_silent_downwards_and_recognised_at_chance():
    rng = np.random.default_rng(0)
    first, second = random_rbm(4, 3, seed=rng), random_rbm(3, 5, seed=rng)
    top = random_rbm(5 + 2, 6, seed=rng)
    dbn = td.DBN.with_classes([first, second, top], 2)
    below, last = dbn.layers
    np.testing.assert_array_equal(below.W, first.W)
    for found, own in ((last.W, second.W), (last.R, second.W)):
        np.testing.assert_array_equal(found, [*own, np.zeros(3), np.zeros(3)])
    np.testing.assert_array_equal(last.c, [*second.c, *top.b[5:]])
    np.testing.assert_array_equal(last.b, second.b)
    assert dbn.top is top


def test_a_dropped_unit_gets_no_gradient():
    rng = np.random.default_rng(0)
    net = td.FeedForward.init((3, 4, 2), rng)
    g = td.grad(lambda n: n.nll(np.ones((1, 3)), [1], [np.array([1.0, 0, 1, 0])]).sum())(net)
    assert (g.weights[0][[1, 3]] == 0).all()
    assert (g.weights[0][[0, 2]] != 0).all()


def test_samples_have_the_models_own_frequencies():
    rng = np.random.default_rng(0)
    dbn = stacked_dbn(3, 2, 3, weights=1.0, seed=rng)
    count = 20_000
    for model, D in ((dbn, dbn.sizes[0]), (dbn.top, dbn.top.W.shape[1])):
        X = model.sample(count, rng, steps=30)
        assert X.shape == (count, D)
        frequencies = np.bincount((X @ (1 << np.arange(D))).astype(int), minlength=2**D) / count
        p = np.exp(td.exact.log_likelihood(model, td.exact.states(D)))
        assert (np.abs(frequencies - p) < 5 * np.sqrt(p * (1 - p) / count)).all()


@pytest.mark.parametrize("mean", [False, True])
def test_an_rbm_samples_as_the_dbn_of_it_alone(mean):
    rbm = td.RBM.init(4, 3, np.random.default_rng(1), scale=1.0)
    alone, options = td.DBN((), rbm), {"steps": 2, "mean": mean, "clamp": np.array([1, 0, np.nan, np.nan])}
    ours, theirs = (model.sample(50, np.random.default_rng(2), **options) for model in (rbm, alone))
    np.testing.assert_array_equal(ours, theirs)
    assert (np.unique(ours).size > 2) == mean
    if not mean:
        assert (ours[:, :2] == [1, 0]).all()
    for count, steps in ((0, 1), (1, -1)):
        with pytest.raises(ValueError, match="at least 1 sample and 0 steps"):
            rbm.sample(count, np.random.default_rng(0), steps)


def test_sampling_repeats_with_its_seed():
    dbn = td.DBN.from_tied(td.RBM.init(4, 3, np.random.default_rng(1), scale=1.0))
    draw = lambda seed: dbn.sample(5, np.random.default_rng(seed), steps=3)
    assert (draw(1) == draw(1)).all()
    assert (draw(1) != draw(2)).any()


def test_recognition_is_a_sigmoid_layer_after_another():
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(4, 3, rng, 1.0), td.RBM.init(3, 2, rng, 1.0)])
    x = np.eye(4)
    q1, q2 = dbn.recognise(x)
    np.testing.assert_allclose(q1, brute_force.sigm(x @ dbn.layers[0].R.T + dbn.layers[0].c))
    np.testing.assert_allclose(q2, brute_force.sigm(q1 @ dbn.top.W.T + dbn.top.c))
    _, sampled = dbn.recognise(x, np.random.default_rng(3))
    h = (np.random.default_rng(3).random((4, 3)) < q1).astype(float)
    np.testing.assert_allclose(sampled, brute_force.sigm(h @ dbn.top.W.T + dbn.top.c))


Z = np.zeros


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: td.RBM(Z((2, 3)), Z(2), Z(2)), r"b has shape \(2,\), it should be \(3,\)"),
        (lambda: td.RBM(Z((2, 3)), Z(3), [0, np.nan]), r"c\[1\] is nan"),
        (lambda: td.RBM(Z(3), Z(3), Z(1)), "W has shape"),
        (lambda: td.RBM(Z((0, 3)), Z(3), Z(0)), "W has shape"),
        (lambda: td.RBM.init(3, -2, np.random.default_rng(0)), "at least 1"),
        (lambda: td.DBN.from_rbms([]), "at least one"),
        (lambda: td.DBN.from_rbms([td.RBM(Z((2, 3)), Z(3), Z(2)), td.RBM(Z((2, 3)), Z(3), Z(2))]), "should have 2"),
        (
            lambda: td.DBN.from_rbms([td.RBM(Z((5, 3)), Z(3), Z(5)), td.RBM(Z((2, 4)), Z(4), Z(2))]),
            "h1 has 5 units in layer 1, but W of layer 2 has 4 columns",
        ),
        (lambda: td.DirectedLayer(Z((2, 3)), Z(3), Z((3, 2)), Z(2)), "R has shape"),
        (lambda: td.FeedForward((Z((2, 3)), Z((2, 3))), (Z(2), Z(2))), r"W\^\(2\)"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),), hidden="swish"), "swish"),
        (lambda: td.FeedForward((), ()), "at least one"),
        (lambda: td.FeedForward.init((3,), np.random.default_rng(0)), "at least an input"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).logits(Z((1, 3)), [Z(2)]), "1 masks for 0"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).nll(Z((1, 3)), [2]), "classes run from"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).nll(Z((1, 3)), [0, 1]), "want 1 integers"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),), output="linear").nll(Z((1, 3)), [0]), "softmax"),
        (lambda: td.DBN.from_tied(td.RBM(Z((2, 3)), Z(3), Z(2))).sample(0, np.random.default_rng(0)), "0 samples"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_parameters_are_the_models_own():
    W = Z((2, 3))
    rbm = td.RBM(W, Z(3), Z(2))
    W[0, 0] = 7
    assert rbm.W[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        rbm.W[0, 0] = 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf, np.float32(-np.inf)])
@pytest.mark.parametrize("dtype", [float, object])
def test_what_is_not_finite_is_refused_among_objects_too(wrong, dtype):
    with pytest.raises(ValueError, match="finite numbers"):
        td.FeedForward((np.array([[1.0, wrong]], dtype),), (np.zeros(1),))
    exact = td.FeedForward((np.array([[Fraction(1, 2), Fraction(3)]], object),), (np.zeros(1),))
    assert exact.weights[0][0, 0] == Fraction(1, 2)


def test_sums_are_taken_over_the_hidden_side_unless_it_has_more_units():
    sizes = [(3, 2), (3, 3), (2, 3)]
    assert [td.RBM.init(*both, np.random.default_rng(0)).hidden_is_smaller for both in sizes] == [True, True, False]


def test_an_rbm_for_data_starts_at_their_rates():
    X = np.array([[0.0, 1.0, 0.25], [0.0, 1.0, 0.75]])
    rbm = td.RBM.for_data(X, 4, np.random.default_rng(0), scale=0.1)
    np.testing.assert_allclose(1 / (1 + np.exp(-rbm.b)), [0.5 / 3, 2.5 / 3, 0.5], rtol=1e-12)
    np.testing.assert_array_equal(rbm.W, td.RBM.init(3, 4, np.random.default_rng(0), 0.1).W)
    assert not rbm.c.any()
    with pytest.raises(ValueError, match="rows"):
        td.RBM.for_data(X[0], 4, np.random.default_rng(0))


def test_a_categorical_rbm_for_data_starts_at_the_rates_of_the_values():
    """As if one more row were spread over a unit's values; so one that is never seen has a bias too."""
    X = td.models.one_hot(np.array([[0, 1], [0, 0], [0, 2]]), 3)
    rbm = td.CategoricalRBM.for_data(X, 4, np.random.default_rng(0), 3)
    wanted = np.array([3, 0, 0, 1, 1, 1]) + 1 / 3
    np.testing.assert_allclose(np.exp(rbm.b), wanted / 4, rtol=1e-14)
