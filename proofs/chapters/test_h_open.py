"""Chapter H for all sizes, on shipped code: the bound of a DBN with one directed layer, its posterior and its audit.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible units, H units of h1 and K of
h2, once for fewer units in h1 than in h2 and once for fewer in h2, for log Z is a sum over the states of the smaller
side. q(t, h) >= 0 is q(h1|x_t), and log 0 is 0, as in Coq's reals.
"""

from dataclasses import fields

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import derive, ring, summed
from proofs.kernel.lemmas import cube_sum, divergence_of_a_state, log_of_ratio
from proofs.kernel.rules import assume, combine, inst, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import NONNEGATIVE, Bit, Cube, Sum, exp, families, indices, log, sum_over
from proofs.open.dbn import D, H, K, T, dbn, examples, on_both_sides
from proofs.open.trace import distributions
from tinygrad_dbn import exact
from tinygrad_dbn.exact import variational
from tinygrad_dbn.models import DirectedLayer

t, = indices("t", T)  # fmt: skip
i, = indices("i", D)  # fmt: skip
j, = indices("j", H)  # fmt: skip
k, = indices("k", K)  # fmt: skip
h, = indices("h", Cube(H))  # fmt: skip
h2, = indices("h2", Cube(K))  # fmt: skip
Q, = families("q", T, Cube(H), sign=NONNEGATIVE)  # fmt: skip
A, = families("log_p", T, Cube(H))  # fmt: skip
SUMS_TO_ONE = assume(Sum(Q(t, h), h), "==", 1)
MARGINAL = Sum(exp(A(t, h)), h)


def recognised(a):
    return a("q", T, Cube(H), sign=NONNEGATIVE, like=distributions)


SIZES = "all numbers of units and examples; traced on either side of the branch on which are fewer; one block of states"


def joint(read):
    """log p(x_t, h1), for every state of h1, by the shipped conditional and the shipped prior."""

    def run(a):
        model = dbn(a)
        hidden = exact.states(a("a", H).shape[0])
        return model.layers[0].log_conditional(examples(a), hidden) + exact.log_prior(model)

    return read(run)(t, h)


def about(thm, log_joint):
    """A theorem about any log p(x, h) and q, of the shipped one."""
    return inst(thm, {A: ((t, h), log_joint)})


PRIOR_LOST = mutated(variational.bound, "_log_joint", " + prior", " + 0 * prior")


def lecture_joint():
    """Π_i p(x_i|h1) times Σ_h2 exp(−E(h1, h2)) / Z, both by their formulas."""
    W, = families("W", H, D)  # fmt: skip
    B, = families("b", D)  # fmt: skip
    U, = families("U", K, H)  # fmt: skip
    X, = families("x", T, D)  # fmt: skip
    lower, = families("a", H)  # fmt: skip
    upper, = families("d", K)  # fmt: skip
    field = B(i) + Sum(Bit(h, j) * W(j, i), j)
    conditional = exp(Sum(X(t, i) * field - log(1 + exp(field)), i))
    of_h1, of_h2 = exp(Sum(Bit(h, j) * lower(j), j)), exp(Sum(Bit(h2, k) * upper(k), k))
    up, down = upper(k) + Sum(U(k, j) * Bit(h, j), j), lower(j) + Sum(U(k, j) * Bit(h2, k), k)
    weight = of_h1 * exp(Sum(Bit(h2, k) * up, k))
    prior = Sum(weight, h2) / sum_over(h, h2, of=weight)
    over_h2, over_h1 = cube_sum(h2, k, up), cube_sum(h, j, down)
    return conditional * prior, over_h2, summed(over_h2, h, of_h1), summed(over_h1, h2, of_h2)


@theorem(
    "the shipped log p(x, h1) is the lecture's, Π_i p(x_i|h1) Σ_h2 exp(−E(h1, h2)) / Z; log p(x) is log Σ_h1 of it",
    claim="G1, G2, G5",
    level="A",
    sizes=SIZES,
    traced=[exact.log_prior, DirectedLayer.log_conditional, exact.log_likelihood],
    spoiled=[
        Spoiled(
            "the conditional not normalised",
            mutated(DirectedLayer, "log_conditional", " - ops.sum(ops.softplus(a), axis=-1)", ""),
        ),
        Spoiled("top RBM not normalised", mutated(exact.marginals, "log_marginal", " - log_partition(dbn.top)", "")),
        Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
        Spoiled("prior forgotten", mutated(exact.marginals, "log_mixture", " + prior[", " + 0 * prior[")),
    ],
)
def test_joint():
    return on_both_sides(joint_is_the_lectures)


def joint_is_the_lectures(read):
    shipped = joint(read)
    lecture, *closed = lecture_joint()
    likelihood = read(lambda a: exact.log_likelihood(dbn(a), examples(a)))(t)
    return ring(exp(shipped), lecture, *closed), combine(likelihood, "==", log(Sum(exp(shipped), h)))


# --- every q --------------------------------------------------------------------------------------------------


def posterior(h):
    """p(h1|x), for a log p(x, h1)."""
    return exp(A(t, h)) / MARGINAL


