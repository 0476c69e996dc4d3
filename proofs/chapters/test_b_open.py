"""Chapter B for all sizes, on shipped code: how gradients vanish, in the Frobenius norm ‖W‖² = Σ W_ji².

g' is at most 1/4 for sigm and 1 for tanh. What `diagnostics` states beside each measurement is no larger, for it takes
the largest singular value of W in place of ‖W‖.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import derive, induction, ring
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import combine, evident, inst, over_sets, total
from proofs.kernel.substitution import put, rebuilt
from proofs.kernel.terms import (
    NONNEGATIVE,
    Fold,
    Index,
    Num,
    Set,
    Sum,
    below,
    families,
    indices,
    numbers,
    sum_over,
)
from proofs.open.network import (
    ABOVE,
    AS_ONE_QUOTIENT,
    BELOW,
    BIAS,
    WEIGHT,
    C,
    I,
    J,
    T,
    i,
    j,
    shipped_layer,
    t,
    tanh,
    wrong_rule,
)
from proofs.open.stack import AT_TOP, LAYERS, ONE_WIDTH, Stack, backward, l, m, u
from proofs.open.trace import opened
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import vjp
from tinygrad_dbn.learning import diagnostics
from tinygrad_dbn.learning.diagnostics import STEEPEST, pre_activation_gradients
from tinygrad_dbn.models import FeedForward

ACTIVATIONS = ("sigmoid", "tanh")
HALF = Num(Fraction(1, 2))
k, = indices("k", J)  # fmt: skip
PRE, LEFT, RIGHT = families("a p q", J)
BOUND, = numbers("bound", sign=NONNEGATIVE)  # fmt: skip


def steepest(hidden):
    """max g', as the shipped table has it."""
    return Num(Fraction(STEEPEST[hidden]))


def at_most(hidden, a):
    """``max g' >= g'(a)``, g' a quotient."""
    square = {"sigmoid": lambda a: (sigmoid(a) - HALF) ** 2, "tanh": lambda a: tanh(a) ** 2}[hidden](a)
    return derive(steepest(hidden), ">=", AS_ONE_QUOTIENT[hidden](a), (1, evident(square)))


def cauchy_schwarz():
    """``Σ p² Σ q² >= (Σ p q)²``."""
    square = evident((LEFT(j) * RIGHT(k) - LEFT(k) * RIGHT(j)) ** 2)
    left = Sum(LEFT(j) ** 2, j) * Sum(RIGHT(j) ** 2, j)
    return derive(left, ">=", Sum(LEFT(j) * RIGHT(j), j) ** 2, (HALF, total(total(square, k), j)))


def squared(equation):
    """From ``a == b``: ``a² == b²``."""
    a, b = equation.left, equation.right
    return combine(a**2, "==", b**2, (a + b, equation))


def through_layer(hidden, shipped):
    """``‖W‖² max g'² Σ_j g(t, j)² >= Σ_i ∇(t, i)²``, ∇ being what the shipped layer sends back, for any inputs."""
    most, steep = steepest(hidden), AS_ONE_QUOTIENT[hidden]
    size = Sum(ABOVE(t, j) ** 2, j) * most**2
    weight = ABOVE(t, j) ** 2 * (most + steep(PRE(j)))
    less = derive(
        (ABOVE(t, j) * most) ** 2,
        ">=",
        (steep(PRE(j)) * ABOVE(t, j)) ** 2,
        (weight, at_most(hidden, PRE(j))),
    )
    product = inst(cauchy_schwarz(), {LEFT: ((j,), WEIGHT(j, i)), RIGHT: ((j,), steep(PRE(j)) * ABOVE(t, j))})
    column = Sum(WEIGHT(j, i) ** 2, j)
    sent = Sum(WEIGHT(j, i) * (steep(PRE(j)) * ABOVE(t, j)), j)
    each = derive(column * size, ">=", sent**2, (1, product), (column, total(less, j)))
    pre = BIAS(j) + Sum(WEIGHT(j, i) * BELOW(t, i), i)
    each = inst(each, {PRE: ((j,), pre)})
    same = squared(ring(shipped.of_h(t, i), put(sent, {PRE: ((j,), pre)})))
    each = combine(each.left, ">=", same.left, (1, each), (-1, same))
    return derive(sum_over(j, i, of=WEIGHT(j, i) ** 2) * size, ">=", Sum(same.left, i), (1, total(each, i)))


