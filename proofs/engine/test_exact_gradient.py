"""The gradient by expectations within its own bound: against `grad` through the enumeration, on balls and on rationals.

Two routes lead to one quantity. The fast one (`exact/sums/gradients.py`) runs on float64 alone and never forms a graph;
the other differentiates the shipped likelihood with the engine, in arithmetic that is exact or says how far it is not.
"""

import numpy as np
import pytest
from flint import arb, fmpq

from proofs.engine.exact_sums import (
    SCALES,
    TOO_LARGE,
    TOO_SMALL,
    TRUSTS,
    USES,
    draw,
    draw_dbn,
    draw_pairs,
    rounded,
    underflowing,
    with_other_sums,
    within,
)
from proofs.harness.evidence import require_equal
from proofs.harness.formulas import over
from proofs.harness.models import odds, rational_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.balls import Ball, balls, precision
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.trees import flatten
from tinygrad_dbn.exact.sums import enumeration, gradients, matrices, moments, posteriors
from tinygrad_dbn.models import DBN


@pytest.fixture(autouse=True)
def precise():
    with precision(400):
        yield


def by_enumeration(model, X):
    """The engine's derivative of the mean log-likelihood, in balls: one array for each of the model's."""
    leaves, rebuild = flatten(model)
    return in_balls(exact.gradient(rebuild([*map(balls, leaves)]), X))


def in_balls(gradient):
    """The arrays of a gradient, of Balls or rational numbers, as arrays of python-flint's; zeros may be floats."""

    def as_arb(entry):
        if isinstance(entry, Exact):
            require_equal(entry.r, 1, "the logarithm in an entry that is to be rational")
            return arb(fmpq(entry.p.numerator, entry.p.denominator))
        return entry.arb if isinstance(entry, Ball) else arb(float(entry))

    return [over(as_arb, g) for g in flatten(gradient)[0]]


def gradient_within(model, X, truth, what, shrink=1.0, moved=0):
    """Refuse unless every entry of the gradient is within its bound, and `moved`, of the truth."""
    gradient, error = exact.gradient(model, X, with_error=True)
    for values, errors, wanted in zip(flatten(gradient)[0], flatten(error)[0], truth, strict=True):
        within(values, errors, wanted, what, shrink, moved)


def examples(visible, rng):
    return rng.integers(0, 2, (3, visible)).astype(float)


def exchanged(total):
    """Σ w σ where Σ w (1 − σ) belongs."""
    return np.concatenate([total[-1] - total[:-1], total[-1:]])


def off_on_the_diagonal(total):
    return total * (1 + 1e-7 * np.eye(*total.shape))


RBM_SPOILS = [
    TOO_SMALL,
    TOO_LARGE,
    Spoiled("sign of the second expectation", mutated(gradients, "of_rbm", "data.W - model.W", "data.W + model.W")),
    Spoiled("σ for 1 − σ", with_other_sums(moments, "sum_blocks", exchanged)),
    Spoiled("sums off by 1e-7", with_other_sums(moments, "sum_blocks", off_on_the_diagonal)),
]


@theorem(
    "an RBM's float64 gradient is within its own bound, at most 10⁻⁷ (1 + its size), of the derivative of log p",
    claim="G0",
    level="E",
    sizes="32 RBMs of up to 5 × 5 units, weights of 0.1, 1, 30 and 10⁴, three examples, every parameter",
    trusts=TRUSTS,
    uses=(
        *USES,
        "the shipped exact gradient is E[−∂E/∂θ | x] − E[−∂E/∂θ]",
    ),
    spoiled=[
        *RBM_SPOILS,
        Spoiled("biases exchanged", mutated(enumeration, "of", "rbm.c, rbm.b", "rbm.b, rbm.c")),
        Spoiled("transpose lost", mutated(enumeration, "of", "b, c = rbm.W,", "b, c = rbm.W.T.copy(),")),
    ],
)
def test_rbm(shrink=1.0):
    rng = np.random.default_rng(0)
    for scale in SCALES:
        for visible, hidden in [(4, 4), (3, 3), *rng.integers(1, 6, (6, 2)).tolist()]:
            rbm, X = draw(visible, hidden, scale, rng), examples(visible, rng)
            gradient_within(rbm, X, by_enumeration(rbm, X), f"{visible} × {hidden} at {scale}", shrink)


