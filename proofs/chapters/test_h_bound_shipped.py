"""Chapter H on shipped code: the bridge from the theorems for all sizes to `td.exact.bound` and `td.exact.audit`."""

import numpy as np
import pytest
import sympy

from proofs.harness.shipped import bits, equal_formulas, rational_rbm, sigm, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression, symbols
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DBN, DirectedLayer


def states_of(n):
    return np.array(bits(n), float)


def general_q(examples, hidden):
    """A distribution over the states of h1 for each example, every probability free: w_s / Σ w."""
    w = symbols("w", (examples, 2**hidden), positive=True)
    return w / w.sum(axis=1, keepdims=True)


def joint_with_h1(dbn):
    """p(x, h1) of a DBN with one directed layer, (2^D, 2^n1), from the lecture's definitions."""
    layer, top = dbn.layers[0], dbn.top
    middle, visible = layer.W.shape
    weight = np.array(
        [
            [
                sympy.exp(
                    sum(k[j] * expression(top.W[j, i]) * h[i] for j in range(len(k)) for i in range(middle))
                    + sum(expression(top.b[i]) * h[i] for i in range(middle))
                    + sum(expression(top.c[j]) * k[j] for j in range(len(k)))
                )
                for k in bits(top.W.shape[0])
            ]
            for h in bits(middle)
        ],
        object,
    )
    prior = weight.sum(axis=1) / weight.sum()
    out = np.empty((2**visible, 2**middle), object)
    for s, x in enumerate(bits(visible)):
        for t, h in enumerate(bits(middle)):
            out[s, t] = prior[t]
            for i in range(visible):
                a = expression(layer.b[i]) + sum(h[j] * expression(layer.W[j, i]) for j in range(middle))
                out[s, t] *= sigm(a) if x[i] else sigm(-a)
    return out


SIZES = [(1, 1, 1), (2, 1, 2)]
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
    visible, middle, top = sizes
    dbn = DBN.from_rbms([symbolic_rbm(visible, middle, "1"), symbolic_rbm(middle, top, "2")])
    q = general_q(2**visible, middle)
    with meanings():
        got = exact.bound(dbn, states_of(visible), q)
    q, joint = np.vectorize(expression, otypes=[object])(q), joint_with_h1(dbn)
    log = np.vectorize(sympy.log, otypes=[object])
    equal_formulas(got, (q * log(joint)).sum(axis=1) - (q * log(q)).sum(axis=1), "bound")


@pytest.mark.parametrize("sizes", SIZES)
@theorem(
    "log p = bound + KL on the shipped audit, for every q: the residual is identically zero",
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
    ],
)
def test_gap(sizes, normalised=True):
    visible, middle, top = sizes
    dbn = DBN.from_rbms([symbolic_rbm(visible, middle, "1"), symbolic_rbm(middle, top, "2")])
    q = general_q(2**visible, middle) if normalised else symbols("w", (2**visible, 2**middle), positive=True)
    with meanings():
        residual = exact.audit(dbn, states_of(visible), q).residual
    equal_formulas(residual, np.zeros(2**visible, int).astype(object), "residual")


@theorem(
    "the bound is tight at the shipped posterior",
    claim="H3",
    level="B",
    sizes="1-1-1, every x, every weight",
    spoiled=[
        Spoiled(
            "posterior forgets the prior",
            mutated(variational.bound, "posterior", "log_prior(dbn)", "0 * log_prior(dbn)"),
        ),
        Spoiled("uniform q instead", None, uniform=True),
    ],
)
def test_tight(uniform=False):
    visible = middle = top = 1
    dbn = DBN.from_rbms([symbolic_rbm(visible, middle, "1"), symbolic_rbm(middle, top, "2")])
    X = states_of(visible)
    with meanings():
        q = np.full((2**visible, 2**middle), Symbolic(1) / 2**middle) if uniform else exact.posterior(dbn, X)
        q = np.vectorize(lambda p: Symbolic(expression(p)), otypes=[object])(q)
        equal_formulas(exact.bound(dbn, X, q), exact.log_likelihood(dbn, X), "bound at the posterior")


@theorem(
    "the recognition model is a sigmoid layer: q(h1|x) = Π sigm(c_j + R_j·x)",
    claim="I3",
    level="X",
    sizes="3-2, every x and h1, rational odds",
    spoiled=[
        Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
        Spoiled(
            "q not normalised",
            mutated(
                exact.distributions, "log_bernoulli_table", "ops.sum(ops.softplus(logits), axis=-1, keepdims=True)", "0"
            ),
        ),
    ],
)
def test_recognition():
    rbm = rational_rbm(3, 2, np.random.default_rng(0))
    for x, q in zip(bits(3), _recognition_q(DBN.from_tied(rbm), states_of(3)), strict=True):
        odds = [rbm.c[j].r for j in range(2)]
        for j in range(2):
            for i in range(3):
                odds[j] *= rbm.W[j, i].r ** x[i]
        for h, p in zip(bits(2), q, strict=True):
            wanted = 1
            for j in range(2):
                wanted *= (odds[j] if h[j] else 1) / (1 + odds[j])
            require(p == Exact(wanted), f"q{h, x} = {p}, not {wanted}")


def _recognition_q(dbn, X):
    """The q that `bound` and `audit` use when none is given."""
    return np.concatenate([q for _, q, _, _ in variational.bound.in_batches(dbn, X, None)])
