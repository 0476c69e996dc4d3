"""Chapter I: a DBN whose second layer is tied to the first is the first RBM, for all numbers of units.

Notation: the index runs over the states h = h^(1). For a state h, ``o<>[i]`` is the sequence of the odds
o_j = exp(b_j + h·W_j) of the visible units; ``c[i]`` is exp(cᵀh); ``N[i]`` is the product of the odds o_j of those
visible units that are on in x. Then, with S and P the sum and the product below,

    first RBM        p(x, h)  = c N / Z     Z  = Σ_h c P,  P = Π_j (1 + o_j)
    directed layer   p(x | h) = N / P
    tied top RBM     p(h)     = c S / Z'    Z' = Σ_h c S,  S = Σ over h^(2) in {0,1}^D of Π_j o_j^(h^(2)_j)
"""

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import Loop, Sigma, assume, family, induction, inst, real, ring, sequence, total

S, P, o, Z = real("S P o Z", positive=True)
N, c, top = family("N c top")
odds = sequence("u")
odds_of_state = sequence("o", indexed=True)


def cube(on=1, bias=1):
    """Σ over {0,1}^n of Π o^s, by its last bit (off or on), beside Π (1 + o)."""
    return Loop("cube", (S, P), (1, 1), (o,), (S + S * o, P * (bias + on * o)))


def factorisation(**spoiled):
    """S == P after any sequence of odds."""
    return induction(cube(**spoiled), S - P, odds)


@theorem(
    "the sum over {0,1}^n of Π o^s is Π (1 + o)",
    claim="I4",
    level="A",
    sizes="all n",
    spoiled=[
        Spoiled("1 + 2 o", on=2),
        Spoiled("2 + o", bias=2),
        Spoiled("the states of one bit only", on=0),
    ],
)
def test_cube_sum_factorises(on=1, bias=1):
    return factorisation(on=on, bias=bias)


def tied(lost=1, on=1):
    """S, P for each state h and the lemma S == P for them; ``lost``: the top layer's terms that tying gives
    it."""
    lemma = inst(factorisation(on=on), {odds: odds_of_state})
    total_of_h2, normaliser = cube(on=on).at(odds_of_state)
    return lost * total_of_h2, normaliser, lemma


@theorem(
    "tied, the top RBM has the partition function of the first RBM",
    claim="I4",
    level="A",
    sizes="all layer sizes",
    uses=("the sum over {0,1}^n of Π o^s is Π (1 + o)",),
    spoiled=[Spoiled("biases not tied", prior=top), Spoiled("lemma for another sum", on=2)],
)
def test_partition_functions_agree(prior=c, on=1):
    total_of_h2, normaliser, lemma = tied(on=on)
    thm = total(ring(prior * total_of_h2 - c * normaliser, lemma))
    return require_model(thm, {c: (1, 2), total_of_h2: (6, 12), normaliser: (6, 12)})


@theorem(
    "tied, the DBN has the RBM's joint p(x, h^(1)), so q is its posterior and the bound is tight",
    claim="I4",
    level="A",
    sizes="all layer sizes",
    uses=("the sum over {0,1}^n of Π o^s is Π (1 + o)", "the bound is log p(x) when q(h|x) = p(h|x)"),
    spoiled=[
        Spoiled("biases not tied", prior=top),
        Spoiled("the directed layer is not normalised", normalised=False),
        Spoiled("one unit of h^(2) too many", lost=1 + o),
    ],
)
def test_joint_of_tied_dbn(prior=c, normalised=True, lost=1):
    total_of_h2, normaliser, lemma = tied(lost=lost)
    likelihood = N / normaliser if normalised else N
    return ring(likelihood * (prior * total_of_h2 / Z) - N * c / Z, lemma)


@theorem(
    "tied, the DBN gives every x the probability that the first RBM gives it",
    claim="I4",
    level="A",
    sizes="all layer sizes",
    uses=("the sum over {0,1}^n of Π o^s is Π (1 + o)",),
    spoiled=[
        Spoiled("biases not tied", prior=top),
        Spoiled("a factor of two in the top layer", lost=2),
        Spoiled("the wrong partition function", partition=2),
    ],
)
def test_marginal_of_tied_dbn(prior=c, lost=1, partition=1):
    total_of_h2, normaliser, lemma = tied(lost=lost)
    per_state = ring(N / normaliser * (prior * total_of_h2 / Z) - N * c / Z, lemma)
    given = assume(partition * Z - Sigma(c * normaliser))
    dbn = Sigma(N / normaliser * (prior * total_of_h2 / Z))
    # The same Z serves both models, by the theorem above; the RBM's is written out here.
    thm = ring(Z * dbn - Sigma(N * c), total(per_state))
    both = ring(dbn * Sigma(c * normaliser) - Sigma(N * c), thm, given)
    return require_model(both, {c: (1, 2), N: (2, 3), Z: 30, total_of_h2: (6, 12), normaliser: (6, 12)})
