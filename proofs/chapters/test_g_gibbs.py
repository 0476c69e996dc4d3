"""Claims G0 and G3 on shipped code: what the Gibbs chain keeps, what CD-k is and is not, and what a DBN is not."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from proofs.harness.evidence import require_at_most, require_different, require_equal
from proofs.harness.formulas import derivatives, different_formulas, over
from proofs.harness.models import (
    bits,
    lecture_joint,
    lecture_weights,
    odds,
    rational_dbn,
    rational_rbm,
    symbolic_rbm,
)
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.exact import rules
from tinygrad_dbn.exact.distributions import bernoulli_table, distinct
from tinygrad_dbn.exact.rules.expected import after_gibbs, difference, equilibrium
from tinygrad_dbn.models import DBN, RBM, DirectedLayer, FeedForward

X_LOST = Spoiled("visible bias lost in p(x|h)", mutated(RBM, "visible_logits", " + self.b", ""))
DATA, CHAIN = "data, after_gibbs(rbm, data, k)", "after_gibbs(rbm, data, k)"
UPDATES = "expected CD-k is the mean update of the lecture's chain, and PCD's at equilibrium is the gradient"
H_LOST = Spoiled("hidden bias lost in p(h|x)", mutated(RBM, "hidden_logits", " + self.c", ""))


def conditionals(rbm):
    """p(x|h), (2^H, 2^D), and p(h|x), (2^D, 2^H), as the sampler uses them."""
    hidden, visible = rbm.W.shape
    down, up = rbm.visible_logits(exact.states(hidden)), rbm.hidden_logits(exact.states(visible))
    return bernoulli_table(down), bernoulli_table(up)


def rounds(rbm, k):
    """p(x' | x) after k rounds, by the library: (2^D, 2^D), a row for every x to start from."""
    at = np.array([1.0])
    return np.array([after_gibbs(rbm, (x[None], at), k)[1] for x in exact.states(rbm.W.shape[1])])


def joint(rbm):
    """p(x, h) from the lecture's energy, exactly: (2^D, 2^H)."""
    weights = lecture_weights(rbm)
    return over(Exact, weights / weights.sum())


def moments(rbm, p):
    """E[h xᵀ], E[x] and E[h] where x is drawn from p (2^D,) and h from p(h|x) (G0), by the name of what they move."""
    up = joint(rbm) / joint(rbm).sum(axis=1, keepdims=True)
    x, h = (np.array(bits(n)) for n in reversed(rbm.W.shape))
    together = p[:, None] * up
    return {"W": h.T @ together.T @ x, "b": p @ x, "c": together.sum(axis=0) @ h}


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (3, 2)])
@theorem(
    "the library's exact Gibbs round keeps p(x) and satisfies detailed balance; k of them are its power",
    claim="G0",
    level="X",
    sizes="(D, H) = (2,1), (1,2), (3,2), every pair of states, k = 1, 2, 3, rational odds",
    uses=("a round of Gibbs sampling, from x to h and on to x', leaves p(x) as it is",),
    spoiled=[
        X_LOST,
        H_LOST,
        Spoiled("hidden states misplaced", mutated(rules.expected, "after_gibbs", ")) @ down", ")) @ down[::-1]")),
        Spoiled("a round too many", mutated(rules.expected, "after_gibbs", "range(k - 1)", "range(k)")),
        Spoiled("never more than one", mutated(rules.expected, "after_gibbs", "range(k - 1)", "()")),
    ],
)
def test_gibbs(size):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    p = joint(rbm)
    of_x, of_h = p.sum(axis=1), p.sum(axis=0)
    step = rounds(rbm, 1)
    require_equal(step, (p / of_x[:, None]) @ (p / of_h).T, "p(x' | x) after a round, Σ p(h|x) p(x'|h)")
    for k in (2, 3):
        require_equal(rounds(rbm, k), np.linalg.matrix_power(step, k), f"p(x' | x) after {k} rounds")
    require_equal(of_x @ step, of_x, "p(x) after a round")
    flow = of_x[:, None] * step
    require_equal(flow, flow.T, "the flow from x to x', and back")
    require_equal(equilibrium(rbm)[1], of_x, "the library's equilibrium, p(x)")


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (2, 2)])
@theorem(
    UPDATES,
    claim="G0",
    level="X",
    sizes="(D, H) = (2,1), (1,2), (2,2), every start, k = 1, 2, 3, rational odds, every parameter",
    uses=("the shipped exact gradient is E[−∂E/∂θ | x] − E[−∂E/∂θ]",),
    spoiled=[
        Spoiled("the phases exchanged", mutated(rules.expected, "expected_cd", DATA, f"{CHAIN}, data")),
        Spoiled("a round too many", mutated(rules.expected, "after_gibbs", "range(k - 1)", "range(k)")),
        Spoiled("the hidden means of the data", mutated(rules.expected, "difference", "c - c_", "c - 0 * c_")),
        X_LOST,
        H_LOST,
    ],
)
def test_expected_updates(size):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    p = joint(rbm)
    step = (p / p.sum(axis=1, keepdims=True)) @ (p / p.sum(axis=0)).T
    for start, x in zip(np.eye(len(p), dtype=int).astype(object), exact.states(size[0]), strict=True):
        clamped = moments(rbm, start)
        for k in (1, 2, 3):
            cd, free = exact.expected_cd(rbm, x[None], k), moments(rbm, start @ np.linalg.matrix_power(step, k))
            for name in "Wbc":
                require_equal(getattr(cd, name), clamped[name] - free[name], f"CD-{k} from {x}, {name}")
        pcd, gradient = exact.expected_pcd(rbm, x[None]), exact.gradient(rbm, x[None])
        for name in "Wbc":
            require_equal(getattr(pcd, name), getattr(gradient, name), f"PCD from {x}, {name}")


