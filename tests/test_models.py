"""Models: what they compute, what they sample, what they refuse."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given

import tinygrad_dbn as td
from tests import brute_force
from tests.comparing import leaves
from tests.random_models import random_rbm, stacked_dbn
from tests.strategies import rbms
from tinygrad_dbn import learning
from tinygrad_dbn.learning import Dropout
from tinygrad_dbn.models import feedforward
from tinygrad_dbn.models.autoencoder import as_width


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
    assert (ours[:, :2] == [1, 0]).all()


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
NET, RBM = td.FeedForward.init((2, 3, 2), 0), td.RBM.init(3, 2, 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: td.RBM(Z((2, 3)), Z(2), Z(2)), r"b has shape \(2,\), it should be \(3,\)"),
        (lambda: td.RBM(Z((2, 3)), Z(3), [0, np.nan]), r"c\[1\] is nan"),
        (lambda: td.RBM(Z(3), Z(3), Z(1)), "W has shape"),
        (lambda: td.RBM(Z((0, 3)), Z(3), Z(0)), "W has shape"),
        (lambda: td.RBM.init(3, -2, np.random.default_rng(0)), "hidden=-2: write a whole number from 1 on"),
        (lambda: td.RBM.init(2.5, 2, 0), r"visible=2\.5: write a whole number from 1 on"),
        (lambda: td.RBM.init(2, 2, 0, scale=-1), "scale=-1: write the weights' standard deviation, .* from 0 on"),
        (lambda: td.RBM.init(2, 2, 0, scale=np.nan), "scale=nan: write"),
        (lambda: td.DBN.from_rbms([]), "at least one"),
        (lambda: td.DBN((RBM,), RBM), r"RBM in layers\[0\], the place of a directed layer: write rbm\.directed\(\)"),
        (lambda: td.DBN((), RBM.directed()), "DirectedLayer as the top, the place of an RBM"),
        (lambda: td.DBN.with_classes([], 2), "0 RBMs, .* and 2 classes: at least two"),
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
        (lambda: NET.pre_activation(0, Z((1, 3))), "k=0: write a whole number from 1 to 2"),
        (lambda: NET.hidden_layer(3, Z((1, 3))), "k=3: write a whole number from 1 to 2"),
        (lambda: td.Autoencoder.init((4, 2), 0, tied=False, output="foo"), "output='foo' is not known: one of"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).logits(Z((1, 3)), [Z(2)]), "1 masks for 0"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).nll(Z((1, 3)), [2]), "classes run from"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),)).nll(Z((1, 3)), [0, 1]), "want 1 integers"),
        (lambda: td.FeedForward((Z((2, 3)),), (Z(2),), output="linear").nll(Z((1, 3)), [0]), "softmax"),
        (lambda: td.DBN.from_tied(td.RBM(Z((2, 3)), Z(3), Z(2))).sample(0, np.random.default_rng(0)), "count=0: write"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def of_variance(learns):
    return td.GaussianRBM([[1.0]], [0.0], [0.0], learns_variance=learns)


def upon(kind):
    """A DBN whose lowest layer is of this kind."""
    return td.DBN((kind(Z((2, 8)), Z(8), Z((2, 8)), Z(2)),), td.RBM.init(2, 2, 0))


MAKES = {
    "hidden is 'tanh' in one and 'relu'": [td.FeedForward.init((2, 2, 2), 0, hidden=g) for g in ("tanh", "relu")],
    r"encoder\.output is 'linear' in one and 'sigm": [
        td.Autoencoder.init((2, 2), 0, code=g) for g in ("linear", "sigmoid")
    ],
    "decoder_weights is 'NoneType' in one and 'tuple'": [
        td.Autoencoder.init((2, 2), 0, tied) for tied in (True, False)
    ],
    "categories is 2 in one and 4": [td.CategoricalRBM(Z((2, 8)), Z(8), Z(2), K) for K in (2, 4)],
    "learns_variance is True in one and False": [of_variance(learns) for learns in (True, False)],
    r"layers\[0\] is 'DirectedLayer' in one and 'Gauss": [
        upon(kind) for kind in (td.DirectedLayer, td.models.GaussianLayer)
    ],
}


@pytest.mark.parametrize("said", MAKES)
def test_a_sum_is_of_models_of_one_make(said):
    one, other = MAKES[said]
    for add in (lambda: one + other, lambda: one - other):
        with pytest.raises(ValueError, match=f"{type(one).__name__}: {said}.*must be of one make"):
            add()
    assert type(one + one) is type(one)


def test_a_number_of_numpys_scales_as_pythons_own_would():
    rbm = as_width(td.RBM.init(3, 2, 0, 1.0), np.float32)
    for number in (np.float64(0.1), np.float32(2), np.int64(2), np.array(0.1)):
        for found, wanted in ((number * rbm, number.item() * rbm), (rbm / number, rbm / number.item())):
            for one, other in zip(leaves(found), leaves(wanted), strict=True):
                assert one.dtype == np.float32
                np.testing.assert_array_equal(one, other)
    for zero in (0, 0.0, np.float32(0), np.array(0.0)):
        with pytest.raises(ZeroDivisionError, match=r"RBM / 0.*: divide by a number other than 0"):
            rbm / zero


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


FOR_DATA = {
    "RBM": td.RBM.for_data,
    "GaussianRBM": td.GaussianRBM.for_data,
    "GaussianRBM of variance 1": partial(td.GaussianRBM.for_data, learns_variance=False),
    "CategoricalRBM": partial(td.CategoricalRBM.for_data, categories=2),
}
CHOICES = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1]])


@pytest.mark.parametrize("kind", FOR_DATA)
def test_an_rbm_for_data_has_their_width(kind):
    by_width = {}
    for dtype, width in (("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("?", "f8"), ("O", "f8")):
        made = leaves(FOR_DATA[kind](CHOICES.astype(dtype), 3, 0))
        assert {p.dtype for p in made} == {np.dtype(width)}
        for one, other in zip(made, by_width.setdefault(width, made), strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(by_width["f4"], by_width["f8"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("kind", FOR_DATA)
@pytest.mark.parametrize(
    ("X", "settings", "said"),
    [
        (CHOICES[0], {}, r"data of shape \(4,\): rows \(T, D\), at least one"),
        (CHOICES[:0], {}, r"data of shape \(0, 4\): rows \(T, D\), at least one"),
        (CHOICES[:, :0], {}, r"data of shape \(3, 0\): rows"),
        (CHOICES + np.array([0, 0, np.nan, 0]), {}, r"X\[0, 2\] is nan: the data are finite numbers"),
        (CHOICES + np.array([0, 0, 0, np.inf]), {}, r"X\[0, 3\] is inf"),
        (CHOICES.astype(str), {}, "data of <U.*: real numbers"),
        (CHOICES, {"hidden": 0}, "hidden=0: write a whole number from 1"),
        (CHOICES, {"scale": -1}, "scale=-1: write"),
    ],
)
def test_what_no_rbm_can_start_from_is_refused(kind, X, settings, said):
    with pytest.raises(ValueError, match=said):
        FOR_DATA[kind](X, rng=0, **{"hidden": 2, **settings})


def test_a_categorical_rbm_for_data_starts_at_the_rates_of_the_values():
    """As if one more row were spread over a unit's values; so one that is never seen has a bias too."""
    X = td.models.one_hot(np.array([[0, 1], [0, 0], [0, 2]]), 3)
    rbm = td.CategoricalRBM.for_data(X, 4, np.random.default_rng(0), 3)
    wanted = np.array([3, 0, 0, 1, 1, 1]) + 1 / 3
    np.testing.assert_allclose(np.exp(rbm.b), wanted / 4, rtol=1e-14)
