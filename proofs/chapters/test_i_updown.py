"""Claim I7 on shipped code: what the wake and sleep phases climb on average, and what sleep does not."""

import sympy

from proofs.decide.zero import counterexample
from proofs.harness.formulas import derivatives, different_formulas, equal_formulas, over
from proofs.harness.models import lecture_conditional, lecture_joint, symbolic_dbn, untied
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import expression
from tinygrad_dbn.exact.rules import updown
from tinygrad_dbn.models import DBN, DirectedLayer


def untied_dbn(visible=1):
    """visible-1-1, with recognition weights of its own."""
    dbn = symbolic_dbn(visible, 1, 1)
    return DBN((untied(dbn.layers[0]),), dbn.top)


def lecture(dbn):
    """p(x, h1) and q(h1|x) of a DBN, for every x and h1: (2^D, 2)."""
    layer = dbn.layers[0]
    return lecture_joint(dbn).sum(axis=2), lecture_conditional(layer.R.T, layer.c).T


def equal_gradient(found, part, names, objective):
    """Refuse unless the found update of a part of the model is the objective's gradient in the parameters named."""
    for name in names:
        equal_formulas(getattr(found, name), derivatives(objective, getattr(part, name)), f"∂/∂{name}")


SLEEP = "the mean sleep update is the gradient of E_p[log q(h1|x)] in the recognition weights, p the model's own dreams"
BIAS_LOST = Spoiled("generative bias lost on every side", mutated(DirectedLayer, "visible_logits", " + self.b", ""))
ORDER = ", means, lower[0][:, ::-1])"


@theorem(
    "the mean wake update is the gradient of E_q[log p(x, h1)] in the generative weights, the top at equilibrium",
    claim="I7",
    level="B",
    sizes="1-1-1 and 2-1-1, recognition untied, one example, every parameter",
    spoiled=[
        Spoiled("one round of Gibbs sampling in the top instead", None, k=1),
        Spoiled("sign of the guess", mutated(updown, "expected_wake", "- p @ guess", "+ p @ guess")),
        Spoiled("moments of x in another order", mutated(updown, "expected_wake", ", means, lower[0])", ORDER)),
        BIAS_LOST,
    ],
)
def test_wake(k=None):
    for visible in (1, 2):
        dbn, example = untied_dbn(visible), exact.states(visible)[[1]]
        with meanings():
            found = exact.expected_wake(dbn, example, k)
        (joint, q), x = lecture(dbn), 1  # the example is the second state
        objective = (q[x] * over(sympy.log, joint[x])).sum()
        equal_gradient(found.layers[0], dbn.layers[0], "Wb", objective)
        equal_gradient(found.top, dbn.top, "Wbc", objective)


@theorem(
    SLEEP,
    claim="I7",
    level="B",
    sizes="1-1-1 and 2-1-1, recognition untied, every parameter",
    spoiled=[
        Spoiled(
            "moments of x in another order",
            mutated(updown, "expected_sleep", "guess, below)", "guess, below[:, ::-1])"),
        ),
        Spoiled("dreams of every x alike", None, dreamt=False),
        Spoiled("sign of the guess", mutated(updown, "expected_sleep", "p @ h - p_below", "p @ h + p_below")),
        BIAS_LOST,
    ],
)
def test_sleep(dreamt=True):
    for visible in (1, 2):
        dbn = untied_dbn(visible)
        with meanings():
            update = exact.expected_sleep(dbn)
        joint, q = lecture(dbn)
        dreams = joint if dreamt else joint.sum(axis=0) / sympy.Integer(len(joint)) + 0 * joint
        objective = (dreams * over(sympy.log, q)).sum()
        equal_gradient(update.layers[0], dbn.layers[0], "Rc", objective)


@theorem(
    "a step along the sleep phase raises the bound on the data",
    claim="I7",
    level="R",
    sizes="1-1-1, recognition untied, one example, rational parameters: its mean has a negative slope along the bound",
    uses=(SLEEP,),
    spoiled=[
        Spoiled("the bound's own gradient", None, update=lambda dbn, example: exact.recognition_gradient(dbn, example))
    ],
)
def test_sleep_can_lower_the_bound(update=lambda dbn, example: exact.expected_sleep(dbn)):
    dbn, example = untied_dbn(), exact.states(1)[[1]]
    (joint, q), x = lecture(dbn), 1
    bound = (q[x] * (over(sympy.log, joint[x]) - over(sympy.log, q[x]))).sum()
    with meanings():
        step = update(dbn, example).layers[0]
    step = [expression(step.R[0, 0]), expression(step.c[0])]
    uphill = [derivatives(bound, parameters).item() for parameters in (dbn.layers[0].R, dbn.layers[0].c)]
    different_formulas(step, uphill, "the mean step, and the bound's gradient, along which no slope is negative")
    slope = sum(a * b for a, b in zip(step, uphill, strict=True))
    assert counterexample(slope, {slope: -1}).value < 0
