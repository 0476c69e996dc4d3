"""`certified`: every figure within its error of the definition, written out once more in balls."""

import sys

import flint
import numpy as np
import pytest
from flint import arb

from proofs.engine.exact_sums import draw, draw_dbn, probabilities, within
from proofs.harness.evidence import require_at_most, require_equal
from proofs.harness.formulas import over
from proofs.harness.models import bits, lecture_conditional, lecture_joint
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.balls import Ball
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DBN, DirectedLayer

ENCLOSURE = sys.modules["tinygrad_dbn.exact.enclosure"]


@pytest.fixture(autouse=True)
def precise():
    with flint.ctx.workprec(1200):
        yield


def models():
    rng = np.random.default_rng(7)
    for scale in (0.1, 1.0, 30.0):
        yield DBN((), draw(3, 2, scale, rng))
        yield draw_dbn((3, 2, 3), scale, rng)


def untied(dbn):
    """Recognition weights of their own, so that what mistakes them for the generative ones shows."""
    layers = tuple(DirectedLayer(l.W, l.b, l.R * 0.5, l.c) for l in dbn.layers)
    return DBN(layers, dbn.top)


def definitions(dbn, X):
    """(name, figure and its error, truth) for each quantity: tuples of numbers."""
    p = probabilities(dbn)
    log_p = np.array([q.log() for q in p])
    of_X = log_p[X.astype(int) @ 2 ** np.arange(X.shape[1])]
    yield "log p", exact.certified(exact.log_likelihood, dbn, X), of_X
    yield "entropy", exact.certified(exact.entropy, dbn), [-(p @ log_p)]
    yield "marginal", exact.certified(exact.log_marginal, dbn, 0), log_p
    yield "unit means", exact.certified(exact.unit_means, dbn, 0), p @ np.array(bits(dbn.sizes[0]))
    yield "KL(data‖model)", exact.certified(exact.kl_from_data, dbn, X), [-arb(len(X)).log() - of_X.sum() / len(X)]
    if dbn.layers:
        audit, error = exact.certified(exact.audit, dbn, X)
        slack = audit.log_likelihood - audit.bound - audit.kl
        yield "audit", (audit.log_likelihood, error.log_likelihood), of_X
        layer, at = dbn.layers[0], X.astype(int) @ 2 ** np.arange(X.shape[1])
        joint = lecture_joint(dbn).sum(axis=2)[at]
        q = lecture_conditional(layer.R.T, layer.c).T[at]
        log = lambda p: over(lambda v: v.log(), p)
        yield "bound", (audit.bound, error.bound), (q * (log(joint) - log(q))).sum(axis=1)
        yield "KL", (audit.kl, error.kl), (q * (log(q) - log(joint / joint.sum(axis=1, keepdims=True)))).sum(axis=1)
        bounds = error.log_likelihood + error.bound + error.kl
        yield "log p − bound − KL", (slack, bounds + 1e-14 * np.abs(audit.log_likelihood)), [arb(0)] * len(X)


@theorem(
    "every certified figure is within its error of the definition, and the error is at most 1e-11 (1 + |figure|)",
    claim="H4",
    level="E",
    sizes="RBMs (3, 2) and DBNs 3-2-3, weights of 0.1, 1 and 30, biases up to ten times that",
    trusts=("python-flint's balls",),
    spoiled=[
        Spoiled("the errors left out", None, shrink=0.0),
        Spoiled("a radius lost", mutated(ENCLOSURE, "_floats", "float(off.upper())", "0.0")),
        Spoiled("e^x off by 1e-9", mutated(Ball, "exp", "self.arb.exp()", "(self.arb.exp() * 1.000000001)")),
        Spoiled("log x off by 1e-9", mutated(Ball, "log", "self.arb.log()", "(self.arb.log() + 1e-9)")),
        Spoiled("bound and KL off alike", mutated(variational.bound, "audit", "lower, kl))", "lower + 1, kl - 1))")),
        Spoiled("generation by recognition weights", mutated(DirectedLayer, "visible_logits", "self.W", "self.R")),
    ],
)
def test_certified_figures(shrink=1.0):
    X = np.array([[0.0, 1, 1], [1, 0, 0]])
    for model in models():
        dbn = untied(model)
        for name, (values, errors), truths in definitions(dbn, X):
            values, errors = np.ravel(values), np.ravel(errors)
            require_equal(len(values), len(truths), f"{name}: how many figures")
            require_at_most((errors / (1 + np.abs(values))).max(), 1e-11, f"{name}: the errors of (1 + |figure|)")
            within(values, errors, truths, name, shrink)
