"""Float64 within its own bound: `with_error=True` against ball arithmetic, and against exact rationals.

The definitions below are written out once more, in Arb balls of 400 bits (python-flint) and from the lecture's energy
alone. A ball comparison that cannot be decided is False, so nothing passes by being vague.
"""

from itertools import pairwise

import numpy as np
import pytest

from proofs.harness.shipped import bits, rational_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.exact.sums import certify, float64, matrices
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

flint = pytest.importorskip("flint")
arb = flint.arb


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(400):
        yield


def ball(array):
    return np.frompyfunc(lambda v: arb(float(v)), 1, 1)(array)


def weights(rbm):
    """Σ_h e^(−E(x, h)) for every state x, as balls."""
    W, b, c = ball(rbm.W), ball(rbm.b), ball(rbm.c)
    out = []
    for x in bits(len(b)):
        total = sum((b[i] for i, on in enumerate(x) if on), arb(0)).exp()
        for j in range(len(c)):
            total *= 1 + sum((W[j, i] for i, on in enumerate(x) if on), c[j]).exp()
        out.append(total)
    return out


def probabilities(dbn):
    """p(x) of every state x, as balls: layer by layer, state by state."""
    p = weights(dbn.top)
    p = [value / sum(p, arb(0)) for value in p]
    for layer in reversed(dbn.layers):
        W, b = ball(layer.W), ball(layer.b)
        below = [arb(0)] * 2 ** len(b)
        for h, p_h in zip(bits(len(W)), p, strict=True):
            a = [sum((W[j, i] for j, on in enumerate(h) if on), b[i]) for i in range(len(b))]
            for s, x in enumerate(bits(len(b))):
                term = p_h
                for on, logit in zip(x, a, strict=True):
                    term /= 1 + (-logit if on else logit).exp()
                below[s] += term
        p = below
    return p


def draw(visible, hidden, scale, rng):
    bias = scale * 10 ** rng.uniform(-1, 1)
    return RBM(rng.normal(0, scale, (hidden, visible)), rng.normal(0, bias, visible), rng.normal(0, bias, hidden))


def within(value, error, truth, what, shrink=1.0, moved=0):
    """Refuse unless the value is within its error, and `moved`, of the truth.

    An error that is shrunk is held against the float nearest to the truth instead of the computed one, so that it is
    refused on every machine or on none.
    """
    require(np.isfinite(value) and np.isfinite(error), f"{what}: {value} ± {error}")
    value = value if shrink == 1 else float(truth)
    allowed = arb(float(error) * shrink) + moved
    require(abs(arb(float(value)) - truth) <= allowed, f"{what}: {value} ± {error}, truly {truth}")


def off_by(relative):
    """A patch: every chunk's sum has this relative error."""
    honest = float64.sum_chunk

    def patch(monkeypatch):
        def chunk(*args):
            value, exponent = honest(*args)
            return value * (1 + relative), exponent

        monkeypatch.setattr(float64, "sum_chunk", chunk)

    return patch


SCALES = [0.1, 1.0, 30.0, 1e4]
SUM_SPOILS = [
    Spoiled("a bound so small that no float keeps it", None, shrink=1e-5),
    Spoiled("a sum off by 1e-7", off_by(1e-7)),
    Spoiled("visible and hidden biases exchanged", mutated(float64, "enumeration", "rbm.c, rbm.b", "rbm.b, rbm.c")),
]


@theorem(
    "float64 log Z is within its own bound of log Z, for the float64 parameters given",
    claim="G0",
    level="E",
    sizes="40 RBMs of up to 9 × 9 units, weights of 0.1, 1, 30 and 10⁴, biases up to ten times that",
    trusts=("exp, log and log1p are within 2 ulp", "python-flint's balls"),
    spoiled=[
        *SUM_SPOILS[:2],
        Spoiled("the filling units left in", mutated(float64, "log_partition", " += top - filling", " += top")),
    ],
)
def test_log_partition(shrink=1.0):
    rng = np.random.default_rng(0)
    for scale in SCALES:
        for _ in range(10):
            hidden, visible = (int(n) for n in rng.integers(1, 10, 2))
            rbm = draw(visible, hidden, scale, rng)
            truth = weights(rbm if visible <= hidden else rbm.transposed())
            within(*exact.log_partition(rbm, with_error=True), sum(truth, arb(0)).log(), f"{rbm.W.shape}", shrink)


@pytest.mark.parametrize("size", SCALES)
@theorem(
    "the same over many blocks of states, for units in disconnected pairs, where log Z is a sum of logarithms",
    claim="G0",
    level="E",
    sizes="17 and 18 pairs in random order, weights of 0.1, 1, 30 and 10⁴",
    trusts=("exp, log and log1p are within 2 ulp", "python-flint's balls"),
    spoiled=SUM_SPOILS,
)
def test_pairs(size, shrink=1.0):
    rng = np.random.default_rng(1)
    for n in (17, 18):
        w, b, c = rng.normal(0, size, n), rng.normal(0, size, n), rng.normal(0, 2 * size, n)
        order = rng.permutation(n)
        W = np.zeros((n, n))
        W[order, np.arange(n)] = w
        value, error = exact.log_partition(RBM(W, b, c), with_error=True)
        u, v, t = ball(b), ball(c[order]), ball(w)
        truth = sum(((1 + p.exp() + q.exp() + (p + q + r).exp()).log() for p, q, r in zip(u, v, t)), arb(0))  # noqa: B905
        within(value, error, truth, f"{n} pairs", shrink)


