"""Chapter H on shipped code: the bridge from the theorems for all sizes to `td.exact.bound` and `td.exact.audit`."""

import numpy as np
import pytest
import sympy

from proofs.harness.evidence import require_equal
from proofs.harness.formulas import equal_formulas, formulas, over
from proofs.harness.models import lecture_conditional, lecture_joint, rational_rbm, recognition, symbolic_dbn
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression, symbols
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DBN, DirectedLayer


def general_q(examples, hidden):
    """A distribution over the states of h1 for each example, every probability free: w_s / Σ w."""
    w = symbols("w", (examples, 2**hidden), positive=True)
    return w / w.sum(axis=1, keepdims=True)


SIZES = [(1, 1, 1), (2, 1, 2)]
OTHER = (
    "return layer.log_conditional(X, states(layer.W.shape[0])) + prior",
    "return 0 * layer.log_conditional(X, states(layer.W.shape[0])) + 3 * prior",
)
SPOILS = [
    Spoiled("prior forgotten", mutated(variational.bound, "_log_joint", " + prior", " + 0 * prior")),
    Spoiled(
        "entropy's sign flipped",
        mutated(variational.bound, "bound", ", some, prior) - log_q", ", some, prior) + log_q"),
    ),
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
]


@pytest.mark.parametrize("sizes", SIZES)
@theorem(
    "the shipped bound is Σ q log p(x,h1) − Σ q log q, for every q",
    claim="H2",
    level="B",
    sizes="1-1-1 and 2-1-2, every x, every weight, every positive q",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=SPOILS,
)
def test_bound(sizes):
    dbn, (visible, middle, _) = symbolic_dbn(*sizes), sizes
    q = general_q(2**visible, middle)
    with meanings():
        found = exact.bound(dbn, exact.states(visible), q)
    q, joint = formulas(q), lecture_joint(dbn).sum(axis=2)
    equal_formulas(found, (q * over(sympy.log, joint)).sum(axis=1) - (q * over(sympy.log, q)).sum(axis=1), "bound")


@pytest.mark.parametrize("sizes", SIZES)
@theorem(
    "log p = bound + KL on the shipped audit, each of them the lecture's, for every q",
    claim="H4",
    level="B",
    sizes="1-1-1 and 2-1-2, every x, every weight, every positive q",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("q not normalised", None, normalised=False),
        Spoiled(
            "KL the other way round",
            mutated(variational.bound, "audit", "log_q - log_posterior", "log_posterior - log_q"),
        ),
        Spoiled("KL against the joint", mutated(variational.bound, "audit", "log_q - log_posterior", "log_q - joint")),
        Spoiled("another joint, for which the residual is zero too", mutated(variational.bound, "_log_joint", *OTHER)),
    ],
)
def test_gap(sizes, normalised=True):
    dbn, (visible, middle, _) = symbolic_dbn(*sizes), sizes
    q = general_q(2**visible, middle) if normalised else symbols("w", (2**visible, 2**middle), positive=True)
    with meanings():
        found = exact.audit(dbn, exact.states(visible), q)
    q, joint = formulas(q), lecture_joint(dbn).sum(axis=2)
    of_x = joint.sum(axis=1, keepdims=True)
    entropy = (q * over(sympy.log, q)).sum(axis=1)
    equal_formulas(found.residual, np.zeros(2**visible, int), "residual")
    equal_formulas(found.log_likelihood, over(sympy.log, of_x[:, 0]), "log p")
    equal_formulas(found.bound, (q * over(sympy.log, joint)).sum(axis=1) - entropy, "bound")
    equal_formulas(found.kl, entropy - (q * over(sympy.log, joint / of_x)).sum(axis=1), "KL")


@theorem(
    "the shipped posterior is the lecture's, and the bound at it is log p(x)",
    claim="H3",
    level="B",
    sizes="1-1-1, every x, every weight",
    spoiled=[
        Spoiled(
            "posterior forgets the prior",
            mutated(variational.bound, "posterior", "log_prior(dbn)", "0 * log_prior(dbn)"),
        ),
        Spoiled("uniform q instead", None, uniform=True),
        Spoiled("generative bias lost on every side", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
    ],
)
def test_tight(uniform=False):
    dbn, X = symbolic_dbn(1, 1, 1), exact.states(1)
    joint = lecture_joint(dbn).sum(axis=2)
    of_x = joint.sum(axis=1, keepdims=True)
    with meanings():
        q = np.full((2, 2), Symbolic(1) / 2) if uniform else exact.posterior(dbn, X)
        q = over(lambda p: Symbolic(expression(p)), q)
        equal_formulas(exact.bound(dbn, X, q), over(sympy.log, of_x[:, 0]), "bound at the posterior")
    equal_formulas(q, joint / of_x, "posterior")


@theorem(
    "the recognition model is a sigmoid layer: q(h1|x) = Π sigm(c_j + R_j·x)",
    claim="I3",
    level="X",
    sizes="3-2, every x and h1, rational odds, recognition untied",
    spoiled=[
        Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
        Spoiled("the generative weights", mutated(DirectedLayer, "recognition_logits", "self.R", "self.W")),
        Spoiled(
            "q not normalised",
            mutated(
                exact.distributions, "log_bernoulli_table", "ops.sum(ops.softplus(logits), axis=-1, keepdims=True)", "0"
            ),
        ),
    ],
)
def test_recognition():
    rng = np.random.default_rng(0)
    rbm, guess = rational_rbm(3, 2, rng), rational_rbm(3, 2, rng)
    dbn = DBN((DirectedLayer(rbm.W, rbm.b, guess.W, guess.c),), rbm.transposed())
    wanted = over(Exact, lecture_conditional(guess.W.T, guess.c).T)
    require_equal(recognition(dbn, exact.states(3)), wanted, "q(h1|x)")
