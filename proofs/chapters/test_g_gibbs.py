"""Claims G0 and G3 on shipped code: what the Gibbs chain keeps, what CD-k is and is not, and what a DBN is not."""

import numpy as np
import pytest

from proofs.decide.zero import is_zero
from proofs.harness.shipped import bits, derivatives, rational_rbm, symbolic_rbm
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
    return bernoulli_table(rbm.visible_logits(exact.states(hidden))), bernoulli_table(
        rbm.hidden_logits(exact.states(visible))
    )


def joint(rbm):
    """p(x, h) from the lecture's energy, exactly: (2^D, 2^H)."""
    hidden, visible = rbm.W.shape
    weight = [[_odds(rbm, x, h) for h in bits(hidden)] for x in bits(visible)]
    total = sum(map(sum, weight))
    return np.array([[Exact(p / total) for p in row] for row in weight], object)


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
    dbn = DBN.from_rbms([first, top])
    X = exact.states(2)
    if what == "feed-forward net":
        up = FeedForward((first.W,), (first.c,), output="linear")
        guess = bernoulli_table(up(X))
        truth = exact.posterior(dbn, X)
        require((np.asarray(guess) != np.asarray(truth)).any(), "the up pass is the posterior")
    else:
        p_dbn = np.exp(exact.log_likelihood(dbn, X))
        weight = [
            sum(
                _odds(first, x, h) * _odds(top, h, k) / np.prod([top.b[i].r ** h[i] for i in range(2)])
                for h in bits(2)
                for k in bits(1)
            )
            for x in bits(2)
        ]  # fmt: skip
        total = sum(weight)
        require(any(p != Exact(w / total) for p, w in zip(p_dbn, weight, strict=True)), "the DBM has the DBN's p(x)")


def _odds(rbm, x, h):
    """e^−E(x, h)."""
    hidden, visible = rbm.W.shape
    return (
        np.prod([rbm.c[j].r ** h[j] for j in range(hidden)])
        * np.prod([rbm.b[i].r ** x[i] for i in range(visible)])
        * np.prod([rbm.W[j, i].r ** (h[j] * x[i]) for j in range(hidden) for i in range(visible)])
    )


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
    rng = np.random.default_rng(11)
    first, top = rational_rbm(3, 2, rng), rational_rbm(2, 2, rng)
    dbn = DBN.from_rbms([first, top])
    of_h1 = joint(top).sum(axis=1 - side) if side == 0 else joint(top).sum(axis=0)
    down = bernoulli_table(dbn.layers[0].visible_logits(exact.states(2)))
    drawn = of_h1 @ down
    prior = [p.p for p in joint(top).sum(axis=1)]
    given_h = [[np.prod([_unit(first, i, h, x[i]) for i in range(3)]) for h in bits(2)] for x in bits(3)]
    truth = [sum(p * q for p, q in zip(prior, row, strict=True)) for row in given_h]
    require(all(p == Exact(q) for p, q in zip(drawn, truth, strict=True)), "another distribution")
    require(all(np.exp(exact.log_likelihood(dbn, exact.states(3))) == drawn), "not the library's p(x)")


def _unit(rbm, i, h, on):
    odds = rbm.b[i].r * np.prod([rbm.W[j, i].r ** h[j] for j in range(len(h))])
    return (odds if on else 1) / (1 + odds)
