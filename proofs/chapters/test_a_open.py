"""Chapters A and E for all sizes, on shipped code: the network, its loss and the gradient that the engine takes of it.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D inputs, H units in each hidden layer
and C classes. y(t, c) is the one-hot vector of the class of example t, and m(h) the mask of a unit.
"""

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import ring, summed
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import combine
from proofs.kernel.terms import Set, Sum, families, indices, log
from proofs.open.network import LOSS, ONE_HOT, C, G, T, c, softmax, t, wrong_rule
from proofs.open.nudge import is_derivative
from proofs.open.trace import opened
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.models import FeedForward

D, H = map(Set, "DH")
d, at_d = indices("d d*", D)
h, i, at_h = indices("h i h*", H)
X, = families("x", T, D)  # fmt: skip
Y, A = families("y a", T, C)
W, = families("W", H, D)  # fmt: skip
U, = families("U", H, H)  # fmt: skip
V, = families("V", C, H)  # fmt: skip
BIAS, MIDDLE, MASK, MASK2 = families("b b2 m m2", H)
TOP, = families("b3", C)  # fmt: skip


def network(a, hidden, depth=1):
    """The shipped network, and what it is applied to."""
    layers = [("W", H, D), ("U", H, H), ("V", C, H)]
    net = FeedForward(
        tuple(a(*w) for w in layers if depth == 2 or w[0] != "U"),
        (a("b", H), *[a("b2", H)] * (depth == 2), a("b3", C)),
        hidden,
    )
    return net, a("x", T, D), [a("m", H), *[a("m2", H)] * (depth == 2)]


class Lecture:
    """A1–A3 and E1, with one hidden layer or two: the pre-activations, units and outputs of example t."""

    def __init__(self, hidden, depth=1, masks=(MASK, MASK2)):
        g = G[hidden]
        self.pre = [
            lambda h: BIAS(h) + Sum(W(h, d) * X(t, d), d),
            lambda h: MIDDLE(h) + Sum(U(h, i) * self.unit[0](i), i),
        ]
        self.unit = [
            lambda h: g(self.pre[0](h)) * masks[0](h),
            lambda h: g(self.pre[1](h)) * masks[1](h),
        ]
        self.logit = lambda c: TOP(c) + Sum(V(c, h) * self.unit[depth - 1](h), h)
        self.output = lambda c: softmax(self.logit, c)


LOGITS = [
    Spoiled("mask dropped", mutated(FeedForward, "hidden_layer", " * mask", "")),
    Spoiled("bias missing", mutated(FeedForward, "pre_activation", " + self.biases[k - 1]", "")),
    Spoiled("input's sign", mutated(FeedForward, "logits", "h = x", "h = -x")),
]


@theorem(
    "the shipped network is the lecture's: a = b + W h, h = g(a) ⊙ m and f(x) = softmax(a)",
    claim="A1-A3, E1",
    level="A",
    sizes="any batch, any widths and number of classes; one hidden layer of sigm or tanh, and two of sigm",
    traced=[FeedForward.logits, FeedForward.__call__],
    spoiled=[
        *LOGITS,
        Spoiled(
            "softmax over the examples",
            mutated(FeedForward, "__call__", "(self.logits(x, masks))", "(self.logits(x, masks), axis=0)"),
        ),
    ],
)
def test_network():
    return [thm for hidden, depth in [("sigmoid", 1), ("tanh", 1), ("sigmoid", 2)] for thm in network_is(hidden, depth)]


def network_is(hidden, depth):
    def run(a):
        net, x, masks = network(a, hidden, depth)
        return net(x, masks), net.logits(x, masks)

    outputs, logits = opened(run)
    lecture = Lecture(hidden, depth)
    return ring(outputs(t, c), lecture.output(c)), ring(logits(t, c), lecture.logit(c))


@theorem(
    "with layers of one width too, the shipped weights are used as W h and not as h W",
    claim="A1",
    level="A",
    sizes="any batch, one width for all layers, which is any; two hidden layers",
    traced=[FeedForward.logits],
    spoiled=[Spoiled("transpose lost", mutated(FeedForward, "pre_activation", "].T", "]"))],
)
def test_square_layers():
    square = lambda a, *names: tuple(a(name, H, H) for name in names)
    biases = lambda a, *names: tuple(a(name, H) for name in names)
    logits = opened(lambda a: FeedForward(square(a, "U", "U2"), biases(a, "b", "b2")).logits(a("x", T, H)))
    inputs, above = families("x", T, H)[0], families("U2", H, H)[0]
    units = lambda h: sigmoid(BIAS(h) + Sum(U(h, at_h) * inputs(t, at_h), at_h))
    return ring(logits(t, h), MIDDLE(h) + Sum(above(h, i) * units(i), i))


@theorem(
    "the shipped softmax does not change when all pre-activations move together, and the shipped logsumexp moves along",
    claim="A3",
    level="A",
    sizes="any batch and number of classes",
    traced=[ops.softmax, ops.logsumexp],
    spoiled=[
        Spoiled("each class moves by its own", shift=lambda a: a("shift", C)),
        Spoiled("logsumexp moves twice as far", factor=2),
    ],
)
def test_all_classes_move_together(shift=lambda a: a("shift", T, None), factor=1):
    def run(a):
        logits, moved = a("a", T, C), a("a", T, C) + shift(a)
        both = [(f(logits), f(moved)) for f in (ops.softmax, ops.logsumexp)]
        return [*both[0], *both[1], shift(a)]

    before, after, total, moved, by = opened(run)
    how_far = by(*(index for index in (t, c) if index.set in by.axes))
    return ring(after(t, c), before(t, c)), ring(moved(t), total(t) + factor * how_far)


def nll(a, hidden, depth=1):
    """The shipped loss −log f(x)_y of each example, as a function of the network; and the network."""
    net, x, masks = network(a, hidden, depth)
    classes = a.places("y", T, C)
    return lambda net: net.nll(x, classes, masks), net


@theorem(
    "the shipped loss is −log f(x)_y",
    claim="A3",
    level="A",
    sizes="any batch, widths and number of classes; one hidden layer, sigm",
    traced=[FeedForward.nll, ops.softmax_nll],
    spoiled=[*LOGITS, LOSS],
)
def test_loss():
    def run(a):
        loss, net = nll(a, "sigmoid")
        return loss(net)

    return ring(opened(run)(t), -Sum(Y(t, c) * log(Lecture("sigmoid").output(c)), c))


# --- gradients ------------------------------------------------------------------------------------------------


@theorem(
    "the engine's ∂(−log f(x)_y) / ∂a is the derivative, and it is −(e(y) − f(x))",
    claim="A4",
    level="A",
    sizes="any batch and number of classes",
    traced=[ops.softmax_nll, grad],
    spoiled=[
        LOSS,
        Spoiled("the softmax's rule", wrong_rule("log_softmax", 2)),
        Spoiled("the index's rule", wrong_rule("index", -1)),
        Spoiled("the one-hot vector lost", hot=0),
    ],
)
def test_output_gradient(hot=1):
    def run(a):
        logits, classes = a("a", T, C), a.places("y", T, C)
        loss = lambda logits: ops.softmax_nll(logits, classes).sum()
        return loss(logits), grad(loss)(logits)

    loss, gradient = opened(run)
    output = softmax(lambda c: A(t, c), c)
    lecture = combine(-(hot * Y(t, c) - output), "==", output - hot * Y(t, c))
    return (
        is_derivative(gradient(t, c), loss(), A, t, c),
        ring(gradient(t, c), lecture.left, summed(ONE_HOT, t, output), ONE_HOT),
    )
