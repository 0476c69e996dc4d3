"""Chapter A for all sizes: softmax, its gradient, and backpropagation through layers of any width and number.

Derivatives are those of real functions, taken by the rules of calculus: `Slope` at 0 along a nudge x of one number, so
that a family a becomes a(k) + x [k = i].
"""

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import differentiate, inst
from proofs.kernel.terms import ONE, Bit, Cube, Fold, Same, Set, Sum, exp, families, indices, log, numbers

CLASSES, UNITS, INPUTS, LAYERS = Set("classes"), Set("units"), Set("inputs"), Set("layers")
c, i, k = indices("c i k", CLASSES)
j, m, n = indices("j m n", UNITS)
d, t = indices("d t", INPUTS)
l, = indices("l", LAYERS)  # fmt: skip
A, B2 = families("a b2", CLASSES)
SHIFT, X = numbers("shift x")
x = X.family


def softmax(logits, i):
    """exp a_i / Σ exp a."""
    return exp(logits(i)) / Sum(exp(logits(k)), k)


@theorem(
    "softmax does not change when all pre-activations move together",
    claim="A3",
    level="A",
    sizes="any number of classes",
    spoiled=[Spoiled("only one of them moves", nudge=SHIFT * Same(k, c)), Spoiled("it moves along", factor=exp(SHIFT))],
)
def test_softmax_is_shift_invariant(nudge=SHIFT, factor=1):
    moved = exp(A(i) + nudge) / Sum(exp(A(k) + nudge), k)
    return ring(moved, factor * softmax(A, i))


@theorem(
    "logsumexp moves with all of its arguments",
    claim="A3",
    level="A",
    sizes="any number of classes",
    spoiled=[Spoiled("twice as far", factor=2), Spoiled("not at all", factor=0)],
)
def test_logsumexp_moves_along(factor=1):
    return ring(log(Sum(exp(A(k) + SHIFT), k)), log(Sum(exp(A(k)), k)) + factor * SHIFT)


def slope(loss, value):
    """``d loss/dx at 0 == value`` by the rules of calculus."""
    found = differentiate(loss, x, 0)
    return ring(found.left, value, found)


@theorem(
    "∂(−log f(x)_y) / ∂a_i = −([i = y] − f(x)_i), f being the softmax of a",
    claim="A4",
    level="A",
    sizes="any number of classes",
    spoiled=[
        Spoiled("the sign lost", sign=1),
        Spoiled("the one-hot vector lost", hot=0),
        Spoiled("not normalised", output=exp(A(i))),
    ],
)
def test_output_gradient(sign=-1, hot=1, output=softmax(A, i)):  # noqa: B008
    nudged = lambda k: A(k) + X * Same(k, i)
    return slope(-log(softmax(nudged, c)), sign * (hot * Same(c, i) - output))


# --- one hidden layer ---------------------------------------------------------------------------------------

W, = families("W", UNITS, INPUTS)  # fmt: skip
V, = families("V", CLASSES, UNITS)  # fmt: skip
B1, = families("b1", UNITS)  # fmt: skip
U, = families("u", INPUTS)  # fmt: skip


def network(weight=W, bias=B1):
    """−log f(u)_c of the network with one hidden layer, and its outputs and hidden units."""
    pre_activation = lambda j: bias(j) + Sum(weight(j, t) * U(t), t)
    hidden = lambda j: sigmoid(pre_activation(j))
    output = lambda k: softmax(lambda k: B2(k) + Sum(V(k, j) * hidden(j), j), k)
    return -log(output(c)), output, hidden


_, OUTPUT, HIDDEN = network()
OUTPUT_GRADIENT = lambda k: OUTPUT(k) - Same(k, c)
HIDDEN_GRADIENT = Sum(OUTPUT_GRADIENT(k) * V(k, m), k)
PRE_GRADIENT = HIDDEN_GRADIENT * HIDDEN(m) * (1 - HIDDEN(m))


@theorem(
    "backpropagation finds ∂(−log f(x)_y) / ∂W_ij of the first layer, through softmax, the second layer and sigmoids",
    claim="A5, A6",
    level="A",
    sizes="one hidden layer, any numbers of inputs, units and classes",
    spoiled=[
        Spoiled("a sigmoid's slope forgotten", gradient=HIDDEN_GRADIENT * U(d)),
        Spoiled("the gradient of the output is the output", gradient=Sum(OUTPUT(k) * V(k, m), k) * HIDDEN(m) * U(d)),
        Spoiled("the input forgotten", gradient=PRE_GRADIENT),
    ],
)
def test_gradient_of_a_weight(gradient=PRE_GRADIENT * U(d)):  # noqa: B008
    loss, *_ = network(weight=lambda j, t: W(j, t) + X * (Same(j, m) * Same(t, d)))
    return slope(loss, gradient)


@theorem(
    "backpropagation finds ∂(−log f(x)_y) / ∂b_i of the first layer",
    claim="A5",
    level="A",
    sizes="one hidden layer, any numbers of inputs, units and classes",
    spoiled=[
        Spoiled("a sigmoid's slope forgotten", gradient=HIDDEN_GRADIENT),
        Spoiled("a weight's gradient instead", gradient=PRE_GRADIENT * U(d)),
    ],
)
def test_gradient_of_a_bias(gradient=PRE_GRADIENT):
    loss, *_ = network(bias=lambda j: B1(j) + X * Same(j, m))
    return slope(loss, gradient)


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
