"""The stand-in generator: it finds every outcome, weighs it rightly, and refuses what it cannot weigh."""

from functools import partial

import numpy as np
import pytest
import sympy

from proofs.harness.chance import distribution, mean, outcomes
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression

p, q = sympy.symbols("p q", real=True)


def test_every_outcome_of_two_uniforms_has_its_probability():
    found = outcomes(lambda rng: tuple(rng.random(2) < np.array([Symbolic(p), Symbolic(q)])))
    assert {result: weight for weight, result in found} == {
        (True, True): p * q,
        (True, False): p * (1 - q),
        (False, True): (1 - p) * q,
        (False, False): (1 - p) * (1 - q),
    }


@pytest.mark.parametrize(
    ("compare", "wanted"),
    [
        (lambda u: u < Symbolic(p), p),
        (lambda u: u <= Symbolic(p), p),
        (lambda u: Symbolic(p) > u, p),
        (lambda u: Symbolic(p) >= u, p),
        (lambda u: u >= Symbolic(p), 1 - p),
        (lambda u: u > Symbolic(p), 1 - p),
        (lambda u: Symbolic(p) < u, 1 - p),
        (lambda u: Symbolic(p) <= u, 1 - p),
        (lambda u: (u < Symbolic(p)) and (u < Symbolic(p)), p),
        (lambda u: u < 0.25, sympy.Rational(1, 4)),
        (lambda u: u < 1, 1),
        (lambda u: u < 0.0, 0),
    ],
)
def test_the_uniform_is_asked_on_either_side(compare, wanted):
    assert sympy.expand(expression(mean(lambda rng: np.array(compare(rng.random()[()])))[()]) - wanted) == 0


def test_what_is_certain_is_no_choice():
    assert outcomes(lambda rng: (rng.random(2) < np.array([0, 1])).tolist()) == [(1, [False, True])]


def test_later_choices_may_depend_on_earlier_ones():
    def draw(rng):
        first = int(rng.random()[()] < Symbolic(p))
        return np.array([[first, int(rng.random()[()] < (Symbolic(q) if first else 0))]])

    assert [expression(weight) for weight in distribution(draw, 2)] == [1 - p, p * (1 - q), 0, p * q]


def test_fair_bits():
    assert [expression(weight) for weight in distribution(lambda rng: rng.integers(0, 2, (1, 1)), 1)] == [
        1 / sympy.S(2)
    ] * 2
    with pytest.raises(NotImplementedError, match="fair bits only"):
        outcomes(lambda rng: rng.integers(0, 3, (1, 1)))


@pytest.mark.parametrize("name", ["standard_normal", "choice", "binomial", "bytes"])
def test_other_draws_are_refused(name):
    """And not drawn by the generator that the stand-in is to the shipped code."""
    with pytest.raises(NotImplementedError, match=f"{name}: this stand-in"):
        outcomes(lambda rng: getattr(rng, name)(1))


def test_one_uniform_for_two_decisions_is_refused():
    def draw(first, second, rng):
        u = rng.random()[()]
        return bool(u < first), bool(u < second)

    assert len(outcomes(partial(draw, Symbolic(p), Symbolic(p)))) == 2
    with pytest.raises(ValueError, match="draw two"):
        outcomes(partial(draw, Symbolic(p), Symbolic(q)))