def bound_below():
    """``log Σ_h exp(a_h) >= Σ_h q_h (a_h − log q_h)``."""
    each = total(divergence_of_a_state(Q(t, h), posterior(h)), h)
    bound = Sum(Q(t, h) * (A(t, h) - log(Q(t, h))), h)
    return derive(log(MARGINAL), ">=", bound, (1, each), given=[SUMS_TO_ONE])


SPOILED_BOUND = [
    Spoiled("prior forgotten", PRIOR_LOST),
    Spoiled("entropy counted twice", mutated(variational.bound, "bound", "prior) - log_q", "prior) - 2 * log_q")),
    Spoiled("another x", mutated(variational.bound, "_log_joint", "(X, states", "(1 - X, states")),
]


@theorem(
    "the shipped log p(x) is no less than the shipped bound, for every q, also with zeros",
    claim="H2",
    level="A",
    sizes=f"{SIZES}, q >= 0",
    traced=[exact.bound, exact.log_likelihood],
    spoiled=[
        *SPOILED_BOUND,
        Spoiled("q not normalised", normalised=False),
        Spoiled("the inequality turned round", sign=-1),
    ],
)
def test_bound(normalised=True, sign=1):
    return on_both_sides(lambda read: bound_is_below(read, normalised, sign))


def bound_is_below(read, normalised, sign):
    def run(a):
        model, x = dbn(a), examples(a)
        return exact.log_likelihood(model, x), exact.bound(model, x, recognised(a))

    log_p, bound = (found(t) for found in read(run))
    known = [(1, about(bound_below(), joint(read)))] * normalised
    return [combine(sign * (log_p - bound), ">=", 0, *known)]


def tight():
    """``Σ_h p (a_h − log p) == log Σ_h exp(a_h)``, p being the posterior."""
    return ring(Sum(posterior(h) * (A(t, h) - log(posterior(h))), h), log(MARGINAL))


@theorem(
    "the shipped posterior is p(x, h1) / p(x), and the shipped bound at it is the shipped log p(x)",
    claim="H3",
    level="A",
    sizes=SIZES,
    traced=[exact.posterior, exact.bound, exact.log_likelihood],
    spoiled=[
        *SPOILED_BOUND,
        Spoiled(
            "posterior forgets the prior",
            mutated(variational.bound, "posterior", "log_prior(dbn)", "0 * log_prior(dbn)"),
        ),
    ],
)
def test_tight():
    return on_both_sides(bound_is_tight)


def bound_is_tight(read):
    def run(a):
        model, x = dbn(a), examples(a)
        return exact.log_likelihood(model, x), exact.bound(model, x, recognised(a)), exact.posterior(model, x)

    log_p, bound, q = read(run)
    wanted = put(posterior(h), {A: ((t, h), joint(read))})
    at_q = put(bound(t), {Q: ((t, h), q(t, h))})
    return combine(at_q, "==", log_p(t), (1, about(tight(), joint(read)))), combine(q(t, h), "==", wanted)


def gap():
    """``log Σ_h exp(a_h) − Σ_h q_h (a_h − log q_h) == Σ_h q_h (log q_h − (a_h − log Σ exp a))``."""
    bound = Sum(Q(t, h) * (A(t, h) - log(Q(t, h))), h)
    kl = Sum(Q(t, h) * (log(Q(t, h)) - (A(t, h) - log(MARGINAL))), h)
    return ring(log(MARGINAL) - bound, kl, SUMS_TO_ONE)


def divergence():
    """``Σ_h q_h (log q_h − (a_h − log Σ exp a)) == Σ_h q_h log(q_h / p_h)``, p being the posterior."""
    kl = Sum(Q(t, h) * (log(Q(t, h)) - (A(t, h) - log(MARGINAL))), h)
    each = total(log_of_ratio(Q(t, h), posterior(h)), h)
    return derive(kl, "==", each.left, (-1, each))


@theorem(
    "the shipped audit's log p − bound is its KL, which is Σ q log(q / p(h1|x)); its residual is 0",
    claim="H4",
    level="A",
    sizes=f"{SIZES}, q >= 0",
    traced=[exact.audit, exact.bound, exact.log_likelihood],
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled(
            "KL the other way round",
            mutated(variational.bound, "audit", "log_q - log_posterior", "log_posterior - log_q"),
        ),
        Spoiled("KL against the joint", mutated(variational.bound, "audit", "log_q - log_posterior", "log_q - joint")),
        Spoiled("another joint, for which the residual is zero too", PRIOR_LOST),
    ],
)
def test_gap(normalised=True):
    return on_both_sides(lambda read: gap_is_the_divergence(read, normalised))


def gap_is_the_divergence(read, normalised):
    def run(a):
        model, x, q = dbn(a), examples(a), recognised(a)
        audit = exact.audit(model, x, q)
        return [
            exact.log_likelihood(model, x),
            exact.bound(model, x, q),
            *(getattr(audit, f.name) for f in fields(audit)),
        ]

    log_likelihood, lower, log_p, bound, kl, residual = (found(t) for found in read(run))
    shipped = joint(read)
    known = [(1, about(gap(), shipped))] * normalised
    lecture = about(divergence(), shipped)
    return [
        combine(log_p - bound, "==", kl, *known),
        combine(residual, "==", 0, *known),
        combine(kl, "==", lecture.right, (1, lecture)),
        combine(log_p, "==", log_likelihood),
        combine(bound, "==", lower),
    ]
