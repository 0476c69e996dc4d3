"""The sparse autoencoder of Ranzato et al. (2007), against its formulas written out example by example."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.learning.modules import SparseCoder

ETA, BETA, RATE = 0.1, 1.5, 0.2
DATA = td.datasets.bars_and_stripes(3).train


def coder(rng, hidden=4, width=3):
    shapes = (hidden, width), (hidden,), (hidden, width), (width,), (hidden,)
    return SparseCoder(*(rng.normal(size=shape) for shape in shapes))


def sparsified(zeta, z):
    """(z̄, ζ) of one code z (H,), ζ (H,) before it: equation 1 of the paper, as it stands."""
    now = ETA * np.exp(BETA * z) + (1 - ETA) * zeta
    return ETA * np.exp(BETA * z) / now, now


def energies(W, c, V, b, zeta, x, z):
    """The code's and the decoder's, of one example."""
    rebuilt = b + sum(s * V[i] for i, s in enumerate(sparsified(zeta, z)[0]))
    return np.sum((z - c - W @ x) ** 2) / 2, np.sum((x - rebuilt) ** 2) / 2


def parts(model):
    return model.W, model.c, model.V, model.b, np.exp(model.log_zeta)


def differences(f, p, h=1e-6):
    """The gradient of a scalar f() in the array p, which f reads, by central differences."""
    g = np.empty_like(p)
    for i in np.ndindex(p.shape):
        kept = p[i]
        p[i] = kept + h
        above = f()
        p[i] = kept - h
        g[i] = (above - f()) / (2 * h)
        p[i] = kept
    return g


def test_energies_and_the_sparsifying_logistic_are_the_papers():
    rng = np.random.default_rng(0)
    model, x, z = coder(rng), rng.random((5, 3)), rng.normal(size=(5, 4))
    module = learning.SparseModule(eta=ETA, beta=BETA)
    theirs = np.array([energies(*parts(model), *both) for both in zip(x, z, strict=True)])
    np.testing.assert_allclose(np.transpose(module.energies(model, x, z)), theirs, rtol=1e-12)
    zeta = np.exp(model.log_zeta)
    for code in z:
        zeta = sparsified(zeta, code)[1]
    np.testing.assert_allclose(module.next_log_zeta(model.log_zeta, z), np.log(zeta), rtol=1e-12)
    far = module.next_log_zeta(np.full(4, 1000.0), np.full((2, 4), -1000.0))  # e^1000 is no double
    np.testing.assert_allclose(far, 1000 + 2 * np.log(1 - ETA), rtol=1e-12)


def test_codes_go_down_their_energy_to_its_minimum():
    rng = np.random.default_rng(1)
    model, x = coder(rng), rng.random((5, 3))
    steep = replace(model, V=12 * model.V)  # a step of rate 1 goes too far

    def total(model, steps):
        module = learning.SparseModule(eta=ETA, beta=BETA, code_steps=steps)
        return np.sum(module.energies(model, x, module.code(model, x)), axis=0)

    for which in (model, steep):
        found = [total(which, steps) for steps in (*range(12), 200)]
        assert all((after <= before).all() for before, after in pairwise(found))
        assert (found[-1] < found[0]).all()
    best = [minimize(lambda z, x=x: sum(energies(*parts(model), x, z)), model.W @ x + model.c).fun for x in x]
    np.testing.assert_allclose(total(model, 200), best, rtol=1e-6)


def test_a_step_moves_the_encoder_down_the_codes_energy_and_the_decoder_down_its_own():
    """Two examples a batch, one epoch of one step: gradients by differences, ζ from one example to the next."""
    seen, X = [], np.random.default_rng(2).random((2, 3))
    module = learning.SparseModule(
        epochs=1, batch=2, eta=ETA, beta=BETA, optimiser=learning.sgd(RATE), watch=seen.append
    )
    module.train(X, 4, seed=0)
    before, after = seen[0].model, seen[1].model
    x = X[np.random.default_rng([0, 1]).permutation(2)]  # the order in which `descend` takes them
    z = np.asarray(module.code(before, x))
    W, c, V, b, zeta = (np.array(p) for p in parts(before))
    mean = lambda which: np.mean([energies(W, c, V, b, zeta, *both)[which] for both in zip(x, z, strict=True)])
    for name, p, which in (("W", W, 0), ("c", c, 0), ("V", V, 1), ("b", b, 1)):
        moved = getattr(after, name) - getattr(before, name)
        np.testing.assert_allclose(moved, -RATE * differences(lambda which=which: mean(which), p), atol=1e-8)
        assert np.abs(moved).max() > 1e-3
    for code in z:
        zeta = sparsified(zeta, code)[1]
    np.testing.assert_allclose(after.log_zeta, np.log(zeta), rtol=1e-12)


def test_the_layer_is_the_sparsifying_logistic_at_the_last_zeta_and_is_on_as_rarely_as_asked():
    X = np.repeat(DATA, 5, axis=0)
    for dtype in (np.float64, np.float32):
        module = learning.SparseModule(epochs=10, eta=ETA, beta=BETA, batch=10, optimiser=learning.sgd(0.1))
        layer = module.train(X.astype(dtype), 12, seed=0)
        model = layer.model
        z = X.astype(dtype) @ model.W.T + model.c
        expected = [sparsified(np.exp(model.log_zeta.astype(float)), code)[0] for code in z.astype(float)]
        np.testing.assert_allclose(layer.encode(X), expected, rtol=1e-3 if dtype == np.float32 else 1e-12)
        assert layer.encode(X).dtype == dtype
        np.testing.assert_allclose(layer.encode(X).mean(axis=0), ETA, rtol=0.5)
        assert np.quantile(layer.encode(X), 0.99) > 3 * ETA  # on for some, not a little for all


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"eta": 0.0}, {"eta": -0.1}, {"eta": 1.0}, {"beta": 0.0}, {"code_steps": -1}, {"eta": float("nan")}):
        with pytest.raises(ValueError, match="write eta between 0 and 1"):
            learning.SparseModule(**wrong)
