"""Chapter G: the RBM's free energy, conditionals and gradient, and the joint of a DBN, from the energy alone."""

from itertools import pairwise

import numpy as np
import pytest
import sympy

from proofs.harness.shipped import bits, derivatives, equal_formulas, lecture_energy, rational_rbm, sigm, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.numbers.symbolic import expression, symbols
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

SIZES = [(2, 1), (2, 2), (3, 2)]


def weights(rbm):
    """e^(−E(x, h)) for every x and h, (2^D, 2^H), from the lecture's energy."""
    hidden, visible = rbm.W.shape
    return np.array([[sympy.exp(-lecture_energy(rbm, x, h)) for h in bits(hidden)] for x in bits(visible)], object)


def states_of(n):
    return np.array(bits(n), float)


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
    visible, hidden = size
    rbm = symbolic_rbm(visible, hidden)
    with meanings():
        for x, row in zip(bits(visible), weights(rbm), strict=True):
            for h, weight in zip(bits(hidden), row, strict=True):
                energy = rbm.energy(np.array(x, float), np.array(h, float))
                equal_formulas(np.exp(-energy), weight, f"e^−E{x, h}")
            free = rbm.free_energy(np.array(x, float))
            equal_formulas(np.exp(-free), row.sum(), f"e^−F{x}")


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
    visible, hidden = size
    rbm = symbolic_rbm(visible, hidden)
    joint, xs, hs = weights(rbm), np.array(bits(visible), object), np.array(bits(hidden), object)
    with meanings():
        equal_formulas(
            rbm.hidden_given_visible(states_of(visible)), joint @ hs / joint.sum(axis=1, keepdims=True), "p(h|x)"
        )
        equal_formulas(
            rbm.visible_given_hidden(states_of(hidden)), (joint.T @ xs) / joint.sum(axis=0)[:, None], "p(x|h)"
        )


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
        Spoiled("sign of F in Z", mutated(exact.partition, "log_partition", "(-rbm.free_energy", "(rbm.free_energy")),
        Spoiled(
            "Z added instead of subtracted",
            mutated(
                exact.likelihood, "log_likelihood", "free_energy(X) - log_partition", "free_energy(X) + log_partition"
            ),
        ),
    ],
)
def test_likelihood(size):
    visible, hidden = size
    rbm = symbolic_rbm(visible, hidden)
    joint = weights(rbm)
    with meanings():
        log_p = exact.log_likelihood(rbm, states_of(visible))
        equal_formulas(np.exp(log_p), joint.sum(axis=1) / joint.sum(), "p(x)")
        logits = rbm.visible_logits(states_of(hidden))
        equal_formulas(np.exp(logits), over_odds(rbm), "odds of x given h")


def over_odds(rbm):
    """e^(b + hW) for every h: what the enumeration over the hidden side multiplies."""
    hidden, visible = rbm.W.shape
    return np.array(
        [
            [
                sympy.exp(expression(rbm.b[i]) + sum(h[j] * expression(rbm.W[j, i]) for j in range(hidden)))
                for i in range(visible)
            ]
            for h in bits(hidden)
        ],
        object,
    )


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
            mutated(exact.likelihood, "log_likelihood", " - log_partition(model)", ""),
        ),
    ],
)
def test_gradient(size, negative=1):
    visible, hidden = size
    rbm = symbolic_rbm(visible, hidden)
    joint = weights(rbm)
    examples = [0, 2**visible - 1]
    with meanings():
        gradient = exact.gradient(rbm, states_of(visible)[examples])
    for name in ("W", "b", "c"):
        parameters = getattr(rbm, name)
        slopes = np.array(
            [[-derivatives(lecture_energy(rbm, x, h), parameters) for h in bits(hidden)] for x in bits(visible)], object
        )
        slopes = slopes.reshape(*joint.shape, *parameters.shape)
        given_x = joint / joint.sum(axis=1, keepdims=True)
        clamped = sum(np.tensordot(given_x[t], slopes[t], 1) for t in examples) / sympy.Integer(len(examples))
        free = np.tensordot(joint / joint.sum(), slopes, 2)
        equal_formulas(getattr(gradient, name), clamped - negative * free, f"∂/∂{name}")


LAYER_SPOILS = [
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
    Spoiled("prior forgotten", mutated(exact.marginals, "log_mixture", " + prior[", " + 0 * prior[")),
    Spoiled(
        "conditional not normalised",
        mutated(exact.marginals, "log_conditional", " - ops.sum(ops.softplus(a), axis=-1)", ""),
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
    for visible, middle, top in ((2, 2, 1), (2, 1, 2)):
        first, second = symbolic_rbm(visible, middle, "1"), symbolic_rbm(middle, top, "2")
        prior = weights(second).sum(axis=1) / weights(second).sum()
        wanted = []
        for x in bits(visible):
            total = 0
            for h, p in zip(bits(middle), prior, strict=True):
                for i in range(visible):
                    on = sigm(expression(first.b[i]) + sum(h[j] * expression(first.W[j, i]) for j in range(middle)))
                    p = p * (on if x[i] else 1 - on)
                total += p
            wanted.append(total)
        with meanings():
            log_p = exact.log_likelihood(DBN.from_rbms([first, second]), states_of(visible))
        equal_formulas(np.exp(log_p), np.array(wanted, object), "p(x)")


@pytest.mark.parametrize("sizes", [(3, 2, 2), (2, 3, 2, 2), (2, 2, 3, 2, 2)])
@theorem(
    "a DBN's probabilities sum to one, without rounding, at any depth",
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
    rng = np.random.default_rng(sum(sizes))
    stack = [rational_rbm(v, h, rng) for v, h in pairwise(sizes)]
    log_p = exact.log_likelihood(DBN.from_rbms(stack), exact.states(sizes[0]))
    total = sum((v.exp() for v in log_p), Exact(0))
    require(total == 1, f"Σ p(x) = {total}")


def test_symbols_are_general():
    """The theorems above quantify over all parameters: each is a real symbol of its own."""
    rbm = symbolic_rbm(2, 2)
    free = {expression(s) for p in (rbm.W, rbm.b, rbm.c) for s in np.ravel(p)}
    assert len(free) == 8
    assert all(s.is_real and not s.is_positive for s in free)
    assert symbols("x", (2,))[0] != symbols("x", (2,))[1]