SIGM = Spoiled("rule of sigm", wrong_rule("sigmoid", 5), activations=["sigmoid"])
FLAT = Spoiled("max g' = 1/8", lambda patch: patch.setitem(STEEPEST, "sigmoid", 0.125), activations=["sigmoid"])
PRODUCT = Spoiled("rule of the matrix product", wrong_rule("matmul", 2), activations=["tanh"])


@theorem(
    "the shipped layer sends back ‖∇_h‖² <= ‖W‖² max g'² ‖∇‖², for any gradient ∇ from above",
    claim="B3",
    level="A",
    sizes="any widths, sigm (max g' = 1/4) and tanh (max g' = 1), any inputs",
    traced=[FeedForward.hidden_layer, FeedForward.pre_activation, vjp],
    spoiled=[SIGM, PRODUCT, FLAT],
)
def test_one_layer(activations=ACTIVATIONS):
    return [through_layer(hidden, shipped_layer(hidden, masked=False)) for hidden in activations]


# --- any depth ----------------------------------------------------------------------------------------------------


@theorem(
    "through L of the shipped layers ‖∇‖² shrinks: it is at most that at the top times the product of the layers' "
    "‖W‖² max g'²",
    claim="B3",
    level="A",
    sizes="any depth, layers of one width, which is any, sigm and tanh, with any inputs, and so with those that the "
    "layers below make (a fold has no term for what it is after some of its steps, nor for layers of differing widths)",
    uses=("the shipped layer sends back ‖∇_h‖² <= ‖W‖² max g'² ‖∇‖², for any gradient ∇ from above",),
    traced=[FeedForward.hidden_layer, FeedForward.pre_activation, vjp],
    spoiled=[SIGM, PRODUCT, Spoiled("at least", sign=-1, activations=["sigmoid"])],
)
def test_vanishing(sign=1, activations=ACTIVATIONS):
    return [vanishing(hidden, sign) for hidden in activations]


def vanishing(hidden, sign):
    stack, most = Stack(hidden, masked=False), steepest(hidden)
    one = through_layer(hidden, shipped_layer(hidden, masked=False))
    size = lambda mark=None: stack.size_of_weights(mark) * most**2
    bound = Fold(BOUND.family, (), Sum(AT_TOP(m) ** 2, m), size() * BOUND, l, ())
    arriving = backward(stack.step())
    norm = Sum(arriving**2, m)

    def layer(mark, above):
        """The layer's inequality, for the gradient from above that is given as a function of a unit."""
        values = stack.values(mark) | {stack.here(ABOVE): ((t, u), above(u))}
        return inst(one, values, sets=ONE_WIDTH)

    def base(more):
        return derive(more.left, ">=", more.right, (1, layer("0", AT_TOP)))

    def step(more, so_far):
        above = layer("n", lambda u: put(arriving, {}, {m: u}))
        return derive(more.left, ">=", more.right, (1, above), (size("n"), so_far))

    return induction(sign * bound, ">=", sign * norm, LAYERS, base, step)


# --- what is measured -----------------------------------------------------------------------------------------------

D, H, U = map(Set, "DHU")
BELOW_PRE, = families("a", I)  # fmt: skip


