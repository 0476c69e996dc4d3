"""Claims G2 and G5 on shipped code: the joint of a DBN, its marginals and its conditionals, at rational points."""

import numpy as np
import pytest

from proofs.harness.evidence import require_equal
from proofs.harness.formulas import over
from proofs.harness.models import lecture_joint, rational_dbn
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.models import DirectedLayer


@pytest.mark.parametrize("shape", [(3, 2, 2), (2, 3, 2, 2)])
@theorem(
    "the joint is the lecture's, and marginals and conditionals are its sums, as rational numbers",
    claim="G2, G5, I1",
    level="X",
    sizes="3-2-2 and 2-3-2-2, every state, rational odds",
    spoiled=[
        Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
        Spoiled(
            "top not transposed",
            mutated(exact.marginals, "log_marginal", "top.hidden_free_energy if above", "top.free_energy if above"),
        ),
        Spoiled(
            "what is known not divided by",
            mutated(exact.conditionals, "log_conditional_likelihood", "asked]) - log_p(known)", "asked])"),
        ),
        Spoiled("a layer forgotten", mutated(exact.marginals, "log_joint", "total + ops.sum", "total + 0 * ops.sum")),
    ],
)
def test_one_distribution(shape):
    dbn = rational_dbn(shape, np.random.default_rng(sum(shape)))
    joint = over(Exact, lecture_joint(dbn))
    index = np.array(list(np.ndindex(joint.shape)))
    found = np.exp(exact.log_joint(dbn, *[exact.states(n)[index[:, k]] for k, n in enumerate(shape)]))
    require_equal(found.sum(), 1, "Σ p(x, h1, …)")
    require_equal(found, joint.ravel(), "p(x, h1, …)")
    for k in range(len(shape)):
        marginal = joint.sum(axis=tuple(other for other in range(len(shape)) if other != k))
        require_equal(np.exp(exact.log_marginal(dbn, k)), marginal, f"p(h{k})")
    X, p = exact.states(shape[0]), joint.reshape(2 ** shape[0], -1).sum(axis=1)
    for known in ([0], [1]):
        alike = (X[:, None, known] == X[None, :, known]).all(axis=2)  # of two x: do they agree in what is known?
        found = exact.conditional_likelihood(dbn, X, given=known)
        require_equal(found, p / (alike.astype(int).astype(object) @ p), f"p(rest | x at {known})")
