"""Chapter G: the RBM's free energy, conditionals and gradient, and the joint of a DBN, from the energy alone."""

import numpy as np
import pytest
import sympy

from proofs.harness.evidence import require_equal
from proofs.harness.formulas import derivatives, equal_formulas, formulas
from proofs.harness.models import (
    bits,
    lecture_joint,
    lecture_odds,
    lecture_weights,
    rational_dbn,
    symbolic_dbn,
    symbolic_rbm,
)
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.numbers.symbolic import expression, symbols
from tinygrad_dbn.models import RBM, DirectedLayer

SIZES = [(2, 1), (2, 2), (3, 2)]


@pytest.mark.parametrize("size", SIZES)
@theorem(
    "the shipped energy is −hᵀWx − cᵀh − bᵀx, and e^−F(x) = Σ_h e^−E(x,h)",
    claim="G0",
    level="B",
    sizes="(D, H) = (2,1), (2,2), (3,2), every x and h",
    spoiled=[
        Spoiled("visible bias lost in F", mutated(RBM, "free_energy", "ops.matmul(x, self.b) + ", "")),
        Spoiled("hidden bias lost", mutated(RBM, "hidden_logits", " + self.c", "")),
        Spoiled("sign of F", mutated(RBM, "free_energy", "return -(", "return (")),
        Spoiled("sign of E", mutated(RBM, "energy", "return -(", "return (")),
        Spoiled("visible bias lost in E", mutated(RBM, "energy", " + ops.matmul(x, self.b)", "")),
        Spoiled("sigmoid for softplus", mutated(RBM, "free_energy", "ops.softplus", "ops.sigmoid")),
    ],
)
def test_free_energy(size):
    rbm, weights = symbolic_rbm(*size), lecture_weights(symbolic_rbm(*size))
    with meanings():
        for x, row in zip(exact.states(size[0]), weights, strict=True):
            energies = np.array([rbm.energy(x, h) for h in exact.states(size[1])])
            equal_formulas(np.exp(-energies), row, f"e^−E({x}, h)")
            equal_formulas(np.exp(-rbm.free_energy(x)), row.sum(), f"e^−F({x})")


@pytest.mark.parametrize("size", SIZES)
@theorem(
    "p(h_j=1|x) = sigm(c_j + W_j·x) and p(x_i=1|h) = sigm(b_i + h·W_·i) are the conditionals of the joint",
    claim="G0",
    level="B",
    sizes="(D, H) = (2,1), (2,2), (3,2), every x and h",
    spoiled=[
        Spoiled("hidden bias lost", mutated(RBM, "hidden_logits", " + self.c", "")),
        Spoiled("visible bias lost", mutated(RBM, "visible_logits", " + self.b", "")),
        Spoiled(
            "sign flipped", mutated(RBM, "hidden_given_visible", "self.hidden_logits(x)", "-self.hidden_logits(x)")
        ),
    ],
)
def test_conditionals(size):
    rbm, (X, H) = symbolic_rbm(*size), map(exact.states, size)
    weights, xs, hs = lecture_weights(rbm), np.array(bits(size[0])), np.array(bits(size[1]))
    with meanings():
        equal_formulas(rbm.hidden_given_visible(X), weights @ hs / weights.sum(axis=1)[:, None], "p(h|x)")
        equal_formulas(rbm.visible_given_hidden(H), weights.T @ xs / weights.sum(axis=0)[:, None], "p(x|h)")


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (2, 2)])
@theorem(
    "p(x) = e^−F(x) / Z, with Z the sum over all states",
    claim="G0",
    level="B",
    sizes="(D, H) = (2,1), (1,2), (2,2), every x",
    spoiled=[
        Spoiled(
            "Z without the visible bias",
            mutated(RBM, "visible_logits", " + self.b", ""),
        ),
        Spoiled("sign of F in Z", mutated(exact.partition, "log_partition", "(-free_energy", "(free_energy")),
        Spoiled(
            "Z added instead of subtracted",
            mutated(
                exact.likelihood, "log_likelihood", "free_energy(X) - log_partition", "free_energy(X) + log_partition"
            ),
        ),
    ],
)
def test_likelihood(size):
    rbm, (X, H) = symbolic_rbm(*size), map(exact.states, size)
    weights = lecture_weights(rbm)
    with meanings():
        equal_formulas(np.exp(exact.log_likelihood(rbm, X)), weights.sum(axis=1) / weights.sum(), "p(x)")
        equal_formulas(np.exp(rbm.visible_logits(H)), lecture_odds(rbm.W, rbm.b), "odds of x given h")


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (2, 2)])
@theorem(
    "the shipped exact gradient is E[−∂E/∂θ | x] − E[−∂E/∂θ]",
    claim="G0",
    level="B",
    sizes="(D, H) = (2,1), (1,2), (2,2), two examples, every parameter",
    uses=("every vjp is the transpose of the meaning's derivative",),
    spoiled=[
        Spoiled("second expectation dropped", None, negative=0),
        Spoiled("signs exchanged", None, negative=-1),
        Spoiled("hidden bias lost", mutated(RBM, "hidden_logits", " + self.c", "")),
        Spoiled(
            "the partition function forgotten",
            mutated(exact.likelihood, "log_likelihood", " - log_partition(rbm)", ""),
        ),
    ],
)
def test_gradient(size, negative=1):
    rbm, X, H = symbolic_rbm(*size), bits(size[0]), bits(size[1])
    weights, examples = lecture_weights(rbm), [0, len(X) - 1]
    with meanings():
        gradient = exact.gradient(rbm, exact.states(size[0])[examples])
    for name in ("W", "b", "c"):
        parameters = getattr(rbm, name)
        slopes = np.array([[derivatives(minus_energy(rbm, x, h), parameters) for h in H] for x in X], object)
        given_x = weights / weights.sum(axis=1, keepdims=True)
        clamped = sum(np.tensordot(given_x[t], slopes[t], 1) for t in examples) / sympy.Integer(len(examples))
        free = np.tensordot(weights / weights.sum(), slopes, 2)
        equal_formulas(getattr(gradient, name), clamped - negative * free, f"∂/∂{name}")


