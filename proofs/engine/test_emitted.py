"""Compiled code: the text that `compile` emits, run on symbols, computes what ops mean and what steps compute."""

from itertools import count

import numpy as np

from proofs.engine.table import cases, in_meanings
from proofs.harness.emitted import TRUSTED, emitted
from proofs.harness.formulas import equal_formulas
from proofs.harness.models import symbolic_dbn, symbolic_network, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import composites, inline
from tinygrad_dbn.autodiff.compile.arrays import Arrays
from tinygrad_dbn.autodiff.compile.loops import Loops
from tinygrad_dbn.autodiff.compile.movement import Movement
from tinygrad_dbn.autodiff.numbers.symbolic import branches, symbols
from tinygrad_dbn.autodiff.trees import places, tree_map
from tinygrad_dbn.learning import adam, cd_loss, momentum, sgd
from tinygrad_dbn.learning.descent import stepping
from tinygrad_dbn.learning.supervised import supervised_loss
from tinygrad_dbn.learning.updown import up_down_loss
from tinygrad_dbn.models import Autoencoder, FeedForward

OPERANDS = Spoiled("operands exchanged", mutated(inline, "inlined", "zip(names, operands", "zip(names, operands[::-1]"))
SUMS = Spoiled("sums subtract", mutated(Loops, "body", "added({target}, {value})", "added({target}, -{value})"))
PRODUCTS = Spoiled("products negated", mutated(Movement, "write_matmul", "dot({names[0]}", "dot(-{names[0]}"))
TEXT = "the text that compile emits for an op computes the op's meaning, on every branch"


def computes(f, *arrays):
    """Refuse unless the emitted text of f computes the meaning of f, on every branch."""
    run = emitted(f, *arrays)
    for _, (found, wanted) in branches(lambda: (run(*arrays), in_meanings(lambda: f(*arrays)))):
        equal_formulas(found, wanted, "the text")


@theorem(
    TEXT,
    claim="ops",
    level="B",
    sizes="every op of the table, at the examples of its row",
    trusts=(TRUSTED,),
    spoiled=[
        OPERANDS,
        SUMS,
        Spoiled("a choice turned round", mutated(Loops, "expression", "{a} if {c", "{b} if {c")),
        Spoiled("the smallest for the largest", mutated(Loops, "body", 'n.kind == "max"', 'n.kind == "min"')),
        Spoiled("pieces over one another", mutated(Movement, "write_concatenate", "before += x.shape[axis]", "pass")),
        PRODUCTS,
    ],
)
def test_every_op():
    for name in ops.TABLE:
        for f, arrays in cases(name):
            computes(f, *arrays)


MORE = {
    "mean": [((2, 1, 2), {"axis": (0, -1)}), ((2, 2), {"axis": None, "keepdims": True}), ((1, 2), {"axis": 0})],
    "logsumexp": [((2, 1), {"axis": None}), ((1, 2), {"axis": -1, "keepdims": True}), ((2, 1, 1), {"axis": (0, 2)})],
    "softmax": [((2, 1), {"axis": 0}), ((2,), {"axis": None})],
    "log_softmax": [((2, 1), {"axis": 0}), ((2,), {"axis": None})],
}
"""Shapes and options beyond those of the rows' examples."""


@theorem(
    "each op that compile spells out in simpler ones is spelled as its row means it, on every branch",
    claim="ops",
    level="B",
    sizes="mean, logsumexp, softmax, log_softmax: the examples of their rows, and other axes; 2 to 6 elements",
    trusts=(TRUSTED,),
    uses=(TEXT,),
    spoiled=[
        Spoiled("a mean over all elements", mutated(composites, "_mean", "max(kept, 1)", "1")),
        Spoiled("the peak is not added again", mutated(composites, "_logsumexp", "=True)) + peak", "=True))")),
        Spoiled("a softmax that is not divided", mutated(composites, "_softmax", "e / ops.sum", "e + 0 * ops.sum")),
        Spoiled("a log-softmax of the sum itself", mutated(composites, "_log_softmax", "ops.log(ops.sum", "(ops.sum")),
    ],
)
def test_spelled():
    require(composites.SPELLED.keys() == MORE.keys(), f"other ops are spelled out: {sorted(composites.SPELLED)}")
    for name, more in MORE.items():
        for f, arrays in cases(name):
            computes(f, *arrays)
        for shape, options in more:
            computes(lambda x, name=name, options=options: ops.TABLE[name](x, **options), symbols("x", shape))


