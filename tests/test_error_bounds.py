"""The error bounds, term by term, as their docstrings derive them.

That they hold is shown in `proofs/`, on drawn arrays, where nothing comes near them: a bound that has lost a term would
still hold there. So every term is counted once more here, on parameters whose sums are easy to see.
"""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff import bounds
from tinygrad_dbn.exact import budget, certify, tables
from tinygrad_dbn.exact.states import BATCH

DOUBLE = bounds.Format.of(np.float64)
U, TINY = 2.0**-53, 2.0**-1022


def gamma(k):
    return k / (1 - k * U)


X = np.array([1.0, -2.0, 3.0])
COLUMNS = np.array([[1.0, -2.0, 3.0], [10.0, 20.0, -30.0]])


@pytest.mark.parametrize(
    ("bound", "wanted"),
    [
        (bounds.of_nothing(DOUBLE, np.array([1.0, -2.0]), X), [0, 0]),
        (bounds.of_sum(DOUBLE, np.array(2.0), X), gamma(2) * 6),
        (bounds.of_sum(DOUBLE, np.zeros(3), COLUMNS, axis=0), [gamma(1) * 11, gamma(1) * 22, gamma(1) * 33]),
        (bounds.of_sum(DOUBLE, np.zeros((2, 1)), COLUMNS, axis=1, keepdims=True), [[gamma(2) * 6], [gamma(2) * 60]]),
        (bounds.of_sum(DOUBLE, np.array(5.0), np.array([5.0])), 0),
        (bounds.of_sum(DOUBLE, np.zeros(0), np.zeros((0, 3)), axis=1), np.zeros(0)),
        (bounds.of_mean(DOUBLE, np.array(2 / 3), X), gamma(3) / 3 * 6 + TINY),
        (bounds.of_mean(DOUBLE, np.zeros((1, 3)), COLUMNS, axis=0, keepdims=True),
         [[gamma(2) / 2 * s for s in (11, 22, 33)]]),
        (bounds.of_matmul(DOUBLE, np.zeros((1, 1)), X[None, :], COLUMNS.T[:, :1]), [[gamma(3) * 14 + 6 * TINY]]),
        (bounds.of_logsumexp(DOUBLE, np.array(-5.0), X), 5 + 2 * 3 + 2),
        (bounds.of_softmax(DOUBLE, np.array([0.25, 0.25, 0.5]), np.array([1.0, 0.0, 2.0])),
         [(1 + 6 + 4) * 0.25, (2 + 6 + 4) * 0.25, (0 + 6 + 4) * 0.5]),
        (bounds.of_log_softmax(DOUBLE, np.array([-2.0, -0.5, -1.0]), X), [4 + 6 + 2, 1 + 6 + 2, 2 + 6 + 2]),
    ],
)  # fmt: skip
def test_reductions(bound, wanted):
    assert np.shape(bound) == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(bound, float), wanted, rtol=1e-15)


def test_what_underflows_is_counted():
    """Zeros are off by what was lost on the way to them."""
    none = np.zeros(3)
    assert float(bounds.of_mean(DOUBLE, np.array(0.0), none)) == TINY
    assert bounds.of_matmul(DOUBLE, np.zeros(()), none, none) == 6 * TINY
    np.testing.assert_array_equal(bounds.of_softmax(DOUBLE, np.array([0.0]), np.array([1.0])), [4 * TINY])