def minus_energy(rbm, x, h):
    """−E(x, h) = hᵀWx + cᵀh + bᵀx, a formula."""
    return h @ formulas(rbm.W) @ x + formulas(rbm.c) @ h + formulas(rbm.b) @ x


LAYER_SPOILS = [
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
    Spoiled("prior forgotten", mutated(exact.marginals, "log_mixture", " + prior[", " + 0 * prior[")),
    Spoiled(
        "conditional not normalised",
        mutated(DirectedLayer, "log_conditional", " - ops.sum(ops.softplus(a), axis=-1)", ""),
    ),
]


@theorem(
    "a DBN's likelihood is Σ over all hidden states of p(h1,h2) p(x|h1)",
    claim="G1, G2, G5",
    level="B",
    sizes="2-2-1 and 2-1-2, every x",
    spoiled=LAYER_SPOILS,
)
def test_dbn_likelihood():
    for sizes in ((2, 2, 1), (2, 1, 2)):
        dbn = symbolic_dbn(*sizes)
        with meanings():
            log_p = exact.log_likelihood(dbn, exact.states(sizes[0]))
        equal_formulas(np.exp(log_p), lecture_joint(dbn).sum(axis=(1, 2)), "p(x)")


@pytest.mark.parametrize("sizes", [(3, 2, 2), (2, 3, 2, 2), (2, 2, 3, 2, 2)])
@theorem(
    "a DBN's probabilities sum to one, without rounding",
    claim="G2",
    level="X",
    sizes="2, 3 and 4 hidden layers, rational odds",
    spoiled=[
        *LAYER_SPOILS[2:],
        Spoiled(
            "top RBM not normalised",
            mutated(exact.marginals, "log_marginal", " - log_partition(dbn.top)", ""),
        ),
    ],
)
def test_normalisation(sizes):
    dbn = rational_dbn(sizes, np.random.default_rng(sum(sizes)))
    log_p = exact.log_likelihood(dbn, exact.states(sizes[0]))
    total = sum((v.exp() for v in log_p), Exact(0))
    require_equal(total, 1, "Σ p(x)")


def test_symbols_are_general():
    """The theorems above quantify over all parameters: each is a real symbol of its own."""
    rbm = symbolic_rbm(2, 2)
    free = {expression(s) for p in (rbm.W, rbm.b, rbm.c) for s in np.ravel(p)}
    assert len(free) == 8
    assert all(s.is_real and not s.is_positive for s in free)
    assert symbols("x", (2,))[0] != symbols("x", (2,))[1]
