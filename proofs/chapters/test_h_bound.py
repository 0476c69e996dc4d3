"""Chapter H: the variational bound, for every finite set of hidden states.

Notation: the index runs over the hidden states h.  ``q[i]`` is q(h|x) > 0, ``p[i]`` is p(x,h) > 0 and P is
p(x) = Sigma(p).  Where q may be zero its entropy is made of xlogx(q), which is 0 at 0.
"""

from sympy import Rational, log

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import (
    Sigma,
    add,
    assume,
    cases,
    family,
    inst,
    minimum,
    nonneg,
    real,
    ring,
    scale,
    total,
    transport,
    unique,
    vanish,
    xlogx,
)

a, p, q, r = family("a p q r")
(q0,) = family("q", nonnegative=True)
A, P, t, l = real("A P t l", positive=True)

THIRDS = (Rational(1, 3), Rational(2, 3))
FIFTHS = (Rational(1, 5), Rational(4, 5))


def tangent():
    """log t <= t - 1: the tangent at 1 lies above the logarithm."""
    return minimum(t - 1 - log(t), t)


def summed_tangent(weights, point):
    """Sigma(weights * (point - 1 - log point)) >= 0."""
    return total(scale(inst(tangent(), {t: point}), weights))


@theorem(
    "log Σ ω a >= Σ ω log a for weights ω > 0 that sum to 1 and a > 0",
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
    given = [assume(Sigma(q * a) - A)] + [assume(Sigma(q) - 1)] * normalised
    jensen = transport(sign * (log(A) - times * Sigma(q * log(a))), summed_tangent(q, a / A), *given)
    return require_model(jensen, {q: THIRDS, a: (3, 6), A: 5})


@theorem(
    "log p(x) >= Σ q log p(x,h) − Σ q log q for every q",
    claim="H2",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled("p(x) is not the sum of p(x,h)", marginal=2),
        Spoiled("the entropy with the wrong sign", entropy=-1),
        Spoiled("the inequality turned round", sign=-1),
    ],
)
def test_bound(normalised=True, marginal=1, entropy=1, sign=1):
    given = [assume(Sigma(p) - marginal * P)] + [assume(Sigma(q) - 1)] * normalised
    bound = Sigma(q * log(p)) - entropy * Sigma(q * log(q))
    thm = transport(sign * (log(P) - bound), summed_tangent(q, p / (P * q)), *given)
    return require_model(thm, {q: THIRDS, p: FIFTHS, P: 1})


@theorem(
    "the bound is log p(x) when q(h|x) = p(h|x)",
    claim="H3",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("q = p(x,h), not normalised", posterior=p),
        Spoiled("q = p(h|x) to another power", posterior=(p / P) ** 2),
        Spoiled("the entropy is missing", entropy=0),
    ],
)
def test_tight_at_the_posterior(posterior=p / P, entropy=1):
    bound = Sigma(posterior * log(p)) - entropy * Sigma(posterior * log(posterior))
    thm = ring(log(P) - bound, assume(Sigma(p) - P))
    return require_model(thm, {p: THIRDS, P: 1})


@theorem(
    "log p(x) − bound = KL(q‖p(h|x))",
    claim="H4",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled("the divergence turned round", gap=Sigma(p / P * log(p / P / q))),
        Spoiled("divergence to the joint, not to the posterior", gap=Sigma(q * log(q / p))),
    ],
)
def test_gap_is_the_divergence(normalised=True, gap=Sigma(q * log(q / (p / P)))):  # noqa: B008
    given = [assume(Sigma(q) - 1)] * normalised
    thm = ring(log(P) - Sigma(q * log(p / q)) - gap, *given)
    return require_model(thm, {q: THIRDS, p: FIFTHS, P: 1})


@theorem(
    "KL(q‖r) >= 0",
    claim="H4",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("q not normalised", known=(r,)),
        Spoiled("r not normalised", known=(q,)),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("not weighted by q", weight=1),
    ],
)
def test_divergence_is_not_negative(known=(q, r), sign=1, weight=q):
    given = [assume(Sigma(distribution) - 1) for distribution in known]
    thm = transport(sign * Sigma(weight * log(q / r)), summed_tangent(q, r / q), *given)
    return require_model(thm, {q: THIRDS, r: FIFTHS})


