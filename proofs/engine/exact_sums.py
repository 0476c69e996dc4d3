"""What the theorems about the exact sums share: drawn models of floats, and the truth about them in Arb balls.

A comparison of balls that cannot be decided is an error, so nothing passes, or is refused, by being vague.
"""

from itertools import pairwise

import numpy as np
from flint import arb, fmpq

from proofs.harness.evidence import require_at_most
from proofs.harness.formulas import over
from proofs.harness.models import bits, lecture_conditional, lecture_odds, odds
from proofs.harness.theorem import Spoiled, require
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

TRUSTS = ("python-flint's balls",)
USES = ("exp is within one ulp", "log is within 1.25 ulp", "log and log1p are within one ulp")
"""Of the floats' logarithm of 1 + x the bound of 2 ulp, which the errors count on, is sampled and not proved."""
SCALES = [0.1, 1.0, 30.0, 1e4]
TOO_SMALL = Spoiled("a bound so small that no float keeps it", None, shrink=1e-5)
TOO_LARGE = Spoiled("a bound so large that it says nothing", None, shrink=1e8)
LOOSEST = 1e-7


def draw(visible, hidden, scale, rng):
    """An RBM with weights of this scale, and biases of one from a tenth to ten times that."""
    bias = scale * 10 ** rng.uniform(-1, 1)
    return RBM(rng.normal(0, scale, (hidden, visible)), rng.normal(0, bias, visible), rng.normal(0, bias, hidden))


def draw_dbn(sizes, scale, rng):
    return DBN.from_rbms([draw(visible, hidden, scale, rng) for visible, hidden in pairwise(sizes)])


def draw_pairs(n, scale, rng):
    """An RBM of n independent pairs: the visible unit i is connected to the hidden unit order[i] alone."""
    w, b, c = rng.normal(0, scale, n), rng.normal(0, scale, n), rng.normal(0, 2 * scale, n)
    order = rng.permutation(n)
    W = np.zeros((n, n))
    W[order, np.arange(n)] = w
    return RBM(W, b, c), order


def underflowing():
    """DBNs with logits of ±800, or of ±400 twice: products of probabilities underflow, and logarithms take over."""
    rng = np.random.default_rng(3)
    deep = DirectedLayer(np.array([[-715.0, -468, 197, -262]]), np.array([2.6, 4, -7.2, 5.1]), np.ones((1, 4)), [0.0])
    wide = DirectedLayer(1600 * np.eye(5), np.full(5, -800.0), np.ones((5, 5)), np.zeros(5))
    layers = [DBN([layer], draw(len(layer.W), 2, 1.0, rng)) for layer in (deep, wide)]
    # Of x = 0 nearly all is at h = (1, 0, …), where two factors are e^−400.
    rows = np.vstack([np.full(4, 200.0), np.full(4, -200.0), rng.normal(size=(6, 4))])
    twice = DirectedLayer(rows, np.full(4, -200.0), np.ones((8, 4)), np.zeros(8))
    top = RBM(rng.normal(size=(2, 8)), np.append([40.0, -40], rng.normal(size=6)), rng.normal(size=2))
    return [*layers, DBN([twice], top)]


def visible_weights(rbm):
    """Σ_h e^(−E(x, h)) for every x, as balls: e^(bᵀx) Π_j (1 + e^(c_j + W_j x)) (G0)."""
    given = lecture_odds(rbm.W.T, rbm.c)
    return np.array([np.prod(odds(rbm.b) ** x) * np.prod(1 + o) for x, o in zip(bits(len(rbm.b)), given, strict=True)])


def probabilities(dbn):
    """p(x) of every x, as balls: that of the top layer's units, then layer by layer Σ_h p(h) p(x|h) (G5)."""
    p = visible_weights(dbn.top)
    p = p / p.sum()
    for layer in reversed(dbn.layers):
        p = lecture_conditional(layer.W, layer.b) @ p
    return p


def within(value, error, truth, what, shrink=1.0, moved=0):
    """Refuse unless every value is within its error, and `moved`, of the truth; and the error is small itself.

    An error that is shrunk is held against the float nearest to the truth instead of the computed one, so that it is
    refused on every machine or on none.
    """
    for v, e, t in zip(np.ravel(value), np.ravel(error), np.ravel(np.asarray(truth, object)), strict=True):
        require(np.isfinite(v) and np.isfinite(e), f"{what} is finite", value=v, error=e)
        require_at_most(e * max(shrink, 1), LOOSEST * (1 + abs(float(v))), f"{what}, {v}: the bound itself")
        v = v if shrink == 1 else float(t)
        require_at_most(
            abs(arb(float(v)) - t), arb(float(e) * shrink) + moved, f"{what}, how far {v} is from the truth"
        )


def with_other_sums(owner, name, change):
    """A patch: the function returns `change(total), exponent`, where it returned `total, exponent`."""
    honest = getattr(owner, name)

    def changed(*args):
        total, exponent = honest(*args)
        return change(total), exponent

    return lambda monkeypatch: monkeypatch.setattr(owner, name, changed)


def logarithm(e):
    """An exact logarithm of a rational, as a ball."""
    return arb(fmpq(e.r.numerator, e.r.denominator)).log()


def rounded(rbm):
    """An RBM of rational odds with its parameters rounded to floats, and how far that moves all of them together."""
    truths = [over(logarithm, p) for p in (rbm.W, rbm.b, rbm.c)]
    floats = [truth.astype(float) for truth in truths]
    moved = sum(np.sum(abs(truth - over(arb, p))) for truth, p in zip(truths, floats, strict=True))
    return RBM(*floats), moved
