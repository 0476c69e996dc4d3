"""Claims G4, I3 and C1 on shipped code: what is drawn down and up a DBN, over all uniforms."""

import sys
from functools import partial
from itertools import pairwise

import numpy as np
import sympy

from proofs.chapters.test_g_sampled import ABOVE, GIBBS_LOST, ROUNDS, certainly, rounds
from proofs.harness.chance import UNIFORM, distribution, mean
from proofs.harness.formulas import equal_formulas
from proofs.harness.models import lecture_conditional, lecture_joint, symbolic_dbn, symbolic_rbm, untied
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.learning import greedy
from tinygrad_dbn.models import DBN, RBM

LOOP = sys.modules[greedy.__module__]
GIBBS = "x = self.gibbs(x, rng, steps, clamp)"
GIBBS_DELETED = Spoiled("no Gibbs sampling in the top", mutated(RBM, "sample", GIBBS, "x = clamped(x, clamp)"))


def on(p, units):
    """p(unit is on) for each of the units, from the probabilities p of all their states."""
    return exact.states(units).T.astype(int) @ p


def down(dbn, p):
    """The probabilities of all x from those of all h(L−1), by the lecture's p(lower | upper)."""
    for layer in reversed(dbn.layers):
        p = lecture_conditional(layer.W, layer.b) @ p
    return p


CASES = [((1, 1, 1, 1), 0), ((1, 1), 1), ((1, 1, 1), 1), ((1, 1, 1), 2), ((2, 1, 1), 1), ((1, 2, 1), 1)]
SAMPLE = "DBN.sample starts where it is told, or from fair coins, takes its rounds in the top RBM, then goes down"


@theorem(
    SAMPLE,
    claim="G4",
    level="B",
    sizes="1-1, 1-1-1, 2-1-1 and 1-2-1 after 1 round, 1-1-1 after 2, 1-1-1-1 after none, all weights; means too, those "
    "of 1-1 after a round more",
    trusts=(UNIFORM,),
    uses=(ROUNDS,),
    spoiled=[
        GIBBS_DELETED,
        GIBBS_LOST,
        ABOVE,
        Spoiled("layers in the wrong order", mutated(DBN, "sample", "reversed(self.layers)", "self.layers")),
        Spoiled("the lowest layer alone", mutated(DBN, "sample", "reversed(self.layers)", "self.layers[:1]")),
        Spoiled("the start is ignored", mutated(RBM, "sample", "if start is None", "if True")),
        Spoiled(
            "probabilities passed down",
            mutated(DBN, "sample", "h = layer.draw_visible(p, rng)", "x = layer.draw_visible(h := p, rng)"),
        ),
    ],
)
def test_sample():
    for sizes, steps in CASES:
        dbn, units = symbolic_dbn(*sizes), sizes[-2]
        evenly = np.full(2**units, sympy.Rational(1, 2**units))
        for start, p in ((None, evenly), (exact.states(units)[[1]], certainly(1, units))):
            wanted = down(dbn, rounds(dbn.top, p, steps))
            shown = wanted if dbn.layers else rounds(dbn.top, wanted, 1)  # an RBM's means need one more h
            with meanings():
                drawn = distribution(partial(dbn.sample, 1, steps=steps, start=start), sizes[0])
                means = mean(partial(dbn.sample, 1, steps=steps, start=start, mean=True))[0]
            equal_formulas(drawn, wanted, f"{sizes} after {steps} rounds")
            equal_formulas(means, on(shown, sizes[0]), f"{sizes} after {steps} rounds, means")


@theorem(
    "free running: from the top RBM's own p(h1), DBN.sample draws x with probability p(x)",
    claim="G4",
    level="B",
    sizes="1-1-1 and 2-1-1 after 1 round, every x, all weights",
    trusts=(UNIFORM,),
    uses=(SAMPLE,),
    spoiled=[ABOVE, Spoiled("from fair coins", None, at_rest=False)],
)
def test_free_running(at_rest=True):
    for sizes in ((1, 1, 1), (2, 1, 1)):
        dbn, starts = symbolic_dbn(*sizes), exact.states(sizes[1])
        with meanings():
            p = np.exp(exact.log_marginal(dbn, 1)) if at_rest else np.full(len(starts), 1 / len(starts))
            drawn = [distribution(partial(dbn.sample, 1, steps=1, start=h[None]), sizes[0]) for h in starts]
            wanted = np.exp(exact.log_likelihood(dbn, exact.states(sizes[0])))
        equal_formulas(p @ np.array(drawn), wanted, "p(x)")


