"""Claim I7 on shipped code: what the wake and sleep phases climb on average, and what sleep does not."""

import numpy as np

from proofs.decide.zero import is_zero
from proofs.harness.formulas import derivatives, equal_formulas
from proofs.harness.models import symbolic_dbn, untied
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import expression
from tinygrad_dbn.exact.distributions import bernoulli_table, log_bernoulli_table
from tinygrad_dbn.exact.rules import updown
from tinygrad_dbn.models import DBN

X = exact.states(1)


def untied_dbn(visible=1):
    """visible-1-1, with recognition weights of its own."""
    dbn = symbolic_dbn(visible, 1, 1)
    return DBN((untied(dbn.layers[0]),), dbn.top)


def equal_gradient(found, part, names, objective):
    """Refuse unless the found update of a part of the model is the objective's gradient in the parameters named."""
    for name in names:
        equal_formulas(getattr(found, name), derivatives(objective, getattr(part, name)), f"∂/∂{name}")


ORDER = ", means, lower[0][:, ::-1])"


@theorem(
    "the mean wake update is the gradient of E_q[log p(x, h1)] in the generative weights, the top at equilibrium",
    claim="I7",
    level="B",
    sizes="1-1-1 and 2-1-1, recognition untied, one example, every parameter",
    uses=("the shipped bound is Σ q log p(x,h1) − Σ q log q, for every q",),
    spoiled=[
        Spoiled("one round of Gibbs sampling in the top instead", None, k=1),
        Spoiled("sign of the guess", mutated(updown, "expected_wake", "- p @ guess", "+ p @ guess")),
        Spoiled("moments of x in another order", mutated(updown, "expected_wake", ", means, lower[0])", ORDER)),
    ],
)
def test_wake(k=None):
    for visible in (1, 2):
        dbn, example = untied_dbn(visible), exact.states(visible)[[1]]
        with meanings():
            found = exact.expected_wake(dbn, example, k)
            objective = np.asarray(exact.bound(dbn, example)).item()  # its entropy has no generative weights
        equal_gradient(found.layers[0], dbn.layers[0], "Wb", objective)
        equal_gradient(found.top, dbn.top, "Wbc", objective)


@theorem(
    "the mean sleep update is the gradient of E_p[log q(h1|x)] in the recognition weights, p the model's own dreams",
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
    ],
)
def test_sleep(dreamt=True):
    for visible in (1, 2):
        dbn, X = untied_dbn(visible), exact.states(visible)
        with meanings():
            update = exact.expected_sleep(dbn)
            prior = ops.exp(exact.log_marginal(dbn, 1))  # (2,)
            down = bernoulli_table(dbn.layers[0].visible_logits(exact.states(1)))  # p(x|h1), (2, 2^D)
            log_q = log_bernoulli_table(dbn.layers[0].recognition_logits(X))  # (x, h1)
            together = prior[:, None] * down if dreamt else prior[:, None] * (0 * down + 1) / len(X)
            objective = np.sum(together * np.asarray(log_q).T)
        # The dreams do not depend on q, so only log q is differentiated.
        equal_gradient(update.layers[0], dbn.layers[0], "Rc", objective)


@theorem(
    "the sleep phase raises the bound on the data",
    claim="I7",
    level="R",
    sizes="1-1-1, recognition untied: its mean is not the bound's gradient in the recognition weights",
    spoiled=[Spoiled("the bound's own gradient", None, honest=True)],
)
def test_sleep_is_not_the_bounds_gradient(honest=False):
    dbn, example = untied_dbn(), X[[1]]
    with meanings():
        bound = np.asarray(exact.bound(dbn, example)).item()
        slope = derivatives(bound, dbn.layers[0].c)[0]
        update = exact.recognition_gradient(dbn, example) if honest else exact.expected_sleep(dbn)
        sleep = expression(update.layers[0].c[0])
    require(not is_zero(sleep - slope), "sleep is the bound's gradient for every parameter")
