"""A generator whose uniforms are undecided: what a sampler does on average, from its own code, for all weights.

A uniform on [0, 1) is below p with probability p. Shipped samplers do nothing with their uniforms but compare each with
one probability, so a run has as many outcomes as there are ways to answer the comparisons. A function is run once for
each way; the outcome's weight is the product of p for every answer "below" and of 1 − p for every other.

What this trusts: that a generator's uniforms are independent and uniform, and that every p lies in [0, 1].
"""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from proofs.harness.formulas import formulas
from proofs.harness.theorem import require
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression, symbols
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.exact.states import states
from tinygrad_dbn.learning import descent, sgd, supervised

UNIFORM = "the generator's uniforms are independent and uniform on [0, 1)"


class Uniform(Symbolic):
    """A uniform of which nothing is known until it is compared.

    It is a `Symbolic` so that Python asks it, and not the probability, where the probability is on the left. Raises
    ValueError for a second comparison with something else: the two answers would depend on one another.
    """

    __slots__ = ("answer", "chance", "compared_with")

    def __init__(self, chance):
        super().__init__(sympy.Dummy("u"))
        self.chance, self.compared_with, self.answer = chance, None, None

    def __lt__(self, p):
        p = expression(p)
        if self.compared_with is None:
            self.compared_with, self.answer = p, self.chance.is_below(p)
        if self.compared_with != p:
            raise ValueError(f"one uniform was compared with {self.compared_with} and with {p}: draw two")
        return self.answer

    def __ge__(self, p):
        return not self < p

    __le__, __gt__ = __lt__, __ge__  # to be equal has probability 0


class StandIn(np.random.Generator):
    """A generator to the shipped code, which can be asked for nothing but what its class defines itself."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def __init_subclass__(cls):
        for name in vars(np.random.Generator):
            if not name.startswith("_") and name not in vars(cls):
                setattr(cls, name, property(lambda self, name=name: refuse(name)))


def refuse(name):
    raise NotImplementedError(f"{name}: this stand-in for a generator has no such draws, whose mean nothing here knows")


class Chance(StandIn):
    """A stand-in for `numpy.random.Generator` in one outcome: its first answers are given, the others are "below"."""

    def __init__(self, answers, ahead):
        super().__init__()
        self.given, self.answers, self.ahead = answers, [], ahead
        self.weight, self.free = sympy.Integer(1), 0

    def random(self, size=(), dtype=None):
        out = np.empty(size, object)
        for i in np.ndindex(out.shape):
            out[i] = Uniform(self)
        return out

    def integers(self, low, high, size):
        if (low, high) != (0, 2):
            raise NotImplementedError(f"integers from {low} to {high}: fair bits only")
        return (self.random(size) < sympy.Rational(1, 2)).astype(int)

    def uniform(self, low, high, size):
        """Any numbers at all: symbols, so that what is found holds whatever is drawn."""
        self.free += 1
        return symbols(f"drawn{self.free}", size)

    normal = uniform

    def permutation(self, count):
        return np.arange(count)

    def is_below(self, p):
        """The answer to u < p in this outcome. The other one, if it has any probability, is for a later run."""
        if p in (0, 1):
            return p == 1
        if len(self.answers) < len(self.given):
            answer = self.given[len(self.answers)]
        else:
            answer = True
            self.ahead.append((*self.answers, False))
        self.answers.append(answer)
        self.weight *= p if answer else 1 - p
        return answer


def outcomes(sampler):
    """Every outcome of sampler(generator), each with its probability: pairs (expression, result)."""
    ahead, found = [()], []
    while ahead:
        chance = Chance(ahead.pop(), ahead)
        result = sampler(chance)
        found.append((chance.weight, result))
    return found


def mean(sampler):
    """E[sampler(generator)] over every outcome, a tree of arrays like its result."""
    weights, results = zip(*outcomes(sampler), strict=True)

    def expected(*leaves):
        weighted = np.array([w * formulas(x) for w, x in zip(weights, leaves, strict=True)], object)
        return np.apply_along_axis(lambda terms: Symbolic(sympy.Add(*terms)), 0, weighted)  # one sum, sorted once

    return tree_map(expected, *results)


def distribution(sampler, units):
    """The probability of every state of the one row of `units` zeros and ones that it draws: (2^units,).

    The order is that of `td.exact.states`. Raises Refuted where it draws anything else.
    """

    def indicator(rng):
        row = sampler(rng)
        require(all(v in (0, 1) for v in np.ravel(row)), "what is drawn is zeros and ones", drawn=row)
        return (states(units) == np.asarray(row, float)).all(axis=-1)

    return mean(indicator)


RATE = symbols("alpha")[()]


def one_step(training, *given, **settings):
    """A sampler of the model after one epoch of one batch by `training`, gradient descent at the rate α, on symbols.

    The training draws from the sampler's generator where it would make others of its seeds. What only watches it is
    left out, for it needs numbers: error rates, and the sum of the losses.
    """

    def sampler(rng):
        with pytest.MonkeyPatch.context() as patch, meanings():
            patch.setattr(np.random, "default_rng", lambda seed: rng)
            patch.setattr(supervised, "error_rate", lambda *given: 0.0)
            patch.setattr(descent, "float", lambda loss: 0.0, raising=False)
            optimiser = replace(sgd(1.0), rate=RATE)
            result = training(*given, **settings, epochs=1, batch=9, optimiser=optimiser)
            return (result if hasattr(result, "model") else list(result)[-1]).model

    return sampler
