"""Claims G2 and G5 on shipped code: the joint of a DBN, its marginals and its conditionals, at rational points."""

from itertools import pairwise

import numpy as np
import pytest

from proofs.harness.shipped import bits, rational_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.models import DBN, DirectedLayer


def lecture_joint(dbn, layers):
    """p(x, h1, …, hL) of one configuration, up to the factor 1 / Z of the top, from its odds (G2)."""
    *_, v, h = layers
    p = product(dbn.top.b, v) * product(dbn.top.c, h) * product(dbn.top.W, np.outer(h, v))
    for layer, lower, upper in zip(dbn.layers, layers, layers[1:], strict=False):
        for i, on in enumerate(lower):
            odds = layer.b[i].r * product(layer.W[:, i], upper)
            p *= (odds if on else 1) / (1 + odds)
    return p


def product(logs, powers):
    """Π odds ^ powers."""
    return np.prod([log.r ** int(n) for log, n in zip(np.ravel(logs), np.ravel(powers), strict=True)])


@pytest.mark.parametrize("shape", [(3, 2, 2), (2, 3, 2, 2)])
@theorem(
    "the joint is the lecture's, and marginals and conditionals are its sums, as rational numbers",
    claim="G2, G5, I1",
    level="X",
    sizes="3-2-2 and 2-3-2-2, every state, rational odds",
    spoiled=[
        Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
        Spoiled("top not transposed", mutated(exact.marginals, "log_marginal", "dbn.top.transposed()", "dbn.top")),
        Spoiled("a layer forgotten", mutated(exact.marginals, "log_joint", "total + ops.sum", "total + 0 * ops.sum")),
    ],
)
def test_one_distribution(shape):
    rng = np.random.default_rng(sum(shape))
    dbn = DBN.from_rbms([rational_rbm(v, h, rng) for v, h in pairwise(shape)])
    index = np.array(list(np.ndindex(*[2**n for n in shape])))
    joint = np.exp(exact.log_joint(dbn, *[exact.states(n)[index[:, k]] for k, n in enumerate(shape)]))
    require(joint.sum() == 1, "the joint does not sum to one")
    weights = [lecture_joint(dbn, [bits(n)[s] for n, s in zip(shape, row, strict=True)]) for row in index]
    total = sum(weights)
    require(all(p == w / total for p, w in zip(joint, weights, strict=True)), "the joint is not the lecture's")
    for k, n in enumerate(shape):
        marginal = np.exp(exact.log_marginal(dbn, k))
        for s in range(2**n):
            require(marginal[s] == joint[index[:, k] == s].sum(), f"p(h{k}) of state {bits(n)[s]}")
    X = exact.states(shape[0])
    p = np.exp(exact.log_marginal(dbn, 0))
    known = X[:, 0] == 1
    given = exact.conditional_likelihood(dbn, X, given=[0])
    require(all(given[known] == p[known] / p[known].sum()), "p(rest | x_0 = 1)")
