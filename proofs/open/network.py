"""One layer of the shipped network at open sizes, what the lecture says of it, and how layers are put together.

A layer has inputs x(t, i), weights W(j, i), biases b(j) and masks m(t, j), for examples t; g(t, j) is any gradient that
comes from above.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from proofs.harness.theorem import Spoiled, mutated
from proofs.kernel.derived import ring, summed
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import assume, combine, rewrite
from proofs.kernel.terms import Index, Set, Sum, exp, families, indices, sum_over
from proofs.open.nudge import is_slope, place
from proofs.open.trace import opened
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import grad, vjp
from tinygrad_dbn.autodiff.op import Op
from tinygrad_dbn.models import FeedForward

T, I, J, C = map(Set, "TIJC")
t, = indices("t", T)  # fmt: skip
i, at_i = indices("i i*", I)
j, at_j = indices("j j*", J)
c, k = indices("c k", C)
WEIGHT, = families("W", J, I)  # fmt: skip
BIAS, = families("b", J)  # fmt: skip
BELOW, ALONG = families("x dx", T, I)  # fmt: skip
MASK, ABOVE = families("m g", T, J)
TARGET, LOGIT, LOGIT_ALONG = families("y a da", T, C)
ONE_HOT = assume(Sum(TARGET(t, c), c), "==", 1)

tanh = lambda a: 1 - 2 / (1 + exp(2 * a))
G = {"sigmoid": sigmoid, "tanh": tanh, "relu": lambda a, on: on * a}
"""g; for relu a number `on` tells the side of its branch."""
G_PRIME = {
    "sigmoid": lambda a: sigmoid(a) * (1 - sigmoid(a)),
    "tanh": lambda a: 1 - tanh(a) ** 2,
    "relu": lambda a, on: on,
}
AS_ONE_QUOTIENT = {
    "sigmoid": lambda a: exp(-a) / (1 + exp(-a)) ** 2,
    "tanh": lambda a: 4 * exp(2 * a) / (1 + exp(2 * a)) ** 2,
}
"""g', a quotient instead of a sum of quotients: what the search brings to normal form."""


def softmax(a, c):
    """exp a_c / Σ exp a."""
    return exp(a(c)) / Sum(exp(a(k)), k)


@dataclass(frozen=True)
class Layer:
    """A1, A2, A5, A6, E1 and E2: a layer of the lecture, its numbers given as functions of indices.

    below, above: indices over the units below and over its own. hidden: its activation; None for the layer of logits,
    which has neither an activation nor masks. on: for relu, 1 where a > 0 and 0 elsewhere.
    """

    hidden: str | None
    below: Index
    above: Index
    W: Callable
    b: Callable
    h: Callable
    m: Callable
    g: Callable
    on: Callable | None = None

    def pre(self, t, j):
        """a = b + W h."""
        return self.b(j) + Sum(self.W(j, self.below) * self.h(t, self.below), self.below)

    def _of_pre(self, functions, t, j):
        on = [self.on(t, j)] if self.hidden == "relu" else []
        return functions[self.hidden](self.pre(t, j), *on)

    def unit(self, t, j):
        """g(a) ⊙ m."""
        return self._of_pre(G, t, j) * self.m(t, j) if self.hidden else self.pre(t, j)

    def error(self, t, j):
        """∇_a = ∇ ⊙ g'(a) ⊙ m."""
        return self.g(t, j) * self._of_pre(G_PRIME, t, j) * self.m(t, j) if self.hidden else self.g(t, j)

    def of_w(self, j, i):
        """∇_W = Σ_t ∇_a hᵀ."""
        return Sum(self.error(t, j) * self.h(t, i), t)

    def of_b(self, j):
        """∇_b = Σ_t ∇_a."""
        return Sum(self.error(t, j), t)

    def of_h(self, t, i):
        """∇_h = Wᵀ ∇_a."""
        return Sum(self.W(self.above, i) * self.error(t, self.above), self.above)


def shipped_layer(hidden, masked=True):
    """The shipped layer, or that of logits for None, and its vjp: `Open` arrays unit, of_w, of_b and of_h.

    And on, for relu: the shipped step of the pre-activation.
    """

    def run(a):
        mask = a("m", T, J) if hidden and masked else None

        def layer(W, b, h):
            net = FeedForward((W,), (b,), hidden or "sigmoid")
            return net.hidden_layer(1, h, mask) if hidden else net.pre_activation(1, h)

        given = a("W", J, I), a("b", J), a("x", T, I)
        value, pull = vjp(layer, *given)
        on = [ops.step(FeedForward(given[:1], given[1:2]).pre_activation(1, given[2]))] * (hidden == "relu")
        return value, *pull(a("g", T, J)), *on

    return SimpleNamespace(**dict(zip(("unit", "of_w", "of_b", "of_h", "on"), opened(run), strict=False)))


