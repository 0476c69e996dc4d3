"""The embedding that is learned beside the classes (Weston, Ratle & Collobert 2008)."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import same_bits
from tinygrad_dbn import learning
from tinygrad_dbn.learning.modules.embedding import nearest

RATE, LAMBDA, MARGIN = 0.1, 0.7, 1.5
PLACES = {
    "output": {},
    "first hidden": {"layer": 1},
    "last hidden": {"layer": 2},
    "auxiliary": {"layer": 1, "auxiliary": 3},
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def joint_loss(model, place, labelled, pairs):
    """The paper's sum, written out: mean −log f(x)_y + λ · mean over pairs."""
    net, auxiliary = model.net, model.auxiliary
    (W1, W2, W3), (b1, b2, b3) = net.weights, net.biases
    layers = lambda x: (h1 := sigmoid(W1 @ x + b1), h2 := sigmoid(W2 @ h1 + b2), W3 @ h2 + b3)

    def features(x):
        if place == "auxiliary":
            return auxiliary.weights[0] @ layers(x)[0] + auxiliary.biases[0]
        return layers(x)[("first hidden", "last hidden", "output").index(place)]

    supervised = [np.log(np.exp(a := layers(x)[2]).sum()) - a[y] for x, y in labelled]
    embedded = []
    for x, partner, together in pairs:
        distance = np.linalg.norm(features(x) - features(partner))
        embedded.append(distance**2 if together else max(0, MARGIN - distance) ** 2)
    return np.mean(supervised) + LAMBDA * np.mean(embedded)


@pytest.mark.parametrize("place", PLACES)
def test_a_step_goes_down_the_sum_of_both_losses(place):
    """One step on one batch, every parameter's move against a difference of the sum, the pairs drawn anew."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 4)), np.arange(5) % 3
    net = td.FeedForward.init((4, 5, 4, 3), rng)
    embedding = learning.Embedding(X, LAMBDA, neighbours=2, margin=MARGIN, **PLACES[place])
    seen = []
    settings = {"optimiser": learning.sgd(RATE), "epochs": 1, "batch": 5, "seed": 3}
    learning.fit(net, (X[:5], y), embedding=embedding, watch=lambda f: seen.append(f.descent.model), **settings)
    before, after = seen
    assert (before.auxiliary is None) == (place != "auxiliary")

    rng = np.random.default_rng([3, 1])  # as `descend` draws: an order, and then what the embedding asks for
    order = rng.permutation(5)
    first = rng.integers(0, 12, 5)
    together = rng.random(5) < 0.5
    near = nearest(X, 2)[first][np.arange(5), rng.integers(0, 2, 5)]
    partner = np.where(together, near, rng.integers(0, 12, 5))
    labelled, pairs = list(zip(X[order], y[order], strict=True)), list(zip(X[first], X[partner], together, strict=True))

    leaves, rebuild = td.autodiff.trees.flatten(before)
    for k, (leaf, new) in enumerate(zip(leaves, td.autodiff.trees.flatten(after)[0], strict=True)):
        for i in np.ndindex(leaf.shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [np.array(l) for l in leaves]
                moved[k][i] += h
                ends.append(joint_loss(rebuild(moved), place, labelled, pairs))
            slope = (ends[0] - ends[1]) / 2e-5
            assert new[i] - leaf[i] == pytest.approx(-RATE * slope, abs=2e-8), (k, i)


def test_with_one_label_a_class_neighbours_find_the_classes():
    """Two clouds in ten dimensions: two examples say little of where between them to cut, their neighbours much."""
    errors = {"alone": [], "embedded": []}
    for seed in range(2):
        rng, side = np.random.default_rng(seed), np.arange(120) % 2
        X = rng.normal(size=(120, 10)) + 4 * np.outer(side, np.eye(10)[0])
        chosen = np.repeat([0, 1], 20)
        for name, embedding in (("alone", None), ("embedded", learning.Embedding(X, neighbours=5))):
            net = td.FeedForward.init((10, 8, 2), np.random.default_rng(seed))
            settings = {"epochs": 100, "batch": 40, "optimiser": learning.adam(0.03), "embedding": embedding}
            found = learning.fit(net, (X[chosen], side[chosen]), **settings)
            errors[name].append(learning.error_rate(found.model, X, side))
    assert np.mean(errors["embedded"]) < 0.6 * np.mean(errors["alone"])


def test_an_embedded_training_goes_on_to_the_same_bits_and_is_a_file(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)).astype(np.float32), np.arange(20) % 3
    net = td.models.autoencoder.as_width(td.FeedForward.init((4, 5, 4, 3), rng), np.float32)
    settings = {
        "embedding": learning.Embedding(X, layer=1, auxiliary=2, neighbours=3), "batch": 6,
        "dropout": learning.Dropout(0.3), "max_norm": 1.0,
    }  # fmt: skip
    whole = learning.fit(net, (X, y), (X, y), epochs=4, **settings)
    half = learning.fit(net, (X, y), (X, y), epochs=2, **settings)
    td.save(tmp_path / "half", half)
    again = learning.fit(net, (X, y), (X, y), epochs=4, start=td.load(tmp_path / "half"), **settings)
    assert same_bits(again, whole)
    assert isinstance(whole.model, td.FeedForward)
    assert not same_bits(whole.model, learning.fit(net, (X, y), (X, y), epochs=4, **{**settings, "embedding": None}))


def test_the_nearest_are_one_up_to_all_others():
    X = np.array([[0.0], [1.0], [3.0]])
    assert nearest(X, 1).tolist() == [[1], [0], [1]]
    assert [set(row) for row in nearest(X, 2).tolist()] == [{1, 2}, {0, 2}, {0, 1}]
    for count in (0, 3):
        with pytest.raises(ValueError, match="at least 1, and fewer than the examples"):
            nearest(X, count)


def test_embeddings_that_do_not_fit_are_refused():
    X, net = np.zeros((20, 4)), td.FeedForward.init((4, 5, 3), np.random.default_rng(0))
    for wrong, message in [
        ({"X": np.zeros((20, 3))}, r"write finite X \(T, 4\)"),
        ({"X": np.full((20, 4), np.nan)}, r"write finite X \(T, 4\)"),
        ({"weight": -1.0}, r"Embedding: weight=-1\.0: write a finite number of at least 0"),
        ({"weight": np.inf}, "Embedding: weight=inf"),
        ({"margin": 0.0}, r"Embedding: margin=0\.0: write a finite number above 0"),
        ({"layer": 2}, "hidden layers 1 to 1; write one of them"),
        ({"layer": 0}, "hidden layers 1 to 1; write one of them"),
        ({"auxiliary": 3}, "the hidden layer that it is upon"),
        ({"layer": 1, "auxiliary": 0}, "at least one unit"),
        ({"neighbours": 20}, "20 neighbours among 20"),
    ]:
        with pytest.raises(ValueError, match=message):
            learning.fit(net, (X, np.zeros(20, int)), embedding=learning.Embedding(**{"X": X, **wrong}))
