"""The shipped belief network of one directed layer below an RBM, at open sizes, its recognition weights untied.

T examples, D visible units, H units of h1 and K of h2. log Z is a sum over the states of the smaller side, so what is
read of it is read on either side of that branch.
"""

from proofs.kernel.terms import Set
from proofs.open.trace import bits, opened
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

T, D, H, K = map(Set, "TDHK")
SIDES = (H, K), (K, H)
"""Which of h1 and h2 has fewer units."""


def directed(a):
    """The shipped layer between x and h1."""
    return DirectedLayer(a("W", H, D), a("b", D), a("R", H, D), a("r", H))


def dbn(a):
    """The shipped model."""
    return DBN((directed(a),), RBM(a("U", K, H), a("a", H), a("d", K)))


def examples(a):
    """x, zeros and ones."""
    return a("x", T, D, like=bits)


def on_both_sides(prove, sides=SIDES):
    """The theorems of both sides, each from the function that reads a run there."""
    readers = [lambda run, side=side: opened(run, ascending=side) for side in sides]
    return [thm for read in readers for thm in prove(read)]
