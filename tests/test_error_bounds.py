"""The error bounds, term by term, as their docstrings derive them.

That they hold is shown in `proofs/`, on drawn arrays, where nothing comes near them: a bound that has lost a term would
still hold there. So every term is counted once more here, on parameters whose sums are easy to see.
"""

import inspect
from fractions import Fraction

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.ops import error_bounds
from tinygrad_dbn.autodiff.trees import flatten
from tinygrad_dbn.exact import budget
from tinygrad_dbn.exact.sums import certify, gradients, matrices, sizes
from tinygrad_dbn.exact.sums.sizes import BATCH, ROWS

DOUBLE = error_bounds.Format.of(np.float64)
U, TINY = 2.0**-53, 2.0**-1022


def gamma(k):
    return k / (1 - k * U)


X = np.array([1.0, -2.0, 3.0])
COLUMNS = np.array([[1.0, -2.0, 3.0], [10.0, 20.0, -30.0]])


@pytest.mark.parametrize(
    ("bound", "wanted"),
    [
        (lambda: error_bounds.of_nothing(DOUBLE, np.array([1.0, -2.0]), X), [0, 0]),
        (lambda: error_bounds.of_sum(DOUBLE, np.array(2.0), X), gamma(2) * 6),
        (lambda: error_bounds.of_sum(DOUBLE, np.zeros(3), COLUMNS, axis=0),
         [gamma(1) * 11, gamma(1) * 22, gamma(1) * 33]),
        (lambda: error_bounds.of_sum(DOUBLE, np.zeros((2, 1)), COLUMNS, axis=1, keepdims=True),
         [[gamma(2) * 6], [gamma(2) * 60]]),
        (lambda: error_bounds.of_sum(DOUBLE, np.array(5.0), np.array([5.0])), 0),
        (lambda: error_bounds.of_sum(DOUBLE, np.zeros(0), np.zeros((0, 3)), axis=1), np.zeros(0)),
        (lambda: error_bounds.of_cumsum(DOUBLE, np.zeros((2, 3)), COLUMNS, axis=1),
         [[gamma(2) * n for n in (1, 3, 6)], [gamma(2) * n for n in (10, 30, 60)]]),
        (lambda: error_bounds.of_mean(DOUBLE, np.array(2 / 3), X), gamma(3) / 3 * 6 + TINY),
        (lambda: error_bounds.of_mean(DOUBLE, np.zeros((1, 3)), COLUMNS, axis=0, keepdims=True),
         [[gamma(2) / 2 * s for s in (11, 22, 33)]]),
        (lambda: error_bounds.of_place(DOUBLE, np.zeros(4), X, at=np.array([0, 2, 2]), shape=(4,)),
         [gamma(1) * 1, 0, gamma(1) * 5, 0]),
        (lambda: error_bounds.of_place(DOUBLE, np.zeros(4), X, at=np.array([0, 2, 3]), shape=(4,)), np.zeros(4)),
        (lambda: error_bounds.of_matmul(DOUBLE, np.zeros((1, 1)), X[None, :], COLUMNS.T[:, :1]),
         [[gamma(3) * 14 + 6 * TINY]]),
        (lambda: error_bounds.of_logsumexp(DOUBLE, np.array(-5.0), X), 5 + 2 * 3 + 2),
        (lambda: error_bounds.of_softmax(DOUBLE, np.array([0.25, 0.25, 0.5]), np.array([1.0, 0.0, 2.0])),
         [(1 + 6 + 4) * 0.25, (2 + 6 + 4) * 0.25, (0 + 6 + 4) * 0.5]),
        (lambda: error_bounds.of_log_softmax(DOUBLE, np.array([-2.0, -0.5, -1.0]), X),
         [4 + 6 + 2, 1 + 6 + 2, 2 + 6 + 2]),
    ],
)  # fmt: skip
def test_reductions(bound, wanted):
    assert np.shape(bound()) == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(bound(), float), wanted, rtol=1e-15)


def test_what_underflows_is_counted():
    """Zeros are off by what was lost on the way to them."""
    none = np.zeros(3)
    assert float(error_bounds.of_mean(DOUBLE, np.array(0.0), none)) == TINY
    assert error_bounds.of_matmul(DOUBLE, np.zeros(()), none, none) == 6 * TINY
    np.testing.assert_array_equal(error_bounds.of_softmax(DOUBLE, np.array([0.0]), np.array([1.0])), [4 * TINY])


