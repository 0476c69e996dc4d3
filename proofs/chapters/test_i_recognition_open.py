"""Claim I3 for all sizes, on shipped code: the recognition half of a layer, its own weights untied from the generative.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible units, H units of h1 and K of
h2, on either side of the branch on which of h1 and h2 has fewer units.
"""

from dataclasses import fields

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.belief import BOUND, About, Layer
from proofs.kernel.derived import ring
from proofs.kernel.lemmas import layer, sigmoid
from proofs.kernel.rules import combine
from proofs.kernel.terms import Cube, Sum, exp, families, indices
from proofs.open.dbn import SIDES, D, H, K, T, dbn, examples
from proofs.open.trace import opened
from tinygrad_dbn import exact
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import log_bernoulli_table
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

t, = indices("t", T)  # fmt: skip
i, = indices("i", D)  # fmt: skip
j, = indices("j", H)  # fmt: skip
k, = indices("k", K)  # fmt: skip
h, = indices("h", Cube(H))  # fmt: skip
X, = families("x", T, D)  # fmt: skip
R, = families("R", H, D)  # fmt: skip
U, = families("U", K, H)  # fmt: skip
C, = families("r", H)  # fmt: skip
TOP_C, = families("d", K)  # fmt: skip
ON = C(j) + Sum(R(j, i) * X(t, i), i)

RECOGNISED = (
    "the shipped recognition is sigm(c + R x) for each unit of h1, and so on for each layer above from the one below; "
    "and the shipped q(h1|x) is the product of those over units"
)
RECOGNITION = [
    Spoiled("recognition bias lost", mutated(DirectedLayer, "recognition_logits", " + self.c", "")),
    Spoiled("the generative weights", mutated(DirectedLayer, "recognition_logits", "self.R.T", "self.W.T")),
]


@theorem(
    RECOGNISED,
    claim="I3",
    level="A",
    sizes="all numbers of units and examples",
    traced=[DBN.recognise, DirectedLayer.recognition_logits, log_bernoulli_table],
    spoiled=[
        *RECOGNITION,
        Spoiled("sign flipped", mutated(DBN, "recognise", "ops.sigmoid(logits(x))", "ops.sigmoid(-logits(x))")),
        Spoiled("fed what is off", mutated(DBN, "recognise", "x = means[-1]", "x = 1 - means[-1]")),
        Spoiled("hidden bias of the top lost", mutated(RBM, "hidden_logits", " + self.c", "")),
        Spoiled(
            "q not normalised",
            mutated(exact.distributions, "log_bernoulli_table", "ops.sum(ops.softplus(", "0 * ops.sum(ops.softplus("),
        ),
    ],
)
def test_recognition():
    def run(a):
        model, x = dbn(a), examples(a)
        return [*model.recognise(x), log_bernoulli_table(model.layers[0].recognition_logits(x))]

    first, second, log_q = opened(run)
    return [
        ring(first(t, j), sigmoid(ON)),
        combine(second(t, k), "==", sigmoid(Sum(first(t, j) * U(k, j), j) + TOP_C(k))),
        ring(exp(log_q(t, h)), layer(h, j, ON)),
    ]


def audited(name, function, old, new):
    """A spoiled version of the audit or of the bound, on one side of the branch."""
    return Spoiled(name, mutated(variational.bound, function, old, new), sides=SIDES[:1])


@theorem(
    "at the shipped q(h1|x), of weights untied, the shipped log p − bound is the shipped KL, which is "
    "Σ q log(q / p(h1|x)) and is not negative",
    claim="I3, H4",
    level="A",
    sizes="all numbers of units and examples; on either side of the branch on which are fewer; one block of states",
    traced=[exact.audit, exact.bound, exact.log_likelihood],
    uses=(RECOGNISED,),
    spoiled=[
        audited("KL against the joint", "audit", "log_q - log_posterior", "log_q - joint"),
        audited("log q of the bound lost", "audit", "joint - log_q", "joint"),
        audited("entropy counted twice", "bound", "prior) - log_q", "prior) - 2 * log_q"),
        audited("another joint, for which the residual is zero too", "_log_joint", " + prior", " + 0 * prior"),
    ],
)
def test_gap(sides=SIDES):
    about = About()
    return [thm for side in sides for thm in gap_is_the_divergence(about, side)]


def gap_is_the_divergence(about, side):
    def run(a):
        model, x = dbn(a), examples(a)
        audit, first = exact.audit(model, x), model.layers[0]
        logits = first.recognition_logits(x)
        return [
            *(getattr(audit, f.name) for f in fields(audit)), exact.bound(model, x), exact.log_likelihood(model, x),
            first.log_conditional(x, exact.states(first.W.shape[0])), log_bernoulli_table(logits), logits,
            exact.log_prior(model),
        ]  # fmt: skip

    *found, given, log_q, logits, prior = opened(run, ascending=side)
    log_p, bound, kl, residual, lower, log_likelihood = (of(t) for of in found)
    one = Layer(about, t, j, h, given(t, h), log_q(t, h), logits(t, j), prior(h), prior(h))
    gap, own = one.gap(), one.divergence()
    return [
        combine(kl, "==", own.right, (1, own)),
        combine(bound, "==", one.of(BOUND)),
        combine(kl, ">=", 0, (1, one.not_negative())),
        combine(log_p - bound, "==", kl, (1, gap)),
        combine(residual, "==", 0, (1, gap)),
        combine(lower, "==", bound),
        combine(log_likelihood, "==", log_p),
    ]
