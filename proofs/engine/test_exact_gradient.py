"""The gradient by expectations within its own bound: against `grad` through the enumeration, on balls and on rationals.

Two routes lead to one quantity. The fast one (`exact/sums/gradients.py`) runs on float64 alone and never forms a graph;
the other differentiates the shipped likelihood with the engine, in arithmetic that is exact or says how far it is not.
A ball comparison that cannot be decided is False, so nothing passes by being vague.
"""

from itertools import pairwise

import numpy as np
import pytest

from proofs.harness.shipped import rational_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.trees import flatten
from tinygrad_dbn.exact.sums import float64, gradients, matrices, moments, posteriors
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

flint = pytest.importorskip("flint")
arb = flint.arb
from tinygrad_dbn.autodiff.numbers.balls import Ball, balls, precision  # noqa: E402  # needs python-flint

TRUSTS = ("exp, log and log1p are within 2 ulp", "python-flint's balls")
USES = ("the shipped exact gradient is E[−∂E/∂θ | x] − E[−∂E/∂θ]",)


@pytest.fixture(autouse=True)
def _precision():
    with precision(400):
        yield


def by_enumeration(model, X):
    """The engine's derivative of the mean log-likelihood, in balls: one array for each of the model's."""
    leaves, rebuild = flatten(model)
    return [
        np.vectorize(as_arb, otypes=[object])(g) for g in flatten(exact.gradient(rebuild([*map(balls, leaves)]), X))[0]
    ]


def as_arb(value):
    if isinstance(value, Exact):
        require(value.r == 1, f"{value} is not rational")
        return arb(flint.fmpq(value.p.numerator, value.p.denominator))
    return value.arb if isinstance(value, Ball) else arb(float(value))


def within(model, X, truth, what, shrink=1.0, moved=0):
    """Refuse unless every entry of the gradient is within its bound, and `moved`, of the truth.

    A bound that is shrunk is held against the floats nearest to the truth instead of the computed ones, so that it is
    refused on every machine or on none.
    """
    gradient, error = exact.gradient(model, X, with_error=True)
    for values, errors, exactly in zip(flatten(gradient)[0], flatten(error)[0], truth, strict=True):
        for value, bound, wanted in zip(values.flat, errors.flat, exactly.flat, strict=True):
            require(np.isfinite(value) and np.isfinite(bound), f"{what}: {value} ± {bound}")
            value = value if shrink == 1 else float(wanted)
            allowed = arb(float(bound) * shrink) + moved
            require(abs(arb(float(value)) - wanted) <= allowed, f"{what}: {value} ± {bound}, truly {wanted}")


def draw(visible, hidden, scale, rng):
    bias = scale * 10 ** rng.uniform(-1, 1)
    return RBM(rng.normal(0, scale, (hidden, visible)), rng.normal(0, bias, visible), rng.normal(0, bias, hidden))


def examples(visible, rng):
    return rng.integers(0, 2, (3, visible)).astype(float)


def spoiled_sums(change):
    """A patch: change(sums) in place of the sums of every chunk."""
    honest = moments.sum_blocks

    def patch(monkeypatch):
        def sums(*args):
            total, exponent = honest(*args)
            return change(total), exponent

        monkeypatch.setattr(moments, "sum_blocks", sums)

    return patch


def exchanged(total):
    """Σ w σ where Σ w (1 − σ) belongs."""
    return np.concatenate([total[-1] - total[:-1], total[-1:]])


SCALES = [0.1, 1.0, 30.0, 1e4]
RBM_SPOILS = [
    Spoiled("a bound so small that no float keeps it", None, shrink=1e-5),
    Spoiled("sign of the second expectation", mutated(gradients, "of_rbm", "data.W - model.W", "data.W + model.W")),
    Spoiled("σ for 1 − σ", spoiled_sums(exchanged)),
    Spoiled("sums off by 1e-7", spoiled_sums(lambda total: total * (1 + 1e-7 * np.eye(*total.shape)))),
]


