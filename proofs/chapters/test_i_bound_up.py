"""Claim I6: the bound can rise while the likelihood falls.  Two exact counterexamples, and nothing rounded.

The smaller one can be checked by hand.  One visible unit, one hidden unit, one example x = 1.  The first layer says
p(x = 1 | h1 = 1) = 4/5, p(x = 1 | h1 = 0) = 1/2 and recognises q(h1 = 1 | x = 1) = 1/3.  The bound is highest where
the prior is q: so moving p(h1 = 1) from 1/2 to 1/3 raises it.  But p(x = 1) falls, from 13/20 to 3/5.

Odds are rational, so every probability is, and N times a bound is the logarithm of a rational once N clears the
denominators of q.  `Exact` then compares rationals.
"""

from fractions import Fraction
from itertools import product
from math import lcm

import numpy as np

from proofs.harness.evidence import require_equal
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.rational import log_array
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import bernoulli_table
from tinygrad_dbn.models import DBN, RBM, DirectedLayer


def rbm(W, b, c):
    """An RBM from its odds, e^W and so on, written as strings."""
    return RBM(*(log_array(np.vectorize(Fraction, otypes=[object])(odds)) for odds in (W, b, c)))


ONE_UNIT = (
    rbm([["4"]], ["1"], ["1/8"]),
    rbm([["1"]], ["1"], ["1"]),
    rbm([["1"]], ["1/2"], ["1"]),
    [[1.0]],
)
# Both moves lie above the tied start of the same first layer (below), so training does pass there.
TWO_UNITS = (
    rbm([["9", "1"], ["3", "1/3"]], ["8", "1/4"], ["1/3", "1"]),
    rbm([["1/8", "1/8"]], ["1/4", "1/2"], ["4"]),
    rbm([["1/2", "1/4"]], ["1/2", "1"], ["1/4"]),
    [*[[0.0, 0.0]] * 5, [0.0, 1.0], [1.0, 1.0]],
)
USES = (
    "the shipped bound is Σ q log p(x,h1) − Σ q log q, for every q",
    "a DBN's likelihood is Σ over all hidden states of p(h1,h2) p(x|h1)",
)
SPOILS = [
    Spoiled("the likelihood rises too", None, falls=False),
    Spoiled("prior forgotten by the bound", mutated(variational.bound, "_log_joint", " + prior", " + 0 * prior")),
]


def recognised(first, X):
    """N q(h1 | x) over all states of h1, N the common denominator.  With it the bound is N times the true one, less a
    constant that is the same for every prior, and the logarithm of a rational."""
    return whole(bernoulli_table(DirectedLayer.from_rbm(first).recognition_logits(X)))


def whole(q):
    return q * lcm(*(p.p.denominator for p in q.flat))


def bound_up_likelihood_down(witness, q, falls):
    first, old_top, new_top, X = witness
    old, new = DBN.from_rbms([first, old_top]), DBN.from_rbms([first, new_top])
    rises("the bound", *(exact.bound(dbn, X, q).sum() for dbn in (old, new)))
    likelihoods = [exact.log_likelihood(dbn, X).sum() for dbn in (old, new)]
    rises("log p, going back," if falls else "log p", *(reversed(likelihoods) if falls else likelihoods))


def rises(what, before, after):
    """Refuse unless the second of two logarithms of rationals is above the first."""
    require(after > before, f"{what} rises", before=before, after=after)


@theorem(
    "a higher bound means a higher likelihood",
    claim="I6",
    level="R",
    sizes="1-1-1, rational odds",
    uses=USES,
    spoiled=[
        *SPOILS,
        Spoiled("q is the posterior of the start, where the bound is tight", None, tight=True),
        Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
    ],
)
def test_one_unit(falls=True, tight=False):
    first, old_top, _, X = ONE_UNIT
    q = whole(exact.posterior(DBN.from_rbms([first, old_top]), X)) if tight else recognised(first, np.array(X))
    bound_up_likelihood_down(ONE_UNIT, q, falls)


@theorem(
    "above a tied start at least, a higher bound means a higher likelihood",
    claim="I6",
    level="R",
    sizes="2-2-1, rational odds",
    uses=USES,
    spoiled=SPOILS,
)
def test_two_units(falls=True):
    first, old_top, _, X = TWO_UNITS
    q = recognised(first, np.array(X))
    start, old = DBN.from_tied(first), DBN.from_rbms([first, old_top])
    rises("the bound of the tied start", *(exact.bound(dbn, X, q).sum() for dbn in (start, old)))
    bound_up_likelihood_down(TWO_UNITS, q, falls)


@theorem(
    "the witness by hand: p(x = 1) falls from 13/20 to 3/5 while q(h1 = 1 | x) = 1/3 is met by the prior",
    claim="I6",
    level="X",
    sizes="1-1-1, rational odds",
    spoiled=[
        Spoiled("weight's sign flipped", mutated(DirectedLayer, "visible_logits", "ops.matmul(", "-ops.matmul(")),
        Spoiled("other prior", None, prior=Fraction(1, 2)),
    ],
)
def test_by_hand(prior=Fraction(1, 3)):
    first, old_top, new_top, X = ONE_UNIT
    for top, p in ((old_top, Fraction(13, 20)), (new_top, Fraction(3, 5))):
        require_equal(exact.log_likelihood(DBN.from_rbms([first, top]), X)[0].exp(), p, "p(x = 1)")
    new = DBN.from_rbms([first, new_top])
    require_equal(np.exp(exact.log_marginal(new, 1))[1], prior, "p(h1 = 1)")
    q = bernoulli_table(new.layers[0].recognition_logits(np.array(X)))[0, 1]
    require_equal(q, prior, "q(h1 = 1 | x = 1)")


@theorem(
    "from a tight start every prior that raises the bound raises the likelihood",
    claim="I5",
    level="X",
    sizes="2-2-1, rational odds, every prior of a grid of 243 RBMs",
    uses=USES,
    spoiled=[
        Spoiled("the start is not tight", None, tight=False),
        Spoiled("prior forgotten by the bound", mutated(variational.bound, "_log_joint", " + prior", " - prior")),
    ],
)
def test_from_a_tight_start(tight=True):
    """log p ≥ bound > bound at the start = log p at the start.  The grid is there to see the shipped code do it."""
    first, old_top, _, X = TWO_UNITS
    q = recognised(first, np.array(X))
    start = DBN.from_tied(first) if tight else DBN.from_rbms([first, old_top])
    bound, log_p = exact.bound(start, X, q).sum(), exact.log_likelihood(start, X).sum()
    rose = 0
    for w0, w1, b0, b1, c in product(("1/8", "1", "8"), repeat=5):
        dbn = DBN.from_rbms([first, rbm([[w0, w1]], [b0, b1], [c])])
        if exact.bound(dbn, X, q).sum() > bound:
            rose += 1
            rises(f"log p at odds {w0, w1, b0, b1, c}", log_p, exact.log_likelihood(dbn, X).sum())
    require(rose > 0, "some prior of the grid raises the bound", rose=rose)
