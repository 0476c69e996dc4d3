"""Chapter G for all sizes: the RBM's free energy, conditionals and gradient, Gibbs sampling, and layers of a DBN.

An RBM has visible states x of {0,1}^D, hidden states h of {0,1}^H and the energy
E(x, h) = −Σ_ij x_i W_ij h_j − Σ_i b_i x_i − Σ_j c_j h_j.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import cube_sum, layer, layer_sums_to_one
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, combine, differentiate
from proofs.kernel.terms import (
    ONE,
    POSITIVE,
    Bit,
    Cube,
    Fold,
    Same,
    Set,
    Sum,
    exp,
    families,
    indices,
    log,
    numbers,
    sum_over,
)

VISIBLE, HIDDEN = Set("D"), Set("H")
i, m = indices("i m", VISIBLE)
j, n = indices("j n", HIDDEN)
x, = indices("x", Cube(VISIBLE))  # fmt: skip
h, = indices("h", Cube(HIDDEN))  # fmt: skip
W, = families("W", VISIBLE, HIDDEN)  # fmt: skip
B, = families("b", VISIBLE)  # fmt: skip
C, = families("c", HIDDEN)  # fmt: skip
NUDGE, = numbers("nudge")  # fmt: skip


def energy(weight=W, visible=B, hidden=C):
    """E(x, h)."""
    biases = Sum(visible(i) * Bit(x, i), i) + Sum(hidden(j) * Bit(h, j), j)
    return -(sum_over(i, j, of=Bit(x, i) * weight(i, j) * Bit(h, j)) + biases)


WEIGHT = exp(-energy())
TO_HIDDEN = C(j) + Sum(Bit(x, i) * W(i, j), i)
TO_VISIBLE = B(i) + Sum(W(i, j) * Bit(h, j), j)


@theorem(
    "Σ_h exp(−E(x, h)) = exp(−F(x)) with the free energy F(x) = −bᵀx − Σ_j softplus(c_j + W_j·x)",
    claim="G0",
    level="A",
    sizes="all numbers of units",
    spoiled=[
        Spoiled("the hidden biases forgotten", field=Sum(Bit(x, i) * W(i, j), i)),
        Spoiled("the visible biases forgotten", visible=0),
    ],
)
def test_free_energy(field=TO_HIDDEN, visible=1):
    negative = visible * Sum(B(i) * Bit(x, i), i) + Sum(log(1 + exp(field)), j)
    return ring(Sum(WEIGHT, h), exp(negative), cube_sum(h, j, TO_HIDDEN))


@theorem(
    "p(h|x) = Π_j sigm(c_j + W_j·x)^h_j (1 − sigm(c_j + W_j·x))^(1 − h_j)",
    claim="G0, I3",
    level="A",
    sizes="all numbers of units",
    uses=("Σ_h exp(−E(x, h)) = exp(−F(x)) with the free energy F(x) = −bᵀx − Σ_j softplus(c_j + W_j·x)",),
    spoiled=[
        Spoiled("the hidden biases forgotten", field=Sum(Bit(x, i) * W(i, j), i)),
        Spoiled("on and off exchanged", field=-TO_HIDDEN),
        Spoiled("the joint probability", given=sum_over(x, h, of=WEIGHT)),
    ],
)
def test_hidden_units_given_visible(field=TO_HIDDEN, given=Sum(WEIGHT, h)):  # noqa: B008
    return ring(WEIGHT / given, layer(h, j, field), cube_sum(h, j, TO_HIDDEN))


@theorem(
    "p(x|h) = Π_i sigm(b_i + h·W_i)^x_i (1 − sigm(b_i + h·W_i))^(1 − x_i)",
    claim="G0",
    level="A",
    sizes="all numbers of units",
    spoiled=[
        Spoiled("the visible biases forgotten", field=Sum(W(i, j) * Bit(h, j), j)),
        Spoiled("on and off exchanged", field=-TO_VISIBLE),
    ],
)
def test_visible_units_given_hidden(field=TO_VISIBLE):
    return ring(WEIGHT / Sum(WEIGHT, x), layer(x, i, field), cube_sum(x, i, TO_VISIBLE))


def expectation(of, *over):
    """The mean of a term over the states h given x, or over all x and h."""
    return sum_over(*over, of=WEIGHT * of) / sum_over(*over, of=WEIGHT)


BOTH_ON = Bit(x, m) * Bit(h, n)


@theorem(
    "∂log p(x) / ∂W_ij = E[x_i h_j | x] − E[x_i h_j]",
    claim="G0",
    level="A",
    sizes="all numbers of units",
    spoiled=[
        Spoiled("the signs exchanged", sign=-1),
        Spoiled("without the model's own statistics", negative=0),
        Spoiled("with the bias's statistics", statistics=Bit(h, n)),
    ],
)
def test_gradient_of_the_likelihood(sign=1, negative=1, statistics=BOTH_ON):
    weight = exp(-energy(weight=lambda i, j: W(i, j) + NUDGE * (Same(i, m) * Same(j, n))))
    found = differentiate(log(Sum(weight, h) / sum_over(x, h, of=weight)), NUDGE.family, 0)
    return ring(found.left, sign * (expectation(statistics, h) - negative * expectation(statistics, x, h)), found)


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