@pytest.mark.parametrize(("dtype", "bits"), [(np.float64, 53), (np.float32, 24)])
def test_roundings_in_a_row(dtype, bits):
    form = error_bounds.Format.of(dtype)
    assert form.u == Fraction(1, 2**bits)
    assert form.tiny == Fraction(float(np.finfo(dtype).tiny))
    most = 2 ** (bits - 1) - 1
    assert form.gamma(most) == Fraction(most) / (1 - Fraction(most, 2**bits))
    with pytest.raises(ValueError, match=f"{most + 1} roundings in a row"):
        form.gamma(most + 1)


W = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])  # Σ|W| = 21
B, C = np.array([-1.0, 2.0]), np.array([1.0, 1.0, -2.0])  # Σ|b| = 3, Σ|c| = 4
RBM = td.RBM(W, C, B)  # D = 3, H = 2
LAYER = td.models.DirectedLayer(W, C, W, B)  # p(x | h) of D = 3 given H = 2


@pytest.mark.parametrize(
    ("bound", "units"),
    [
        (lambda: certify.log_partition_error(W, B, C, -7.0), (3 + 24) * 28 + 16 * 2 + 450 + 5 * 7),
        (lambda: certify.moments_error(W, B, C, 40), (3 + 24) * 28 + 16 * 2 + 936 + 40),
        (lambda: certify.log_weight_error(W, B, C, -7.0), (3 + 24) * 28 + 21 * 2 + 187 + 5 * 7),
        # Of x = (1, 0, 1): |b|·x = 3, the logits |W|·x = 4 + 10 and |c| = 3.
        (lambda: certify.free_energy_error(RBM, np.array([[1.0, 0, 1]]), np.array([-7.0])),
         [3 * 3 + (3 + 2 + 7) * (14 + 3 + 2) + 7]),
        (lambda: certify.sigmoid_error(W, B), [(3 + 12) * 7 + 24, (3 + 12) * 17 + 24]),
        (lambda: certify.sum_error(10), 14),
        (lambda: certify.rounding(np.array([-2.0])), [6]),
        (lambda: gradients._sum_over(17), 2 * (2**7 + 2**8) + 2**2 + 4),
        (lambda: certify.posterior_error(6, 2 * ROWS, 0.0), 2**5 + 2 * ROWS + 2 + 40),
        (lambda: certify.posterior_error(7, 2 * ROWS, 5 * 1.001 * U), 10 + 2**5 + 2 * ROWS + 2 + 40),
    ],
)  # fmt: skip
def test_exact_sums(bound, units):
    np.testing.assert_allclose(bound(), 1.001 * U * np.asarray(units), rtol=1e-14)


def test_a_likelihood_is_off_by_what_its_parts_are_off_by():
    x = exact.states(3)
    values, errors = exact.log_likelihood(RBM, x, with_error=True)
    _, log_z = exact.log_partition(RBM, with_error=True)
    parts = [log_z, certify.free_energy_error(RBM, x, RBM.free_energy(x)), certify.rounding(values)]
    np.testing.assert_allclose(errors, np.sum(np.broadcast_arrays(*parts), axis=0), rtol=1e-14)


def test_what_a_term_loses_is_counted_by_what_it_may_still_meet():
    """Lost is what is below 2^−1074 before it meets two factors of 2^SHIFT, or three; with some bits for rounding."""
    lost = matrices.lost_by_a_term(np.array([[1.0, 400.0, -600.0], [-2.0, 299.0, 600.0]]))
    for found, factors in zip(np.log2(lost), (2, 2, 3), strict=True):
        assert 0 <= found - (factors * sizes.SHIFT - 1074) < 10