@pytest.mark.parametrize("size", SCALES)
@theorem(
    "the same over many blocks of states, for units in disconnected pairs, which are independent",
    claim="G0",
    level="E",
    sizes="17 pairs in random order, weights of 0.1, 1, 30 and 10⁴, every parameter",
    trusts=TRUSTS,
    uses=USES,
    spoiled=RBM_SPOILS,
)
def test_pairs(size, shrink=1.0):
    rng, n = np.random.default_rng(1), 17
    rbm, order = draw_pairs(n, size, rng)
    X = examples(n, rng)
    # Of a pair (i, j): u, v its biases' odds, w its weight's; p(x_i = 1, h_j = 1), p(x_i = 1) and p(h_j = 1).
    i, j = np.arange(n), order
    u, v, w = odds(rbm.b), odds(rbm.c[j]), odds(rbm.W[j, i])
    both, x_mean, h_mean = (weight / (1 + u + v + u * v * w) for weight in (u * v * w, u + u * v * w, v + u * v * w))
    given = [v * w ** x.astype(int).astype(object) for x in X]  # the odds of h_j, for each example
    given = np.array([o / (1 + o) for o in given])
    model, clamped = np.empty((n, n), object), np.empty((n, n), object)
    model[np.ix_(j, i)] = np.outer(h_mean, x_mean)
    model[j, i] = both
    clamped[np.ix_(j, i)] = given.T @ X.astype(int) / arb(len(X))
    hidden = np.empty(n, object)
    hidden[j] = given.mean(axis=0) - h_mean
    truth = [clamped - model, X.astype(int).sum(axis=0) / arb(len(X)) - x_mean, hidden]
    gradient_within(rbm, X, truth, f"{n} pairs at {size}", shrink)


@theorem(
    "a DBN's float64 gradient is within its own bound, at most 10⁻⁷ (1 + its size), of the derivative of log p",
    claim="G5",
    level="E",
    sizes="20 DBNs of one to three hidden layers of up to 4 units, weights of 0.1, 1, 30 and 1000, three examples",
    trusts=TRUSTS,
    uses=USES,
    spoiled=[
        TOO_SMALL,
        TOO_LARGE,
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
        Spoiled("visible bias lost", mutated(posteriors, "expected_visible", "layer.b)", "0 * layer.b)")),
        Spoiled("1 − σ for σ", mutated(posteriors, "expected_hidden", ", sums[:-1, -1]", ", 1 - sums[:-1, -1]")),
    ],
)
def test_dbn(shrink=1.0):
    rng = np.random.default_rng(2)
    for scale in (0.1, 1.0, 30.0, 1e3):
        for depth in (2, 1, 2, 3, 3):
            sizes = [4] * (depth + 1) if scale == 0.1 else [int(n) for n in rng.integers(1, 5, depth + 1)]
            dbn = draw_dbn(sizes, scale, rng)
            X = examples(sizes[0], rng)
            gradient_within(dbn, X, by_enumeration(dbn, X), f"{sizes} at {scale}", shrink)


@theorem(
    "where products underflow the gradient's bound still holds, for logarithms take over",
    claim="G5",
    level="E",
    sizes="one layer of (D, H) = (4, 1), (5, 5) and (4, 8), logits of ±800 or twice ±400, every x an example",
    trusts=TRUSTS,
    uses=USES,
    spoiled=[
        Spoiled("mask dropped", mutated(matrices, "sum_batch", "np.where(certain, scaled, np.inf)", "scaled + 1")),
        Spoiled("what is lost forgotten", mutated(posteriors.Mixture, "_strip", "if lost.any()", "if False")),
        Spoiled("a lost factor taken for a lost entry", mutated(matrices, "lost_by_a_term", ", factor)", ", entry)")),
    ],
)
def test_underflow():
    for dbn in underflowing():
        X = exact.states(dbn.sizes[0])
        gradient_within(dbn, X, by_enumeration(dbn, X), f"{dbn.sizes}")


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
    floats, moved = rounded(rbm)
    for true_model, model, copies in ((rbm, floats, 1), (DBN.from_tied(rbm), DBN.from_tied(floats), 2)):
        truth = in_balls(exact.gradient(true_model, X.astype(int).astype(object)))
        gradient_within(model, X, truth, type(model).__name__, shrink, moves * copies * moved)
