"""Chapter H: the variational bound, for every finite set of hidden states.

Notation: the index runs over the hidden states h.  ``q[i]`` is q(h|x) > 0, ``p[i]`` is p(x,h) > 0 and P is
p(x) = Sigma(p).  Hidden states of probability zero are left out of the index set: they add 0 log 0 = 0.
"""

from sympy import Rational, log

from proofs.kernel import Sigma, assume, family, inst, minimum, real, ring, scale, total, transport
from proofs.model import require_model
from proofs.theorem import Spoiled, theorem

a, p, q, r = family("a p q r")
A, P, t = real("A P t", positive=True)

THIRDS = (Rational(1, 3), Rational(2, 3))
FIFTHS = (Rational(1, 5), Rational(4, 5))


def tangent(offset=1):
    """log t <= t - 1: the tangent at 1 lies above the logarithm."""
    return minimum(t - offset - log(t), t)


def summed_tangent(weights, point, weighted=True):
    """Sigma(weights * (point - 1 - log point)) >= 0."""
    thm = inst(tangent(), {t: point})
    return total(scale(thm, weights if weighted else 1))


@theorem(
    "log Σ ω a >= Σ ω log a for weights ω > 0 that sum to 1 and a > 0",
    claim="H1",
    level="A",
    sizes="any finite set",
    spoiled=[
        Spoiled("weights not normalised", normalised=False),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("a tangent that cuts the logarithm", offset=2),
    ],
)
def test_jensen(normalised=True, sign=1, offset=1):
    given = [assume(Sigma(q * a) - A)] + [assume(Sigma(q) - 1)] * normalised
    thm = total(scale(inst(tangent(offset), {t: a / A}), q))
    jensen = transport(sign * (log(A) - Sigma(q * log(a))), thm, *given)
    require_model(jensen, {q: THIRDS, a: (3, 6), A: 5})


@theorem(
    "log p(x) >= Σ q log p(x,h) − Σ q log q for every q",
    claim="H2",
    level="A",
    sizes="any finite set",
    uses=("log t <= t - 1",),
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
    require_model(thm, {q: THIRDS, p: FIFTHS, P: 1})


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
    require_model(thm, {p: THIRDS, P: 1})


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
    require_model(thm, {q: THIRDS, p: FIFTHS, P: 1})


@theorem(
    "KL(q‖r) >= 0",
    claim="H4",
    level="A",
    sizes="any finite set",
    uses=("log t <= t - 1",),
    spoiled=[
        Spoiled("q not normalised", known=(r,)),
        Spoiled("r not normalised", known=(q,)),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("not weighted by q", weighted=False),
    ],
)
def test_divergence_is_not_negative(known=(q, r), sign=1, weighted=True):
    given = [assume(Sigma(distribution) - 1) for distribution in known]
    thm = transport(sign * Sigma(q * log(q / r)), summed_tangent(q, r / q, weighted), *given)
    require_model(thm, {q: THIRDS, r: FIFTHS})
