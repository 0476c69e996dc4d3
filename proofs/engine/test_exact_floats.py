"""Float64 log Z and log p(x) within their own bounds: `with_error=True` against ball arithmetic and exact rationals."""

import flint
import numpy as np
import pytest

from proofs.engine.exact_sums import (
    SCALES,
    TOO_LARGE,
    TOO_SMALL,
    TRUSTS,
    USES,
    draw,
    draw_dbn,
    draw_pairs,
    logarithm,
    probabilities,
    rounded,
    underflowing,
    visible_weights,
    with_other_sums,
    within,
)
from proofs.harness.evidence import require_equal
from proofs.harness.models import odds, rational_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.exact.sums import certify, enumeration, float64, matrices
from tinygrad_dbn.models import DBN


@pytest.fixture(autouse=True)
def precise():
    with flint.ctx.workprec(400):
        yield


OFF = Spoiled("a sum off by 1e-7", with_other_sums(float64, "sum_chunk", lambda total: total * (1 + 1e-7)))
SUM_SPOILS = [
    TOO_SMALL,
    TOO_LARGE,
    OFF,
    Spoiled("visible and hidden biases exchanged", mutated(enumeration, "of", "rbm.c, rbm.b", "rbm.b, rbm.c")),
]


@theorem(
    "float64 log Z is within its own bound, at most 10⁻⁷ (1 + its size), of log Z, for the float64 parameters given",
    claim="G0",
    level="E",
    sizes="40 RBMs of up to 9 × 9 units, weights of 0.1, 1, 30 and 10⁴, biases up to ten times that",
    trusts=TRUSTS,
    uses=USES,
    spoiled=[
        *SUM_SPOILS[:3],
        Spoiled("the filling units left in", mutated(float64, "log_partition", " += top - filling", " += top")),
    ],
)
def test_log_partition(shrink=1.0):
    rng = np.random.default_rng(0)
    for scale in SCALES:
        for _ in range(10):
            hidden, visible = (int(n) for n in rng.integers(1, 10, 2))
            rbm = draw(visible, hidden, scale, rng)
            Z = visible_weights(rbm if visible <= hidden else rbm.transposed()).sum()
            within(*exact.log_partition(rbm, with_error=True), Z.log(), f"{rbm.W.shape}", shrink)


@pytest.mark.parametrize("size", SCALES)
@theorem(
    "the same over many blocks of states, for units in disconnected pairs, where log Z is a sum of logarithms",
    claim="G0",
    level="E",
    sizes="17 and 18 pairs in random order, weights of 0.1, 1, 30 and 10⁴",
    trusts=TRUSTS,
    uses=USES,
    spoiled=SUM_SPOILS,
)
def test_pairs(size, shrink=1.0):
    rng = np.random.default_rng(1)
    for n in (17, 18):
        rbm, order = draw_pairs(n, size, rng)
        u, v, w = odds(rbm.b), odds(rbm.c[order]), odds(rbm.W[order, np.arange(n)])
        truth = sum(of_pair.log() for of_pair in 1 + u + v + u * v * w)
        within(*exact.log_partition(rbm, with_error=True), truth, f"{n} pairs", shrink)


MIXTURE_SPOILS = [
    TOO_SMALL,
    TOO_LARGE,
    Spoiled("visible bias lost", mutated(matrices, "sum_batch", "(X - 0.5) @ layer.b + ", "")),
    Spoiled("½ forgotten", mutated(matrices, "factors", "X - 0.5", "X - 0.0")),
    Spoiled("a state's weight without its share of a / 2", mutated(matrices, "log_omega", "-layer.W", "0 * layer.W")),
    Spoiled("a state's weight without Σb / 2", mutated(matrices, "log_omega", "layer.b.sum() / 2 - ", "-")),
    Spoiled(
        "what was taken out of the products not put back",
        mutated(matrices, "sum_batch", ".sum(axis=0) + weights.peak", "[0] + weights.peak"),
    ),
    Spoiled("underflow let pass", mutated(matrices, "sum_batch", "sizes.MARGIN) * lost_by_a_term(v)", "-1070.0)")),
]


@theorem(
    "float64 log p(x) is within its own bound, at most 10⁻⁷ (1 + its size), of log p(x)",
    claim="G5",
    level="E",
    sizes="16 DBNs of one to three hidden layers of up to 4 units, weights of 0.1, 1, 30 and 1000, every x",
    trusts=TRUSTS,
    uses=USES,
    spoiled=MIXTURE_SPOILS,
)
def test_likelihood(shrink=1.0):
    rng = np.random.default_rng(2)
    for scale in (0.1, 1.0, 30.0, 1e3):
        for depth in (1, 2, 2, 3):
            sizes = [int(n) for n in rng.integers(2, 5, depth + 1)]
            dbn = draw_dbn(sizes, scale, rng)
            found = exact.log_likelihood(dbn, exact.states(sizes[0]), with_error=True)
            within(*found, [p.log() for p in probabilities(dbn)], f"{sizes} at {scale}", shrink)


@pytest.mark.parametrize("size", [(3, 4), (6, 5)])
@theorem(
    "float64 log p(x) is where the exact rational says, but for its bound and the rounding of the weights",
    claim="G0, I4",
    level="X",
    sizes="(D, H) = (3,4), (6,5), rational odds, every x, as an RBM and as its tied DBN",
    trusts=("log p moves by at most twice what all parameters together move", "python-flint's logarithm"),
    spoiled=[
        Spoiled("a bound so small that no float keeps it, the weights taken as exact", None, shrink=1e-5, rounding=0),
        OFF,
        Spoiled("visible bias lost", mutated(matrices, "sum_batch", "(X - 0.5) @ layer.b + ", "")),
    ],
)
def test_rational(size, shrink=1.0, rounding=2):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    X = exact.states(size[0])
    floats, moved = rounded(rbm)
    truth = [logarithm(p) for p in exact.log_likelihood(rbm, X)]
    for model, copies in ((floats, 1), (DBN.from_tied(floats), 2)):
        found = exact.log_likelihood(model, X, with_error=True)
        within(*found, truth, type(model).__name__, shrink, rounding * copies * moved)


@theorem(
    "where products underflow the bound still holds, for logarithms take over",
    claim="G5",
    level="E",
    sizes="one layer of (D, H) = (4, 1), (5, 5) and (4, 8), logits of ±800 or twice ±400, every x",
    trusts=TRUSTS,
    uses=USES,
    spoiled=[
        *MIXTURE_SPOILS[-1:],
        Spoiled("a lost factor taken for a lost entry", mutated(matrices, "lost_by_a_term", ", factor)", ", entry)")),
        Spoiled("the largest factor for all together", mutated(matrices, "lost_by_a_term", "(v).sum(", "(v).max(")),
    ],
)
def test_underflow():
    for dbn in underflowing():
        values, errors = exact.log_likelihood(dbn, exact.states(dbn.sizes[0]), with_error=True)
        within(values, errors, [p.log() for p in probabilities(dbn)], f"{dbn.sizes}")
        require_equal(certify.U, 2.0**-53, "u")