MIXTURE_SPOILS = [
    Spoiled("a bound so small that no float keeps it", None, shrink=1e-5),
    Spoiled("visible bias lost", mutated(matrices, "sum_batch", "(X - 0.5) @ layer.b + ", "")),
    Spoiled("½ forgotten", mutated(matrices, "factors", "X - 0.5", "X - 0.0")),
    Spoiled(
        "what was taken out of the products not put back",
        mutated(matrices, "sum_batch", ".sum(axis=0) + weights.peak", "[0] + weights.peak"),
    ),
    Spoiled(
        "underflow let pass",
        mutated(matrices, "sum_batch", "(len(v) + sizes.MARGIN) * lost_by_a_term(v)", "(len(v) - 1070.0)"),
    ),
]


@theorem(
    "float64 log p(x) is within its own bound of log p(x), at any depth",
    claim="G5",
    level="E",
    sizes="16 DBNs of one to three hidden layers of up to 4 units, weights of 0.1, 1, 30 and 1000, every x",
    trusts=("exp, log and log1p are within 2 ulp", "python-flint's balls"),
    spoiled=MIXTURE_SPOILS,
)
def test_likelihood(shrink=1.0):
    rng = np.random.default_rng(2)
    for scale in (0.1, 1.0, 30.0, 1e3):
        for depth in (1, 2, 2, 3):
            sizes = [int(n) for n in rng.integers(2, 5, depth + 1)]
            dbn = DBN.from_rbms([draw(visible, hidden, scale, rng) for visible, hidden in pairwise(sizes)])
            values, errors = exact.log_likelihood(dbn, exact.states(sizes[0]), with_error=True)
            for value, error, p in zip(values, errors, probabilities(dbn), strict=True):
                within(value, error, p.log(), f"{sizes} at {scale}", shrink)


@pytest.mark.parametrize("size", [(3, 4), (6, 5)])
@theorem(
    "float64 log p(x) is where the exact rational says, but for its bound and the rounding of the weights",
    claim="G0, I4",
    level="X",
    sizes="(D, H) = (3,4), (6,5), rational odds, every x, as an RBM and as its tied DBN",
    trusts=("log p moves by at most twice what all parameters together move", "python-flint's logarithm"),
    spoiled=[
        Spoiled("a bound so small that no float keeps it, the weights taken as exact", None, shrink=1e-5, rounding=0),
        Spoiled("a sum off by 1e-7", off_by(1e-7)),
        Spoiled("visible bias lost", mutated(matrices, "sum_batch", "(X - 0.5) @ layer.b + ", "")),
    ],
)
def test_rational(size, shrink=1.0, rounding=2):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    X = exact.states(size[0])
    logarithm = lambda e: arb(flint.fmpq(e.r.numerator, e.r.denominator)).log()
    floats = RBM(*(np.vectorize(lambda e: float(logarithm(e)), otypes=[float])(p) for p in (rbm.W, rbm.b, rbm.c)))
    moved = arb(0)
    for given, rounded in ((rbm.W, floats.W), (rbm.b, floats.b), (rbm.c, floats.c)):
        for e, f in zip(given.flat, rounded.flat, strict=True):
            moved += abs(logarithm(e) - arb(float(f)))
    truth = [logarithm(p) for p in exact.log_likelihood(rbm, X)]
    for model, copies in ((floats, 1), (DBN.from_tied(floats), 2)):
        values, errors = exact.log_likelihood(model, X, with_error=True)
        for value, error, exactly in zip(values, errors, truth, strict=True):
            within(value, error, exactly, type(model).__name__, shrink, rounding * copies * moved)


@theorem(
    "where products underflow the bound still holds, for logarithms take over",
    claim="G5",
    level="E",
    sizes="one layer of (D, H) = (4, 1) and (5, 5), logits of ±800, every x",
    trusts=("exp, log and log1p are within 2 ulp", "python-flint's balls"),
    spoiled=[
        *MIXTURE_SPOILS[-1:],
        Spoiled("a lost factor taken for a lost entry", mutated(matrices, "lost_by_a_term", ", factor)", ", entry)")),
    ],
)
def test_underflow():
    rng = np.random.default_rng(3)
    deep = DirectedLayer(np.array([[-715.0, -468, 197, -262]]), np.array([2.6, 4, -7.2, 5.1]), np.ones((1, 4)), [0.0])
    wide = DirectedLayer(1600 * np.eye(5), np.full(5, -800.0), np.ones((5, 5)), np.zeros(5))
    for layer in (deep, wide):
        hidden, visible = layer.W.shape
        dbn = DBN([layer], draw(hidden, 2, 1.0, rng))
        values, errors = exact.log_likelihood(dbn, exact.states(visible), with_error=True)
        for value, error, p in zip(values, errors, probabilities(dbn), strict=True):
            within(value, error, p.log(), f"{layer.W.shape}")
        require(float(errors.max()) < 1e-7, "a bound so loose says nothing")
        require(certify.U == 2.0**-53, "u")