@theorem(
    "CD-k is the gradient of the likelihood",
    claim="G0",
    level="R",
    sizes="(D, H) = (2, 1), one example, rational odds, k = 1, 2, 3",
    uses=(UPDATES,),
    spoiled=[Spoiled("chains at equilibrium from the start", None, equilibrium_start=True)],
)
def test_cd_is_not_the_gradient(equilibrium_start=False):
    rbm = rational_rbm(2, 1, np.random.default_rng(1))
    x = exact.states(2)[[3]]
    gradient = exact.gradient(rbm, x)
    for k in (1, 2, 3):
        cd = exact.expected_cd(rbm, x, k)
        if equilibrium_start:
            cd = difference(rbm, distinct(x), after_gibbs(rbm, equilibrium(rbm), k))
        require_different(cd.W, gradient.W, f"CD-{k} and the gradient")


@theorem(
    "the bias of expected CD-k vanishes as k grows: at most the chain's distance to p, which falls each round by "
    "Dobrushin's coefficient",
    claim="G0",
    level="X",
    sizes="(D, H) = (2, 2), every start, k = 1 … 4, rational odds",
    uses=(
        "the library's exact Gibbs round keeps p(x) and satisfies detailed balance; k of them are its power",
        UPDATES,
    ),
    spoiled=[
        Spoiled("a coefficient half as large", None, share=2),
        Spoiled("the phases exchanged", mutated(rules.expected, "expected_cd", DATA, f"{CHAIN}, data")),
        Spoiled("hidden bias lost half the time", mutated(rules.expected, "after_gibbs", "p = p @ up @ down", "p = p")),
    ],
)
def test_bias_vanishes(share=1):
    # Dobrushin: |μ P − ν P| <= δ |μ − ν| in total variation, δ = max over x, x' of |P(x, ·) − P(x', ·)|.
    rbm = rational_rbm(2, 2, np.random.default_rng(5))
    distance = lambda a, b: sum(abs((u - v).p) for u, v in zip(a, b, strict=True)) / 2
    chain = [rounds(rbm, k) for k in (1, 2, 3, 4)]
    coefficient = max(distance(a, b) for a in chain[0] for b in chain[0]) / share
    require_at_most(coefficient, 1 - Fraction(1, 1000), "the coefficient, below one")
    _, p = equilibrium(rbm)
    for x, *walk in zip(exact.states(2), *chain, strict=True):
        far = [distance(at, p) for at in walk]
        for k, (before, after) in enumerate(pairwise(far), 2):
            require_at_most(after, coefficient * before, f"the distance to p after round {k} from {x}")
        gradient = exact.gradient(rbm, x[None])
        for k, distance_left in enumerate(far, 1):  # an expectation of what is in [0, 1] is off by the distance at most
            cd = exact.expected_cd(rbm, x[None], k)
            bias = max(abs(part.p) for name in "Wbc" for part in np.ravel(getattr(cd, name) - getattr(gradient, name)))
            require_at_most(bias, distance_left, f"the bias of CD-{k} from {x}")


