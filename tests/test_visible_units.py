"""RBMs and DBNs of real and of categorical visible units, against their definitions summed term by term."""

import hashlib
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tests.comparing import leaves
from tests.running import THREADS, python
from tinygrad_dbn import exact
from tinygrad_dbn.learning import (
    contrastive_divergence,
    greedy,
    maximum_likelihood,
    persistent_contrastive_divergence,
)
from tinygrad_dbn.models import GaussianLayer, one_hot

K = 3  # values of a categorical unit


def gaussian(visible, hidden, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    shapes = (hidden, visible), visible, hidden, visible
    return td.GaussianRBM(*(rng.normal(0, scale, shape) for shape in shapes))


def categorical(visible, hidden, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    shapes = (hidden, K * visible), K * visible, hidden
    return td.CategoricalRBM(*(rng.normal(0, scale, shape) for shape in shapes), K)


def reals(rbm, count, seed=1):
    return np.random.default_rng(seed).normal(0, 2, (count, rbm.W.shape[1]))


def values(rbm, count, seed=1):
    return one_hot(np.random.default_rng(seed).integers(0, K, (count, rbm.W.shape[1] // K)), K)


KINDS = {"real": (gaussian, reals), "categorical": (categorical, values)}
kinds = pytest.mark.parametrize(("make", "data"), KINDS.values(), ids=KINDS)


def binary(visible, hidden, seed=0):
    return td.RBM.init(K * visible, hidden, seed, 1.0)


def bits(rbm, count, seed=1):
    return np.random.default_rng(seed).integers(0, 2, (count, rbm.W.shape[1])).astype(float)


ALL_KINDS = {"binary": (binary, bits), **KINDS}
all_kinds = pytest.mark.parametrize(("make", "data"), ALL_KINDS.values(), ids=ALL_KINDS)


def stacked(make, *sizes, seed=0):
    """A DBN upon an RBM of another kind, its recognition weights its own."""
    lowest = make(sizes[0], sizes[1], seed)
    upper = [td.RBM.init(v, h, np.random.default_rng(seed + h), 1.0) for v, h in pairwise(sizes[1:])]
    dbn = td.DBN.from_rbms([lowest, *upper])
    first = dbn.layers[0]
    return td.DBN((replace(first, R=first.R + 0.3), *dbn.layers[1:]), dbn.top)


# ---- The definitions, term by term -----------------------------------------------------------------------------------


def energy(rbm, x, h):
    """E(x, h) of one configuration."""
    if rbm.units == "categorical":
        return -(h @ rbm.W @ x + rbm.c @ h + rbm.b @ x)
    variance = np.exp(rbm.log_variance)
    return ((x - rbm.b) ** 2 / (2 * variance)).sum() - rbm.c @ h - h @ rbm.W @ (x / variance)


def every_x(rbm):
    """All states of categorical units."""
    return one_hot(
        np.stack(np.meshgrid(*[range(K)] * (rbm.W.shape[1] // K), indexing="ij"), -1).reshape(-1, len(rbm.b) // K), K
    )


def densities(layer, h):
    """p(x | h) as a function of one x."""
    a = layer.b + h @ layer.W
    if layer.units == "real":
        s = np.exp(layer.log_variance / 2)
        return lambda x: np.prod(np.exp(-((x - a) ** 2) / (2 * s**2)) / (s * np.sqrt(2 * np.pi)))
    return lambda x: np.prod(
        [np.exp(b[v == 1][0]) / np.exp(b).sum() for b, v in zip(a.reshape(-1, K), x.reshape(-1, K), strict=True)]
    )


def prior(rbm):
    """p(h) of an RBM by its definition, and Z: of a normal density the integral is its height times √(2π) σ."""
    weights = []
    for h in exact.states(len(rbm.c)):
        if rbm.units == "categorical":
            weights.append(sum(np.exp(-energy(rbm, x, h)) for x in every_x(rbm)))
        else:
            peak = rbm.b + h @ rbm.W
            weights.append(np.exp(-energy(rbm, peak, h)) * np.prod(np.sqrt(2 * np.pi) * np.exp(rbm.log_variance / 2)))
    return np.array(weights) / np.sum(weights), np.sum(weights)


def mixture(p, layer, X):
    """log Σ_h p(h) p(x | h) for rows X."""
    parts = [densities(layer, h) for h in exact.states(len(layer.W))]
    return np.log([sum(w * part(x) for w, part in zip(p, parts, strict=True)) for x in X])


@settings(max_examples=20)
@given(st.sampled_from(list(KINDS)), st.integers(1, 3), st.integers(1, 4), st.integers(0, 100))
def test_likelihood_is_a_mixture_over_hidden_states(kind, visible, hidden, seed):
    make, data = KINDS[kind]
    rbm = make(visible, hidden, seed)
    X, (p, Z) = data(rbm, 4, seed), prior(rbm)
    assert exact.log_partition(rbm) == pytest.approx(np.log(Z), abs=1e-11)
    np.testing.assert_allclose(exact.log_likelihood(rbm, X), mixture(p, rbm, X), rtol=0, atol=1e-11)


@kinds
def test_energies_and_conditionals(make, data):
    rbm = make(2, 3)
    X, H = data(rbm, 5), exact.states(3)
    table = np.array([[energy(rbm, x, h) for h in H] for x in X])
    np.testing.assert_allclose(rbm.energy(X[:, None], H[None]), table, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rbm.free_energy(X), -np.log(np.exp(-table).sum(axis=1)), rtol=0, atol=1e-12)
    given_x = np.exp(-table) / np.exp(-table).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rbm.hidden_given_visible(X), given_x @ H, rtol=0, atol=1e-12)
    p, Z = prior(rbm)
    np.testing.assert_allclose(-np.asarray(rbm.hidden_free_energy(H)), np.log(p * Z), rtol=0, atol=1e-11)
    layer = rbm.directed()
    by_state = np.log([[densities(layer, h)(x) for h in H] for x in X])
    np.testing.assert_allclose(layer.log_conditional(X, H), by_state, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.recognition_logits(X), rbm.hidden_logits(X), rtol=0, atol=1e-12)


def test_a_density_integrates_to_one():
    """In one dimension by the trapezium rule, whose error for what dies out smoothly is below rounding."""
    rbm = gaussian(1, 3)
    x = np.linspace(-40, 40, 8001)[:, None]
    for model in (rbm, stacked(gaussian, 1, 3, 2)):
        assert np.exp(exact.log_likelihood(model, x)).sum() * (x[1, 0] - x[0, 0]) == pytest.approx(1, abs=1e-12)


def test_probabilities_sum_to_one():
    rbm = categorical(3, 2)
    for model in (rbm, stacked(categorical, 3, 2, 3)):
        assert np.exp(exact.log_likelihood(model, every_x(rbm))).sum() == pytest.approx(1, abs=1e-12)


def test_two_categories_are_zeros_and_ones():
    """A unit of two values is on or off: the RBM of the differences of their parameters."""
    rng = np.random.default_rng(0)
    W, b, c = rng.normal(size=(3, 8)), rng.normal(size=8), rng.normal(size=3)
    two = td.CategoricalRBM(W, b, c, 2)
    one = td.RBM(W[:, 1::2] - W[:, ::2], b[1::2] - b[::2], c + W[:, ::2].sum(axis=1))
    X = rng.integers(0, 2, (6, 4))
    np.testing.assert_allclose(exact.log_likelihood(two, one_hot(X, 2)), exact.log_likelihood(one, X), atol=1e-12)


# ---- DBNs ------------------------------------------------------------------------------------------------------------


@kinds
def test_a_dbn_upon_them_is_a_mixture_too(make, data):
    dbn = stacked(make, 2, 3, 4, 2)
    X, p = data(dbn.layers[0], 6), np.exp(exact.log_prior(dbn))
    np.testing.assert_allclose(exact.log_likelihood(dbn, X), mixture(p, dbn.layers[0], X), rtol=0, atol=1e-11)
    of_h1 = td.DBN(dbn.layers[1:], dbn.top)
    np.testing.assert_allclose(np.log(p), exact.log_likelihood(of_h1, exact.states(3)), rtol=0, atol=1e-11)


@kinds
def test_the_bound_loses_a_divergence_from_the_posterior(make, data):
    dbn = stacked(make, 2, 3, 4, 2)
    layer, X, H = dbn.layers[0], data(dbn.layers[0], 6), exact.states(3)
    joint = np.exp(exact.log_prior(dbn)) * np.array([[densities(layer, h)(x) for h in H] for x in X])
    posterior = joint / joint.sum(axis=1, keepdims=True)
    s = 1 / (1 + np.exp(-(layer.c + X @ layer.R.T)))[:, None]
    q = np.prod(np.where(H == 1, s, 1 - s), axis=-1)
    audit, layers = exact.audit(dbn, X), exact.audit_layers(dbn, X)
    np.testing.assert_allclose(exact.posterior(dbn, X), posterior, atol=1e-12)
    np.testing.assert_allclose(audit.bound, (q * np.log(joint / q)).sum(axis=1), atol=1e-11)
    np.testing.assert_allclose(audit.kl, (q * np.log(q / posterior)).sum(axis=1), atol=1e-11)
    assert (audit.kl > 1e-4).all()
    np.testing.assert_allclose(audit.log_likelihood, np.log(joint.sum(axis=1)), atol=1e-11)
    np.testing.assert_allclose(exact.bound(dbn, X), audit.bound, atol=1e-12)
    np.testing.assert_allclose(exact.bound(dbn, X, posterior), audit.log_likelihood, atol=1e-11)
    assert np.abs([audit.residual, layers.residual]).max() < 1e-11
    assert (layers.bound <= audit.bound + 1e-12).all()
    best = exact.best_factorial(dbn, X, np.random.default_rng(0), 2).bound
    assert (audit.bound <= best).all()
    assert (best <= audit.log_likelihood + 1e-12).all()


@all_kinds
def test_class_units_leave_x_what_it_is(make, data):
    """Whichever class unit is on, p(x | h) is that of the layer without them."""
    below, top = make(2, 3), td.RBM.init(3 + 2, 4, 1, 1.0)
    dbn, layer = td.DBN.with_classes([below, top], 2), below.directed()
    assert (type(dbn.lowest), dbn.units, dbn.sizes[1:]) == (type(layer), below.units, (5, 4))
    X, H = data(below, 4), exact.states(3)
    for on in np.eye(2):
        with_class = np.hstack([H, np.tile(on, (len(H), 1))])
        np.testing.assert_allclose(
            dbn.lowest.log_conditional(X, with_class), layer.log_conditional(X, H), rtol=0, atol=1e-12
        )


# ---- Gradients and learning ------------------------------------------------------------------------------------------


def models(make):
    return [make(2, 3), stacked(make, 2, 3, 2)]


@kinds
@pytest.mark.parametrize("at", [0, 1], ids=["RBM", "DBN"])
def test_the_gradient_is_the_slope_of_the_likelihood(make, data, at):
    model = models(make)[at]
    X = data(getattr(model, "lowest", model), 5)
    parameters, rebuild = td.autodiff.trees.flatten(model)
    for k, slopes in enumerate(leaves(exact.gradient(model, X))):
        for index in np.ndindex(slopes.shape):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = parameters[k].copy()
                moved[index] += step
                ends.append(np.mean(exact.log_likelihood(rebuild([*parameters[:k], moved, *parameters[k + 1 :]]), X)))
            assert slopes[index] == pytest.approx((ends[1] - ends[0]) / 2e-5, abs=1e-7)


def test_a_fixed_variance_stays():
    rbm = replace(gaussian(2, 3), learns_variance=False)
    X, rng = reals(rbm, 20), np.random.default_rng(0)
    free = exact.gradient(replace(rbm, learns_variance=True), X)
    assert (np.abs(free.log_variance) > 1e-3).all()
    for direction in (
        maximum_likelihood(rbm, X),
        contrastive_divergence(rbm, X, rng),
        persistent_contrastive_divergence(rbm, X, rng, X)[0],
    ):
        assert (direction.log_variance == 0).all()
        assert all((np.abs(part) > 0).any() for part in (direction.W, direction.b, direction.c))
    np.testing.assert_array_equal(exact.gradient(rbm, X).W, free.W)


@kinds
def test_cd_becomes_the_gradient(make, data):
    """Long chains from many copies of the data: their mean is the model's, within some six standard errors."""
    rbm = make(2, 2, scale=0.5)
    X = np.repeat(data(rbm, 4), 10_000, axis=0)
    found = contrastive_divergence(rbm, X, np.random.default_rng(0), k=30)
    for mine, theirs in zip(leaves(found), leaves(exact.gradient(rbm, X)), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=0.08)


def clustered(make):
    """Rows of two clusters of real x, or of K patterns with a unit in ten changed: no independent units have them."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, K, (100, 1))
    if make is gaussian:
        return np.where(which == 0, 2.0, -2.0) * [1, -1, 1] + rng.normal(0, 0.5, (100, 3))
    return one_hot(np.where(rng.random((100, 3)) < 0.1, rng.integers(0, K, (100, 3)), which), K)


@kinds
@pytest.mark.parametrize("rule", ["cd", "pcd", "ml"])
def test_greedy_training_finds_the_clusters_and_goes_on_to_the_same_bits(make, data, rule):
    X, rng = clustered(make), np.random.default_rng(1)
    if make is gaussian:
        lowest = td.GaussianRBM.for_data(X, 4, rng, 0.1)
    else:
        lowest = td.CategoricalRBM.for_data(X, 4, rng, K, 0.1)
    sizes, settings = (X.shape[1], 4, 3), {"seed": 0, "epochs": 30, "rule": rule, "rate": 0.05, "batch": 20}
    course = list(greedy(X, sizes, lowest=lowest, **settings))
    figures = [np.mean(exact.log_likelihood(at.rbms[0], X)) for at in course[:31:5]]
    assert max(figures) > figures[0] + 0.5  # sampled rules wander on: learned variances feel a wrong sample much
    assert np.isfinite(exact.log_likelihood(course[-1].model, X)).all()
    assert course[-1].model.units == lowest.units
    again = list(greedy(X, sizes, lowest=lowest, start=course[-5], **settings))
    for mine, theirs in zip(leaves(again[-1]), leaves(course[-1]), strict=True):
        np.testing.assert_array_equal(mine, theirs)


# ---- Samples ---------------------------------------------------------------------------------------------------------


@kinds
def test_samples_have_the_models_moments(make, data):
    """Exact samples, Gibbs chains from them and from chance, a DBN's way down: means within five standard errors."""
    rng, count = np.random.default_rng(0), 40_000
    rbm, dbn = make(2, 3), stacked(make, 2, 3, 2)
    p, _ = prior(rbm)
    drawn = exact.sample(rbm, count, rng)
    for x in (drawn[0], rbm.gibbs(drawn[0], rng, 2), rbm.sample(count, rng, 50), rbm.sample(count, rng, 50, mean=True)):
        assert_mean(x, p @ np.array([rbm.visible_given_hidden(h) for h in exact.states(3)]))
    assert_mean(drawn[1], p @ exact.states(3))
    mean = np.exp(exact.log_prior(dbn)) @ np.asarray(dbn.layers[0].visible_given_hidden(exact.states(3)))
    for x in (exact.sample(dbn, count, rng)[0], dbn.sample(count, rng, 100)):
        assert_mean(x, mean)


def assert_mean(x, mean):
    assert (np.abs(x.mean(axis=0) - mean) <= 5 * x.std(axis=0) / np.sqrt(len(x)) + 1e-12).all()


@kinds
def test_a_chain_starts_at_chance_or_where_it_is_told(make, data):
    rbm, count, rng = make(3, 2), 40_000, np.random.default_rng(0)
    x = rbm.sample(count, rng, 0)
    assert_mean(x, {"categorical": 1 / K, "real": rbm.b}[rbm.units])
    exact.log_likelihood(rbm, x[:5])  # which takes nothing but examples
    assert (x.std(axis=0) > 0).all()
    X = data(rbm, 4)
    np.testing.assert_array_equal(rbm.sample(4, rng, 0, start=X), X)
    np.testing.assert_array_equal(rbm.sample(4, 5, 3, start=X), rbm.gibbs(X, 5, 3))


def test_samples_have_the_variances():
    rbm, rng = gaussian(2, 1), np.random.default_rng(0)
    x = rbm.draw_visible(np.zeros((100_000, 2)), rng)
    np.testing.assert_allclose(x.var(axis=0), np.exp(rbm.log_variance), rtol=0.02)


@kinds
def test_clamped_units_stay(make, data):
    rbm = make(3, 2)
    X = data(rbm, 4)
    clamp = np.where(np.arange(X.shape[1]) < K, X, np.nan)
    for x in (rbm.gibbs(X, np.random.default_rng(0), 5, clamp), rbm.sample(4, 0, 5, clamp=clamp)):
        np.testing.assert_array_equal(x[:, :K], X[:, :K])
        assert (x[:, K:] != X[:, K:]).any() or make is gaussian
    np.testing.assert_array_equal(rbm.sample(4, 0, 0, clamp=clamp)[:, :K], X[:, :K])


@all_kinds
def test_what_is_clamped_is_so_from_the_first_hidden_state_to_the_mean(make, data):
    rbm = make(4, 2)
    X, others = data(rbm, 40), data(rbm, 40, seed=2)
    clamp = np.where(np.arange(X.shape[1]) < K, X, np.nan)
    begun = np.where(np.isnan(clamp), others, clamp)
    np.testing.assert_array_equal(rbm.gibbs(others, 0, 0, clamp), begun)
    np.testing.assert_array_equal(rbm.gibbs(others, 0, 1, clamp)[:, K:], rbm.gibbs(begun, 0, 1)[:, K:])
    mean = rbm.sample(40, 0, 3, start=others, mean=True, clamp=clamp)
    np.testing.assert_array_equal(mean[:, :K], X[:, :K])
    assert len(np.unique(mean[:, K:])) > 2
    narrow, integers = rbm.gibbs(others.astype("f4"), 0, 0, clamp), np.zeros(X.shape, int)
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(rbm.gibbs(integers, 0, 0, X), X)


def first(value):
    """A clamp of the first place to a value, all others free."""
    return lambda X: np.where(np.arange(X.shape[1]) == 0, value, np.nan)


NO_SAMPLES = [
    ({"count": 0}, "count=0: write a whole number from 1 on"),
    ({"count": 2.5}, r"count=2\.5: write a whole number"),
    ({"steps": -1}, "steps=-1: write a whole number from 0 on"),
    ({"steps": 1.5}, r"steps=1\.5: write a whole number from 0 on"),
    ({"start": lambda X: X[:3]}, r"start has shape \(3, 6\): a row for each chain, \(4, 6\)"),
    ({"start": lambda X: X[0]}, r"start has shape \(6,\)"),
    ({"start": lambda X: X[:, :3]}, r"start has shape \(4, 3\)"),
    ({"start": lambda X: X + np.nan}, r"start\[0, 0\] is nan: visible units are"),
    ({"start": lambda X: X + np.inf}, r"start\[0, 0\] is inf"),
    ({"clamp": first(np.inf)}, r"clamp\[0\] is inf: .*; write NaN where a unit is free"),
    ({"clamp": lambda X: X[0, :1]}, r"clamp has shape \(1,\) for x of shape \(4, 6\): write \(6,\) or \(4, 6\)"),
    ({"clamp": lambda X: X[:3]}, r"clamp has shape \(3, 6\)"),
]
NO_BITS = [
    ({"start": lambda X: X / 2}, r"start\[\d, \d\] is 0\.[05]: visible units are zeros and ones"),
    ({"clamp": first(0.3)}, r"clamp\[0\] is 0\.3: visible units are zeros and ones"),
    ({"clamp": first(7)}, r"clamp\[0\] is 7\.0"),
]
NO_CHOICE = [
    ({"clamp": first(1)}, r"clamp\[0\] is 1\.0: .*, a single one among the places of each unit; write NaN"),
    ({"start": np.ones_like}, r"start\[0, 0\] is 1\.0: .*, a single one among the places"),
    ({"start": np.zeros_like}, r"start\[0, 0\] is 0\.0"),
]


@all_kinds
def test_no_sampler_takes_what_it_cannot_use(make, data):
    rbm = make(2 * K if make is gaussian else 2, 3)
    X = data(rbm, 4)
    samplers = [rbm, td.DBN((), rbm), td.DBN.from_tied(rbm.transposed())] if make is binary else [rbm]
    more = {"binary": NO_BITS, "categorical": [*NO_BITS, *NO_CHOICE], "real": []}[rbm.units]
    for asked, said in [*NO_SAMPLES, *more]:
        settings = {name: value(X) if callable(value) else value for name, value in asked.items()}
        calls = [partial(model.sample, **{"count": 4, "rng": 0, "steps": 1, **settings}) for model in samplers]
        if settings.keys() <= {"clamp", "steps"}:
            calls.append(partial(rbm.gibbs, X, 0, **settings))
        for call in calls:
            with pytest.raises(ValueError, match=said):
                call()
    with pytest.raises(ValueError, match=r"x has shape \(4, 5\): rows \(T, 6\) for 6 visible units"):
        rbm.gibbs(np.ones((4, 5)), 0)


# ---- Widths, extremes, files, threads --------------------------------------------------------------------------------


@kinds
def test_float32_is_kept_and_summed_in_float64(make, data):
    wide = make(2, 3)
    parameters, rebuild = td.autodiff.trees.flatten(wide)
    rbm = rebuild([p.astype(np.float32) for p in parameters])
    X = data(rbm, 5).astype(np.float32)
    as_wide = rebuild([p.astype(np.float32).astype(float) for p in parameters])
    np.testing.assert_array_equal(exact.log_likelihood(rbm, X), exact.log_likelihood(as_wide, X.astype(float)))
    assert {g.dtype for g in leaves(exact.gradient(rbm, X))} == {np.dtype(np.float32)}
    rng = np.random.default_rng(0)
    assert rbm.gibbs(X, rng).dtype == rbm.sample(3, rng, 0).dtype == rbm.sample(3, rng, 1).dtype == np.float32
    assert {g.dtype for g in leaves(contrastive_divergence(rbm, X, rng))} == {np.dtype(np.float32)}


@kinds
def test_balls_enclose_the_figures(make, data):
    for model in models(make):
        X = data(getattr(model, "lowest", model), 2)
        value, error = exact.certified(exact.log_likelihood, model, X)
        np.testing.assert_allclose(exact.log_likelihood(model, X), value, rtol=0, atol=1e-12)
        assert (error < 1e-12).all()


def test_what_is_far_neither_overflows_nor_is_lost():
    far = td.GaussianRBM([[1.0]], [0.0], [0.0])  # its modes, 0 and 1, have weights 1 and √e
    log_p = -0.5e16 + 1e8 - 0.5 * np.log(2 * np.pi) - np.log(1 + np.exp(0.5))
    np.testing.assert_allclose(exact.log_likelihood(far, [[1e8]]), [log_p], rtol=1e-15)
    steep = td.CategoricalRBM(np.array([[3000.0, -3000, 0]]), np.zeros(3), np.zeros(1), K)
    np.testing.assert_allclose(exact.log_likelihood(steep, np.eye(3)), [0, -3000, np.log(2) - 3000], atol=1e-12)
    assert steep.hidden_given_visible(np.eye(3))[1] == 0


@kinds
def test_files(make, data, tmp_path):
    for model in (*models(make), models(make)[0].directed()):
        td.save(tmp_path / "m", model)
        loaded = td.load(tmp_path / "m")
        assert type(loaded) is type(model)
        assert all(
            getattr(loaded, f.name) == getattr(model, f.name) for f in fields(model) if f.type in ("int", "bool")
        )
        for mine, theirs in zip(leaves(loaded), leaves(model), strict=True):
            np.testing.assert_array_equal(mine, theirs)


HASHES = """
    import hashlib, sys
    from tests.test_visible_units import *
    from tinygrad_dbn.exact import budget
    budget.cores = lambda: int(sys.argv[1])
    for make, data in KINDS.values():
        for model in (make(40, 11), stacked(make, 40, 9, 8)):
            X, rng = data(getattr(model, "lowest", model), 601), np.random.default_rng(0)
            found = [exact.log_likelihood(model, X), exact.gradient(model, X), exact.sample(model, 50, rng)]
            found += [exact.audit(model, X)] if model.__class__ is td.DBN else [model.gibbs(X, rng, 2)]
            print(hashlib.sha256(b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves(found))).hexdigest())
"""


def test_same_bits_for_any_number_of_threads():
    first, other = (python(HASHES, n, **dict.fromkeys(THREADS, n)) for n in ("1", "3"))
    assert first == other
    assert len(set(first.split())) == 4 == len(first.split())
    assert hashlib.sha256(b"").hexdigest() not in first


# ---- What is refused -------------------------------------------------------------------------------------------------

X_REAL, RNG = reals(gaussian(2, 3), 3), np.random.default_rng(0)
PAIR = lambda g: td.CategoricalRBM(g.W, g.b, g.c, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g: exact.log_likelihood(g, X_REAL * np.nan), r"X\[0, 0\] is nan: .* finite real numbers; leave"),
        (lambda g: exact.gradient(g, X_REAL + np.inf), r"X\[0, 0\] is inf"),
        (lambda g: exact.log_likelihood(g, X_REAL[:, :1]), "1 units for a model of 2"),
        (lambda g: exact.log_likelihood(g, X_REAL[0]), r"one example: x\[None\]|One example: x\[None\]"),
        (lambda g: exact.log_likelihood(g, X_REAL * 1j), "complex"),
        (lambda g: exact.entropy(g), "real visible units: this sums over x of zeros and ones"),
        (lambda g: exact.entropy(td.DBN.from_rbms([g, td.RBM.init(3, 2, np.random.default_rng(0))])), "real visible"),
        (lambda g: exact.kl_from_data(g, X_REAL), "real visible units"),
        (lambda g: exact.annealed(g, 10, [0, 1], np.random.default_rng(0)), "real visible units"),
        (lambda g: exact.expected_cd(g, X_REAL), "real visible units"),
        (lambda g: exact.fisher_information(g), "real visible units"),
        (lambda g: exact.bound(g, X_REAL), "real visible units"),
        (lambda g: td.DBN.from_tied(g), "no DBN is tied to it: take the RBM itself"),
        (lambda g: td.DBN.from_rbms([g]), "or alone: in a DBN only a directed layer upon x"),
        (lambda g: td.DBN.from_rbms([td.RBM.init(4, 2, np.random.default_rng(0)), g]), "put an RBM above it"),
        (lambda g: td.GaussianRBM(g.W, g.b, g.c, [0.0]), r"log_variance has shape \(1,\), it should be \(2,\)"),
        (lambda g: td.GaussianRBM(g.W, g.b, g.c, [0.0, np.inf]), r"log_variance\[1\] is inf"),
        (lambda g: GaussianLayer(g.W, g.b, g.W, g.c, [0.0]), r"log_variance has shape \(1,\)"),
        (lambda g: td.GaussianRBM.for_data(X_REAL * 0, 2, RNG), "column 0 .* learns_variance=False"),
        (lambda g: td.GaussianRBM.for_data(X_REAL * 0 + 0.1, 2, RNG), r"column 0 of the data is 0\.1 throughout"),
        (lambda g: replace(g, learns_variance="no"), "learns_variance='no': write True or False"),
        (lambda g: td.CategoricalRBM.for_data(np.eye(2), 2, 0, 0), "categories=0 for W of 2 columns"),
        (lambda g: td.CategoricalRBM.for_data(np.eye(2), 2, 0, 2.0), r"categories=2\.0 for W of 2 columns"),
        (lambda g: td.CategoricalRBM.for_data(np.eye(3), 2, 0, 2), "categories=2 for W of 3 columns"),
        (lambda g: td.CategoricalRBM.for_data(np.ones((1, 2)), 2, 0, 2), r"X\[0, 0\] is 1\.0: .*one_hot\(values, 2\)"),
        (lambda g: list(greedy(X_REAL, (2, 4), seed=0, epochs=1, lowest=g)), "lowest has 2 visible and 3 hidden"),
        (lambda g: td.CategoricalRBM(g.W, g.b, g.c, 3), "categories=3 for W of 2 columns: write a whole number from 2"),
        (lambda g: td.CategoricalRBM(g.W, g.b, g.c, 2.0), r"categories=2\.0"),
        (lambda g: td.CategoricalRBM(g.W, g.b, g.c, True), "categories=True"),
        (lambda g: exact.log_likelihood(PAIR(g), [[1, 1]]), r"X\[0\] has 2 ones .*one_hot"),
        (lambda g: exact.log_likelihood(PAIR(g), [[0, 0]]), r"X\[0\] has 0 ones"),
        (lambda g: exact.log_likelihood(PAIR(g), [[0.5, 0.5]]), r"is 0\.5: the model is over"),
        (lambda g: one_hot([[3]], 3), r"values\[0, 0\] is 3: write rows \(T, D\) of whole numbers from 0 to 2"),
        (lambda g: one_hot([[0.5]], 3), r"values\[0, 0\] is 0\.5"),
        (lambda g: one_hot([1], 3), r"of shape \(1,\)"),
        (lambda g: one_hot([[1]], 2.5), r"categories=2\.5: write a whole number from 1 on"),
        (lambda g: one_hot([[np.nan]], 3), r"values\[0, 0\] is nan"),
    ],
)  # fmt: skip
def test_other_input_is_refused_with_what_to_write(call, said):
    with pytest.raises(ValueError, match=said):
        call(gaussian(2, 3))


@kinds
def test_sums_that_are_not_compiled_say_so(make, data):
    rbm = make(2, 3)
    with pytest.raises(TypeError, match=r"x of zeros and ones; this model or data holds .* other units"):
        exact.log_likelihood(rbm, data(rbm, 2), with_error=True)
    with pytest.raises(exact.TooLarge, match=r"2\^40 states"):
        exact.log_partition(make(2, 40))
    with pytest.raises(exact.TooLarge, match="pass max_bytes"):
        exact.gradient(make(200, 20), data(make(200, 1), 2))