@theorem(
    "an RBM's float64 gradient is within its own bound of the derivative of log p",
    claim="G0",
    level="E",
    sizes="32 RBMs of up to 5 × 5 units, weights of 0.1, 1, 30 and 10⁴, three examples, every parameter",
    trusts=TRUSTS,
    uses=USES,
    spoiled=[
        *RBM_SPOILS,
        Spoiled("biases exchanged", mutated(float64, "enumeration", "rbm.c, rbm.b", "rbm.b, rbm.c")),
        Spoiled("transpose lost", mutated(float64, "enumeration", "b, c = rbm.W,", "b, c = rbm.W.T.copy(),")),
    ],
)
def test_rbm(shrink=1.0):
    rng = np.random.default_rng(0)
    for scale in SCALES:
        for visible, hidden in [(4, 4), (3, 3), *rng.integers(1, 6, (6, 2)).tolist()]:
            rbm, X = draw(visible, hidden, scale, rng), examples(visible, rng)
            within(rbm, X, by_enumeration(rbm, X), f"{visible} × {hidden} at {scale}", shrink)


@pytest.mark.parametrize("size", SCALES)
@theorem(
    "the same over many blocks of states, for units in disconnected pairs, which are independent",
    claim="G0",
    level="E",
    sizes="17 pairs in random order, weights of 0.1, 1, 30 and 10⁴, every parameter",
    trusts=TRUSTS,
    spoiled=RBM_SPOILS,
)
def test_pairs(size, shrink=1.0):
    rng, n = np.random.default_rng(1), 17
    w, b, c = rng.normal(0, size, n), rng.normal(0, size, n), rng.normal(0, 2 * size, n)
    order = rng.permutation(n)
    W = np.zeros((n, n))
    W[order, np.arange(n)] = w
    X = examples(n, rng)
    x_mean, h_mean = np.empty(n, object), np.empty(n, object)
    both, given = np.empty(n, object), np.empty((n, len(X)), object)
    for i, j in enumerate(order):
        p, q, r = arb(float(b[i])), arb(float(c[j])), arb(float(w[i]))
        total = 1 + p.exp() + q.exp() + (p + q + r).exp()
        both[i] = (p + q + r).exp() / total
        x_mean[i], h_mean[j] = p.exp() / total + both[i], q.exp() / total + both[i]
        given[j] = [1 / (1 + (-(q + r * int(x[i]))).exp()) for x in X]
    model = np.outer(h_mean, x_mean)
    model[order, np.arange(n)] = both
    count = arb(len(X))
    truth = [
        given @ X.astype(int) / count - model,
        X.sum(0).astype(int) / count - x_mean,
        given.sum(1) / count - h_mean,
    ]
    within(RBM(W, b, c), X, truth, f"{n} pairs at {size}", shrink)


@theorem(
    "a DBN's float64 gradient is within its own bound of the derivative of log p, at any depth",
    claim="G5",
    level="E",
    sizes="20 DBNs of one to three hidden layers of up to 4 units, weights of 0.1, 1, 30 and 1000, three examples",
    trusts=TRUSTS,
    spoiled=[
        Spoiled("a bound so small that no float keeps it", None, shrink=1e-5),
        Spoiled(
            "weights of the examples dropped",
            mutated(posteriors.Mixture, "_strip", "high *= w / ", "high *= (w > 0) / "),
        ),
        Spoiled(
            "half of the hidden units forgotten",
            mutated(posteriors.Mixture, "_strip", "self.high_means[:, some] * w", "0 * self.high_means[:, some]"),
        ),
        Spoiled("ω's transpose lost", mutated(posteriors.Mixture, "_strip", "omega.T @ high", "omega @ high")),
        Spoiled(
            "the hidden units' weights lost",
            mutated(gradients, "of_dbn", "(layer, weights)", "(layer, weights * 0 + 1 / len(weights))"),
        ),
        Spoiled("prior for posterior at the top", mutated(gradients, "of_dbn", "(weights, p)", "(p, p)")),
    ],
)
def test_dbn(shrink=1.0):
    rng = np.random.default_rng(2)
    for scale in (0.1, 1.0, 30.0, 1e3):
        for depth in (2, 1, 2, 3, 3):
            sizes = [4] * (depth + 1) if scale == 0.1 else [int(n) for n in rng.integers(1, 5, depth + 1)]
            dbn = DBN.from_rbms([draw(visible, hidden, scale, rng) for visible, hidden in pairwise(sizes)])
            X = examples(sizes[0], rng)
            within(dbn, X, by_enumeration(dbn, X), f"{sizes} at {scale}", shrink)


