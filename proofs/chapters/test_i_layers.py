"""Claims I2, I5 and H4 on shipped code: what the layers above the first can gain, and where a deep bound loses."""

import numpy as np
import sympy

from proofs.harness.formulas import equal_formulas, over
from proofs.harness.models import (
    lecture_conditional,
    lecture_joint,
    lecture_weights,
    symbolic_dbn,
    symbolic_rbm,
    untied,
)
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DBN, DirectedLayer


@theorem(
    "with the first layer fixed, the bound gains KL(q̄‖old) − KL(q̄‖new)",
    claim="I2, I5",
    level="B",
    sizes="1-1-1, both x, every weight of all three RBMs",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("divergences the other way round", None, sign=-1),
        Spoiled("q̄ is the posterior of one example", None, examples=1),
        Spoiled(
            "prior forgotten",
            mutated(variational.ceilings, "prior_divergence", "log_q - log_prior(dbn)", "log_q"),
        ),
        Spoiled(
            "a cross-entropy for the divergence",
            mutated(variational.ceilings, "prior_divergence", "log_q - log_prior(dbn)", "-log_prior(dbn)"),
        ),
    ],
)
def test_gain(sign=1, examples=2):
    first, old, new = symbolic_rbm(1, 1, "1"), symbolic_rbm(1, 1, "o"), symbolic_rbm(1, 1, "n")
    X = exact.states(1)
    with meanings():
        bounds = [exact.bound(DBN.from_rbms([first, top]), X).mean() for top in (old, new)]
        kls = [exact.prior_divergence(DBN.from_rbms([first, top]), X[:examples]) for top in (old, new)]
    equal_formulas(bounds[1] - bounds[0], sign * (kls[0] - kls[1]), "gain")
    aggregated = lecture_conditional(first.W.T, first.c).mean(axis=1)
    for top, kl in zip((old, new), kls, strict=True):
        prior = lecture_weights(top).sum(axis=1)
        divergence = (aggregated * over(sympy.log, aggregated * prior.sum() / prior)).sum()
        equal_formulas(kl, divergence, "KL(q̄‖p)")


@theorem(
    "log p = deep bound + Σ KL of the layers on the shipped audit, each of them the lecture's",
    claim="H4, I5",
    level="B",
    sizes="1-1-1-1, both x, every weight, recognition untied",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled(
            "second KL not averaged over the chain",
            mutated(variational.layers, "_lost", "ops.matmul(reached, kl)", "ops.matmul(0 * reached, kl)"),
        ),
        Spoiled(
            "KL against the joint",
            mutated(variational.layers, "lost_at", "ops.log_softmax(joint, axis=-1)", "joint"),
        ),
        Spoiled(
            "KLs exchanged",
            mutated(variational.layers, "_lost", "ops.stack(lost, axis=1)", "ops.stack(lost[::-1], axis=1)"),
        ),
        Spoiled("entropy forgotten", mutated(variational.bound, "layer_bound", "joint - log_q", "joint")),
        Spoiled("generative bias lost on every side", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
    ],
)
def test_layers():
    dbn = symbolic_dbn(1, 1, 1, 1)
    dbn = DBN((untied(dbn.layers[0]), dbn.layers[1]), dbn.top)
    with meanings():
        found = exact.audit_layers(dbn, exact.states(1))
    joint = lecture_joint(dbn).sum(axis=3)  # over x, h1, h2
    first, second = (lecture_conditional(layer.R.T, layer.c).T for layer in dbn.layers)  # q(h1|x), q(h2|h1)
    q = first[:, :, None] * second[None]
    equal_formulas(found.residual, np.zeros(2, int), "residual")
    equal_formulas(found.log_likelihood, over(sympy.log, joint.sum(axis=(1, 2))), "log p")
    equal_formulas(found.bound, (q * (over(sympy.log, joint) - over(sympy.log, q))).sum(axis=(1, 2)), "deep bound")
    of_h = joint.sum(axis=0)  # over h1, h2
    kl = lambda q, joint: (q * over(sympy.log, q * joint.sum(axis=1, keepdims=True) / joint)).sum(axis=1)
    equal_formulas(found.kl[:, 0], kl(first, joint.sum(axis=2)), "KL at h1")
    equal_formulas(found.kl[:, 1], first @ kl(second, of_h), "KL at h2")
