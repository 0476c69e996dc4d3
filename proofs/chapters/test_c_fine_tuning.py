"""Claim C4 on shipped code: one step of fine-tuning, for all weights and inputs."""

from itertools import pairwise

import sympy

from proofs.chapters.test_c_pretraining import Exactly
from proofs.harness.chance import RATE, mean, one_step
from proofs.harness.formulas import derivatives, equal_formulas, formulas, over, sigm
from proofs.harness.models import symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn.autodiff.numbers.symbolic import symbols
from tinygrad_dbn.learning import descent, fine_tune, optimisers, supervised
from tinygrad_dbn.learning.pretraining import Stack
from tinygrad_dbn.models import FeedForward

UPHILL = Spoiled("uphill", mutated(optimisers, "sgd", "p + rate * d", "p - rate * d"))


def lecture_loss(net, x, y, masks):
    """The mean over rows of −log f(x)_y, with masks, (T, n_k) for each hidden layer, on h^(k) (A1–A3, E1)."""
    h = formulas(x)
    for W, b, mask in zip(net.weights, net.biases, [*masks, 1], strict=True):
        a = h @ formulas(W).T + formulas(b)
        h = over(sigm, a) * mask
    losses = [sympy.log(over(sympy.exp, row).sum()) - row[c] for row, c in zip(a, y, strict=True)]
    return sum(losses) / sympy.Integer(len(y))


def equal_step(found, net, loss, at=()):
    """Refuse unless the net found is θ − α ∂loss/∂θ, in every weight and bias of every layer, where `at` says."""
    for kind in ("weights", "biases"):
        for k, (after, before) in enumerate(zip(getattr(found, kind), getattr(net, kind), strict=True), start=1):
            wanted = formulas(before) - RATE.expr * derivatives(loss, before)
            equal_formulas(after, over(lambda e: e.subs(at), wanted), f"{kind} of layer {k}")


@theorem(
    "one step of fine_tune, by gradient descent, is θ − α∇ of the whole network's mean −log f(x)_y in every layer",
    claim="C4",
    level="B",
    sizes="2-1-1 and two classes, one example; 1-1 and two classes, two examples; every weight, input and rate, sigm",
    spoiled=[
        UPHILL,
        Spoiled("half of the step", mutated(descent, "stepping", "else -g", "else -g / 2")),
        Spoiled("a batch's sum", mutated(supervised, "supervised_loss", "ops.mean", "ops.sum")),
        Spoiled(
            "the lowest layer starts elsewhere",
            mutated(Stack, "network", "(*weights,", "(0 * weights[0], *weights[1:],"),
        ),
        Spoiled("the lowest layer is left alone", None, frozen=True),
    ],
)
def test_fine_tuning(frozen=False):
    for sizes, y in (((2, 1, 1), [1]), ((1, 1), [0, 1])):
        rbms = [symbolic_rbm(m, n, f"{k}_") for k, (m, n) in enumerate(pairwise(sizes), 1)]
        stack, x = Stack(tuple(Exactly(rbm.W, rbm.c, rbm) for rbm in rbms)), symbols("x", (len(y), sizes[0]))
        top, bias = symbols("drawn1", (2, sizes[-1])), symbols("zero", (2,))
        start = FeedForward((*(rbm.W for rbm in rbms), top), (*(rbm.c for rbm in rbms), bias))
        found = mean(one_step(fine_tune, stack, (x, y), classes=2, seed=0))
        if frozen:
            found = FeedForward((rbms[0].W, *found.weights[1:]), found.biases)
        loss = lecture_loss(start, x, y, [1] * len(rbms))
        equal_step(found, start, loss, [(symbol.expr, 0) for symbol in bias])
