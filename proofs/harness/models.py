"""Models whose parameters are symbols, or logarithms of rationals, and the lecture's definitions written out for them.

With symbols a theorem speaks of all parameters at once; with rational odds e^θ every probability is rational, and
nothing is rounded. The definitions below multiply odds, so that they serve both, and floats too, in Arb balls.
"""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import sympy
from flint import arb

from proofs.harness.formulas import over
from tinygrad_dbn.autodiff.numbers.rational import Exact, log_array
from tinygrad_dbn.autodiff.numbers.symbolic import expression, symbols
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DBN, RBM, DirectedLayer, FeedForward


def symbolic_rbm(visible, hidden, prefix=""):
    """An RBM whose every weight and bias is a symbol."""
    return RBM(
        symbols(f"{prefix}W", (hidden, visible)), symbols(f"{prefix}b", (visible,)), symbols(f"{prefix}c", (hidden,))
    )


def symbolic_dbn(*sizes):
    """A DBN of symbols that is started from RBMs: its recognition weights are the generative ones."""
    return DBN.from_rbms([symbolic_rbm(v, h, str(k)) for k, (v, h) in enumerate(pairwise(sizes), 1)])


def untied(layer, prefix="q"):
    """The directed layer with recognition weights and biases that are symbols of their own."""
    guess = symbolic_rbm(*layer.W.shape[::-1], prefix)
    return DirectedLayer(layer.W, layer.b, guess.W, guess.c)


def symbolic_network(sizes, hidden):
    """A network of symbols, an input of symbols, (1, sizes[0]), and a mask of symbols for each hidden layer."""
    pairs = list(enumerate(pairwise(sizes), 1))
    weights = tuple(symbols(f"W{k}", (n, m)) for k, (m, n) in pairs)
    biases = tuple(symbols(f"b{k}", (n,)) for k, (_, n) in pairs)
    masks = [symbols(f"m{k}", (n,)) for k, n in enumerate(sizes[1:-1], 1)]
    return FeedForward(weights, biases, hidden), symbols("x", (1, sizes[0])), masks


def rational_rbm(visible, hidden, rng):
    """An RBM whose odds e^W, e^b, e^c are random rationals."""

    def odds(*shape):
        draw = lambda *_: Fraction(int(rng.integers(1, 20)), int(rng.integers(1, 20)))
        return log_array(np.frompyfunc(draw, 1, 1)(np.empty(shape, object)))

    return RBM(odds(hidden, visible), odds(visible), odds(hidden))


def rational_dbn(sizes, rng):
    """A DBN started from RBMs of random rational odds."""
    return DBN.from_rbms([rational_rbm(v, h, rng) for v, h in pairwise(sizes)])


def bits(n):
    """All states of n units in the order of `td.exact.states`, as arrays of integers."""
    return [np.array(state[::-1], object) for state in product((0, 1), repeat=n)]


def odds(parameters):
    """e^θ for an array of parameters: formulas for symbols, fractions for logarithms of rationals, balls for floats."""

    def of_one(parameter):
        if isinstance(parameter, float):
            return arb(parameter).exp()
        return parameter.r if isinstance(parameter, Exact) else sympy.exp(expression(parameter))

    return over(of_one, parameters)


def lecture_weights(rbm):
    """e^−E(x, h) for every x and h, (2^D, 2^H), with −E(x, h) = hᵀWx + cᵀh + bᵀx (G0)."""
    W, b, c = odds(rbm.W), odds(rbm.b), odds(rbm.c)
    weight = lambda x, h: np.prod(W ** np.outer(h, x)) * np.prod(b**x) * np.prod(c**h)
    return np.array([[weight(x, h) for h in bits(len(c))] for x in bits(len(b))], object)


def lecture_odds(W, b):
    """e^(b_i + Σ_j h_j W_ji), the odds of each lower unit, for every h: (2^H, D)."""
    W, b = odds(W), odds(b)
    return np.array([b * np.prod(W ** h[:, None], axis=0) for h in bits(len(W))], object)


def lecture_conditional(W, b):
    """p(x|h) for every x and h, (2^D, 2^H): independent units, each on with probability o / (1 + o) for odds o (G0)."""
    given = lecture_odds(W, b)
    return np.array(
        [[np.prod(np.where(x == 1, o, 1) / (1 + o)) for o in given] for x in bits(given.shape[1])],
        object,
    )


def lecture_joint(dbn):
    """p(x, h1, …, hL) for every state of every layer, (2^n0, …, 2^nL): p(h(L−1), hL) Π p(lower|upper) (G2)."""
    joint = lecture_weights(dbn.top)
    joint = joint / joint.sum()
    for layer in reversed(dbn.layers):
        given = lecture_conditional(layer.W, layer.b)
        joint = given.reshape(*given.shape, *[1] * (joint.ndim - 1)) * joint
    return joint


def recognition(dbn, X):
    """The q(h1|x) that `exact.bound` and `exact.audit` use when none is given: (T, 2^n1)."""
    return np.concatenate([q for _, q, _, _ in variational.bound.in_batches(dbn, X, None)])
