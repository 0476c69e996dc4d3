"""Chapter A for all sizes: backpropagation through layers of any number, and the regions of features."""

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.rules import inst
from proofs.kernel.terms import ONE, Bit, Cube, Fold, Same, Set, Sum, exp, families, indices, log, numbers

UNITS, LAYERS = Set("units"), Set("layers")
j, m, n = indices("j m n", UNITS)
l, = indices("l", LAYERS)  # fmt: skip

# --- any depth ----------------------------------------------------------------------------------------------

LAYER, = families("W", LAYERS, UNITS, UNITS)  # fmt: skip
SLOPE, = families("d", LAYERS, UNITS)  # fmt: skip
G0, = families("g", UNITS)  # fmt: skip
G, = families("back", UNITS)  # fmt: skip
JACOBIAN, = families("jacobian", UNITS, UNITS)  # fmt: skip


def backward(factor):
    """The gradient at unit m below all layers, from the top one down: Σ_j (factor) (the gradient above at j)."""
    return Fold(G, (m,), G0(m), Sum(factor * G(j), j), l, (m,))


def jacobian():
    """The product of the layers' Jacobians, g'(a_j) W_jm each, the top one first."""
    step = Sum(JACOBIAN(n, j) * SLOPE(l, j) * LAYER(l, j, m), j)
    return Fold(JACOBIAN, (n, m), Same(n, m), step, l, (n, m))


@theorem(
    "backpropagation through L layers multiplies the output's gradient by the transposed product of their Jacobians",
    claim="A6",
    level="A",
    sizes="any depth, layers of one width, which is any",
    spoiled=[
        Spoiled("the weights are not transposed", factor=SLOPE(l, j) * LAYER(l, m, j)),
        Spoiled("the activations' slopes forgotten", factor=LAYER(l, j, m)),
        Spoiled("the slopes of the layer below", factor=SLOPE(l, m) * LAYER(l, j, m)),
    ],
)
def test_any_depth(factor=SLOPE(l, j) * LAYER(l, j, m)):  # noqa: B008
    def step(more, so_far):
        # So far, at all m, summed with the weights of the last layer that lead to a unit n; that unit is then called m.
        weights = part(SLOPE, "n", "")(m) * part(LAYER, "n", "", "")(m, n)
        return ring(more.left, more.right, inst(summed(so_far, m, weights), indices={n: m}))

    return induction(backward(factor), "==", Sum(G0(n) * jacobian(), n), LAYERS, step=step)


# --- regions ------------------------------------------------------------------------------------------------

state, = indices("s", Cube(UNITS))  # fmt: skip
F, = families("f", UNITS)  # fmt: skip
MATCHES, = numbers("matches")  # fmt: skip


@theorem(
    "n features that are on or off have 2^n patterns",
    claim="A7",
    level="A",
    sizes="all n",
    spoiled=[Spoiled("3^n", base=3), Spoiled("one for each feature", patterns=Sum(ONE, j))],
)
def test_number_of_patterns(base=2, patterns=Sum(ONE, state)):  # noqa: B008
    return induction(patterns, "==", exp(log(base) * Sum(ONE, j)), UNITS)


@theorem(
    "each input is in one of the 2^n regions: Σ over all patterns s of Π_j (f_j s_j + (1 − f_j) (1 − s_j)) is 1",
    claim="A7",
    level="A",
    sizes="all n",
    spoiled=[
        Spoiled("regions overlap", off=1),
        Spoiled("regions leave something out", off=-F(j)),
    ],
)
def test_patterns_share_everything(off=1 - F(j)):  # noqa: B008
    # For features that are 0 or 1, each product is 1 for their own pattern and 0 for any other.
    step = MATCHES * (F(j) * Bit(state, j) + off * (1 - Bit(state, j)))
    return induction(Sum(Fold(MATCHES.family, (), ONE, step, j, ()), state), "==", 1, UNITS)
