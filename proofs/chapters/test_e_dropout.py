"""Chapter E on shipped code: dropped units, what replaces masks at test time, and the mean of all masked networks."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy

from proofs.harness.chance import StandIn
from proofs.harness.evidence import require_equal
from proofs.harness.formulas import different_formulas, equal_formulas, formulas, over
from proofs.harness.models import symbolic_network
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic
from tinygrad_dbn.learning import Dropout
from tinygrad_dbn.models import FeedForward

MASK = Spoiled("mask dropped", mutated(FeedForward, "hidden_layer", " * mask", ""))
half = sympy.Rational(1, 2)


def exactly(values):
    """Numbers as exact symbols, for floats do not enter symbolic runs."""
    return over(lambda v: Symbolic(sympy.nsimplify(v, rational=True)), values)


@theorem(
    "a dropped unit gets no gradient: neither its incoming weights and bias, nor its outgoing weights",
    claim="E2",
    level="B",
    sizes="2-2-2-2, each hidden unit, sigm and tanh, every parameter",
    spoiled=[
        MASK,
        Spoiled("another unit's mask", mutated(FeedForward, "logits", "masks[k - 1]", "masks[k - 1][::-1]")),
    ],
)
def test_dropped_unit():
    for hidden in ("sigmoid", "tanh"):
        net, x, masks = symbolic_network((2, 2, 2, 2), hidden)
        for layer, unit in product(range(2), range(2)):
            given = [np.array(mask) for mask in masks]
            given[layer][unit] = Symbolic(0)
            with meanings():
                g = grad(lambda n, x=x, given=given: n.nll(x, [0], given).sum())(net)
            silent = [*g.weights[layer][unit], g.biases[layer][unit], *g.weights[layer + 1][:, unit]]
            where = f"the gradient at unit {unit} of layer {layer + 1}"
            equal_formulas(silent, np.zeros(len(silent), int), where)


@pytest.mark.parametrize("classes", [2, 3])
@theorem(
    "at test time classical dropout is inverted dropout of weights scaled by what is kept",
    claim="E3",
    level="B",
    sizes="2-2-2 and 2-2-3, p = 1/4 and 1/2, every weight",
    spoiled=[
        MASK,
        Spoiled("the weights are not scaled", None, scaled=False),
        Spoiled("dropped in place of kept", mutated(Dropout, "expected", "1 - p", "p")),
    ],
)
def test_classical_is_inverted(classes, scaled=True):
    net, x, _ = symbolic_network((2, 2, classes), "sigmoid")
    for p in (0.25, 0.5) if scaled else (0.5,):
        masks = [exactly(mask) for mask in Dropout(p).expected(floats(net))]
        kept = 1 - sympy.nsimplify(p, rational=True)
        above = net.weights[1] * Symbolic(kept) if scaled else net.weights[1]
        other = FeedForward((net.weights[0], above), net.biases)
        masks_of_inverted = Dropout(p, inverted=True).expected(floats(net))
        require(masks_of_inverted is None, "inverted dropout has no masks at test time", masks=masks_of_inverted)
        with meanings():
            equal_formulas(net.logits(x, masks), other.logits(x), "logits at test time")


def floats(net):
    """A net of the same sizes in floats, for `Dropout` makes masks of a net's width of floats."""
    return FeedForward(tuple(np.zeros(W.shape) for W in net.weights), tuple(np.zeros(b.shape) for b in net.biases))


def at_masks(net, x, *masks):
    """The logits of the net at given masks, one for each hidden layer, as formulas: (classes,)."""
    with meanings():
        return formulas(net.logits(x, [exactly(mask) for mask in masks]))[0]


def ratios(logits):
    """The logarithms of the ratios of softmax's classes, which are free of every normaliser."""
    return logits[1:] - logits[0]


