"""Claim I7 on shipped code: the mean of up-down's own step over every outcome of its draws, and a step that harms."""

import numpy as np
import sympy

from proofs.chapters.test_i_updown import SLEEP
from proofs.harness.chance import RATE, UNIFORM, mean, one_step
from proofs.harness.formulas import equal_formulas, formulas
from proofs.harness.models import symbolic_dbn, symbolic_rbm, untied
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression
from tinygrad_dbn.autodiff.trees import places
from tinygrad_dbn.exact.distributions import bernoulli_table
from tinygrad_dbn.exact.rules import updown as expected
from tinygrad_dbn.exact.rules.expected import after_gibbs, difference, moment
from tinygrad_dbn.learning import contrastive, up_down, updown
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

LOSS, ENTROPY = "up_down_loss", "ops.mean(ops.bernoulli_cross_entropy(layer."
CASES = [((1, 1, 1), 1, 1), ((1, 1, 1), 2, 0), ((1, 1, 1, 1), 1, 1), ((2, 1, 1), 1, 2)]


@theorem(
    "the mean step of up_down at the rate α is α (expected_wake + expected_sleep), its dreams k rounds from the data",
    claim="I7",
    level="B",
    sizes="1-1-1 with k = 1 and 2, 2-1-1 and 1-1-1-1 with k = 1, one example, recognition untied, all weights, any α",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the wake loss negated", mutated(updown, LOSS, f"+ {ENTROPY}visible", f"- {ENTROPY}visible")),
        Spoiled("the sleep loss negated", mutated(updown, LOSS, f"+ {ENTROPY}recognition", f"- {ENTROPY}recognition")),
        Spoiled("the sign of the top's dreams flipped", mutated(updown, LOSS, "(h) - dbn", "(h) + dbn")),
        Spoiled("no Gibbs sampling in the top", mutated(updown, LOSS, "dream = decide(dbn", "decide(dbn")),
        Spoiled("the top not k times", mutated(updown, LOSS, "hidden_given_visible(dream)", "hidden_given_visible(h)")),
        Spoiled("dreams not handed down", mutated(updown, LOSS, "dream = below", "pass")),
        Spoiled("on where the uniform is above p", mutated(contrastive, "decide", "(p, uniform)", "(uniform, p)")),
    ],
)
def test_up_down():
    for sizes, k, example in CASES:
        dbn, X = symbolic_dbn(*sizes), exact.states(sizes[0])[[example]]
        dbn = DBN(tuple(untied(layer, f"q{n}") for n, layer in enumerate(dbn.layers)), dbn.top)
        after = mean(one_step(up_down, dbn, X, seed=0, k=k))
        with meanings():
            wake, sleep = exact.expected_wake(dbn, X, k), exact.expected_sleep(dbn, X, k)
        for (place, new), (_, old), (_, a), (_, b) in zip(*map(places, (after, dbn, wake, sleep)), strict=True):
            equal_formulas(new, formulas(old) + RATE.expr * (formulas(a) + formulas(b)), f"{place} of {sizes}, k = {k}")


def expected_with_classes(dbn, x, y, k):
    """The mean of the wake and the sleep phase together, of one example x, (1, D), whose class units are y, (1, C).

    Awake, h1 is what is recognised with its last units set to y, and its makers of x are the others alone.
    """
    (layer,), classes, every = dbn.layers, y.shape[1], exact.states(len(dbn.layers[0].W))
    recognised = bernoulli_table(layer.recognition_logits(x))[0]
    awake, makers = every.copy(), every.copy()
    awake[:, -classes:], makers[:, -classes:] = y, 0
    guess = ops.sigmoid(layer.visible_logits(makers))
    dream = after_gibbs(dbn.top, (awake, recognised), k)
    below = exact.states(layer.W.shape[1])
    p_below = dream[1] @ bernoulli_table(layer.visible_logits(dream[0]))
    seen, made = ops.sigmoid(layer.visible_logits(dream[0])), ops.sigmoid(layer.recognition_logits(below))
    update = DirectedLayer(
        W=moment(recognised, makers, x - guess),
        b=recognised @ (x - guess),
        R=moment(dream[1], dream[0], seen) - moment(p_below, made, below),
        c=dream[1] @ dream[0] - p_below @ made,
    )
    return DBN((update,), difference(dbn.top, (awake, recognised), dream))