AT = {"unit": (t, j), "of_w": (j, i), "of_b": (j,), "of_h": (t, i)}


def layer_is_the_lectures(hidden):
    """The equations `shipped == lecture` of the parts of a layer, for any inputs and any gradient from above."""
    shipped = shipped_layer(hidden)
    lecture = Layer(hidden, i, j, WEIGHT, BIAS, BELOW, MASK, ABOVE, getattr(shipped, "on", None))
    slope, found = [], {}
    if hidden in AS_ONE_QUOTIENT:
        a = lecture.pre(t, j)
        slope = [ring(G_PRIME[hidden](a), AS_ONE_QUOTIENT[hidden](a))]
    for name, at in AT.items():
        wanted = rewrite(getattr(lecture, name)(*at), *slope)
        found[name] = ring(getattr(shipped, name)(*at), wanted.left, wanted)
    return SimpleNamespace(**found)


def layer_is_the_derivative(hidden):
    """The layer's terms; Σ_tj g(t, j) unit(t, j), for any g; and its derivatives, as theorems about `Slope`.

    of_w and of_b: by one weight and by one bias, which are what is shipped; of_h: along any direction dx of the inputs,
    which is Σ_ti of_h dx.
    """
    shipped = shipped_layer(hidden)
    received = sum_over(t, j, of=ABOVE(t, j) * shipped.unit(t, j))
    wanted = shipped.of_w(at_j, at_i), shipped.of_b(at_j), sum_over(t, i, of=shipped.of_h(t, i) * ALONG(t, i))
    found = [is_slope(e, received, *MOVES[name]) for name, e in zip(MOVES, wanted, strict=True)]
    return shipped, received, SimpleNamespace(**dict(zip(MOVES, found, strict=True)))


MOVES = {"of_w": (WEIGHT, place(at_j, at_i)), "of_b": (BIAS, place(at_j)), "of_h": (BELOW, ALONG)}
"""What moves, and in which direction, for each part of the layer's gradient."""


def shipped_output():
    """The shipped loss Σ_t −log f(x)_y as a function of the logits a(t, c), and the engine's gradient by them."""

    def run(a):
        logits, classes = a("a", T, C), a.places("y", T, C)
        loss = lambda logits: ops.softmax_nll(logits, classes).sum()
        return loss(logits), grad(loss)(logits)

    loss, gradient = opened(run)
    return loss(), gradient


def output_is_the_lectures():
    """`shipped == lecture` for the gradient by the logits: it is −(e(y) − f(x))."""
    output = softmax(lambda c: LOGIT(t, c), c)
    lecture = combine(-(TARGET(t, c) - output), "==", output - TARGET(t, c))
    return ring(shipped_output()[1](t, c), lecture.left, summed(ONE_HOT, t, output), ONE_HOT)


def output_is_the_derivative():
    """The loss as a term in the logits, the engine's gradient, and that the derivative of the first along any direction
    da is Σ_tc gradient da."""
    loss, gradient = shipped_output()
    return loss, gradient, is_slope(sum_over(t, c, of=gradient(t, c) * LOGIT_ALONG(t, c)), loss, LOGIT, LOGIT_ALONG)


def wrong_rule(name, factor):
    """A patch that spoils what an op of the engine sends back."""

    def patch(monkeypatch):
        honest = Op.pull
        wrong = lambda self, *given: honest(self, *given) * (factor if self.name == name else 1)
        monkeypatch.setattr(Op, "pull", wrong)

    return patch


LAYER = [
    Spoiled("mask dropped", mutated(FeedForward, "hidden_layer", " * mask", "")),
    Spoiled("mask squared", mutated(FeedForward, "hidden_layer", "h * mask", "h * mask * mask")),
    Spoiled("bias missing", mutated(FeedForward, "pre_activation", " + self.biases[k - 1]", "")),
    Spoiled("sign of the bias", mutated(FeedForward, "pre_activation", " + self", " - self")),
    Spoiled(
        "no activation",
        mutated(
            FeedForward,
            "hidden_layer",
            "ACTIVATIONS[self.hidden](self.pre_activation(k, h))",
            "self.pre_activation(k, h)",
        ),
    ),
]
RULES = [
    Spoiled("rule of the product", wrong_rule("multiply", 2)),
    Spoiled("rule of the matrix product", wrong_rule("matmul", 2)),
    Spoiled("rule of the sum", wrong_rule("add", -1)),
    Spoiled("rule of sigm", wrong_rule("sigmoid", 2)),
]
LOSS = Spoiled("sign of the loss", mutated(ops.losses, "softmax_nll", "return -index", "return index"))
