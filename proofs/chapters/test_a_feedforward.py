"""Chapters A and E: the feed-forward network, its gradients, and dropout's masks in them.

The shipped `FeedForward` runs on a symbol for every weight, bias, input and mask. The other side of each equation is
the lecture's, written out here.
"""

import numpy as np
import pytest
import sympy

from proofs.harness.formulas import derivatives, equal_formulas, formulas, on_branches, over, sigm
from proofs.harness.models import symbolic_network
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import sign, symbols
from tinygrad_dbn.autodiff.operators import TABLE
from tinygrad_dbn.models import FeedForward

# relu and its derivative are taken on the branch that is being looked at: `sign` knows it.
G = {"sigmoid": sigm, "tanh": sympy.tanh, "relu": lambda a: a if sign(a) > 0 else sympy.Integer(0)}
G_PRIME = {
    "sigmoid": lambda a: sigm(a) * (1 - sigm(a)),
    "tanh": lambda a: 1 - sympy.tanh(a) ** 2,
    "relu": lambda a: sympy.Integer(int(sign(a) > 0)),
}


def lecture(net, x, masks):
    """A1–A3 with E1: a^(k) = b^(k) + W^(k) h^(k−1), h^(k) = g(a^(k)) ⊙ m^(k), f = softmax(a^(L+1))."""
    hs, pre = [formulas(x)[0]], []
    for k, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        pre.append(formulas(b) + formulas(W) @ hs[k])
        if k < len(masks):
            hs.append(over(G[net.hidden], pre[k]) * formulas(masks[k]))
    e = over(sympy.exp, pre[-1])
    return pre, hs, e / e.sum()


def lecture_backprop(net, x, masks, y):
    """A4–A6 with E2: the gradients of −log f(x)_y as the slides recur them."""
    pre, hs, f = lecture(net, x, masks)
    grad_a = f - np.array([int(c == y) for c in range(len(f))], object)  # −(e(y) − f(x))
    grads_W, grads_b = [], []
    for k in reversed(range(len(net.weights))):
        grads_W.insert(0, np.outer(grad_a, hs[k]))
        grads_b.insert(0, grad_a)
        if k:
            grad_h = formulas(net.weights[k]).T @ grad_a
            grad_a = grad_h * over(G_PRIME[net.hidden], pre[k - 1]) * formulas(masks[k - 1])
    return grads_W, grads_b


def networks(hidden):
    """2-2-2 and 2-2-2-2, the smaller first: what is false is refused before the larger is looked at."""
    for sizes in ((2, 2, 2), (2, 2, 2, 2)):
        yield symbolic_network(sizes, hidden)


LOGITS = (
    Spoiled("mask dropped", mutated(FeedForward, "hidden_layer", " * mask", "")),
    Spoiled("transpose lost", mutated(FeedForward, "pre_activation", "].T", "]")),
    Spoiled("bias missing", mutated(FeedForward, "pre_activation", " + self.biases[k - 1]", "")),
)
LOSS = Spoiled("sign of the loss", mutated(ops.losses, "softmax_nll", "return -index", "return index"))


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
@theorem(
    "the shipped network computes the lecture's recursion, masks included",
    claim="A1-A3, E1",
    level="B",
    sizes="2-2-2 and 2-2-2-2, sigm, tanh, relu, every class",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        *LOGITS,
        LOSS,
    ],
)
def test_forward(hidden):
    for net, x, masks in networks(hidden):

        def run(net=net, x=x, masks=masks):
            with meanings():
                _, _, f = lecture(net, x, masks)
                return net(x, masks), [net.nll(x, [y], masks)[0] for y in range(len(f))], f

        for signs, (probabilities, losses, f) in on_branches(run):
            equal_formulas(probabilities[0], f, "f(x)", signs)
            equal_formulas(np.array(losses), over(lambda p: -sympy.log(p), f), "−log f(x)_y", signs)


@pytest.mark.parametrize("classes", [2, 3, 4])
@theorem(
    "the output gradient is −(e(y) − f(x))",
    claim="A4",
    level="B",
    sizes="2, 3, 4 classes, every y",
    spoiled=[
        LOSS,
        Spoiled(
            "backward of log_softmax without its sum",
            lambda m: m.setattr(TABLE["log_softmax"], "vjps", (lambda g, y, x, axis=-1: g,)),
        ),
    ],
)
def test_output_gradient(classes):
    a = symbols("a", (1, classes))
    e = over(sympy.exp, formulas(a)[0])
    for y in range(classes):
        with meanings():
            gradient = grad(lambda a, y=y: ops.softmax_nll(a, [y]).sum())(a)
        one_hot = np.array([int(c == y) for c in range(classes)], object)
        equal_formulas(gradient[0], -(one_hot - e / e.sum()), f"∇a for y = {y}")


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
@theorem(
    "the engine's gradient of the shipped network is the lecture's backpropagation, masks included",
    claim="A5, A6, E2",
    level="B",
    sizes="2-2-2 and 2-2-2-2, sigm, tanh, relu, every parameter",
    uses=("every vjp is the transpose of the meaning's derivative",),
    spoiled=[
        *LOGITS,
        Spoiled(
            "transpose lost in matmul's backward",
            lambda m: m.setattr(
                TABLE["matmul"],
                "vjps",
                (lambda g, y, a, b: ops.matmul(g, b), TABLE["matmul"].vjps[1]),
            ),
        ),
        Spoiled(
            "sign of every derivative of g",
            lambda m: [
                m.setattr(op, "vjps", tuple(lambda g, y, x, honest=op.vjps[0]: -honest(g, y, x) for _ in op.vjps))
                for op in (ops.sigmoid, ops.tanh, ops.relu)
            ],
        ),
        Spoiled("mask forgotten in the slide", None, forget=True),
    ],
)
def test_backpropagation(hidden, forget=False):
    for net, x, masks in networks(hidden):
        ones = [np.ones(m.shape, int).astype(object) for m in masks]

        def run(net=net, x=x, masks=masks, ones=ones):
            with meanings():
                gradient = grad(lambda n: n.nll(x, [0], masks).sum())(net)
            wanted_W, wanted_b = lecture_backprop(net, x, ones if forget else masks, 0)
            _, _, f = lecture(net, x, masks)
            return gradient, wanted_W, wanted_b, -sympy.log(f[0])

        for signs, (gradient, wanted_W, wanted_b, loss) in on_branches(run):
            for k, (W, b) in enumerate(zip(gradient.weights, gradient.biases, strict=True)):
                equal_formulas(W, wanted_W[k], f"∇W^({k + 1}) by the recursion", signs)
                equal_formulas(b, wanted_b[k], f"∇b^({k + 1}) by the recursion", signs)
                equal_formulas(b, derivatives(loss, net.biases[k]), f"∇b^({k + 1}) by SymPy", signs)
                equal_formulas(W, derivatives(loss, net.weights[k]), f"∇W^({k + 1}) by SymPy", signs)