def kept_terms(weight, point, *given):
    """point[i] == 1 for all i, because Sigma(weight * (point - 1 - log point)) == 0 though no term is negative."""
    each = scale(inst(tangent(), {t: point}), weight)
    zero = vanish(each, *given)
    return unique(t - 1 - log(t), t, point, scale(zero, 1 / weight))


@theorem(
    "Jensen's inequality is an equality only if all a are equal: to A = Σ ω a",
    claim="H1",
    level="A",
    sizes="any finite set, ω > 0",
    uses=("log Σ ω a >= Σ ω log a for weights ω > 0 that sum to 1 and a > 0",),
    spoiled=[
        Spoiled("without the equality", equal=False),
        Spoiled("weights not normalised", normalised=False),
        Spoiled("all equal to another number", factor=2),
    ],
)
def test_jensen_is_strict(equal=True, normalised=True, factor=1):
    given = [assume(Sigma(q * a) - A)] + [assume(Sigma(q) - 1)] * normalised
    given += [assume(Sigma(q * log(a)) - log(A))] * equal
    thm = kept_terms(q, a / A, *given)
    return require_model(ring(a - factor * A, thm), {q: THIRDS, a: (4, 4), A: 4})


@theorem(
    "KL(q‖r) = 0 only if q = r",
    claim="H4",
    level="A",
    sizes="any finite set, q and r > 0",
    uses=("KL(q‖r) >= 0",),
    spoiled=[
        Spoiled("without KL = 0", zero=False),
        Spoiled("q not normalised", known=(r,)),
        Spoiled("r not normalised", known=(q,)),
    ],
)
def test_divergence_is_zero_only_if_equal(zero=True, known=(q, r)):
    given = [assume(Sigma(distribution) - 1) for distribution in known]
    given += [assume(Sigma(q * log(q / r)))] * zero
    thm = ring(q - r, kept_terms(q, r / q, *given))
    return require_model(thm, {q: THIRDS, r: THIRDS})


def gibbs():
    """xlogx(q) - q log p - q + p >= 0 for q >= 0 and p > 0: the tangent, also where q is zero."""
    expr = xlogx(q0) - q0 * log(p) - q0 + p
    elsewhere = transport(expr.subs(q0, q), scale(inst(tangent(), {t: p / q}), q))
    return cases(expr, q0, nonneg(p), elsewhere)


@theorem(
    "log p(x) >= Σ q log p(x,h) − Σ q log q for every q, also with zeros",
    claim="H2",
    level="A",
    sizes="any finite set, q >= 0",
    spoiled=[
        Spoiled("q not normalised", normalised=False),
        Spoiled("p(x) is not the sum of p(x,h)", marginal=2),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("the entropy counted twice", entropy=2),
    ],
)
def test_bound_with_zeros(normalised=True, marginal=1, sign=1, entropy=1):
    given = [assume(Sigma(p) - marginal * P)] + [assume(Sigma(q0) - 1)] * normalised
    per_state = inst(gibbs(), {p: p / P})
    bound = Sigma(q0 * log(p)) - entropy * Sigma(xlogx(q0))
    thm = transport(sign * (log(P) - bound), total(per_state), *given)
    return require_model(thm, {q0: (0, 1), p: FIFTHS, P: 1})


@theorem(
    "the further q, the looser: KL((1 − λ) p + λ q ‖ p) <= λ KL(q‖p), so the gap rises along the path from p to q",
    claim="H4",
    level="A",
    sizes="any finite set, 0 < λ < 1; later points of the path by taking them for q",
    spoiled=[
        Spoiled("without λ", share=1),
        Spoiled("below λ² KL too", power=2),
        Spoiled("the inequality turned round", sign=-1),
    ],
)
def test_gap_along_a_mixture(share=l / (1 + l), power=1, sign=1):
    # λ = l / (1 + l). For each state: λ t log t >= m log m + ..., the tangent of x log x at m, summed with weights.
    weight = l / (1 + l)
    mixture = (1 - share) * p + share * q
    at_q = scale(inst(tangent(), {t: mixture / q}), weight * q)  # q log(q/m) - q + m >= 0
    at_p = scale(inst(tangent(), {t: mixture / p}), (1 - weight) * p)
    per_state = add(at_q, at_p)
    apart = weight**power * Sigma(q * log(q / p)) - Sigma(mixture * log(mixture / p))
    thm = transport(sign * apart, total(per_state))
    return require_model(thm, {p: THIRDS, q: FIFTHS, l: 3})