def to_pre_activations(hidden):
    """``‖W‖² max g'² Σ_j g(t, j)² >= Σ_i (g'(a_i) Σ_j W(j, i) g(t, j))²``, for any a and g."""
    most, steep = steepest(hidden), AS_ONE_QUOTIENT[hidden](BELOW_PRE(i))
    sent = Sum(WEIGHT(j, i) * ABOVE(t, j), j)
    product = inst(cauchy_schwarz(), {LEFT: ((j,), WEIGHT(j, i)), RIGHT: ((j,), ABOVE(t, j))})
    less = derive(
        (most * sent) ** 2, ">=", (steep * sent) ** 2, (sent**2 * (most + steep), at_most(hidden, BELOW_PRE(i)))
    )
    size = Sum(ABOVE(t, j) ** 2, j) * most**2
    each = derive(Sum(WEIGHT(j, i) ** 2, j) * size, ">=", less.right, (1, less), (most**2, product))
    return derive(sum_over(j, i, of=WEIGHT(j, i) ** 2) * size, ">=", Sum(each.right, i), (1, total(each, i)))


@theorem(
    "the gradients that the shipped diagnostics measure shrink from layer to layer: ‖∇_{a^(k−1)}‖² <= ‖W^(k)‖² max g'² "
    "‖∇_{a^(k)}‖²",
    claim="B3",
    level="A",
    sizes="any batch, widths and number of classes, two hidden layers, sigm and tanh",
    traced=[pre_activation_gradients, FeedForward.pre_activation],
    spoiled=[
        SIGM,
        PRODUCT,
        FLAT,
        Spoiled(
            "no activation",
            mutated(diagnostics, "pre_activation_gradients", "ACTIVATIONS[net.hidden](a)", "a"),
            activations=["sigmoid"],
        ),
    ],
)
def test_measured(activations=ACTIVATIONS):
    return [thm for hidden in activations for thm in measured(hidden)]


def measured(hidden):
    """The inequality for either pair of neighbouring layers."""
    sets = [(D, H), (H, U), (U, C)]

    def run(a):
        weights = tuple(a(f"W{n}", up, down) for n, (down, up) in enumerate(sets, 1))
        net = FeedForward(weights, tuple(a(f"b{n}", up) for n, (_, up) in enumerate(sets, 1)), hidden)
        x = a("x", T, D)
        first = net.pre_activation(1, x) + 0.0  # what is added to each pre-activation, for its gradient, is zero
        second = net.pre_activation(2, ops.TABLE[hidden](first)) + 0.0
        return *pre_activation_gradients(net, x, a.places("y", T, C)), first, second

    *gradients, first, second = opened(run)
    return [
        between(hidden, families(f"W{n}", up, down)[0], *gradients[n - 2 : n], pre)
        for n, (down, up), pre in ((2, sets[1], first), (3, sets[2], second))
    ]


def between(hidden, weight, gradient, above, pre):
    """The inequality for the gradients by the pre-activations below and above a layer's weights."""
    up, down = weight.sets
    here = lambda named: over_sets(named, {I: down, J: up})
    at_i, at_j = here(i), here(j)
    values = {here(WEIGHT): ((at_j, at_i), weight(at_j, at_i))}
    given = {here(ABOVE): ((t, at_j), above(t, at_j)), here(BELOW_PRE): ((at_i,), pre(t, at_i))}
    opaque = gradient(t, at_i)
    for family, (params, term) in given.items():
        opaque = with_family(opaque, family, params, term)
    one = inst(to_pre_activations(hidden), values, sets={I: down, J: up})
    same = squared(ring(opaque, one.right.body.base))
    thm = derive(one.left, ">=", Sum(opaque**2, at_i), (1, one), (-1, total(same, at_i)))
    return inst(thm, given)


def with_family(e, family, params, term):
    """The term with a family in the places of a term at some index, the last of its params."""
    for index in e.free:
        if type(index) is Index and index.set == params[-1].set and put(term, {}, {params[-1]: index}) == e:
            return family(*params[:-1], index)
    return rebuilt(e, [with_family(inside, family, params, term) for inside, _, _ in below(e)])
