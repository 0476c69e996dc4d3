"""Every quantity of the exact laboratory at the extremes: right, against the same quantity in ball arithmetic.

Weights of ±10⁴, all parameters equal, all zero, one state that outweighs the others by e^5000, biases of −10⁶.
"""

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.trees import flatten, tree_map

pytest.importorskip("flint")

RNG = np.random.default_rng(0)
X = exact.states(4)[[0, 3, 5, 15]]


def rbm(hidden, visible, scale=1.0):
    return td.RBM(*(RNG.normal(0, scale, shape) for shape in ((hidden, visible), visible, hidden)))


def stacked(make):
    return td.DBN.from_rbms([make(3, 4), make(2, 3)])


def dominated(hidden, visible):
    """One state outweighs the others by e^5000: all units on."""
    return td.RBM(np.zeros((hidden, visible)), np.full(visible, 5000.0), np.full(hidden, 5000.0))


MODELS = {
    "ordinary": stacked(rbm),
    "weights of ten thousand": stacked(lambda n, m: rbm(n, m, 1e4)),
    "all zero": tree_map(np.zeros_like, stacked(rbm)),
    "all equal": tree_map(lambda p: np.full_like(p, 0.75), stacked(rbm)),
    "one state by e^5000": stacked(dominated),
    "biases of minus a million": tree_map(lambda p: np.full_like(p, -1e6) if p.ndim == 1 else p, stacked(rbm)),
}
QUANTITIES = {
    "log_partition": lambda dbn: exact.log_partition(dbn.top),
    "log_likelihood": lambda dbn: exact.log_likelihood(dbn, X),
    "log_prior": exact.log_prior,
    "log_marginal 0": lambda dbn: exact.log_marginal(dbn, 0),
    "log_marginal 1": lambda dbn: exact.log_marginal(dbn, 1),
    "unit_means": lambda dbn: exact.unit_means(dbn, 0),
    "posterior": lambda dbn: exact.posterior(dbn, X),
    "bound": lambda dbn: exact.bound(dbn, X),
    "deep_bound": lambda dbn: exact.deep_bound(dbn, X),
    "kl": lambda dbn: exact.audit(dbn, X).kl,
    "entropy": exact.entropy,
    "kl_from_data": lambda dbn: exact.kl_from_data(dbn, X),
    "log_conditional_likelihood": lambda dbn: exact.log_conditional_likelihood(dbn, X, [0, 1]),
    "log_aggregated_posterior": lambda dbn: exact.log_aggregated_posterior(dbn, X),
    "prior_divergence": lambda dbn: exact.prior_divergence(dbn, X),
    "ceiling": lambda dbn: exact.ceiling(dbn, X).bound,
    "gradient": lambda dbn: exact.gradient(dbn, X),
}


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", MODELS)
def test_right_at_the_extremes(name, quantity):
    f, dbn = QUANTITIES[quantity], MODELS[name]
    with np.errstate(all="raise", under="ignore"):
        values = flatten(f(dbn))[0]
    exactly, errors = exact.certified(f, dbn, tolerance=1e-9)
    largest = max(np.abs(leaf).max() for leaf in flatten(dbn)[0])  # figures are sums of terms as large as this
    for value, truth, error in zip(values, flatten(exactly)[0], flatten(errors)[0], strict=True):
        assert np.isfinite(value).all()
        atol = 1e-13 * (1 + largest) * 64 + error
        assert (np.abs(value - truth) <= 1e-12 * np.abs(truth) + atol).all(), (value, truth)


def test_what_cannot_be_certified_says_so():
    with pytest.raises(ValueError, match="not known to 1e-12 with 16384 bits"):
        exact.certified(lambda rbm: np.log(rbm.b - rbm.b), MODELS["ordinary"].top)


def test_a_certified_figure_of_a_float32_model_is_that_of_its_numbers():
    narrow = tree_map(lambda p: p.astype(np.float32), MODELS["ordinary"])
    value, error = exact.certified(exact.entropy, narrow)
    wide, _ = exact.certified(exact.entropy, tree_map(lambda p: p.astype(np.float64), narrow))
    assert value == wide
    assert 0 < error < 1e-12
