"""Claims C1 and C3 on shipped code: what each module is trained on, and where the network starts.

The shipped loop is run with modules that do not train, but whose every weight is a symbol, and that write down what
they were given.
"""

import sys
from dataclasses import dataclass

import numpy as np

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
    sizes="2-2-1, every weight, two examples",
    spoiled=[
        Spoiled("every module sees the data itself", mutated(LOOP, "pretrain", "h = layer.encode(h)", "pass")),
        Spoiled("one layer too far down", None, wanted=0),
    ],
)
def test_each_layer_sees_the_one_below(wanted=1):
    recorder = Recorder([], [])
    with meanings():
        pretrain((2, 1), recorder, DATA, seed=0)
    first = recorder.made[0]
    h1 = over(sigm, DATA.astype(object) @ formulas(first.W).T + formulas(first.c))
    require((recorder.seen[0] == DATA).all(), "the first module does not see the data")
    equal_formulas(recorder.seen[1], [DATA.astype(object), h1][wanted], "what the second module sees")


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
            require((net.weights[k] == layer.W).all(), f"W^({k + 1}) is not the module's")
            require((net.biases[k] == layer.c).all(), f"b^({k + 1}) is not the module's")
    drawn = np.ravel([net.weights[-1] for net in nets])
    require(len(set(drawn)) == len(drawn), "weights of the output layer are the same")
    require((abs(drawn) < np.sqrt(6 / (2 + 3))).all(), "beyond ±√(6 / (inputs + outputs))")