@theorem(
    "with a unit of the top RBM clamped, DBN.sample draws x with probability p(x | that unit), from the others' own "
    "p(· | that unit)",
    claim="G4",
    level="B",
    sizes="1-2-1, the second unit of h1 clamped to 1, 0 and 1 rounds, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the clamp is ignored in the rounds", mutated(RBM, "gibbs", "rng), clamp)", "rng), None)")),
        Spoiled("the start is not clamped", mutated(RBM, "gibbs", "x = self._held(", "self._held(")),
        Spoiled("clamped to 0", None, value=0.0),
    ],
)
def test_clamped(value=1.0):
    dbn = symbolic_dbn(1, 2, 1)
    joint = lecture_joint(dbn).sum(axis=2)[:, 2:]  # p(x, h1) for h1 = (0, 1), (1, 1)
    wanted = joint.sum(axis=1) / joint.sum()
    for steps in (0, 1):
        drawn = 0
        for h, weight in zip(((0.0, 0.0), (1.0, 0.0)), joint.sum(axis=0) / joint.sum(), strict=True):
            settings = {"steps": steps, "start": np.array([h]), "clamp": np.array([np.nan, value])}
            with meanings():
                drawn = drawn + weight * distribution(partial(dbn.sample, 1, **settings), 1)
        equal_formulas(drawn, wanted, f"p(x | h1) after {steps} rounds")


@theorem(
    "recognise with a generator: each layer's mean is its unit's probability when the layer below is drawn from q",
    claim="I3",
    level="B",
    sizes="1-1-1, 2-1-1, 1-2-1 and 1-1-1-1, recognition untied, every x, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        ABOVE,
        Spoiled("no sampling", mutated(DBN, "recognise", "means[-1] if rng is None", "means[-1] if True")),
        Spoiled("generative weights", mutated(DBN, "recognise", "layer.recognition_logits", "layer.visible_logits")),
    ],
)
def test_recognise():
    for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 1, 1)):
        dbn = symbolic_dbn(*sizes)
        dbn = DBN(tuple(untied(layer, f"q{k}") for k, layer in enumerate(dbn.layers)), dbn.top)
        for s, x in enumerate(exact.states(sizes[0])):
            with meanings():
                means = mean(partial(dbn.recognise, x[None]))
            p = certainly(s, sizes[0])
            halves = [*((layer.R, layer.c) for layer in dbn.layers), (dbn.top.W, dbn.top.c)]
            for k, (found, (R, c)) in enumerate(zip(means, halves, strict=True), start=1):
                p = lecture_conditional(R.T, c) @ p
                equal_formulas(found[0], on(p, sizes[k]), f"q(h{k} | x)")


@theorem(
    "greedy training draws each layer's data from p(h|x) of the RBMs below, one upon the other",
    claim="C1, I3",
    level="B",
    sizes="1-1, 2-1, 1-2, 1-1-1 and 2-1-1, every x, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        ABOVE,
        Spoiled("the lowest RBM alone", mutated(LOOP, "_upward", "in rbms", "in rbms[:1]")),
        Spoiled("the data itself", mutated(LOOP, "_upward", "X = bernoulli", "bernoulli")),
    ],
)
def test_upward():
    for sizes in ((1, 1), (2, 1), (1, 2), (1, 1, 1), (2, 1, 1)):
        rbms = [symbolic_rbm(v, h, str(k)) for k, (v, h) in enumerate(pairwise(sizes))]
        for s, x in enumerate(exact.states(sizes[0])):
            with meanings():
                drawn = distribution(lambda rng, rbms=rbms, x=x: LOOP._upward(rbms, x[None], rng), sizes[-1])
            p = certainly(s, sizes[0])
            for rbm in rbms:
                p = lecture_conditional(rbm.W.T, rbm.c) @ p
            equal_formulas(drawn, p, "the data of the next RBM")
