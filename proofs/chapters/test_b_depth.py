"""Chapter B, and A7, by counting: circuits of one hidden layer, parity, and the regions that features name.

Circuits are shipped networks of units that are on where a > 0, read off the sign of `FeedForward`'s pre-activations.
"""

from itertools import product

import numpy as np
import pytest

from proofs.harness.evidence import require_at_most, require_equal
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn.exact import states
from tinygrad_dbn.models import FeedForward

BIAS = Spoiled("bias missing", mutated(FeedForward, "pre_activation", " + self.biases[k - 1]", ""))


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
    require_equal(ors, functions.T, "at an input, a function by the circuit")


@pytest.mark.parametrize("n", range(2, 10))
@theorem(
    "an AND of literals that implies parity fixes every input, so an OR of ANDs needs 2^(n−1) of them",
    claim="B2",
    level="X",
    sizes="all 3^n ANDs of literals, n = 2 … 9",
    spoiled=[
        Spoiled("parity of all inputs but the last", None, function=lambda X: X[:, :-1].sum(axis=1) % 2),
        Spoiled("in place of parity, whether an input is on", None, function=lambda X: X.any(axis=1)),
    ],
)
def test_parity_needs_every_minterm(n, function=lambda X: X.sum(axis=1) % 2):
    odd = function(states(n)) == 1
    ternary = np.array(list(product((0, 1, 2), repeat=n)))  # 2: the input is free
    covered = np.ones((len(ternary), 2**n), bool)
    for i in range(n):
        literal = ternary[:, i, None]
        covered &= (literal == 2) | (literal == states(n)[:, i])
    implies = ~(covered & ~odd).any(axis=1)
    for term, vectors in zip(ternary[implies], covered[implies], strict=True):
        require_equal((term == 2).sum(), 0, f"how many inputs are free in {term}, which implies it")
        require_equal(vectors.sum(), 1, f"how many vectors are covered by {term}")
    require_equal(odd.sum(), 2 ** (n - 1), "how many vectors are odd, each to be covered by a term of its own")


@pytest.mark.parametrize("n", [2, 3, 5, 9])
@theorem(
    "deep, 4 (n − 1) gates compute parity: one XOR of four NANDs after another",
    claim="B2",
    level="X",
    sizes="n = 2, 3, 5, 9, every input",
    spoiled=[BIAS, Spoiled("a NAND in place of the last XOR", None, last="nand")],
)
def test_deep_parity(n, last="xor"):
    X, used = states(n), []
    so_far = X[:, 0]

    def nand(a, b):
        used.append("NAND")
        return gates([[-1, -1]], [1.5], np.stack([a, b], axis=1))[:, 0]

    for i in range(1, n):
        both = nand(so_far, X[:, i])
        if i == n - 1 and last == "nand":
            so_far = both
            continue
        so_far = nand(nand(so_far, both), nand(X[:, i], both))
    require_equal(so_far, X.sum(axis=1) % 2, "parity at an input")
    require_at_most(len(used), 4 * (n - 1), "how many gates")


@pytest.mark.parametrize("n", [2, 4, 7, 9])
@theorem(
    "every net of one hidden layer needs exponentially many units for parity",
    claim="B2",
    level="R",
    sizes="n threshold units do: n = 2, 4, 7, 9, every input",
    uses=("the shipped network computes the lecture's recursion, masks included",),
    spoiled=[BIAS, Spoiled("one threshold unit too few", None, units=-1)],
)
def test_threshold_units(n, units=0):
    X = states(n)
    count = n + units
    at_least = gates(np.ones((count, n)), 0.5 - np.arange(1, count + 1), X)  # unit k: at least k inputs are on
    signs = [[(-1) ** k for k in range(count)]]
    require_equal(gates(signs, [-0.5], at_least)[:, 0], X.sum(axis=1) % 2, "parity at an input")


@pytest.mark.parametrize("n", [1, 3, 6])
@theorem(
    "n features, not mutually exclusive, name 2^n regions; n clusters name n",
    claim="A7",
    level="X",
    sizes="n = 1, 3, 6 units on [0, 1]^n, one point of each region",
    spoiled=[
        BIAS,
        Spoiled("features that exclude each other", None, exclusive=True),
        Spoiled("two clusters more", None, clusters=2),
    ],
)
def test_regions(n, exclusive=False, clusters=0):
    points = states(n)
    features = gates(-np.eye(n), np.full(n, 0.5), points)  # unit k is on where input k is below ½
    if exclusive:
        features = np.eye(n)[(features @ 2 ** np.arange(n)).astype(int) % n]  # the name of one cluster
    require_equal(len({tuple(f) for f in features}), 2**n, "how many regions n features name")
    nearest = np.array([[np.abs(p - c).sum() for c in np.eye(n)] for p in points]).argmin(axis=1)
    require_equal(len(set(nearest.tolist())), n + clusters, "how many regions n prototypes name")