@theorem(
    "where products underflow the gradient's bound still holds, for logarithms take over",
    claim="G5",
    level="E",
    sizes="one layer of (D, H) = (4, 1) and (5, 5), logits of ±800, every x an example",
    trusts=TRUSTS,
    spoiled=[
        Spoiled("mask dropped", mutated(matrices, "sum_batch", "np.where(certain, scaled, np.inf)", "scaled + 1")),
        Spoiled("what is lost forgotten", mutated(posteriors.Mixture, "_strip", "if lost.any()", "if False")),
        Spoiled("a lost factor taken for a lost entry", mutated(matrices, "lost_by_a_term", ", factor)", ", entry)")),
    ],
)
def test_underflow():
    rng = np.random.default_rng(3)
    deep = DirectedLayer(np.array([[-715.0, -468, 197, -262]]), np.array([2.6, 4, -7.2, 5.1]), np.ones((1, 4)), [0.0])
    wide = DirectedLayer(1600 * np.eye(5), np.full(5, -800.0), np.ones((5, 5)), np.zeros(5))
    for layer in (deep, wide):
        hidden, visible = layer.W.shape
        dbn, X = DBN([layer], draw(hidden, 2, 1.0, rng)), exact.states(visible)
        within(dbn, X, by_enumeration(dbn, X), f"{layer.W.shape}")


@pytest.mark.parametrize("size", [(3, 4), (4, 3)])
@theorem(
    "the float64 gradient is where the exact rational says, but for its bound and the rounding of the weights",
    claim="G0, I4",
    level="X",
    sizes="(D, H) = (3,4), (4,3), rational odds, three examples, as an RBM and as its tied DBN",
    trusts=("a gradient's entry moves by at most twice what all parameters together move", "python-flint's logarithm"),
    spoiled=[
        Spoiled("a bound so small that no float keeps it, the weights taken as exact", None, shrink=1e-5, moves=0),
        Spoiled("sign of the second expectation", mutated(gradients, "of_rbm", "data.b - model.b", "data.b + model.b")),
        Spoiled("prior for posterior at the top", mutated(gradients, "of_dbn", "(weights, p)", "(p, p)")),
        Spoiled(
            "the clamped mean of the examples lost",
            mutated(posteriors.Mixture, "_strip", "of_x += w @ X", "of_x += 0 * w @ X"),
        ),
    ],
)
def test_rational(size, shrink=1.0, moves=2):
    rng = np.random.default_rng(sum(size))
    rbm, X = rational_rbm(*size, rng), examples(size[0], rng)
    bits = X.astype(int).astype(object)
    logarithm = lambda e: arb(flint.fmpq(e.r.numerator, e.r.denominator)).log()
    floats = RBM(*(np.vectorize(lambda e: float(logarithm(e)), otypes=[float])(p) for p in (rbm.W, rbm.b, rbm.c)))
    moved = arb(0)
    for given, rounded in ((rbm.W, floats.W), (rbm.b, floats.b), (rbm.c, floats.c)):
        for e, f in zip(given.flat, rounded.flat, strict=True):
            moved += abs(logarithm(e) - arb(float(f)))
    for exactly, model, copies in ((rbm, floats, 1), (DBN.from_tied(rbm), DBN.from_tied(floats), 2)):
        truth = [np.vectorize(as_arb, otypes=[object])(g) for g in flatten(exact.gradient(exactly, bits))[0]]
        within(model, X, truth, type(model).__name__, shrink, moves * copies * moved)
