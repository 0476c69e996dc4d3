"""The sums over states block by block, on shipped code: any number of blocks, each of any size.

`exact` sums over 4096 states at a time, so that memory does not grow with their number. The theorems that are traced on
axes with names (`proofs.open`) speak of one block. Here is the loop: its step for any number of blocks, the loop itself
for one, two and three of them; and that the blocks are the states.
"""

import sys

import numpy as np
import pytest

from proofs.harness.formulas import equal_formulas
from proofs.harness.models import lecture_joint, lecture_weights, symbolic_dbn, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import induction, ring
from proofs.kernel.substitution import put
from proofs.kernel.terms import Fold, Set, Sum, exp, families, indices, plus
from proofs.open.trace import bits, opened
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.exact import marginals, partition
from tinygrad_dbn.exact.partition import log_add
from tinygrad_dbn.models import RBM

BLOCKS, STATES, D, H = map(Set, ("blocks", "S", "D", "H"))
b, = indices("b", BLOCKS)  # fmt: skip
s, = indices("s", STATES)  # fmt: skip
FIRST, ONE_BLOCK = families("first f", STATES)
LATER, = families("later", BLOCKS, STATES)  # fmt: skip
TOTAL, = families("total")  # fmt: skip
BLOCKED = sys.modules["tinygrad_dbn.exact.states"]
ADDED = [
    Spoiled("the sum so far forgotten", mutated(partition, "log_add", "[a, b]", "[b, b]")),
    Spoiled("sums of logarithms", mutated(partition, "log_add", "ops.logsumexp(", "ops.sum(")),
]


@theorem(
    "the shipped running sum over blocks, by log_add of log Σ exp of each, is log Σ exp over all of them",
    claim="G0, G5",
    level="A",
    sizes="any number of blocks, all of one size, which is any",
    traced=[log_add],
    spoiled=ADDED,
)
def test_running_sum():
    first = opened(lambda a: log_add(None, ops.logsumexp(a("first", STATES))))()
    step = opened(lambda a: log_add(a("total"), ops.logsumexp(a("f", STATES))))()
    of_block = put(step, {ONE_BLOCK: ((s,), LATER(b, s))})
    running = Fold(TOTAL, (), first, of_block, b, ())
    every = Sum(exp(FIRST(s)), s) + Sum(Sum(exp(LATER(b, s)), s), b)
    return induction(exp(running), "==", every, BLOCKS)


@theorem(
    "the shipped log Z, given its states in blocks, is log Σ exp(−F(x)) over all their states",
    claim="G0",
    level="A",
    sizes="one, two and three blocks of one size, which is any; all numbers of units",
    traced=[exact.log_partition, log_add],
    spoiled=[
        *ADDED,
        Spoiled("the last block alone", mutated(partition, "log_partition", "log_add(total, ops", "log_add(None, ops")),
        Spoiled("sign of F", mutated(partition, "log_partition", "(-free_energy", "(free_energy")),
    ],
)
def test_blocks_of_log_partition():
    return [given_in_blocks(count) for count in (1, 2, 3)]


def given_in_blocks(count):
    def run(a):
        rbm = RBM(a("W", H, D), a("b", D), a("c", H))
        given = [a(f"x{k}", STATES, D, like=bits) for k in range(count)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(partition, "blocks", lambda n: given)
            return [exact.log_partition(rbm), *map(rbm.free_energy, given)]

    log_z, *free = opened(run, ascending=(D, H))
    return ring(exp(log_z()), plus(*(Sum(exp(-of_block(s)), s) for of_block in free)))


def states_of(name, old, new):
    """A spoiled version of which states are in a block."""
    return Spoiled(name, mutated(BLOCKED, "blocks", old, new))


def mixture(name, old, new):
    """A spoiled version of the loop over the blocks of a layer's states."""
    return Spoiled(name, mutated(marginals, "log_mixture", old, new))


@theorem(
    "in blocks of any size the shipped sums are the lecture's: log Z of an RBM, and log p(x) of a DBN",
    claim="G0, G5",
    level="B",
    sizes="blocks of 1, 2 and 4 states; an RBM of 2 and 2 units and a DBN of 1, 2 and 1; every weight, every x",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        states_of("the first state of a block left out", "some_states(start,", "some_states(start + (size > 1),"),
        states_of("the first block again and again", "some_states(start, min(start", "some_states(0, min(0"),
        states_of("a block left out", "range(0,", "range(size, "),
        mixture("p(h) of the first block again", "start * BLOCK : start * BLOCK + len(h)", ": len(h)"),
        mixture("the last block alone", "log_add(total, ops", "log_add(None, ops"),
    ],
)
def test_block_size():
    rbm, dbn = symbolic_rbm(2, 2), symbolic_dbn(1, 2, 1)
    for size in (1, 2, 4):
        with pytest.MonkeyPatch.context() as patch, meanings():
            patch.setattr(BLOCKED.blocks, "__defaults__", (size,))
            patch.setattr(marginals, "BLOCK", size)
            log_z = exact.log_partition(rbm)
            log_p = exact.log_likelihood(dbn, exact.states(1))
        equal_formulas(np.array([np.exp(log_z)], object), [lecture_weights(rbm).sum()], "Z")
        equal_formulas(np.exp(log_p), lecture_joint(dbn).sum(axis=(1, 2)), "p(x)")
