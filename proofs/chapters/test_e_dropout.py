"""Chapter E on shipped code: dropped units, what replaces masks at test time, and the mean of all masked networks."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy

from proofs.decide.zero import is_zero
from proofs.harness.formulas import equal_formulas, formulas, over
from proofs.harness.models import symbolic_network
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression
from tinygrad_dbn.learning import Dropout
from tinygrad_dbn.models import FeedForward

MASK = Spoiled("mask dropped", mutated(FeedForward, "logits", "h = h * masks[k]", "pass"))
half = sympy.Rational(1, 2)


def exactly(values):
    """Numbers as exact symbols, for floats do not enter symbolic runs."""
    return over(lambda v: Symbolic(sympy.nsimplify(v, rational=True)), values)


@theorem(
    "a dropped unit gets no gradient: neither its incoming weights and bias, nor its outgoing weights",
    claim="E2",
    level="B",
    sizes="2-2-2-2, each hidden unit, sigm and tanh, every parameter",
    spoiled=[MASK, Spoiled("another unit's mask", mutated(FeedForward, "logits", "masks[k]", "masks[k][::-1]"))],
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
            require(all(is_zero(expression(v)) for v in silent), f"unit {unit} of layer {layer + 1} has a gradient")


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
        require(Dropout(p, inverted=True).expected(floats(net)) is None, "inverted dropout has masks at test time")
        with meanings():
            equal_formulas(net.logits(x, masks), other.logits(x), "logits at test time")


def floats(net):
    """A net of the same sizes in floats, for `Dropout` makes masks of a net's width of floats."""
    return FeedForward(tuple(np.zeros(W.shape) for W in net.weights), tuple(np.zeros(b.shape) for b in net.biases))


def at_masks(net, x, *masks):
    """The logits of the net at given masks, one for each hidden layer, as formulas: (classes,)."""
    with meanings():
        return formulas(net.logits(x, [exactly(mask) for mask in masks]))[0]


def same_ratios(logits, others):
    """Do two vectors of logits give the same softmax? Its classes' ratios are free of every normaliser."""
    return all(is_zero((a - logits[0]) - (b - others[0])) for a, b in zip(logits[1:], others[1:], strict=True))


@pytest.mark.parametrize(("units", "classes"), [(2, 2), (2, 3), (3, 2)])
@theorem(
    "one hidden layer: the net at half masks is the renormalised geometric mean of all 2^n masked nets",
    claim="E4",
    level="B",
    sizes="2 inputs, n = 2 and 3 hidden units, 2 and 3 classes, every weight, sigm",
    uses=("the renormalised geometric mean of all masked networks is softmax at the mean logits",),
    spoiled=[
        Spoiled("masks squared", mutated(FeedForward, "logits", "h * masks[k]", "h * masks[k] * masks[k]")),
        Spoiled("masks at their other extreme", None, at_test=sympy.Integer(1)),
        Spoiled("an arithmetic mean", None, geometric=False),
    ],
)
def test_geometric_mean(units, classes, at_test=half, geometric=True):
    net, x, _ = symbolic_network((2, units, classes), "sigmoid")
    logits = [at_masks(net, x, mask) for mask in product((0, 1), repeat=units)]
    test = at_masks(net, x, [at_test] * units)
    if geometric:
        require(same_ratios(test, sum(logits) / sympy.Integer(len(logits))), "f(x) at half masks")
    else:
        softmax = lambda a: over(sympy.exp, a) / over(sympy.exp, a).sum()
        equal_formulas(softmax(test), sum(map(softmax, logits)) / sympy.Integer(len(logits)), "f(x) at half masks")


@theorem(
    "with two layers of nonlinear units, too, half masks give the geometric mean",
    claim="E4",
    level="R",
    sizes="1-1-1-2, sigm",
    spoiled=[Spoiled("a second layer that is linear in its masks", None, linear=True)],
)
def test_not_with_two_layers(linear=False):
    net, x, _ = symbolic_network((1, 1, 1, 2), "sigmoid")
    if linear:  # no weights between the hidden layers: the second is a constant, linear in its own mask alone
        net = FeedForward((net.weights[0], net.weights[1] * Symbolic(0), net.weights[2]), net.biases)
    logits = [at_masks(net, x, [m], [k]) for m, k in product((0, 1), repeat=2)]
    mean = sum(logits) / sympy.Integer(len(logits))
    require(not same_ratios(at_masks(net, x, [half], [half]), mean), "the means agree for every weight")


class Uniforms:
    """A generator whose uniforms are 0, 1/N, …, (N − 1)/N: each stands for the interval of length 1/N above it."""

    def random(self, shape, dtype):
        return (np.arange(prod(shape)) / prod(shape)).astype(dtype).reshape(shape)


@theorem(
    "a unit is dropped for a share p of the uniforms: masks have expectation 1 − p, inverted ones expectation one",
    claim="E1, E3",
    level="X",
    sizes="p = 0, 1/4, 1/2, 3/4: the shipped draw at 256 uniforms that divide [0, 1) evenly",
    spoiled=[
        Spoiled("not divided by what is kept", mutated(Dropout, "draw", "1 / (1 - p) if", "1 if")),
        Spoiled("dropped with probability p²", mutated(Dropout, "draw", ">= p", ">= p * p")),
        Spoiled("dropped in place of kept", mutated(Dropout, "draw", ">= p", "< p")),
    ],
)
def test_masks():
    net = floats(symbolic_network((2, 4, 2), "sigmoid")[0])
    for quarters, inverted in product(range(4), (False, True)):
        p = Fraction(quarters, 4)
        (mask,) = Dropout(float(p), inverted=inverted).draw(net, 64, Uniforms())
        kept = Fraction(int((mask > 0).sum()), mask.size)
        value = float(1 / (1 - p)) if inverted else 1.0
        require(set(np.unique(mask)) <= {0.0, value}, f"masks {np.unique(mask)}")
        require(kept == 1 - p, f"kept with probability {kept}")
