"""Claim I4 on shipped code: the DBN of tied weights is the RBM, for every weight, and exactly at rational points."""

import numpy as np
import pytest

from proofs.harness.evidence import require_different, require_equal
from proofs.harness.formulas import equal_formulas, over
from proofs.harness.models import lecture_conditional, lecture_weights, rational_rbm, recognition, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

TIED = "self.W.T, self.c, self.b"
SPOILS = [
    Spoiled("sign of the tied weights", mutated(RBM, "transposed", TIED, "-self.W.T, self.c, self.b")),
    Spoiled("visible bias of the top forgotten", mutated(RBM, "transposed", TIED, "self.W.T, 0 * self.c, self.b")),
    Spoiled("hidden bias of the top forgotten", mutated(RBM, "transposed", TIED, "self.W.T, self.c, 0 * self.b")),
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
]
SQUARE = [
    Spoiled("weights not transposed", mutated(RBM, "transposed", TIED, "self.W, self.c, self.b")),
    Spoiled("biases not swapped", mutated(RBM, "transposed", TIED, "self.W.T, self.b, self.c")),
]


@theorem(
    "the tied DBN has the RBM's likelihood, for every weight and bias",
    claim="I4",
    level="B",
    sizes="(D, H) = (2, 2), every x",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[*SPOILS, *SQUARE],
)
def test_likelihood():
    rbm, X = symbolic_rbm(2, 2), exact.states(2)
    weights = lecture_weights(rbm).sum(axis=1)
    with meanings():
        for model in (rbm, DBN.from_tied(rbm)):
            p = np.exp(exact.log_likelihood(model, X))
            equal_formulas(p, weights / weights.sum(), f"p(x) of the {type(model).__name__}")


@theorem(
    "the recognition model of the tied DBN is its posterior, where the bound is tight",
    claim="I4",
    level="B",
    sizes="(D, H) = (2, 2), every x and h1",
    uses=("the shipped posterior is the lecture's, and the bound at it is log p(x)",),
    spoiled=[
        *SPOILS,
        *SQUARE,
        Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
    ],
)
def test_tight():
    rbm, X = symbolic_rbm(2, 2), exact.states(2)
    dbn, of_rbm = DBN.from_tied(rbm), lecture_conditional(rbm.W.T, rbm.c).T
    with meanings():
        equal_formulas(recognition(dbn, X), of_rbm, "q(h1|x)")
        equal_formulas(exact.posterior(dbn, X), of_rbm, "p(h1|x)")


@pytest.mark.parametrize("size", [(3, 3), (5, 4), (6, 5)])
@theorem(
    "the tied DBN's probabilities are the RBM's, as rational numbers",
    claim="I4",
    level="X",
    sizes="(D, H) = (3,3), (5,4), (6,5), every x, rational odds",
    spoiled=SPOILS,
)
def test_rational_points(size):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    X = exact.states(size[0])
    weights = lecture_weights(rbm).sum(axis=1)
    for model in (rbm, DBN.from_tied(rbm)):
        p = np.exp(exact.log_likelihood(model, X))
        require_equal(p, over(Exact, weights / weights.sum()), f"p(x) of the {type(model).__name__}")


@theorem(
    "the DBN is the RBM, too, without the transpose, or without one of the biases in the top",
    claim="I4",
    level="R",
    sizes="(D, H) = (3, 3), rational odds",
    uses=("a DBN's likelihood is Σ over all hidden states of p(h1,h2) p(x|h1)",),
    spoiled=[Spoiled("nothing left out", None, leave_out=())],
)
def test_each_part_is_needed(leave_out=("W", "b", "c")):
    rbm = rational_rbm(3, 3, np.random.default_rng(3))
    X = exact.states(3)
    truth = exact.log_likelihood(rbm, X)
    tops = {
        "W": RBM(rbm.W, rbm.c, rbm.b),
        "b": RBM(rbm.W.T, rbm.c, 0 * rbm.b),
        "c": RBM(rbm.W.T, 0 * rbm.c, rbm.b),
        None: rbm.transposed(),
    }
    for part in leave_out or (None,):
        other = exact.log_likelihood(DBN.from_rbms([rbm, tops[part]]), X)
        require_different(other, truth, f"log p(x) of the DBN without {part}, and of the RBM")
