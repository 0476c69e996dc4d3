"""Marginals, joints, conditionals, entropies, samples and the Fisher information, against sums over the full joint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tests import brute_force
from tests.random_models import rows, stacked_dbn
from tests.strategies import dbns, rbms
from tinygrad_dbn import exact


def table(model):
    return brute_force.rbm_joint(model) if isinstance(model, td.RBM) else brute_force.dbn_joint(model)


def sizes(model):
    return model.W.shape[::-1] if isinstance(model, td.RBM) else model.sizes


models = st.one_of(rbms(), dbns())


@settings(max_examples=30)
@given(models)
def test_marginals_of_every_layer(model):
    joint = table(model)
    for k, n in enumerate(sizes(model)):
        p = joint.sum(axis=tuple(a for a in range(joint.ndim) if a != k))
        np.testing.assert_allclose(np.exp(exact.log_marginal(model, k)), p, rtol=1e-9)
        np.testing.assert_allclose(exact.unit_means(model, k), p @ np.array(brute_force.states(n)), rtol=1e-9)
        assert exact.entropy(model, k) == pytest.approx(-(p * np.log(p)).sum(), rel=1e-9, abs=1e-12)


@settings(max_examples=30)
@given(models)
def test_the_joint_of_every_configuration(model):
    joint = table(model)
    index = np.array(list(np.ndindex(joint.shape)))
    layers = [exact.states(n)[index[:, k]] for k, n in enumerate(sizes(model))]
    np.testing.assert_allclose(exact.log_joint(model, *layers), np.log(joint).ravel(), rtol=1e-9, atol=1e-12)


@settings(max_examples=30)
@given(models, st.integers(0, 1000))
def test_conditionals_of_every_split(model, seed):
    rng = np.random.default_rng(seed)
    D = sizes(model)[0]
    p = table(model).reshape(2**D, -1).sum(axis=1)
    X = np.array(brute_force.states(D))
    role = rng.integers(0, 3, D)  # asked, given, summed out
    role[rng.integers(D)] = 0
    asked, known = np.flatnonzero(role == 0), np.flatnonzero(role == 1)
    same = lambda units: (X[:, None, units] == X[None, :, units]).all(axis=2)
    wanted = np.where(same([*asked, *known]), p, 0).sum(axis=1) / np.where(same(known), p, 0).sum(axis=1)
    got = exact.conditional_likelihood(model, X, known, asked)
    np.testing.assert_allclose(got, wanted, rtol=1e-9)
    rest = np.setdiff1d(np.arange(D), known)
    np.testing.assert_array_equal(
        exact.log_conditional_likelihood(model, X, known), exact.log_conditional_likelihood(model, X, known, rest)
    )


def test_conditionals_multiply_to_the_likelihood():
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(5, 3, rng, 2.0), td.RBM.init(3, 4, rng, 2.0)])
    X = exact.states(5)
    chain = sum(exact.log_conditional_likelihood(dbn, X, given=range(i), of=[i]) for i in range(5))
    np.testing.assert_allclose(chain, exact.log_likelihood(dbn, X), rtol=1e-13)


@settings(max_examples=30)
@given(models, st.integers(0, 1000))
def test_divergence_from_data(model, seed):
    D = sizes(model)[0]
    X = rows(D, 5, seed)
    counts = np.bincount([brute_force.row(x) for x in X], minlength=2**D) / 5
    p = table(model).reshape(2**D, -1).sum(axis=1)
    seen = counts > 0
    assert exact.data_entropy(X) == pytest.approx(-(counts[seen] * np.log(counts[seen])).sum(), abs=1e-12)
    wanted = (counts[seen] * np.log(counts[seen] / p[seen])).sum()
    assert exact.kl_from_data(model, X) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert wanted == pytest.approx(-exact.data_entropy(X) - exact.log_likelihood(model, X).mean(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 2, 2), (2, 2, 1, 2)])
def test_samples_have_the_joint_distribution(shape):
    model = stacked_dbn(*shape, weights=1.5, biases=1.5, seed=sum(shape))
    model = model if model.layers else model.top
    layers = exact.sample(model, 40_000, np.random.default_rng(1))
    assert [h.shape for h in layers] == [(40_000, n) for n in shape]
    p = table(model)
    counts = np.zeros(p.shape)
    np.add.at(counts, tuple((h @ 2 ** np.arange(h.shape[1])).astype(int) for h in layers), 1)
    expected = 40_000 * p
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - (p.size - 1)) < 5 * np.sqrt(2 * (p.size - 1)) + 5
    again = exact.sample(model, 40_000, np.random.default_rng(1))
    assert all((a == b).all() for a, b in zip(layers, again, strict=True))


def test_a_state_without_probability_is_never_drawn():
    p = np.array([0.0, 0.1, 0.0, 0.9 / 7 * 7, 0.0, 0.0, 0.0, 0.0])
    u = np.array([0.0, 0.05, 0.1, 0.5, np.nextafter(1, 0)])
    drawn = exact.samples.inverse_transform(p, u)
    assert set(drawn @ [1, 2, 4]) == {1, 3}


@settings(max_examples=20)
@given(rbms(visible=3, hidden=2, scales=(0.5, 2.0)))
def test_fisher_information_is_the_expected_curvature(rbm):
    """Against the definition, score by score in finite sums, and against the Hessian that the engine finds."""
    joint = brute_force.rbm_joint(rbm)
    x, h = np.array(brute_force.states(3)), np.array(brute_force.states(2))
    phi = np.array([[np.concatenate([np.outer(hh, xx).ravel(), xx, hh]) for hh in h] for xx in x])
    p = joint.sum(axis=1)
    score = np.einsum("xh,xhp->xp", joint / p[:, None], phi) - np.einsum("xh,xhp->p", joint, phi)
    F = exact.fisher_information(rbm)
    np.testing.assert_allclose(F, np.einsum("x,xp,xq->pq", p, score, score), atol=1e-12)

    direction = np.random.default_rng(0).normal(size=len(F))
    v = td.RBM(direction[:6].reshape(2, 3), direction[6:9], direction[9:])
    Hv = td.hvp(lambda m: (p * exact.log_likelihood(m, x)).sum(), rbm, v)
    curvature = -np.concatenate([Hv.W.ravel(), Hv.b, Hv.c])
    np.testing.assert_allclose(F @ direction, curvature, atol=1e-9)


def test_the_quantities_differentiate():
    rng = np.random.default_rng(0)
    dbn = td.DBN.from_rbms([td.RBM.init(3, 2, rng, 1.0), td.RBM.init(2, 1, rng, 1.0)])
    X = exact.states(3)[4:7]
    for f in (
        exact.entropy,
        lambda m: exact.kl_from_data(m, X),
        lambda m: exact.log_conditional_likelihood(m, X[:2], [0, 2]).mean(),
        lambda m: exact.unit_means(m, 0)[1],
        lambda m: exact.log_joint(m, X, X[:, :2], X[:, 2:]).mean(),
        lambda m: exact.deep_bound(m, X).mean(),
        lambda m: exact.audit(m, X).kl.mean(),
        lambda m: exact.audit_layers(m, X).kl.mean(),
        lambda m: exact.prior_divergence(m, X),
    ):
        td.check_grads(f, [dbn], order=1, modes=["vjp"], rtol=1e-4)


RBM3 = td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2))
X3 = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: exact.log_marginal(RBM3, 2), ValueError, r"layers are 0 \(x\) to 1"),
        (lambda: exact.log_joint(RBM3, X3), ValueError, "log_joint of 1 layers for a model of 2"),
        (lambda: exact.log_joint(RBM3, *3 * [X3]), ValueError, "log_joint of 3 layers for a model of 2"),
        (lambda: exact.log_joint(RBM3, X3, np.zeros((1, 2))), ValueError, r"\[2, 1\] rows"),
        (
            lambda: exact.conditional_likelihood(RBM3, X3, [3]),
            ValueError,
            "given names visible unit 3: this model has units 0 to 2",
        ),
        (lambda: exact.conditional_likelihood(RBM3, X3, [0, 0]), ValueError, "twice"),
        (lambda: exact.conditional_likelihood(RBM3, X3, [0, 1, 2]), ValueError, "nothing is asked"),
        (lambda: exact.conditional_likelihood(RBM3, X3, [0], [0, 1]), ValueError, r"\[0\] are in `of` and in `given`"),
        (lambda: exact.sample(RBM3, 0, np.random.default_rng(0)), ValueError, "count=0: write a whole number from 1"),
        (lambda: exact.entropy(td.RBM.init(28, 2, np.random.default_rng(0))), exact.TooLarge, "2\\^28 states"),
        (
            lambda: exact.fisher_information(td.RBM.init(28, 9, np.random.default_rng(0))),
            exact.TooLarge,
            "2\\^28 states",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