@pytest.mark.parametrize(("units", "classes"), [(2, 2), (2, 3), (3, 2)])
@theorem(
    "one hidden layer: the net at half masks is the renormalised geometric mean of all 2^n masked nets",
    claim="E4",
    level="B",
    sizes="2 inputs, n = 2 and 3 hidden units, 2 and 3 classes, every weight, sigm",
    uses=("the renormalised geometric mean of all masked networks is the network at the masks' expectation",),
    spoiled=[
        Spoiled("masks squared", mutated(FeedForward, "hidden_layer", "h * mask", "h * mask * mask")),
        Spoiled("masks at their other extreme", None, at_test=sympy.Integer(1)),
        Spoiled("an arithmetic mean", None, geometric=False),
    ],
)
def test_geometric_mean(units, classes, at_test=half, geometric=True):
    net, x, _ = symbolic_network((2, units, classes), "sigmoid")
    logits = [at_masks(net, x, mask) for mask in product((0, 1), repeat=units)]
    test = at_masks(net, x, [at_test] * units)
    if geometric:
        mean = sum(logits) / sympy.Integer(len(logits))
        equal_formulas(ratios(test), ratios(mean), "f(x) at half masks, log ratios of classes")
    else:
        softmax = lambda a: over(sympy.exp, a) / over(sympy.exp, a).sum()
        equal_formulas(softmax(test), sum(map(softmax, logits)) / sympy.Integer(len(logits)), "f(x) at half masks")


@theorem(
    "with two layers of nonlinear units, too, half masks give the geometric mean",
    claim="E4",
    level="R",
    sizes="1-1-1-2, sigm",
    uses=("the shipped network computes the lecture's recursion, masks included",),
    spoiled=[Spoiled("a second layer that is linear in its masks", None, linear=True)],
)
def test_not_with_two_layers(linear=False):
    net, x, _ = symbolic_network((1, 1, 1, 2), "sigmoid")
    if linear:  # no weights between the hidden layers: the second is a constant, linear in its own mask alone
        net = FeedForward((net.weights[0], net.weights[1] * Symbolic(0), net.weights[2]), net.biases)
    logits = [at_masks(net, x, [m], [k]) for m, k in product((0, 1), repeat=2)]
    mean = sum(logits) / sympy.Integer(len(logits))
    different_formulas(ratios(at_masks(net, x, [half], [half])), ratios(mean), "half masks, and the mean")


class Uniforms(StandIn):
    """A generator whose uniforms are 0, 1/N, …, (N − 1)/N: each stands for the interval of length 1/N above it."""

    def random(self, shape, dtype):
        return (np.arange(prod(shape)) / prod(shape)).astype(dtype).reshape(shape)


@theorem(
    "a unit is dropped for a share p of the uniforms: masks have expectation 1 − p, inverted ones expectation one",
    claim="E1, E3",
    level="X",
    sizes="p = 0, 1/4, 1/2, 3/4 and 1/2 in a second layer: the shipped draw at 256 uniforms that divide [0, 1) evenly",
    spoiled=[
        Spoiled("not divided by what is kept", mutated(Dropout, "draw", "1 / (1 - p) if", "1 if")),
        Spoiled("dropped with probability p²", mutated(Dropout, "draw", ">= p", ">= p * p")),
        Spoiled("dropped in place of kept", mutated(Dropout, "draw", ">= p", "< p")),
        Spoiled("the layers' rates exchanged", mutated(Dropout, "draw", "self.rates(net)", "self.rates(net)[::-1]")),
        Spoiled("one mask for all examples", mutated(Dropout, "draw", "(count, W.shape[0])", "(1, W.shape[0])")),
    ],
)
def test_masks():
    net = floats(symbolic_network((2, 4, 4, 2), "sigmoid")[0])
    for quarters, inverted in product(range(4), (False, True)):
        rates = Fraction(quarters, 4), Fraction(1, 2)
        masks = Dropout(tuple(map(float, rates)), inverted=inverted).draw(net, 64, Uniforms())
        for mask, p in zip(masks, rates, strict=True):
            require(mask.shape == (64, 4), "a mask for each of 64 examples and 4 units", shape=mask.shape)
            value, found = float(1 / (1 - p)) if inverted else 1.0, np.unique(mask)
            require(set(found) <= {0.0, value}, f"masks at p = {p} are 0 or {value}", found=found)
            require_equal(Fraction(int((mask > 0).sum()), mask.size), 1 - p, f"the share that is kept at p = {p}")
