"""Annealed importance sampling, calibrated: how often does its interval hold the exact log Z?"""

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.random_models import random_rbm
from tinygrad_dbn import exact

MODELS = 150


def of_random_size(rng, scale):
    """An RBM of three to seven units on either side."""
    hidden, visible = rng.integers(3, 8, 2)
    return random_rbm(visible, hidden, scale, scale, rng)


def coverage(estimate, scale, temperatures, seed=1):
    """How many of MODELS random models have their exact log Z in the 95 % interval of 100 chains; the mean error."""
    rng = np.random.default_rng(seed)
    betas = np.linspace(0, 1, temperatures)
    held, errors = 0, []
    for _ in range(MODELS):
        rbm = of_random_size(rng, scale)
        truth, found = float(exact.log_partition(rbm)), estimate(rbm, 100, betas, rng)
        held += found.low <= truth <= found.high
        errors.append(found.log_partition - truth)
    return held / MODELS, np.mean(errors)


@pytest.mark.parametrize("estimate", [exact.annealed, exact.annealed_backwards])
@pytest.mark.parametrize(("scale", "temperatures"), [(0.3, 5), (1.0, 20), (2.0, 50)])
def test_calibrated_where_chains_mix(estimate, scale, temperatures):
    """Found, forwards and backwards: 0.91 and 0.96, 0.95 and 0.94, 0.94 and 0.95. Chance alone is ± 0.018, one standard
    error of 150 models; the limit leaves five of them below 0.95."""
    share, error = coverage(estimate, scale, temperatures)
    assert share >= 0.86
    assert abs(error) < 0.03


def test_overconfident_where_they_do_not():
    """Weights of standard deviation 8 and 5 temperatures. Forwards the estimate errs low, but so few chains carry it
    that the interval is wide enough; backwards it errs high, far outside its own. `effective` gives the warning."""
    forwards, low = coverage(exact.annealed, 8.0, 5)
    backwards, high = coverage(exact.annealed_backwards, 8.0, 5)
    assert forwards > 0.75
    assert backwards < 0.5
    assert low < -0.05
    assert high > 0.5
    rng = np.random.default_rng(0)
    assert exact.annealed(of_random_size(rng, 8.0), 100, np.linspace(0, 1, 5), rng).effective < 30


def test_weights_are_unbiased():
    """E[w] = Z / Z_0 forwards and E[1/w] = Z_0 / Z backwards, to within their own standard errors; base rates too."""
    rng = np.random.default_rng(0)
    rbm = of_random_size(rng, 1.5)
    base = rng.normal(size=rbm.W.shape[1])
    truth = float(exact.log_partition(rbm))
    for estimate, sign in ((exact.annealed, 1), (exact.annealed_backwards, -1)):
        found = estimate(rbm, 20_000, [0, 0.3, 1], rng, base=base)
        ratio = np.exp(sign * (found.log_weights - truth))
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))
        assert found.low < found.log_partition < found.high
        # Kish's effective sample size, of the weights relative to the exact ratio.
        assert found.effective == pytest.approx(ratio.sum() ** 2 / (ratio**2).sum(), rel=1e-9)
        assert 1 < found.effective < len(ratio)


def test_a_base_that_is_the_model_leaves_nothing_to_estimate():
    free = td.RBM(np.zeros((3, 2)), [1.0, -2.0], np.zeros(3))
    found = exact.annealed(free, 5, [0, 1], np.random.default_rng(0), base=free.b)
    assert found.log_partition == pytest.approx(float(exact.log_partition(free)), rel=1e-14)
    assert found.high - found.low == pytest.approx(0, abs=1e-14)
    assert found.effective == pytest.approx(5)


def test_base_rates_from_data_help():
    rng = np.random.default_rng(0)
    rbm = td.RBM(rng.normal(0, 0.3, (6, 8)), rng.normal(0, 3, 8), np.zeros(6))
    X = exact.sample(rbm, 500, rng)[0]
    betas = np.linspace(0, 1, 11)
    plain = exact.annealed(rbm, 200, betas, np.random.default_rng(1))
    based = exact.annealed(rbm, 200, betas, np.random.default_rng(1), base=exact.base_rates(X))
    assert based.effective > plain.effective
    assert based.high - based.low < (plain.high - plain.low) / 2


def test_backwards_from_given_samples():
    rng = np.random.default_rng(0)
    rbm = of_random_size(rng, 1.0)
    start = exact.sample(rbm, 200, rng)[0]
    found = exact.annealed_backwards(rbm, 200, np.linspace(0, 1, 30), rng, start=start)
    assert found.low < exact.log_partition(rbm) < found.high


@pytest.mark.parametrize(
    ("arguments", "keywords", "words"),
    [
        ((1, [0, 1]), {}, "chains=1: write a whole number from 2"),
        ((5, [0, 0.5]), {}, "from 0 to 1"),
        ((5, [0, 2]), {}, "from 0 to 1"),
        ((5, [0, 0.5, 0.5, 1]), {}, "from 0 to 1"),
        ((5, [0, 1]), {"base": [0.0]}, "base of shape"),
        ((5, [0, 1]), {"confidence": 95}, "confidence 95"),
    ],
)
def test_refusals(arguments, keywords, words):
    rng = np.random.default_rng(0)
    rbm = td.RBM.init(3, 2, rng)
    for estimate in (exact.annealed, exact.annealed_backwards):
        with pytest.raises(ValueError, match=words):
            estimate(rbm, *arguments, rng, **keywords)
    with pytest.raises(ValueError, match="4 rows to start 5 chains"):
        exact.annealed_backwards(rbm, 5, [0, 1], rng, start=np.zeros((4, 3)))