@theorem(
    "CD-1 is the gradient of some function",
    claim="G0",
    level="R",
    sizes="(D, H) = (1, 1), one example: the mean update's Jacobian is not symmetric",
    uses=(UPDATES,),
    spoiled=[Spoiled("the likelihood's gradient instead", None, rule="likelihood")],
)
def test_cd_has_no_potential(rule="cd"):
    rbm, x = symbolic_rbm(1, 1), exact.states(1)[[1]]
    with meanings():
        update = exact.expected_cd(rbm, x, 1) if rule == "cd" else exact.expected_pcd(rbm, x)
    by_c = derivatives(update.b[0], rbm.c)[0]
    by_b = derivatives(update.c[0], rbm.b)[0]
    different_formulas(by_c, by_b, "∂Δb/∂c and ∂Δc/∂b")


@pytest.mark.parametrize("what", ["feed-forward net", "deep Boltzmann machine"])
@theorem(
    "a DBN is a feed-forward net, or a deep Boltzmann machine, of the same weights",
    claim="G3",
    level="R",
    sizes="2-2-1, rational odds",
    uses=("the shipped network computes the lecture's recursion, masks included",),
    spoiled=[Spoiled("a top layer without weights and biases, tied to nothing", None, trivial=True)],
)
def test_what_a_dbn_is_not(what, trivial=False):
    rng = np.random.default_rng(7)
    first, top = rational_rbm(2, 2, rng), rational_rbm(2, 1, rng)
    if trivial:  # no weights anywhere: the three then agree
        zero = lambda p: 0 * p
        first, top = RBM(zero(first.W), first.b, zero(first.c)), RBM(zero(top.W), zero(top.b), top.c)
    dbn, X = DBN.from_rbms([first, top]), exact.states(2)
    if what == "feed-forward net":
        guess = bernoulli_table(FeedForward((first.W,), (first.c,), output="linear")(X))
        joint = lecture_joint(dbn).sum(axis=2)
        posterior = over(Exact, joint / joint.sum(axis=1, keepdims=True))
        require_different(guess, posterior, "the up pass and the posterior")
    else:
        # The machine has one bias for each unit of h1: what the top RBM brings of its own, top.b, is taken out.
        twice = [np.prod(odds(top.b) ** h) for h in bits(2)]
        weights = lecture_weights(first) @ (lecture_weights(top).sum(axis=1) / twice)
        of_x = lecture_joint(dbn).sum(axis=(1, 2))
        require_equal(np.exp(exact.log_likelihood(dbn, X)), over(Exact, of_x), "p(x) of the DBN")
        require_different(of_x, weights / weights.sum(), "p(x) of the DBN and of the DBM")


@theorem(
    "free running: the top RBM's marginal and the layer's conditional, as the sampler has them, make p(x)",
    claim="G4",
    level="X",
    sizes="3-2-2, every x, rational odds",
    spoiled=[
        Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
        Spoiled("the top's hidden side instead of its visible one", None, side=1),
    ],
)
def test_sampling(side=0):
    dbn = rational_dbn((3, 2, 2), np.random.default_rng(11))
    of_h1 = joint(dbn.top).sum(axis=1 - side)
    drawn = of_h1 @ bernoulli_table(dbn.layers[0].visible_logits(exact.states(2)))
    require_equal(drawn, over(Exact, lecture_joint(dbn).sum(axis=(1, 2))), "p(x)")
    require_equal(np.exp(exact.log_likelihood(dbn, exact.states(3))), drawn, "the library's p(x)")
