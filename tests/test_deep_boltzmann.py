"""The deep Boltzmann machine against sums over all its states, and its pre-training."""

from itertools import pairwise

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import leaves
from tests.random_models import rows
from tinygrad_dbn import exact, learning
from tinygrad_dbn.learning import pretrain_dbm
from tinygrad_dbn.learning.boltzmann import TiedCopies

SIZES = [(3, 2), (3, 2, 2), (2, 3, 2, 2), (2, 2, 1, 2, 2)]
shapes = pytest.mark.parametrize("sizes", SIZES)


def random_dbm(sizes, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    weights = tuple(rng.normal(0, scale, (upper, lower)) for lower, upper in pairwise(sizes))
    return td.DBM(weights, tuple(rng.normal(0, scale, n) for n in sizes))


def joint(dbm):
    """p(x, h1, …, hL) as a table (2^n0, …, 2^nL), by the energy of each configuration."""
    states = [exact.states(n) for n in dbm.sizes]
    table = np.empty([len(s) for s in states])
    for at in np.ndindex(table.shape):
        h = [s[i] for s, i in zip(states, at, strict=True)]
        met = sum(h[k + 1] @ W @ h[k] for k, W in enumerate(dbm.weights))
        table[at] = np.exp(met + sum(b @ s for b, s in zip(dbm.biases, h, strict=True)))
    return table / table.sum(), table.sum()


@shapes
def test_likelihood_and_partition_are_sums_over_all_states(sizes):
    dbm = random_dbm(sizes)
    p, Z = joint(dbm)
    X = exact.states(sizes[0])
    assert exact.log_partition(dbm.as_rbm()) == pytest.approx(np.log(Z), abs=1e-12)
    of_x = p.reshape(len(X), -1).sum(axis=1)
    np.testing.assert_allclose(exact.dbm_log_likelihood(dbm, X), np.log(of_x), rtol=0, atol=1e-12)


@shapes
def test_energy_and_conditionals(sizes):
    dbm, rng = random_dbm(sizes), np.random.default_rng(1)
    h = [rng.integers(0, 2, (5, n)).astype(float) for n in sizes]
    p, Z = joint(dbm)
    at = tuple((layer @ 2 ** np.arange(n)).astype(int) for layer, n in zip(h, sizes, strict=True))
    np.testing.assert_allclose(-dbm.energy(*h), np.log(p[at] * Z), rtol=0, atol=1e-12)
    for k, n in enumerate(sizes):
        for j in range(n):
            on, off = ([*h[:k], np.where(np.arange(n) == j, v, h[k]), *h[k + 1 :]] for v in (1, 0))
            np.testing.assert_allclose(dbm.logits(k, h)[:, j], dbm.energy(*off) - dbm.energy(*on), atol=1e-12)


@shapes
def test_mean_field_loses_its_divergence_from_the_posterior(sizes):
    dbm, X = random_dbm(sizes, 3, 1.5), exact.states(sizes[0])
    p, _ = joint(dbm)
    posterior = p.reshape(len(X), -1) / p.reshape(len(X), -1).sum(axis=1, keepdims=True)
    found = exact.mean_field(dbm, X)
    q = np.ones((len(X), 1))
    for mean in found.means:
        states = exact.states(mean.shape[1])
        of_layer = np.prod(np.where(states == 1, mean[:, None], 1 - mean[:, None]), axis=-1)
        q = (q[:, :, None] * of_layer[:, None]).reshape(len(X), -1)
    kl = (q * np.log(q / posterior)).sum(axis=1)
    log_p = exact.dbm_log_likelihood(dbm, X)
    np.testing.assert_allclose(log_p - found.bound, kl, rtol=0, atol=1e-11)
    assert (kl > -1e-12).all()
    assert (kl.max() > 1e-3) == (len(sizes) > 2)  # of one hidden layer the posterior is a product
    bounds = [exact.mean_field(dbm, X, sweeps).bound for sweeps in range(6)]
    assert all((after >= before - 1e-12).all() for before, after in pairwise(bounds))
    assert len(sizes) == 2 or (bounds[1] > bounds[0]).any()


@shapes
def test_the_gradient_is_the_difference_of_two_expectations(sizes):
    """E[h_k h_(k−1)ᵀ | x] − E[h_k h_(k−1)ᵀ], and of the biases E[h_k | x] − E[h_k], from the table."""
    dbm, X = random_dbm(sizes, 5), rows(sizes[0], 4)
    p, _ = joint(dbm)
    of_x = p.reshape(len(p), -1).sum(axis=1)
    given = np.zeros(len(p))
    for x in X:
        given[int(x @ 2 ** np.arange(sizes[0]))] += 1 / len(X)
    data = p * (given / of_x).reshape(-1, *[1] * (p.ndim - 1))
    states = [exact.states(n) for n in sizes]
    found = exact.dbm_gradient(dbm, X)
    for k, b in enumerate(found.biases):
        apart = (data - p).sum(axis=tuple(i for i in range(p.ndim) if i != k))
        np.testing.assert_allclose(b, apart @ states[k], atol=1e-12)
    for k, W in enumerate(found.weights):
        apart = (data - p).sum(axis=tuple(i for i in range(p.ndim) if i not in (k, k + 1)))
        np.testing.assert_allclose(W, states[k + 1].T @ apart.T @ states[k], atol=1e-12)


def test_annealing_finds_log_z():
    dbm = random_dbm((6, 5, 4))
    found = exact.annealed(dbm.as_rbm(), 500, np.linspace(0, 1, 200), np.random.default_rng(0))
    assert found.log_partition == pytest.approx(float(exact.log_partition(dbm.as_rbm())), abs=0.1)


def test_samples_have_the_models_means():
    dbm, count = random_dbm((3, 2, 2)), 40_000
    p, _ = joint(dbm)
    mean = p.reshape(8, -1).sum(axis=1) @ exact.states(3)
    x = dbm.sample(count, np.random.default_rng(0), 100)
    assert (np.abs(x.mean(axis=0) - mean) < 5 * np.sqrt(mean * (1 - mean) / count)).all()


# ---- Pre-training ----------------------------------------------------------------------------------------------------


def test_copies_are_one_rbm_whose_gradients_add_up():
    rbm = td.RBM.init(3, 2, np.random.default_rng(0), 1.0)
    tied, X = TiedCopies(rbm, 2, 2), rows(6, 5)
    whole = td.RBM(np.tile(rbm.W, (2, 2)), np.tile(rbm.b, 2), np.tile(rbm.c, 2))
    np.testing.assert_array_equal(tied.free_energy(X), whole.free_energy(X))
    found = td.grad(lambda m: m.free_energy(X).sum())(tied).rbm
    apart = td.grad(lambda m: m.free_energy(X).sum())(whole)
    np.testing.assert_allclose(found.W, apart.W.reshape(2, 2, 2, 3).sum(axis=(0, 2)), atol=1e-12)
    np.testing.assert_allclose(found.b, apart.b.reshape(2, 3).sum(axis=0), atol=1e-12)


def test_put_together_each_layer_hears_half_of_what_its_two_rbms_heard():
    rng = np.random.default_rng(0)
    lower, upper = td.RBM.init(3, 2, rng, 1.0), td.RBM.init(2, 2, rng, 1.0)
    lower, upper = td.RBM(lower.W, lower.b, [0.3, -1]), td.RBM(upper.W, [1, 0.5], upper.c)
    x, h2 = rows(3, 4), rows(2, 4, 1)
    dbm = td.DBM.from_rbms([lower, upper])
    heard = TiedCopies(lower, 2, 1).whole.hidden_logits(np.tile(x, 2))
    heard = heard + TiedCopies(upper, 1, 2).whole.visible_logits(np.tile(h2, 2))
    np.testing.assert_allclose(dbm.logits(1, [x, None, h2]), heard / 2, atol=1e-12)


@pytest.mark.parametrize("sizes", [(9, 6, 4), (9, 6, 4, 3)])
def test_pretraining_comes_nearer_the_data_than_independent_units(sizes):
    X = td.datasets.bars_and_stripes(3).train
    train = lambda epochs: pretrain_dbm(X, sizes, seed=0, epochs=epochs, rate=0.1, batch=14, scale=0.1)
    dbm = train(200)
    independent = -9 * np.log(2)  # every pixel is on in half of the pictures
    found = np.mean(exact.dbm_log_likelihood(dbm, X))
    assert independent + 0.3 < found < exact.optimum(X)
    for mine, theirs in zip(leaves(train(5)), leaves(train(5)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_diverging_layer_is_named():
    named = pytest.raises(learning.Diverged, match=r"^layer 1 of 2 diverged in epoch \d: lower the rate")
    with named, np.errstate(all="ignore"):
        pretrain_dbm(rows(3, 9), (3, 2, 2), seed=0, epochs=3, rate=1e308)


def test_a_layer_may_have_one_unit():
    assert pretrain_dbm(rows(3, 9), (3, 1, 2), seed=0, epochs=1).sizes == (3, 1, 2)


# ---- Files and refusals ----------------------------------------------------------------------------------------------


def test_files(tmp_path):
    dbm = random_dbm((3, 2, 2))
    td.save(tmp_path / "m", dbm)
    for mine, theirs in zip(leaves(td.load(tmp_path / "m")), leaves(dbm), strict=True):
        np.testing.assert_array_equal(mine, theirs)


DBM, RBM = random_dbm((3, 2, 2)), td.RBM.init(2, 3, 0)
REAL, CHOOSING = td.GaussianRBM(RBM.W, RBM.b, RBM.c), td.CategoricalRBM(RBM.W, RBM.b, RBM.c, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: td.DBM((), ()), "0 weight matrices and 0 biases: a DBM has at least one matrix"),
        (lambda: td.DBM(DBM.weights, DBM.biases[:2]), "2 weight matrices and 2 biases"),
        (lambda: td.DBM(DBM.weights[::-1], DBM.biases), r"weights\[1\] has shape \(2, 3\), it should be \(any, 2\)"),
        (lambda: td.DBM(DBM.weights, DBM.biases[::-1]), r"biases\[0\] has shape \(2,\), it should be \(3,\)"),
        (lambda: td.DBM((DBM.weights[0] * np.nan,), DBM.biases[:2]), r"weights\[0\]\[0, 0\] is nan"),
        (lambda: td.DBM.from_rbms([]), "at least one RBM"),
        (lambda: td.DBM.from_rbms([REAL, RBM]), "GaussianRBM has real visible units, and a DBM has none but zeros and"),
        (lambda: td.DBM.from_rbms([CHOOSING, RBM]), "CategoricalRBM has categorical visible units"),
        (lambda: td.DBM.from_rbms([RBM, REAL]), "GaussianRBM has real visible units"),
        (lambda: td.DBM.from_rbms([RBM, RBM]), "h1 has 3 units in RBM 1, but W of RBM 2 has 2 columns: .* have 3"),
        (lambda: DBM.energy(rows(3, 2)), r"1 of the layers of a DBM of sizes \(3, 2, 2\): give all, x first"),
        (lambda: DBM.energy(*[rows(3, 2)] * 4), "4 of the layers"),
        (lambda: DBM.sample(0, np.random.default_rng(0)), "count=0: write a whole number from 1"),
        (lambda: DBM.sample(1, 0, 1.5), r"steps=1\.5: write a whole number from 0"),
        (lambda: exact.dbm_log_likelihood(DBM, np.full((2, 3), 0.5)), r"is 0\.5: the model is over"),
        (lambda: exact.mean_field(DBM, rows(2, 2)), "2 units for a model of 3"),
        (lambda: exact.mean_field(DBM, rows(3, 2), -1), "sweeps=-1: write a whole number from 0"),
        (lambda: exact.mean_field(DBM, rows(3, 2), tolerance=np.nan), "tolerance=nan: write a finite number from 0 on"),
        (lambda: exact.dbm_log_likelihood(random_dbm((3, 60, 60)), rows(3, 2)), "the budget is"),
        (lambda: pretrain_dbm(rows(3, 9), (3, 2), seed=0, epochs=1), "at least two hidden layers"),
        (lambda: pretrain_dbm(rows(3, 9), (3, 2, 2), seed=0, epochs=1, rule="ml"), "by 'cd' or 'pcd'"),
        (lambda: pretrain_dbm(rows(3, 9), (), seed=0, epochs=1), "at least two hidden layers"),
        (lambda: pretrain_dbm(rows(3, 9), (3, 0, 2), seed=0, epochs=1), r"sizes\[1\]=0: write a whole number from 1"),
        (lambda: pretrain_dbm(rows(3, 9), (3, 2.5, 2), seed=0, epochs=1), r"sizes\[1\]=2\.5: write"),
    ],
)
def test_other_input_is_refused_with_what_to_write(call, said):
    with pytest.raises(ValueError, match=said):
        call()
