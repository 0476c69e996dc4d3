"""Chapter H: the variational bound, for every finite set of hidden states.

Notation: the index h runs over the hidden states. q(h) is q(h|x), p(h) > 0 is p(x, h), and p(x) is Σ p(h). log 0 is 0
here, so q log q is 0 at q = 0.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import derive, ring, summed
from proofs.kernel.lemmas import divergence_of_a_state, log_below_tangent, log_of_ratio, log_touches_tangent
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, combine, total, vanish
from proofs.kernel.terms import NONNEGATIVE, ONE, POSITIVE, Set, Sum, families, indices, log, numbers

STATES = Set("states")
h, = indices("h", STATES)  # fmt: skip
OMEGA, Q = families("omega q", STATES, sign=NONNEGATIVE)
ALPHA, P, R, Q_ABOVE = families("a p r q", STATES, sign=POSITIVE)
A, = numbers("A", sign=POSITIVE)  # fmt: skip
L, = numbers("l", sign=NONNEGATIVE)  # fmt: skip

THIRDS = (Fraction(1, 3), Fraction(2, 3))
FIFTHS = (Fraction(1, 5), Fraction(4, 5))
MARGINAL = Sum(P(h), h)
POSTERIOR = P(h) / MARGINAL
MIXTURE = (P(h) + L * Q(h)) / (1 + L)


def sums_to(family, value=1):
    """The assumption Σ family = value."""
    return assume(Sum(family(h), h), "==", value)


@theorem(
    "log Σ ω a >= Σ ω log a for weights ω >= 0 that sum to 1 and a > 0",
    claim="H1",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("weights not normalised", normalised=False),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("twice the mean of the logarithms", times=2),
    ],
)
def test_jensen(normalised=True, sign=1, times=1):
    given = [assume(Sum(OMEGA(h) * ALPHA(h), h), "==", A)] + [sums_to(OMEGA)] * normalised
    tangent = log_below_tangent(ALPHA(h) / A)
    apart = log(A) - times * Sum(OMEGA(h) * log(ALPHA(h)), h)
    thm = derive(sign * apart, ">=", 0, (1, summed(tangent, h, OMEGA(h))), given=given)
    return require_model(thm, {OMEGA: (*THIRDS, 0), ALPHA: (3, 6, 1), A.family: 5})


@theorem(
    "log p(x) >= Σ q log p(x,h) − Σ q log q for every q, also with zeros",
    claim="H2",
    level="A",
    sizes="any finite set, q >= 0",
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled("p(x) is half the sum of p(x,h)", marginal=MARGINAL / 2),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("the entropy counted twice", entropy=2),
    ],
)
def test_bound(normalised=True, marginal=MARGINAL, sign=1, entropy=1):
    bound = Sum(Q(h) * log(P(h)), h) - entropy * Sum(Q(h) * log(Q(h)), h)
    each = total(divergence_of_a_state(Q(h), POSTERIOR), h)
    thm = derive(sign * (log(marginal) - bound), ">=", 0, (1, each), given=[sums_to(Q)] * normalised)
    return require_model(thm, {Q: (0, 1), P: FIFTHS})


@theorem(
    "the bound is log p(x) when q(h|x) = p(h|x)",
    claim="H3",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("q = p(x,h), not normalised", posterior=P(h)),
        Spoiled("q = p(h|x) to another power", posterior=POSTERIOR**2),
        Spoiled("the entropy is missing", entropy=0),
    ],
)
def test_tight_at_the_posterior(posterior=POSTERIOR, entropy=1):
    bound = Sum(posterior * log(P(h)), h) - entropy * Sum(posterior * log(posterior), h)
    return ring(log(MARGINAL), bound)


def divergence(q_of_h, r_of_h):
    """KL(q‖r) = Σ q log(q/r)."""
    return Sum(q_of_h * log(q_of_h / r_of_h), h)


def taken_apart(q_of_h, r_of_h):
    """``KL(q‖r) == Σ q log q − Σ q log r``."""
    return total(log_of_ratio(q_of_h, r_of_h), h)


@theorem(
    "log p(x) − bound = KL(q‖p(h|x))",
    claim="H4",
    level="A",
    sizes="any finite set, q >= 0",
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled("another posterior", posterior=R(h)),
        Spoiled("divergence to the joint, not to the posterior", posterior=P(h)),
        Spoiled("the entropy counted twice", entropy=2),
    ],
)
def test_gap_is_the_divergence(normalised=True, posterior=POSTERIOR, entropy=1):
    gap = log(MARGINAL) - (Sum(Q(h) * log(P(h)), h) - entropy * Sum(Q(h) * log(Q(h)), h))
    given = [taken_apart(Q(h), posterior)] + [sums_to(Q)] * normalised
    return require_model(ring(gap, divergence(Q(h), posterior), *given), {Q: (0, 1), P: FIFTHS, R: THIRDS})


@theorem(
    "KL(q‖r) >= 0",
    claim="H4",
    level="A",
    sizes="any finite set, q >= 0",
    spoiled=[
        Spoiled("q not normalised", known=(R,)),
        Spoiled("r not normalised", known=(Q,)),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("not weighted by q", weight=ONE),
    ],
)
def test_divergence_is_not_negative(known=(Q, R), sign=1, weight=Q(h)):  # noqa: B008
    kl = Sum(weight * log(Q(h) / R(h)), h)
    given = [taken_apart(Q(h), R(h)), *map(sums_to, known)]
    thm = derive(sign * kl, ">=", 0, (1, total(divergence_of_a_state(Q(h), R(h)), h)), given=given)
    return require_model(thm, {Q: (0, 1), R: FIFTHS})


@theorem(
    "KL(q‖r) >= Σ (q − r)² / 2 (q + r): the further q is from r, the larger, and 0 only if they are equal",
    claim="H4",
    level="A",
    sizes="any finite set, q >= 0",
    uses=("KL(q‖r) >= 0",),
    spoiled=[
        Spoiled("q not normalised", known=(R,)),
        Spoiled("r not normalised", known=(Q,)),
        Spoiled("three times as large", factor=3),
    ],
)
def test_divergence_grows_with_the_distance(known=(Q, R), factor=1):
    apart = Sum((Q(h) - R(h)) ** 2 / (2 * (Q(h) + R(h))), h)
    each = divergence_of_a_state(Q(h), R(h), middle=(Q(h) + R(h)) / 2)
    square = combine(each.right, "==", Q(h) - R(h) + (Q(h) - R(h)) ** 2 / (2 * (Q(h) + R(h))))
    as_squares = combine(each.left, ">=", square.right, (1, each), (1, square))
    given = [taken_apart(Q(h), R(h)), *map(sums_to, known)]
    thm = derive(divergence(Q(h), R(h)), ">=", factor * apart, (1, total(as_squares, h)), given=given)
    return require_model(thm, {Q: (0, 1), R: FIFTHS})


def kept_terms(weight, point, *given):
    """point(h) == 1 for all h, because Σ weight (point − 1 − log point) is 0, though no term is negative."""
    each = log_below_tangent(point)
    each = combine(weight * (point - 1), ">=", weight * log(point), (weight, each))
    zero = ring(Sum(each.left, h), Sum(each.right, h), *given)
    touching = vanish(each, zero, h)
    return log_touches_tangent(combine(point - 1, "==", log(point), (1 / weight, touching)), point)


@theorem(
    "Jensen's inequality is an equality only if all a are equal: to A = Σ ω a",
    claim="H1",
    level="A",
    sizes="any finite set, ω > 0",
    uses=("log Σ ω a >= Σ ω log a for weights ω >= 0 that sum to 1 and a > 0",),
    spoiled=[
        Spoiled("without the equality", equal=False),
        Spoiled("weights not normalised", normalised=False),
        Spoiled("all equal to another number", factor=2),
        Spoiled("weights that may be zero", weight=OMEGA),
    ],
)
def test_jensen_is_strict(equal=True, normalised=True, factor=1, weight=Q_ABOVE):
    given = [assume(Sum(weight(h) * ALPHA(h), h), "==", A)] + [sums_to(weight)] * normalised
    given += [assume(Sum(weight(h) * log(ALPHA(h)), h), "==", log(A))] * equal
    touching = kept_terms(weight(h), ALPHA(h) / A, *given)
    thm = combine(ALPHA(h), "==", factor * A, (A, touching))
    return require_model(thm, {weight: THIRDS, ALPHA: (4, 4), A.family: 4})


@theorem(
    "KL(q‖r) = 0 only if q = r",
    claim="H4",
    level="A",
    sizes="any finite set, q and r > 0",
    uses=("KL(q‖r) >= 0",),
    spoiled=[
        Spoiled("without KL = 0", zero=False),
        Spoiled("r not normalised", known=(Q_ABOVE,)),
        Spoiled("only if q is twice r", factor=2),
    ],
)
def test_divergence_is_zero_only_if_equal(zero=True, known=(Q_ABOVE, R), factor=1):
    given = [sums_to(distribution) for distribution in known]
    given += [assume(divergence(Q_ABOVE(h), R(h)), "==", 0)] * zero
    touching = kept_terms(Q_ABOVE(h), R(h) / Q_ABOVE(h), *given)
    thm = combine(Q_ABOVE(h), "==", factor * R(h), (-Q_ABOVE(h), touching))
    return require_model(thm, {Q_ABOVE: THIRDS, R: THIRDS})


@theorem(
    "the further q, the looser: KL((1 − λ) p + λ q ‖ p) <= λ KL(q‖p), so the gap rises along the path from p to q",
    claim="H4",
    level="A",
    sizes="any finite set, q >= 0, 0 <= λ < 1; later points of the path by taking them for q",
    spoiled=[
        Spoiled("without λ", mixture=Q(h)),
        Spoiled("below λ² KL too", power=2),
        Spoiled("the inequality turned round", sign=-1),
    ],
)
def test_gap_along_a_mixture(mixture=MIXTURE, power=1, sign=1):
    # Each state by the divergences of q and of p from the mixture, with weights λ = l / (1 + l) and 1 − λ.
    weight = L / (1 + L)
    kl, kl_of_mixture = divergence(Q(h), P(h)), divergence(mixture, P(h))
    at_q = total(divergence_of_a_state(Q(h), mixture), h)
    at_p = total(divergence_of_a_state(P(h), mixture), h)
    given = taken_apart(Q(h), P(h)), taken_apart(mixture, P(h))
    tangents = (weight, at_q), (1 / (1 + L), at_p)
    thm = derive(sign * (weight**power * kl - kl_of_mixture), ">=", 0, *tangents, given=given)
    return require_model(thm, {P: THIRDS, Q: (0, 1), L.family: 3})
