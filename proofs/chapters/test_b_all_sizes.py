"""Chapter B for all sizes: how many terms parity needs, and how fast a gradient can vanish."""

from sympy import Rational

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.rules import Loop, add, assume, induction, real, ring, scale, sequence, square, transport

even, odd, terms = real("even odd terms", positive=True)
anything = real("o", positive=True)[0]


def parities(into):
    """even, odd: vectors of n bits by their parity; terms: 2^(n−1). From n = 1, one bit more at each step."""
    return Loop("parity", (even, odd, terms), (1, 1, 1), (anything,), (even + odd, odd + into, 2 * terms))


@theorem(
    "2^(n−1) vectors of n bits have odd parity, each of which needs a term of its own in an OR of ANDs",
    claim="B2",
    level="A",
    sizes="all n",
    uses=("an AND of literals that implies parity fixes every input, so an OR of ANDs needs 2^(n−1) of them",),
    spoiled=[Spoiled("one bit more makes no vector odd", into=odd), Spoiled("2^n of them", factor=2)],
)
def test_half_of_all_vectors_are_odd(into=even, factor=1):
    loop, ever = parities(into), sequence("u")
    as_many = induction(loop, odd - even, ever)
    together = induction(loop, odd + even - 2 * terms, ever)
    _, odd_ones, power = loop.at(ever)
    return ring(odd_ones - factor * power, add(as_many, together))


g, bound, o, w = real("g bound o w", positive=True)
slope = o / (1 + o) ** 2  # sigm'(a) at odds o = e^a


@theorem(
    "sigm'(a) <= 1/4",
    claim="B3",
    level="A",
    sizes="every a",
    spoiled=[Spoiled("<= 1/5", most=5), Spoiled(">= 1/4", sign=-1)],
)
def test_slope_of_the_sigmoid(most=4, sign=1):
    thm = scale(square(1 - o), 1 / (4 * (1 + o) ** 2))
    return transport(sign * (Rational(1, most) - slope), thm)


@theorem(
    "through L sigmoid layers the gradient is at most the product of |w| / 4",
    claim="B3",
    level="A",
    sizes="any depth, width one, |w| > 0, every pre-activation",
    uses=("sigm'(a) <= 1/4",),
    spoiled=[Spoiled("|w| / 5", most=5), Spoiled("the slope forgotten", steep=1)],
)
def test_vanishing(most=4, steep=slope):
    # bound' − g' = (w/4) (bound − g) + w g (1/4 − sigm').
    loop = Loop("gradient", (g, bound), (1, 1), (w, o), (g * w * steep, bound * w / most))
    kept = scale(assume(bound - g, ">="), w / most)
    lost = scale(transport(Rational(1, most) - steep, scale(square(1 - o), 1 / (4 * (1 + o) ** 2))), w * g)
    step = transport(loop.step[1] - loop.step[0], add(kept, lost))
    return induction(loop, bound - g, sequence("w"), sequence("o"), step=step)
