"""Chapter E for all sizes: what masks do in expectation, and the geometric mean of all masked networks.

A mask is a state m of {0,1}^H, H the hidden units: unit i is kept where m_i is 1. Each is kept on its own, with the
probability κ_i. h(i) is its activation.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import differentiate, inst, rewrite, total
from proofs.kernel.terms import (
    ONE,
    POSITIVE,
    Bit,
    Cube,
    Fold,
    Num,
    Same,
    Set,
    Sum,
    exp,
    families,
    indices,
    log,
    numbers,
)

HALF = Num(Fraction(1, 2))
HIDDEN, CLASSES = Set("hidden"), Set("classes")
i, n = indices("i n", HIDDEN)
m, = indices("m", Cube(HIDDEN))  # fmt: skip
c, k = indices("c k", CLASSES)
KAPPA, H, W, U = families("kappa h w u", HIDDEN)
KEPT, = families("kappa", HIDDEN, sign=POSITIVE)  # fmt: skip
V, = families("V", CLASSES, HIDDEN)  # fmt: skip
B, = numbers("b")  # fmt: skip
BIAS, = families("b", CLASSES)  # fmt: skip
P, = numbers("p")  # fmt: skip


def probability(kappa=KAPPA, off=None):
    """p(m) = Π_i κ_i^m_i (1 − κ_i)^(1 − m_i)."""
    return Fold(P.family, (), ONE, P * (kappa(i) * Bit(m, i) + (off or 1 - kappa(i)) * (1 - Bit(m, i))), i, ())


def probabilities_sum_to(value=1, off=None):
    """``Σ_m p(m) == 1``."""
    return induction(Sum(probability(off=off), m), "==", value, HIDDEN)


@theorem(
    "the probabilities of all 2^n masks sum to 1",
    claim="E1",
    level="A",
    sizes="any number of units, each kept with a probability of its own",
    spoiled=[
        Spoiled("a unit is dropped with the probability with which it is kept", off=KAPPA(i)),
        Spoiled("they sum to the number of masks", value=Sum(ONE, m)),
    ],
)
def test_probabilities_of_masks(value=1, off=1 - KAPPA(i)):  # noqa: B008
    return probabilities_sum_to(value, off)


def expected_sum():
    """``Σ_m p(m) Σ_i u_i m_i == Σ_i κ_i u_i``."""
    one = probabilities_sum_to()
    step = lambda more, so_far: ring(more.left, more.right, so_far, one)
    return induction(Sum(probability() * Sum(U(i) * Bit(m, i), i), m), "==", Sum(KAPPA(i) * U(i), i), HIDDEN, step=step)


@theorem(
    "a mask's expectation is the probability with which the unit is kept: E[m_i] = κ_i",
    claim="E3",
    level="A",
    sizes="any number of units, each kept with a probability of its own",
    uses=("the probabilities of all 2^n masks sum to 1",),
    spoiled=[
        Spoiled("the probability of being dropped", expected=1 - KAPPA(n)),
        Spoiled("of all units together", expected=Sum(KAPPA(i), i)),
    ],
)
def test_expected_mask(expected=KAPPA(n)):  # noqa: B008
    mean = inst(expected_sum(), {U: ((i,), Same(i, n))})
    return ring(Sum(probability() * Bit(m, n), m), expected, mean)


@theorem(
    "half of all 2^n masks keep a unit: Σ_m m_i = 2^n / 2",
    claim="E3",
    level="A",
    sizes="any number of units",
    spoiled=[Spoiled("a third of them", share=Fraction(1, 3)), Spoiled("all of them", share=1)],
)
def test_half_of_all_masks(share=HALF):
    sums = Sum(Sum(U(i) * Bit(m, i), i), m)
    all_units = induction(sums, "==", HALF * Sum(U(i), i) * Sum(ONE, m), HIDDEN)
    return ring(Sum(Bit(m, n), m), share * Sum(ONE, m), inst(all_units, {U: ((i,), Same(i, n))}))


def mean(of):
    """Σ_m p(m) of(m)."""
    return Sum(probability() * of, m)


@theorem(
    "the mean pre-activation over all masks is the pre-activation at the masks' expectation",
    claim="E3",
    level="A",
    sizes="any number of units, each kept with a probability of its own",
    uses=("a mask's expectation is the probability with which the unit is kept: E[m_i] = κ_i",),
    spoiled=[
        Spoiled("the masks' expectation forgotten at test time", at_test=ONE),
        Spoiled("the bias is masked too", bias=KAPPA(n)),
        Spoiled("the masks' variance instead", at_test=KAPPA(i) * (1 - KAPPA(i))),
    ],
)
def test_expected_logit(at_test=KAPPA(i), bias=ONE):  # noqa: B008
    sums = inst(expected_sum(), {U: ((i,), W(i) * H(i))})
    masked = mean(B + Sum(W(i) * H(i) * Bit(m, i), i))
    return ring(masked, bias * B + Sum(W(i) * H(i) * at_test, i), sums, probabilities_sum_to())


@theorem(
    "inverted masks m / κ leave the mean pre-activation as it is without masks",
    claim="E3",
    level="A",
    sizes="any number of units, each kept with a probability of its own, κ > 0",
    uses=("the mean pre-activation over all masks is the pre-activation at the masks' expectation",),
    spoiled=[Spoiled("not divided by κ", divisor=ONE), Spoiled("divided twice", divisor=KEPT(i) ** 2)],
)
def test_inverted_masks(divisor=KEPT(i)):  # noqa: B008
    sums, one = (
        inst(thm, {KAPPA: ((i,), KEPT(i))})
        for thm in (inst(expected_sum(), {U: ((i,), W(i) * H(i) / KEPT(i))}), probabilities_sum_to())
    )
    masked = Sum(probability(KEPT) * (B + Sum(W(i) * H(i) * Bit(m, i) / divisor, i)), m)
    return ring(masked, B + Sum(W(i) * H(i), i), sums, one)


def logit(c, mask=None):
    """b_c + Σ_i V_ci h_i m_i, or κ_i for m_i."""
    return BIAS(c) + Sum(V(c, i) * H(i) * (mask or Bit(m, i)), i)


def softmax(logits, c):
    """exp a_c / Σ exp a."""
    return exp(logits(c)) / Sum(exp(logits(k)), k)


def geometric_mean(c):
    """exp Σ_m p(m) log f_c, f being the output of the network with the mask m."""
    return exp(mean(log(softmax(logit, c))))


@theorem(
    "the renormalised geometric mean of all masked networks is the network at the masks' expectation",
    claim="E4",
    level="A",
    sizes="one hidden layer of any width with any activations, any number of classes; masks of any probability",
    uses=("the mean pre-activation over all masks is the pre-activation at the masks' expectation",),
    spoiled=[
        Spoiled("the masks' expectation forgotten", at_test=ONE),
        Spoiled("not renormalised", normaliser=ONE),
        Spoiled("an arithmetic mean", combined=lambda c: mean(softmax(logit, c))),
    ],
)
def test_geometric_mean(at_test=KAPPA(i), combined=geometric_mean, normaliser=None):  # noqa: B008
    sums = inst(expected_sum(), {U: ((i,), V(c, i) * H(i))})
    # The mean of log f_c is the logit at κ less what is the same for all classes, the mean of log Σ exp.
    ours, shared = logit(c, KAPPA(i)), mean(log(Sum(exp(logit(k)), k)))
    log_mean = ring(mean(log(softmax(logit, c))), ours - shared, sums, probabilities_sum_to())
    each = rewrite(geometric_mean(c), log_mean)
    left = combined(c) / (normaliser or Sum(combined(k), k))
    return ring(left, softmax(lambda k: logit(k, at_test), c), each, total(each, c))


# --- backpropagation ------------------------------------------------------------------------------------------

PRE, = families("a", HIDDEN)  # fmt: skip
NUDGE, = numbers("x")  # fmt: skip
TARGET, = indices("y", CLASSES)  # fmt: skip


def masked_logit(k, nudge=0):
    """b_k + Σ_i V_ki sigm(a_i) m_i, where ``nudge`` moves a_n."""
    return BIAS(k) + Sum(V(k, i) * sigmoid(PRE(i) + nudge * Same(i, n)) * Bit(m, i), i)


TO_HIDDEN = Sum((softmax(masked_logit, k) - Same(k, TARGET)) * V(k, n), k)
SLOPE = sigmoid(PRE(n)) * (1 - sigmoid(PRE(n)))


@theorem(
    "the mask is in the gradient: ∂(−log f(x)_y) / ∂a_i = ∂(−log f(x)_y) / ∂h_i sigm'(a_i) m_i, h being what is masked",
    claim="E2",
    level="A",
    sizes="one hidden layer of sigmoids of any width, any number of classes, every mask",
    spoiled=[
        Spoiled("the mask forgotten", gradient=TO_HIDDEN * SLOPE),
        Spoiled("the slope forgotten", gradient=TO_HIDDEN * Bit(m, n)),
        Spoiled("of the units that are dropped", gradient=TO_HIDDEN * SLOPE * (1 - Bit(m, n))),
    ],
)
def test_mask_is_in_the_gradient(gradient=TO_HIDDEN * SLOPE * Bit(m, n)):  # noqa: B008
    found = differentiate(-log(softmax(lambda k: masked_logit(k, NUDGE), TARGET)), NUDGE.family, 0)
    return ring(found.left, gradient, found)
