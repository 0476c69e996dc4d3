"""Claims G0 and G3 on shipped code: what the Gibbs chain keeps, what CD-k is and is not, and what a DBN is not."""

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
from tinygrad_dbn.exact.distributions import bernoulli_table
from tinygrad_dbn.exact.rules.expected import after_gibbs, equilibrium
from tinygrad_dbn.models import DBN, RBM, DirectedLayer, FeedForward

X_LOST = Spoiled("visible bias lost in p(x|h)", mutated(RBM, "visible_logits", " + self.b", ""))
H_LOST = Spoiled("hidden bias lost in p(h|x)", mutated(RBM, "hidden_logits", " + self.c", ""))


def conditionals(rbm):
    """p(x|h), (2^H, 2^D), and p(h|x), (2^D, 2^H), as the sampler uses them."""
    hidden, visible = rbm.W.shape
    down, up = rbm.visible_logits(exact.states(hidden)), rbm.hidden_logits(exact.states(visible))
    return bernoulli_table(down), bernoulli_table(up)


def joint(rbm):
    """p(x, h) from the lecture's energy, exactly: (2^D, 2^H)."""
    weights = lecture_weights(rbm)
    return over(Exact, weights / weights.sum())


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (3, 2)])
@theorem(
    "the shipped Gibbs round keeps p(x) and satisfies detailed balance",
    claim="G0",
    level="X",
    sizes="(D, H) = (2,1), (1,2), (3,2), every pair of states, rational odds",
    uses=("one round of Gibbs sampling leaves p(x, h) as it is",),
    spoiled=[X_LOST, H_LOST],
)
def test_gibbs(size):
    rbm = rational_rbm(*size, np.random.default_rng(sum(size)))
    down, up = conditionals(rbm)
    p = joint(rbm)
    of_x = p.sum(axis=1)
    step = up @ down
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
        cd = exact.expected_pcd(rbm, x) if equilibrium_start else exact.expected_cd(rbm, x, k)
        require(any(np.ravel(cd.W != gradient.W)), f"CD-{k} is the gradient")


@theorem(
    "the bias of CD-k vanishes as k grows: the chain's distance to p falls by Dobrushin's coefficient each round",
    claim="G0",
    level="X",
    sizes="(D, H) = (2, 2), every start, k = 1 … 4, rational odds",
    uses=("the shipped Gibbs round keeps p(x) and satisfies detailed balance",),
    spoiled=[
        Spoiled("a coefficient half as large", None, share=2),
        Spoiled("hidden bias lost half the time", mutated(rules.expected, "after_gibbs", "p = p @ up @ down", "p = p")),
    ],
)
def test_bias_vanishes(share=1):
    # Dobrushin: |μ P − ν P| <= δ |μ − ν| in total variation, δ = max over x, x' of |P(x, ·) − P(x', ·)|.
    rbm = rational_rbm(2, 2, np.random.default_rng(5))
    down, up = conditionals(rbm)
    step = up @ down
    distance = lambda a, b: sum(abs((u - v).p) for u, v in zip(a, b, strict=True)) / 2
    coefficient = max(distance(a, b) for a in step for b in step) / share
    require(coefficient < 1, "the chain need not contract")
    _, p = equilibrium(rbm)
    for start in exact.states(2):
        ensemble = start[None], np.array([1.0])
        before = distance(after_gibbs(rbm, ensemble, 1)[1], p)
        for k in (2, 3, 4):
            after = distance(after_gibbs(rbm, ensemble, k)[1], p)
            require(after <= coefficient * before, f"round {k} from {start}: {after} > {coefficient} · {before}")
            before = after


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
    "free running: the top RBM's marginal, then one pass down, draws from p(x)",
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