@theorem(
    "with class units the mean step of up_down is α times that of both phases, the class given while it is awake",
    claim="G4, I7",
    level="B",
    sizes="1-(1 + 1)-1 and k = 1, x = 0 with the class on and 1 with it off, recognition untied, all weights, any α",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the class recognised, not given", mutated(updown, LOSS, "(0 * y, y)", "(0 * y, h[:, -classes:])")),
        Spoiled("the class makes x too", mutated(updown, LOSS, "(0 * y, y)", "(y, y)")),
        Spoiled("the class of other units", mutated(updown, LOSS, "h[:, :-classes], units", "units, h[:, :-classes]")),
    ],
)
def test_up_down_with_classes():
    stack = DBN.with_classes((symbolic_rbm(1, 1, "x"), symbolic_rbm(2, 1, "y")), 1)
    dbn = DBN((untied(stack.layers[0]),), stack.top)
    for x, y in np.array([[[[0.0]], [[1.0]]], [[[1.0]], [[0.0]]]]):
        after = mean(one_step(up_down, dbn, x, y, seed=0, k=1))
        with meanings():
            update = expected_with_classes(dbn, x, y, 1)
        for (place, new), (_, old), (_, step) in zip(*map(places, (after, dbn, update)), strict=True):
            equal_formulas(new, formulas(old) + RATE.expr * formulas(step), f"{place} of x = {x}, y = {y}")


def log_odds(odds):
    """Logarithms of rational odds as exact symbols, in the odds' shape."""
    return np.vectorize(lambda r: Symbolic(sympy.log(sympy.Rational(r))), otypes=[object])(np.asarray(odds, object))


@theorem(
    "a mean step of the sleep phase never lowers the bound on the data",
    claim="I7",
    level="R",
    sizes="1-1-1, rational odds, data x = 1, where q(h1|x) is the posterior and the bound log p(x); two rates",
    uses=(SLEEP,),
    spoiled=[
        Spoiled("the other example, where q is far from the posterior", None, x=0),
        Spoiled("the sign of the guess", mutated(expected, "expected_sleep", "p @ h - p_below", "p @ h + p_below")),
    ],
)
def test_sleep_can_lower_the_bound(x=1):
    # p(h1 = 1) = 1/3, p(x = 1 | h1) = 1/4 or 1/2, q(h1 = 1 | x) = 2/3 or 1/2: p(h1 = 1 | x) is 1/4 or 1/2.
    layer = DirectedLayer(log_odds([[3]]), log_odds(["1/3"]), log_odds([["1/2"]]), log_odds([2]))
    dbn, X = DBN((layer,), RBM(log_odds([[3]]), log_odds(["1/4"]), log_odds([1]))), exact.states(1)[[x]]
    with meanings():
        step = exact.expected_sleep(dbn).layers[0]
        before = expression(exact.bound(dbn, X)[0])
    equal_formulas(step.R, np.zeros((1, 1)), "the step of R")
    for odds, power in (("1/2", 6), ("999/1000", 1999)):  # what e^c is multiplied with; makes e^bound rational
        moved = log_odds(odds)
        rate = expression(moved[()]) / expression(step.c[0])
        require(rate > 0, "the step is taken forwards", rate=rate)
        stepped = DBN((DirectedLayer(layer.W, layer.b, layer.R, layer.c + moved),), dbn.top)
        with meanings():
            after = expression(exact.bound(stepped, X)[0])
        rise = sympy.exp(sympy.expand(power * (after - before), log=True, force=True))
        require(sympy.Rational(rise) < 1, "the bound falls", factor=rise)