def training_steps():
    """(name, loss, optimiser, model, its state, batch and noise) of steps as `descend` compiles them, on symbols."""
    net, x, masks = symbolic_network((2, 1, 2), "sigmoid")
    yield "gradient descent", supervised_loss, sgd(1.0), net, (), x, np.array([1])
    yield "Adam", supervised_loss, adam(1.0, 0.5, 0.25), net, adam(1.0).start(net), x, np.array([0])
    net, x, masks = symbolic_network((1, 2, 2), "tanh")
    yield "momentum, with dropout", supervised_loss, momentum(1.0, 0.5), net, net, x, np.array([1]), masks[0][None]
    net, x, _ = symbolic_network((1, 1, 2), "relu")
    yield "relu", supervised_loss, sgd(1.0), net, (), x, np.array([0])
    net, _, _ = symbolic_network((1, 2), "sigmoid")
    yield "two examples", supervised_loss, sgd(1.0), net, (), symbols("x", (2, 1)), np.array([1, 0])
    rbm, x = symbolic_rbm(1, 1), symbols("x", (1, 1))
    yield "CD-1", cd_loss(1), sgd(1.0), rbm, (), x, symbols("u", (1, 1)), symbols("v", (1, 1))
    dbn, names = symbolic_dbn(1, 1, 1), count()  # positive, so that only the uniforms decide a branch
    dbn = tree_map(lambda p: symbols(f"p{next(names)}", p.shape, positive=True), dbn)
    uniforms = [symbols(f"u{k}", (1, 1)) for k in range(4)]
    yield "up-down", up_down_loss(1), sgd(1.0), dbn, (), symbols("x", (1, 1), positive=True), *uniforms
    encoder = FeedForward((symbols("W", (1, 2)),), (symbols("c", (1,)),), "sigmoid", "sigmoid")
    entropy = lambda model, x, seen: ops.mean(model.cross_entropy(x, seen))
    model, x, seen = Autoencoder(encoder, None, (symbols("b", (2,)),)), symbols("x", (1, 2)), symbols("s", (1, 2))
    yield "a denoising autoencoder", entropy, sgd(1.0), model, (), x, seen


@theorem(
    "the text that compile emits for a training step computes the step's loss, model and state, on every branch",
    claim="ops",
    level="B",
    sizes="networks 2-1-2, 1-2-2 with dropout, 1-1-2, 1-2 with two examples; sigm, tanh, relu; sgd, momentum, Adam; "
    "CD-1 at 1-1; a tied autoencoder of 2-1; all parameters, inputs, masks, uniforms, rates and weight decays; up-down "
    "at 1-1-1, positive parameters",
    trusts=(TRUSTED,),
    uses=(TEXT, "every kernel computes its op's meaning, on every branch"),
    spoiled=[
        OPERANDS,
        PRODUCTS,
        Spoiled("buffers in one place", mutated(Arrays, "scratch", "offsets.append(self._end)", "offsets.append(0)")),
        Spoiled("a value that waits is not kept", mutated(Loops, "body", "elif self.crosses(loop, m)", "elif False")),
        Spoiled("log Σ added to the logits", mutated(composites, "_log_softmax", "shifted - ", "shifted + ")),
    ],
)
def test_steps():
    for name, loss, optimiser, *given in training_steps():
        step = stepping(loss, optimiser)
        model, state, *batch = given
        args = model, state, symbols("alpha"), symbols("decay"), *batch
        run = emitted(step, *args)
        for _, (found, wanted) in branches(lambda run=run, step=step, args=args: (run(*args), step(*args))):
            for (place, new), (_, other) in zip(places(found), places(wanted), strict=True):
                equal_formulas(new, other, f"{name}: {place}")
