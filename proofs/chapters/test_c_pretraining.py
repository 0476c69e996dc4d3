"""Claims C1 and C3 on shipped code: what each module is trained on, and where the network starts.

The shipped loop is run with modules that do not train, but whose every weight is a symbol, and that write down what
they were given.
"""

import sys
from dataclasses import dataclass

import numpy as np

from proofs.harness.evidence import require_at_most, require_equal
from proofs.harness.formulas import equal_formulas, formulas, over, sigm
from proofs.harness.models import symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.learning import pretrain
from tinygrad_dbn.learning.modules.protocol import SigmoidLayer
from tinygrad_dbn.learning.pretraining import Stack

LOOP = sys.modules[pretrain.__module__]


@dataclass
class Recorder:
    """A module of symbols that keeps the data it saw."""

    seen: list
    made: list

    def train(self, X, hidden, seed):
        self.seen.append(np.array(X))
        rbm = symbolic_rbm(np.shape(X)[1], hidden, f"{seed}_")
        layer = Exactly(rbm.W, rbm.c, rbm)
        self.made.append(layer)
        return layer


class Exactly(SigmoidLayer):
    """The layer, without its rounding to a width of floats."""

    def encode(self, X):
        return ops.sigmoid(ops.matmul(X, self.W.T) + self.c)


DATA = np.array([[0, 1], [1, 1]])


@theorem(
    "module l is trained on h^(l−1) of the data, the layers below fixed",
    claim="C1",
    level="B",
    sizes="2-2-2-2, every weight, two examples",
    spoiled=[
        Spoiled("every module sees the data itself", mutated(LOOP, "pretrain", "h = layer.encode(h)", "pass")),
        Spoiled("every module sees one layer of the data", mutated(LOOP, "pretrain", "encode(h)", "encode(data)")),
        Spoiled("layers in another order", mutated(LOOP, "pretrain", "*stack.layers, layer", "layer, *stack.layers")),
        Spoiled("one layer too far down", None, from_layer=0),
    ],
)
def test_each_layer_sees_the_one_below(from_layer=1):
    recorder = Recorder([], [])
    with meanings():
        stack = pretrain((2, 2, 2), recorder, DATA, seed=0)
    for k, (layer, made) in enumerate(zip(stack.layers, recorder.made, strict=True), 1):
        require(layer is made, f"layer {k} of the stack is module {k}", layer=layer.W, made=made.W)
    require_equal(recorder.seen[0], DATA, "what the first module sees")
    h = [DATA.astype(object)]
    for k, layer in enumerate(recorder.made[:2]):
        h.append(over(sigm, h[k] @ formulas(layer.W).T + formulas(layer.c)))
        equal_formulas(recorder.seen[k + 1], h[k + from_layer], f"what module {k + 2} sees")


@theorem(
    "the network starts from the modules' hidden weights and biases, its output layer from random ones",
    claim="C3",
    level="X",
    sizes="3-2-2 and three classes, two seeds",
    spoiled=[
        Spoiled("biases left behind", mutated(Stack, "network", "(*biases,", "(*(-b for b in biases),")),
        Spoiled("the output layer is the same for every seed", mutated(Stack, "network", "[seed, len", "[0, len")),
        Spoiled(
            "a constant output layer",
            mutated(Stack, "network", "random.weights[0], w", "0 * random.weights[0] + 0.5, w"),
        ),
    ],
)
def test_network_starts_at_the_modules():
    rng = np.random.default_rng(3)
    layers = tuple(SigmoidLayer(rng.normal(size=(n, m)), rng.normal(size=n), None) for m, n in ((3, 2), (2, 2)))
    nets = [Stack(layers).network(3, seed) for seed in (1, 2)]
    for net in nets:
        for k, layer in enumerate(layers):
            require_equal(net.weights[k], layer.W, f"W^({k + 1}), the module's")
            require_equal(net.biases[k], layer.c, f"b^({k + 1}), the module's")
    drawn = np.ravel([net.weights[-1] for net in nets])
    require_equal(len(set(drawn)), len(drawn), "how many weights of the two output layers differ")
    require_at_most(abs(drawn).max(), np.sqrt(6 / (2 + 3)), "the largest of them, within ±√(6 / (inputs + outputs))")
