"""Chapter E for all sizes: what masks do in expectation, and the geometric mean of all masked networks.

Notation: the index t runs over all masks m, drawn with probability π[t]; the index i over hidden units in E3, over
classes in E4. m[i,t] is unit i's mask in the draw t, h[i] its activation and w[i] its weight upwards.
"""

from sympy import Rational, log

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import Sigma, Sigma_t, assume, family, fubini, real, ring, total, unique

(pi,) = family("pi", over="t")
(m,) = family("m", positive=False, over="i,t")
h, w = family("h w", positive=False)
(b,) = real("b")
kappa, k, S, t = real("kappa k S t", positive=True)  # kappa: the probability with which a unit is kept


def expected_mask(kept=kappa):
    """E[m_i] = kappa, and the probabilities of the masks sum to one."""
    return assume(Sigma_t(pi * m) - kept), assume(Sigma_t(pi) - 1)


def model():
    """Two units, of which each draw drops one."""
    half = Rational(1, 2)
    return {pi: (half, half), m: ((0, 1), (1, 0)), kappa: half, h: (3, 5), w: (2, 7), b: 1}


@theorem(
    "the mean pre-activation over all masks is the pre-activation at the masks' expectation",
    claim="E3",
    level="A",
    sizes="any number of units, any distribution of masks",
    spoiled=[
        Spoiled("the masks' expectation forgotten at test time", at_test=1),
        Spoiled("the bias is masked too", bias=kappa),
        Spoiled("probabilities that do not sum to one", normalised=False),
    ],
)
def test_expected_logit(at_test=kappa, bias=1, normalised=True):
    mean_mask, normal = expected_mask()
    masked = Sigma_t(pi * (b + Sigma(w * h * m)))
    per_unit = total(ring(w * h * Sigma_t(pi * m) - w * h * kappa, mean_mask))
    thm = ring(masked - bias * b - at_test * Sigma(w * h), fubini(pi * w * h * m), per_unit, *[normal] * normalised)
    return require_model(thm, model())


@theorem(
    "inverted masks m / κ leave the mean pre-activation as it is; they are classical ones under weights w / κ",
    claim="E3",
    level="A",
    sizes="any number of units, any distribution of masks",
    spoiled=[Spoiled("not divided by κ", divisor=1), Spoiled("divided twice", divisor=kappa**2)],
)
def test_inverted_masks(divisor=kappa):
    mean_mask, normal = expected_mask()
    ring(Sigma(w * h * (m / divisor)) - Sigma(w / kappa * h * m))
    masked = Sigma_t(pi * (b + Sigma(w * h * m / divisor)))
    per_unit = total(ring(w * h * Sigma_t(pi * m / divisor) - w * h, mean_mask))
    thm = ring(masked - b - Sigma(w * h), fubini(pi * w * h * m / divisor), per_unit, normal)
    return require_model(thm, model())


e, G = family("e G")
(a,) = family("a", positive=False, over="i,t")
(z,) = family("z", over="t")


@theorem(
    "the renormalised geometric mean of all masked networks is softmax at the mean logits",
    claim="E4",
    level="A",
    sizes="any number of masks and of classes, any logits",
    uses=("the mean pre-activation over all masks is the pre-activation at the masks' expectation",),
    spoiled=[
        Spoiled("another mean of the logits", mean=Sigma_t(a)),
        Spoiled("not renormalised", renormalised=False),
        Spoiled("a normaliser that differs between classes", normaliser=log(z) * e),
    ],
)
def test_geometric_mean(mean=Sigma_t(pi * a), renormalised=True, normaliser=log(z)):  # noqa: B008
    # e[i]: odds at the mean logits; G[i]: the geometric mean of exp(a[i,t]) / z[t]; log k: the mean of log z.
    given = (
        assume(log(e) - mean),
        assume(log(G) - Sigma_t(pi * (a - normaliser))),
        assume(log(k) - Sigma_t(pi * log(z))),
    )
    ratio = unique(log(t), t, G * k / e, *given)  # log(G k / e) = 0
    S_of_G = S / k if renormalised else 1
    sums = assume(Sigma(e) - S)
    ring(Sigma(G) - S / k, total(ring(G - e / k, ratio)), sums)
    return ring(G / S_of_G - e / S, ratio)
