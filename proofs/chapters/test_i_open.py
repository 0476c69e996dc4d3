"""Chapter I for all sizes, on shipped code: the tied DBN is the RBM, and its bound is tight.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible units and H units of h1. The
RBM's x and h are states of {0,1}^D and {0,1}^H. `exact` sums over the states of the smaller side, and is traced on
either side of that choice.
"""

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import ring, summed
from proofs.kernel.lemmas import cube_sum
from proofs.kernel.rules import combine, inst, linear, log_of_exp, rewrite, total
from proofs.kernel.terms import Bit, Cube, Set, Sum, exp, families, indices, log
from proofs.open.trace import opened
from tinygrad_dbn import exact
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import log_bernoulli_table
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

D, H = map(Set, "DH")
i, = indices("i", D)  # fmt: skip
j, = indices("j", H)  # fmt: skip
x, = indices("x", Cube(D))  # fmt: skip
h, = indices("h", Cube(H))  # fmt: skip
W, = families("W", H, D)  # fmt: skip
B, = families("b", D)  # fmt: skip
C, = families("c", H)  # fmt: skip
A, = families("log_p", Cube(H))  # fmt: skip
SIZES = "all numbers of units, every x; on either side of the branch on which are fewer; one block of states"
UP, DOWN = C(j) + Sum(Bit(x, i) * W(j, i), i), B(i) + Sum(W(j, i) * Bit(h, j), j)
OVER_H, OVER_X = cube_sum(h, j, UP), cube_sum(x, i, DOWN)
OF_X, OF_H = exp(Sum(B(i) * Bit(x, i), i)), exp(Sum(C(j) * Bit(h, j), j))

TIED = "self.W.T, self.c, self.b"
SPOILS = [
    Spoiled("sign of the tied weights", mutated(RBM, "transposed", TIED, "-self.W.T, self.c, self.b")),
    Spoiled("visible bias of the top forgotten", mutated(RBM, "transposed", TIED, "self.W.T, 0 * self.c, self.b")),
    Spoiled("hidden bias of the top forgotten", mutated(RBM, "transposed", TIED, "self.W.T, self.c, 0 * self.b")),
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
]


def rbm(a):
    return RBM(a("W", H, D), a("b", D), a("c", H))


def visible(a):
    """All states of x."""
    return exact.states(a("b", D).shape[0])


def on_both_sides(run):
    """What is read of a run where there are fewer visible units, and where there are fewer hidden ones."""
    return [opened(run, ascending=order) for order in ((D, H), (H, D))]


@theorem(
    "the tied DBN that is shipped gives every x the probability that the RBM gives it",
    claim="I4",
    level="A",
    sizes=SIZES,
    traced=[DBN.from_tied, exact.log_likelihood],
    spoiled=SPOILS,
)
def test_likelihood():
    def run(a):
        return exact.log_likelihood(DBN.from_tied(rbm(a)), visible(a)), exact.log_likelihood(rbm(a), visible(a))

    # The sum over h that each has for p(x), and the sums that each may have for Z.
    closed = OVER_H, summed(OVER_X, h, OF_H), summed(OVER_H, x, OF_X)
    return [ring(exp(tied(x)), exp(of_rbm(x)), *closed) for tied, of_rbm in on_both_sides(run)]


@theorem(
    "tied, the shipped q(h1|x) is the shipped posterior, and so the shipped bound is log p(x)",
    claim="I3, I4",
    level="A",
    sizes=SIZES,
    traced=[DBN.from_tied, exact.bound, exact.posterior, exact.log_likelihood],
    uses=("the tied DBN that is shipped gives every x the probability that the RBM gives it",),
    spoiled=[
        *SPOILS,
        Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
        Spoiled("prior forgotten by the bound", mutated(variational.bound, "_log_joint", " + prior", " + 0 * prior")),
    ],
)
def test_tight():
    def run(a):
        model, states = DBN.from_tied(rbm(a)), visible(a)
        log_joint = model.layers[0].log_conditional(states, exact.states(a("c", H).shape[0])) + exact.log_prior(model)
        log_q = log_bernoulli_table(model.layers[0].recognition_logits(states))
        return (
            log_joint,
            log_q,
            exact.log_likelihood(model, states),
            exact.bound(model, states),
            exact.posterior(model, states),
        )

    return [thm for found in on_both_sides(run) for thm in bound_is_tight(*found)]


def bound_is_tight(*found):
    log_joint, log_q, log_p, bound, posterior = found
    p, q, joint = log_p(x), log_q(x, h), log_joint(x, h)
    same = ring(exp(q), posterior(x, h), OVER_H, OVER_X)
    # So log q is log p(x, h) − log p(x): the bound is Σ q log p(x), and Σ q is 1.
    log_posterior = ring(log(exp(A(h)) / Sum(exp(A(h)), h)), A(h) - log(Sum(exp(A(h)), h)))
    logs = [(exp(q), log_of_exp(q)), (-exp(q), rewrite(log(exp(q)), same)),
            (-exp(q), inst(log_posterior, {A: ((h,), joint)}))]  # fmt: skip
    each = combine(exp(q) * (joint - q), "==", p * exp(q), *logs)
    one = ring(Sum(exp(q), h), 1, OVER_H)
    return combine(bound(x), "==", p, (1, total(each, h)), (1, linear(h, (p, exp(q)))), (p, one)), same
