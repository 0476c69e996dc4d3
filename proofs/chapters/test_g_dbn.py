"""Claims G2 and G5 on shipped code: the joint of a DBN, its marginals and its conditionals, at rational points."""

import numpy as np
import pytest

from proofs.harness.models import lecture_joint, rational_dbn
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.models import DirectedLayer


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
    dbn = rational_dbn(shape, np.random.default_rng(sum(shape)))
    joint = lecture_joint(dbn)
    index = np.array(list(np.ndindex(joint.shape)))
    found = np.exp(exact.log_joint(dbn, *[exact.states(n)[index[:, k]] for k, n in enumerate(shape)]))
    require(found.sum() == 1, "the joint does not sum to one")
    require(all(found == joint.ravel()), "the joint is not the lecture's")
    for k in range(len(shape)):
        marginal = joint.sum(axis=tuple(other for other in range(len(shape)) if other != k))
        require(all(np.exp(exact.log_marginal(dbn, k)) == marginal), f"p(h{k})")
    X = exact.states(shape[0])
    p = np.exp(exact.log_marginal(dbn, 0))
    known = X[:, 0] == 1
    given = exact.conditional_likelihood(dbn, X, given=[0])
    require(all(given[known] == p[known] / p[known].sum()), "p(rest | x_0 = 1)")
