"""Claims G0 and G3 on shipped code: what the Gibbs chain keeps, what CD-k is and is not, and what a DBN is not."""

from itertools import pairwise

import numpy as np
import pytest

from proofs.decide.zero import is_zero
from proofs.harness.formulas import derivatives, over
from proofs.harness.models import (
    bits,
    lecture_joint,
    lecture_weights,
    odds,
    rational_dbn,
    rational_rbm,
    symbolic_rbm,
)
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.exact import rules
from tinygrad_dbn.exact.distributions import bernoulli_table, distinct
from tinygrad_dbn.exact.rules.expected import after_gibbs, difference, equilibrium
from tinygrad_dbn.models import DBN, RBM, DirectedLayer, FeedForward

X_LOST = Spoiled("visible bias lost in p(x|h)", mutated(RBM, "visible_logits", " + self.b", ""))
PHASES = "after_gibbs(rbm, data, k), data"
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


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (3, 2)])
@theorem(
    "the library's exact Gibbs round keeps p(x) and satisfies detailed balance",
    claim="G0",
    level="X",
    sizes="(D, H) = (2,1), (1,2), (3,2), every pair of states, rational odds",
    uses=("half a round of Gibbs sampling, x' drawn given h, leaves p(x, h) as it is",),
    spoiled=[
        X_LOST,
        H_LOST,
        Spoiled("hidden states misplaced", mutated(rules.expected, "after_gibbs", ")) @ down", ")) @ down[::-1]")),
    ],
)
def test_gibbs(size):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    of_x = joint(rbm).sum(axis=1)
    step = rounds(rbm, 1)
    require(all(of_x @ step == of_x), "p(x) is not kept")
    flow = of_x[:, None] * step
    require((flow == flow.T).all(), "the flow from x to x' is not that from x' to x")
    p_x = equilibrium(rbm)[1]
    require(all(p_x == of_x), "the equilibrium of the library is not p(x)")


@theorem(
    "CD-k is the gradient of the likelihood",
    claim="G0",
    level="R",
    sizes="(D, H) = (2, 1), one example, rational odds, k = 1, 2, 3",
    spoiled=[Spoiled("chains at equilibrium from the start", None, equilibrium_start=True)],
)
def test_cd_is_not_the_gradient(equilibrium_start=False):
    rbm = rational_rbm(2, 1, np.random.default_rng(1))
    x = exact.states(2)[[3]]
    gradient = exact.expected_pcd(rbm, x)
    for k in (1, 2, 3):
        cd = exact.expected_cd(rbm, x, k)
        if equilibrium_start:
            cd = difference(rbm, distinct(x), after_gibbs(rbm, equilibrium(rbm), k))
        require(any(np.ravel(cd.W != gradient.W)), f"CD-{k} is the gradient")


@theorem(
    "the bias of expected CD-k vanishes as k grows: at most the chain's distance to p, which falls each round by "
    "Dobrushin's coefficient",
    claim="G0",
    level="X",
    sizes="(D, H) = (2, 2), every start, k = 1 … 4, rational odds",
    uses=("the library's exact Gibbs round keeps p(x) and satisfies detailed balance",),
    spoiled=[
        Spoiled("a coefficient half as large", None, share=2),
        Spoiled(
            "the phases exchanged", mutated(rules.expected, "expected_cd", "data, after_gibbs(rbm, data, k)", PHASES)
        ),
        Spoiled("hidden bias lost half the time", mutated(rules.expected, "after_gibbs", "p = p @ up @ down", "p = p")),
    ],
)
def test_bias_vanishes(share=1):
    # Dobrushin: |μ P − ν P| <= δ |μ − ν| in total variation, δ = max over x, x' of |P(x, ·) − P(x', ·)|.
    rbm = rational_rbm(2, 2, np.random.default_rng(5))
    distance = lambda a, b: sum(abs((u - v).p) for u, v in zip(a, b, strict=True)) / 2
    chain = [rounds(rbm, k) for k in (1, 2, 3, 4)]
    coefficient = max(distance(a, b) for a in chain[0] for b in chain[0]) / share
    require(coefficient < 1, "the chain need not contract")
    _, p = equilibrium(rbm)
    for x, *walk in zip(exact.states(2), *chain, strict=True):
        far = [distance(at, p) for at in walk]
        for k, (before, after) in enumerate(pairwise(far), 2):
            require(after <= coefficient * before, f"round {k} from {x}: {after} > {coefficient} · {before}")
        gradient = exact.expected_pcd(rbm, x[None])
        for k, distance_left in enumerate(far, 1):  # an expectation of what is in [0, 1] is off by the distance at most
            cd = exact.expected_cd(rbm, x[None], k)
            bias = max(abs(part.p) for name in "Wbc" for part in np.ravel(getattr(cd, name) - getattr(gradient, name)))
            require(bias <= distance_left, f"CD-{k} from {x} is off by {bias}, more than {distance_left}")


@theorem(
    "CD-1 is the gradient of some function",
    claim="G0",
    level="R",
    sizes="(D, H) = (1, 1), one example: the mean update's Jacobian is not symmetric",
    spoiled=[Spoiled("the likelihood's gradient instead", None, rule="likelihood")],
)
def test_cd_has_no_potential(rule="cd"):
    rbm, x = symbolic_rbm(1, 1), exact.states(1)[[1]]
    with meanings():
        update = exact.expected_cd(rbm, x, 1) if rule == "cd" else exact.expected_pcd(rbm, x)
    by_c = derivatives(update.b[0], rbm.c)[0]
    by_b = derivatives(update.c[0], rbm.b)[0]
    require(not is_zero(by_c - by_b), "∂Δb/∂c = ∂Δc/∂b for all parameters")


@pytest.mark.parametrize("what", ["feed-forward net", "deep Boltzmann machine"])
@theorem(
    "a DBN is a feed-forward net, or a deep Boltzmann machine, of the same weights",
    claim="G3",
    level="R",
    sizes="2-2-1, rational odds",
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
        require((guess != exact.posterior(dbn, X)).any(), "the up pass is the posterior")
    else:
        # The machine has one bias for each unit of h1: what the top RBM brings of its own, top.b, is taken out.
        twice = [np.prod(odds(top.b) ** h) for h in bits(2)]
        weights = lecture_weights(first) @ (lecture_weights(top).sum(axis=1) / twice)
        p = np.exp(exact.log_likelihood(dbn, X))
        require((p != weights / weights.sum()).any(), "the DBM has the DBN's p(x)")


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
    require(all(drawn == lecture_joint(dbn).sum(axis=(1, 2))), "another distribution")
    require(all(np.exp(exact.log_likelihood(dbn, exact.states(3))) == drawn), "not the library's p(x)")
