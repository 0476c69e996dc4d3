"""Chapter B, and A7, by counting: circuits of one hidden layer, parity, and the regions that features name.

Circuits are shipped networks of units that are on where a > 0, read off the sign of `FeedForward`'s pre-activations.
"""

from itertools import product

import numpy as np
import pytest

from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn.exact import states
from tinygrad_dbn.models import FeedForward

BIAS = Spoiled("bias missing", mutated(FeedForward, "logits", "ops.matmul(h, W.T) + b", "ops.matmul(h, W.T)"))


def gates(W, b, X):
    """Threshold units on X: on where b + W x > 0, by the shipped pre-activation."""
    return (FeedForward((np.array(W, float),), (np.array(b, float),), output="linear").logits(X) > 0).astype(float)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@theorem(
    "one hidden layer of AND gates under an OR computes any Boolean function",
    claim="B1",
    level="X",
    sizes="all 2^2^n functions of n = 1 … 4 inputs, every input",
    spoiled=[BIAS, Spoiled("without the AND of the last row", None, terms=-1)],
)
def test_any_function(n, terms=None):
    # The disjunctive normal form: an AND of literals for each row of the table, an OR over the rows that are true.
    X = states(n)
    functions = (np.arange(2**2**n)[:, None] >> np.arange(2**n)) & 1
    ands = gates(2 * X - 1, 0.5 - X.sum(axis=1), X)  # on where every literal holds
    ors = gates(functions[:, :terms], np.full(len(functions), -0.5), ands[:, :terms])
    require((ors == functions.T).all(), "a function that the circuit does not compute")


@pytest.mark.parametrize("n", range(2, 10))
@theorem(
    "an AND of literals that implies parity fixes every input, so an OR of ANDs needs 2^(n−1) of them",
    claim="B2",
    level="X",
    sizes="all 3^n ANDs of literals, n = 2 … 9",
    spoiled=[Spoiled("an AND that leaves one input free implies it too", None, free=1)],
)
def test_parity_needs_every_minterm(n, free=0):
    odd = states(n).sum(axis=1) % 2 == 1
    ternary = np.array(list(product((0, 1, 2), repeat=n)))  # 2: the input is free
    if free:
        ternary = ternary[(ternary == 2).sum(axis=1) == free]
    covered = np.ones((len(ternary), 2**n), bool)
    for i in range(n):
        literal = ternary[:, i, None]
        covered &= (literal == 2) | (literal == states(n)[:, i])
    implies = ~(covered & ~odd).any(axis=1)
    require(implies.sum() == (odd.sum() if not free else implies.sum() + 1), "some shorter AND implies parity")
    require(odd.sum() == 2 ** (n - 1), "another number of odd vectors")
    require((covered[implies].sum(axis=1) == 1).all(), "an AND covers more than one vector")


@pytest.mark.parametrize("n", [2, 3, 5, 9])
@theorem(
    "deep, 4 (n − 1) gates compute parity: one XOR of four NANDs after another",
    claim="B2",
    level="X",
    sizes="n = 2, 3, 5, 9, every input",
    spoiled=[BIAS, Spoiled("a NAND in place of the last XOR", None, last="nand")],
)
def test_deep_parity(n, last="xor"):
    X, used = states(n), 0
    so_far = X[:, 0]
    nand = lambda a, b: gates([[-1, -1]], [1.5], np.stack([a, b], axis=1))[:, 0]
    for i in range(1, n):
        both = nand(so_far, X[:, i])
        if i == n - 1 and last == "nand":
            so_far = both
            continue
        so_far = nand(nand(so_far, both), nand(X[:, i], both))
        used += 4
    require((so_far == X.sum(axis=1) % 2).all(), "not parity")
    require(used <= 4 * (n - 1), f"{used} gates")


@pytest.mark.parametrize("n", [2, 4, 7, 9])
@theorem(
    "every net of one hidden layer needs exponentially many units for parity",
    claim="B2",
    level="R",
    sizes="n threshold units do: n = 2, 4, 7, 9, every input",
    spoiled=[BIAS, Spoiled("one threshold unit too few", None, units=-1)],
)
def test_threshold_units(n, units=0):
    X = states(n)
    count = n + units
    at_least = gates(np.ones((count, n)), 0.5 - np.arange(1, count + 1), X)  # unit k: at least k inputs are on
    signs = [[(-1) ** k for k in range(count)]]
    require((gates(signs, [-0.5], at_least)[:, 0] == X.sum(axis=1) % 2).all(), "not parity")


@pytest.mark.parametrize("n", [1, 3, 6])
@theorem(
    "n features, not mutually exclusive, name 2^n regions; n clusters name n",
    claim="A7",
    level="X",
    sizes="n = 1, 3, 6 units on [−1, 1]^n, one point of each region",
    spoiled=[Spoiled("features that exclude each other", None, exclusive=True)],
)
def test_regions(n, exclusive=False):
    points = 2.0 * states(n) - 1
    features = gates(np.eye(n), np.zeros(n), points)
    if exclusive:
        features = np.eye(n)[(features @ 2 ** np.arange(n)).astype(int) % n]  # the name of one cluster
    require(len({tuple(f) for f in features}) == 2**n, "fewer regions")
    nearest = np.array([[np.abs(p - c).sum() for c in 2 * np.eye(n) - 1] for p in points]).argmin(axis=1)
    require(len(set(nearest.tolist())) <= n, "more clusters than prototypes")