@pytest.mark.parametrize(("dtype", "bits"), [(np.float64, 53), (np.float32, 24)])
def test_roundings_in_a_row(dtype, bits):
    form = bounds.Format.of(dtype)
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
        (certify.log_partition_error(W, B, C, -7.0), (3 + 24) * 28 + 16 * 2 + 450 + 5 * 7),
        (certify.moments_error(W, B, C, 40), (3 + 24) * 28 + 16 * 2 + 1000 + 40),
        (certify.free_energy_error(RBM, None, -7.0), 3 * 4 + (3 + 2 + 7) * (21 + 3 + 2) + 7),
        # Of x = (1, 0, 1): |b|·x = 3, the logits |W|·x = 4 + 10 and |c| = 3.
        (certify.free_energy_error(RBM, np.array([[1.0, 0, 1]]), np.array([-7.0])),
         [3 * 3 + (3 + 2 + 7) * (14 + 3 + 2) + 7]),
        (certify.sigmoid_error(W, B), [(3 + 1) * 7 + 8, (3 + 1) * 17 + 8]),
        (certify.sum_error(10), 14),
        (certify.rounding(np.array([-2.0])), [6]),
        (certify.posterior_error(6, 1024, 0.0), 2**5 + 2 * 512 + 2 + 40),
        (certify.posterior_error(7, 1024, 5 * 1.001 * U), 10 + 2**5 + 2 * 512 + 2 + 40),
    ],
)  # fmt: skip
def test_exact_sums(bound, units):
    np.testing.assert_allclose(bound, 1.001 * U * np.asarray(units), rtol=1e-14)


def test_mixtures():
    weights, prior, value, D, H = 21 + 4, 9.0, np.array([-7.0]), 3, 2
    size = 2 * weights + D + prior
    omega_and_v = (H + 1) * weights + (D + 8) * (weights + D) + (D + 1) * weights
    sums = 2 ** (H // 2 + 2) + BATCH + 7 * 2**H / BATCH
    units = omega_and_v + (D + H + 7) * size + 6 * H + sums + 4000 + 5 * 7
    np.testing.assert_allclose(certify.mixture_error(LAYER, prior, value, 0.5), 0.5 + 1.001 * U * units, rtol=1e-15)
    tiny = certify.mixture_error(LAYER, prior, value, 0.0)
    np.testing.assert_allclose(tiny, 1.001 * U * units, rtol=1e-14)
    assert certify.largest(np.array([-3.0, -np.inf, 2.0])) == 3
    assert certify.largest(np.array([-np.inf])) == 0


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


# --- what a sum costs, told before it starts --------------------------------------------------------------------------


def test_a_refusal_says_how_much_and_what_would_do():
    with pytest.raises(exact.TooLarge) as refused:
        budget.afford("f", 1 << 40, 1000.0, 600.0)
    assert str(refused.value).startswith("f sums over 2^40 states, about 1e+03 seconds; the budget is 600 seconds. ")
    assert str(refused.value).endswith(", or pass max_seconds=1.5e+03")
    with pytest.raises(exact.TooLarge, match=r"about 6\.31e\+08 seconds \(20 years\)"):
        budget.afford("f", 1 << 40, 20 * 365.25 * 86400, 600.0)
    with pytest.raises(
        exact.TooLarge, match=r"holds about 1e\+04 bytes; .* is 9000 bytes.* or pass max_bytes=1\.2e\+04"
    ):
        budget.afford("f", 4, 0.0, 1.0, 1e4, 9e3)
    budget.afford("f", 4, 1.0, 1.0, 1e4, 1e4)
    budget.check("f", 4, int(600 / budget.SECONDS_PER_PAIR), 601.0)


def between(*sizes):
    return [td.RBM.init(m, n, np.random.default_rng(0)) for m, n in pairwise(sizes)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        # The statistics of every state: of 22 · 9 weights and 31 biases.
        (lambda: exact.fisher_information(*between(22, 9)), "2^22 states of 229 numbers each, 7.16 GiB"),
        # Every state of one inner layer given every state of the other.
        (
            lambda: exact.audit_layers(td.DBN.from_rbms(between(2, 16, 16, 2)), np.zeros((1, 2))),
            "at h2 writes out 2^16 states of 65536 numbers each, 32 GiB",
        ),
        (
            lambda: tables.check_table("f", 30, 4),
            f"f writes out 2^30 states of 4 numbers each, 32 GiB; a table may hold {tables.MAX_ELEMENTS / 2**27:g} GiB",
        ),
    ],
)
def test_a_table_says_how_large_it_is(call, words):
    with pytest.raises(exact.TooLarge) as refused:
        call()
    assert words in str(refused.value)
