"""`certified`: every figure within its error of the definition, written out once more in balls.

The definitions come from `test_float_exact`: the lecture's energy, state by state, and python-flint.
"""

import sys

import numpy as np
import pytest

from proofs.engine.test_float_exact import draw, probabilities, within
from proofs.harness.models import bits
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.models import DBN, DirectedLayer

flint = pytest.importorskip("flint")
arb = flint.arb

from tinygrad_dbn.autodiff.numbers.balls import Ball  # noqa: E402  # needs python-flint

ENCLOSURE = sys.modules["tinygrad_dbn.exact.enclosure"]


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(1200):
        yield


def models():
    rng = np.random.default_rng(7)
    for scale in (0.1, 1.0, 30.0):
        yield DBN((), draw(3, 2, scale, rng))
        yield DBN.from_rbms([draw(3, 2, scale, rng), draw(2, 3, scale, rng)])


def untied(dbn):
    """Recognition weights of their own, so that what mistakes them for the generative ones shows."""
    layers = tuple(DirectedLayer(l.W, l.b, l.R * 0.5, l.c) for l in dbn.layers)
    return DBN(layers, dbn.top)


def definitions(dbn, X):
    """(name, figure and its error, truth) for each quantity: tuples of numbers."""
    p = probabilities(dbn)
    rows = [bits(dbn.sizes[0]).index(tuple(int(v) for v in x)) for x in X]
    entropy = -sum((q * q.log() for q in p), arb(0))
    on = [sum((q for x, q in zip(bits(dbn.sizes[0]), p, strict=True) if x[i]), arb(0)) for i in range(dbn.sizes[0])]
    mean = sum((p[r].log() for r in rows), arb(0)) / len(rows)
    yield "log p", exact.certified(exact.log_likelihood, dbn, X), [p[r].log() for r in rows]
    yield "entropy", exact.certified(exact.entropy, dbn), [entropy]
    yield "marginal", exact.certified(exact.log_marginal, dbn, 0), [q.log() for q in p]
    yield "unit means", exact.certified(exact.unit_means, dbn, 0), on
    yield "KL(data‖model)", exact.certified(exact.kl_from_data, dbn, X), [-arb(len(rows)).log() - mean]
    if dbn.layers:
        audit, error = exact.certified(exact.audit, dbn, X)
        slack = audit.log_likelihood - audit.bound - audit.kl
        yield "audit", (audit.log_likelihood, error.log_likelihood), [p[r].log() for r in rows]
        bounds = error.log_likelihood + error.bound + error.kl
        yield "log p − bound − KL", (slack, bounds + 1e-14 * np.abs(audit.log_likelihood)), [arb(0)] * len(rows)


@theorem(
    "every certified figure is within its error of the definition, and the error is at most 1e-12",
    claim="H4",
    level="E",
    sizes="RBMs (3, 2) and DBNs 3-2-3, weights of 0.1, 1 and 30, biases up to ten times that",
    trusts=("python-flint's balls",),
    spoiled=[
        Spoiled("the errors left out", None, shrink=0.0),
        Spoiled("a radius lost", mutated(ENCLOSURE, "_floats", "float(off.upper())", "0.0")),
        Spoiled("e^x off by 1e-9", mutated(Ball, "exp", "self.arb.exp()", "(self.arb.exp() * 1.000000001)")),
        Spoiled("log x off by 1e-9", mutated(Ball, "log", "self.arb.log()", "(self.arb.log() + 1e-9)")),
        Spoiled("generation by recognition weights", mutated(DirectedLayer, "visible_logits", "self.W", "self.R")),
    ],
)
def test_certified_figures(shrink=1.0):
    X = np.array([[0.0, 1, 1], [1, 0, 0]])
    for model in models():
        dbn = untied(model)
        for name, (values, errors), truths in definitions(dbn, X):
            values, errors = np.ravel(values), np.ravel(errors)
            require(len(values) == len(truths), f"{name}: {len(values)} figures for {len(truths)}")
            for value, error, truth in zip(values, errors, truths, strict=True):
                require(error <= 1e-11 * (1 + abs(value)), f"{name}: an error of {error}")
                within(value, error, truth, name, shrink)
