"""Chapter G for all sizes: Gibbs sampling, and sigmoid layers below a distribution."""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import layer, layer_sums_to_one
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, combine
from proofs.kernel.terms import (
    ONE,
    POSITIVE,
    Bit,
    Cube,
    Fold,
    Set,
    Sum,
    exp,
    families,
    indices,
)

# --- Gibbs sampling, of any p(x, h) > 0 -----------------------------------------------------------------------

X, H = Set("states of x"), Set("states of h")
a, b = indices("x x'", X)
c, = indices("h", H)  # fmt: skip
P, = families("p", X, H, sign=POSITIVE)  # fmt: skip


def marginal(a):
    """p(x) = Σ_h p(x, h)."""
    return Sum(P(a, c), c)


HIDDEN_GIVEN = lambda a: P(a, c) / marginal(a)
VISIBLE_GIVEN = lambda b: P(b, c) / Sum(P(a, c), a)


def step(start, end, up=HIDDEN_GIVEN, down=VISIBLE_GIVEN):
    """P(x → x') = Σ_h p(h|x) p(x'|h)."""
    return Sum(up(start) * down(end), c)


@theorem(
    "a round of Gibbs sampling, from x to h and on to x', leaves p(x) as it is",
    claim="G0",
    level="A",
    sizes="any finite sets of x and h, so also all numbers of units; p > 0",
    spoiled=[
        Spoiled("x' is drawn from p(x', h), not normalised", down=lambda b: P(b, c)),
        Spoiled("h is drawn from p(x, h), not normalised", up=lambda a: P(a, c)),
        Spoiled("x is not drawn from p(x)", start=lambda a: ONE),
    ],
)
def test_gibbs_keeps_the_distribution(start=marginal, up=HIDDEN_GIVEN, down=VISIBLE_GIVEN):
    return ring(Sum(start(a) * step(a, b, up, down), a), marginal(b))


@theorem(
    "Gibbs sampling from x to x' by way of h satisfies detailed balance: p(x) P(x → x') = p(x') P(x' → x)",
    claim="G0",
    level="A",
    sizes="any finite sets of x and h, so also all numbers of units; p > 0",
    spoiled=[
        Spoiled("steps are as likely there and back", weight=lambda a: ONE),
        Spoiled("h is drawn from p(x, h), not normalised", up=lambda a: P(a, c)),
    ],
)
def test_detailed_balance(weight=marginal, up=HIDDEN_GIVEN):
    return ring(weight(a) * step(a, b, up), weight(b) * step(b, a, up))


# --- layers below a distribution ------------------------------------------------------------------------------

LAYERS, UNITS = Set("layers"), Set("units")
l, = indices("l", LAYERS)  # fmt: skip
unit, other = indices("i j", UNITS)
v, top = indices("x h", Cube(UNITS))
LAYER_W, = families("W", LAYERS, UNITS, UNITS)  # fmt: skip
LAYER_B, = families("b", LAYERS, UNITS)  # fmt: skip
PRIOR, MARGINAL = families("prior q", Cube(UNITS))


@theorem(
    "sigmoid layers put below a distribution leave a distribution: Σ_x p(x) stays 1",
    claim="G2",
    level="A",
    sizes="any number of layers, of one width, which is any",
    spoiled=[
        Spoiled("a conditional that is not normalised", conditional=lambda v, i, a: exp(Sum(Bit(v, i) * a, i))),
        Spoiled("a prior that is not", prior=2),
    ],
)
def test_layers_stay_normalised(conditional=layer, prior=1):
    # p(x) of each layer is Σ_h p(x|h) p(h), with p(h) of the layer above.
    def field(layer_b, layer_w):
        return layer_b(unit) + Sum(layer_w(unit, other) * Bit(top, other), other)

    def lowest(at):
        own = field(lambda i: LAYER_B(l, i), lambda i, j: LAYER_W(l, i, j))
        return Fold(MARGINAL, (v,), PRIOR(v), Sum(conditional(v, unit, own) * MARGINAL(top), top), l, (at,))

    def grows(mark, above):
        own = field(part(LAYER_B, mark, ""), part(LAYER_W, mark, "", ""))
        one = summed(layer_sums_to_one(v, unit, own), top, above)
        return lambda more, *so_far: ring(more.left, more.right, one, *so_far)

    sums = Sum(lowest(v), v), Sum(PRIOR(v), v)
    thm = induction(sums[0], "==", sums[1], LAYERS, grows("0", PRIOR(top)), grows("n", lowest(top)))
    given = assume(sums[1], "==", prior)
    return require_model(combine(sums[0], "==", 1, (1, thm), (1, given)), {
        PRIOR: (Fraction(1, 3), Fraction(2, 3)), LAYER_W: (((1,),), ((-1,),)), LAYER_B: ((0,), (2,)),
    })  # fmt: skip