def test_mixtures():
    weights, prior, value, D, H = 21 + 4, 9.0, np.array([-7.0]), 3, 2
    size = 2 * weights + D + prior
    omega = (H + 24) * 1.5 * weights + 21 * D + 187 + 5 * size + D * weights  # more than by logarithms
    assert omega > (H + 1) * weights + (D + 8) * (weights + D)
    sums = 2 ** (H // 2 + 2) + BATCH + 7 * 2**H / BATCH
    units = omega + (D + 1) * weights + (D + H + 8) * size + 6 * H + sums + 3 * (300 + 1074) + 5 * 7
    np.testing.assert_allclose(certify.mixture_error(LAYER, prior, value, 0.5), 0.5 + 1.001 * U * units, rtol=1e-15)
    tiny = certify.mixture_error(LAYER, prior, value, 0.0)
    np.testing.assert_allclose(tiny, 1.001 * U * units, rtol=1e-11)  # beside 2^−MARGIN
    assert certify.largest(np.array([-3.0, -np.inf, 2.0])) == 3
    assert certify.largest(np.array([-np.inf])) == 0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(("hidden", "visible"), [(1, 1), (64, 3), (2 * sizes.UNITS + 3, 8), (5, 16)])
def test_weights_of_states(scale, hidden, visible):
    """Within what `log_weight_error` counts, beside ops: a softplus for each unit, whose own bound comes on top."""
    rng = np.random.default_rng(0)
    rbm = td.RBM(*(rng.normal(0, scale, shape) for shape in ((hidden, visible), visible, hidden)))
    some = np.arange(0, 1 << visible, max(1, (1 << visible) // 300))
    x = exact.states(visible)[some]
    wanted = -rbm.free_energy(x)
    by_ops = certify.free_energy_error(rbm, x, wanted)
    by_odds = certify.log_weight_error(rbm.W, rbm.c, rbm.b, np.abs(wanted).max())
    assert (np.abs(matrices.log_weights(rbm)[some] - wanted) <= by_ops + by_odds).all()


def test_differences():
    a, b, nats = 0.5, 0.25, 1e-3
    wanted = 0.5 * np.expm1(nats) + 0.25 * np.expm1(2 * nats) + 1.001 * U * 0.75 + 2.0**-70
    assert certify.difference_error(a, b, nats, 2 * nats) == pytest.approx(wanted, rel=1e-14)
    assert certify.difference_error(0.0, 0.0, 0.0, 0.0) == 2.0**-70
    assert certify.difference_error(1.0, 1.0, 1e9, np.inf) == 2


def test_what_doubles_do_not_resolve():
    # 2 · 3 · 5 + 2 · 4 + 3 · 1: each array by its largest.
    certify.refuse_beyond_doubles(np.full((2, 3), -1e15 / 30 * 0.999))
    with pytest.raises(ValueError, match=r"logits of 1e\+15 nats"):
        certify.refuse_beyond_doubles(np.full((2, 3), -1e15 / 12), np.full(2, 1e15 / 4 * 1.001))
    with pytest.raises(ValueError, match="nan nats"):
        certify.refuse_beyond_doubles(np.array([np.nan]))


def test_bounds_follow_the_constants_of_the_computations(monkeypatch):
    """Each constant is changed where the computation reads it, and the bound that counts it with it."""
    by_odds = lambda: certify.log_partition_error(W, B, C, 0.0)
    by_moments = lambda: certify.moments_error(W, B, C, 0)
    mixed = lambda: certify.mixture_error(LAYER, 9.0, np.array([-7.0]), 0.0)[0]
    posterior = lambda: certify.posterior_error(6, 2 * ROWS, 0.0)
    difference = lambda: certify.difference_error(0.0, 0.0, 0.0, 0.0)
    silent = td.models.DirectedLayer(np.zeros((2, 64)), np.zeros(64), np.zeros((2, 64)), np.zeros(2))
    of_silent = lambda: certify.mixture_error(silent, 9.0, np.array([-7.0]), 0.0)[0]
    free = lambda: certify.free_energy_error(RBM, np.ones((1, 3)), np.zeros(1))[0]
    sigmoid = lambda: certify.sigmoid_error(W, B)[0]
    for owner, name, changed, bound, grown in [
        (sizes, "LOW", 10, by_odds, 3),
        (sizes, "MIDDLE", 9, by_odds, 256),
        (sizes, "MAX_FALL", 660.0, by_odds, np.exp(-30) / 1.001 / U),
        (sizes, "LOW", 10, by_moments, 2 * (1024 - 128)),
        (sizes, "MIDDLE", 9, by_moments, 2 * 256),
        (sizes, "MAX_FALL", 660.0, by_moments, np.exp(-30) / 1.001 / U),
        (sizes, "BATCH", 512, mixed, -512 + 7 * 4 / 512 - 7 * 4 / 1024),
        (sizes, "SHIFT", 310, mixed, 3 * 10),
        (sizes, "MARGIN", 40, mixed, 2.0**-40 / 1.001 / U),
        (sizes, "ROWS", ROWS // 2, posterior, -ROWS + 2),
        (sizes, "MARGIN", 40, difference, 2.0**-30 / 1.001 / U),
        (td.ops.softplus, "ulp", 4, free, 4 * (21 + 3 + 2)),
        (td.ops.softplus, "ulp", 4, of_silent, 4 * 64),
        (td.ops.sigmoid, "ulp", 40, sigmoid, 2 * 40 + 4 - 24),
    ]:
        before = bound()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, changed)
            assert (bound() - before) / (1.001 * U) == pytest.approx(grown, rel=1e-6, abs=1e-6), (name, bound)


@pytest.mark.parametrize(
    ("name", "changed"),
    [("ROWS", 3), ("BATCH", 4), ("SHIFT", 200), ("MARGIN", 120)],
)
def test_computations_with_other_constants_keep_their_bounds(name, changed, monkeypatch):
    dbn, X = td.DBN.from_rbms([RBM, td.RBM(W.T / 3, C[:2], B[[0, 1, 1]])]), exact.states(3)
    value, error = exact.log_likelihood(dbn, X, with_error=True)
    gradient, errors = exact.gradient(dbn, X, with_error=True)
    monkeypatch.setattr(sizes, name, changed)
    other, its = exact.log_likelihood(dbn, X, with_error=True)
    assert (np.abs(value - other) <= error + its).all()
    for a, b, e in zip(*map(lambda tree: flatten(tree)[0], (gradient, exact.gradient(dbn, X), errors)), strict=True):
        assert (np.abs(a - b) <= 2 * e).all()


def test_products_of_odds_stay_within_doubles():
    largest = sizes.UNITS * np.log(2) + (sizes.LOW + sizes.MIDDLE) * np.log(2)
    assert sizes.MAX_FALL < 690
    assert largest < np.log(np.finfo(float).max)
    assert 3 * sizes.SHIFT + 26 < 1024


# --- what a sum costs, told before it starts --------------------------------------------------------------------------


def test_a_refusal_says_how_much_and_what_would_do():
    with pytest.raises(exact.TooLarge) as refused:
        budget.afford("f", budget.Cost(1000.0, 0.0, 40), 600.0, 1e9)
    assert str(refused.value).startswith("f sums over 2^40 states, about 1e+03 seconds; the budget is 600 seconds. ")
    assert str(refused.value).endswith(", or pass max_seconds=1.5e+03")
    assert refused.value.cost.seconds == 1000
    with pytest.raises(exact.TooLarge, match=r"about 6\.31e\+08 seconds \(20 years\)"):
        budget.afford("f", budget.Cost(20 * 365.25 * 86400, 0.0, 40), 600.0, 1e9)
    with pytest.raises(
        exact.TooLarge, match=r"holds about 1e\+04 bytes; .* is 9000 bytes.* or pass max_bytes=1\.2e\+04"
    ):
        budget.afford("f", budget.Cost(0.0, 1e4, 2), 1.0, 9e3)
    budget.afford("f", budget.Cost(1.0, 1e4, 4), 1.0, 1e4)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="is no budget"):
            budget.afford("f", budget.Cost(), 1.0, wrong)


def test_costs_one_after_the_other_and_beside():
    a, b = budget.Cost(1.0, 100.0, 4), budget.Cost(2.0, 50.0, 8)
    assert a + b == budget.Cost(3.0, 100.0, 8)
    assert a + b.beside(10) == budget.Cost(3.0, 130.0, 8)


def test_budgets_are_given_by_name_and_everything_else_may_be():
    for name in exact.__all__:
        what = getattr(exact, name)
        if inspect.isfunction(what):
            kinds = {p.name: p.kind for p in inspect.signature(what).parameters.values()}
            assert inspect.Parameter.POSITIONAL_ONLY not in kinds.values(), name
            budgets = {kinds[b] for b in ("max_seconds", "max_bytes") if b in kinds}
            assert budgets <= {inspect.Parameter.KEYWORD_ONLY}, name
