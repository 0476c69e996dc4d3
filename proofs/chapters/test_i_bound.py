"""Chapter I for all sizes: what a second layer is trained on, what training it does to the likelihood, and stacking.

Notation: the index h runs over the hidden states, t over the examples; w(t) >= 0 is an example's share of the data,
q(t, h) is q(h|x_t) >= 0, c(t, h) > 0 is p(x_t|h), and π(h), ρ(h) > 0 are priors p(h) of h before and after the second
layer's training.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import derive, induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import divergence_of_a_state, log_likelihood_rises
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, inst, total
from proofs.kernel.terms import NONNEGATIVE, POSITIVE, Fold, Set, Sum, families, indices, log

STATES, EXAMPLES, LAYERS = Set("states"), Set("examples"), Set("layers")
h, above = indices("h h'", STATES)
t, one = indices("t t'", EXAMPLES)
l, = indices("l", LAYERS)  # fmt: skip
SHARE, = families("w", EXAMPLES, sign=NONNEGATIVE)  # fmt: skip
Q, = families("q", EXAMPLES, STATES, sign=NONNEGATIVE)  # fmt: skip
CONDITIONAL, = families("c", EXAMPLES, STATES, sign=POSITIVE)  # fmt: skip
PI, RHO = families("pi rho", STATES, sign=POSITIVE)
HALF, THIRDS = Fraction(1, 2), (Fraction(1, 3), Fraction(2, 3))

AGGREGATED = Sum(SHARE(t) * Q(t, h), t)


def mean(of):
    """The data's average."""
    return Sum(SHARE(t) * of, t)


@theorem(
    "Σ over data of Σ q(h|x) log p(h) is Σ q̄(h) log p(h): the second layer sees the aggregated posterior",
    claim="I2",
    level="A",
    sizes="any finite set of hidden states, any data",
    spoiled=[
        Spoiled("examples not weighted", aggregated=Sum(Q(t, h), t)),
        Spoiled("one example's posterior", aggregated=Q(one, h)),
    ],
)
def test_aggregation(aggregated=AGGREGATED):
    return ring(mean(Sum(Q(t, h) * log(PI(h)), h)), Sum(aggregated * log(PI(h)), h))


def bound(prior, entropy=1):
    """The bound's average over the data, the prior of h being ``prior``."""
    return mean(Sum(Q(t, h) * (log(CONDITIONAL(t, h)) + log(prior(h)) - entropy * log(Q(t, h))), h))


@theorem(
    "with the first layer fixed, the bound's average changes by Σ q̄ log p(h) alone",
    claim="I2",
    level="A",
    sizes="any finite set of hidden states, any data",
    uses=("Σ over data of Σ q(h|x) log p(h) is Σ q̄(h) log p(h): the second layer sees the aggregated posterior",),
    spoiled=[
        Spoiled("the entropy changes too", entropy=2),
        Spoiled("the sign turned", sign=-1),
        Spoiled("the posterior is not aggregated", aggregated=Q(one, h)),
    ],
)
def test_only_the_prior_term_moves(entropy=1, sign=1, aggregated=AGGREGATED):
    gain = Sum(aggregated * (log(RHO(h)) - log(PI(h))), h)
    return ring(bound(RHO, entropy) - bound(PI), sign * gain)


@theorem(
    "no prior gives a larger bound than the aggregated posterior itself: Σ q̄ log q̄ >= Σ q̄ log p(h)",
    claim="I2",
    level="A",
    sizes="any finite set of hidden states, any data",
    uses=("KL(q‖r) >= 0",),
    spoiled=[
        Spoiled("p(h) is not normalised", normalised=False),
        Spoiled("another distribution", best=RHO(h)),
        Spoiled("the inequality turned round", sign=-1),
    ],
)
def test_best_prior(normalised=True, best=AGGREGATED, sign=1):
    given = [assume(Sum(SHARE(t), t), "==", 1), assume(Sum(Q(t, h), h), "==", 1)]
    given += [assume(Sum(PI(h), h), "==", 1)] * normalised
    # The aggregated posterior sums to 1 like each example's.
    one_each = ring(Sum(AGGREGATED, h), 1, summed(given[1], t, SHARE(t)), given[0])
    apart = Sum(AGGREGATED * log(best), h) - Sum(AGGREGATED * log(PI(h)), h)
    thm = derive(
        sign * apart, ">=", 0, (1, total(divergence_of_a_state(AGGREGATED, PI(h)), h)), given=[one_each, *given[2:]]
    )
    return require_model(thm, {SHARE: (HALF, HALF), Q: ((1, 0), (HALF, HALF)), PI: THIRDS, RHO: THIRDS})


NEW, OLD = CONDITIONAL(t, h) * RHO(h), CONDITIONAL(t, h) * PI(h)


@theorem(
    "started with q the posterior, the data's average log p(x) does not fall where Σ q̄ log p(h) does not",
    claim="G5, I5",
    level="A",
    sizes="any data, any finite set of hidden states, any p(h) before and after the second layer's training",
    uses=("KL(q‖r) >= 0",),
    spoiled=[
        Spoiled("q is not the posterior", posterior=Q(t, h)),
        Spoiled("Σ q̄ log p(h) may have fallen", risen=False),
        Spoiled("another conditional than the fixed layer's", later=RHO(h)),
    ],
)
def test_started_at_the_posterior(posterior=OLD / Sum(OLD, h), risen=True, later=NEW):  # noqa: B008
    given = [assume(mean(Sum(posterior * (log(RHO(h)) - log(PI(h))), h)), ">=", 0)] * risen
    parts = log_likelihood_rises(SHARE, CONDITIONAL, PI, RHO, t, h), *given
    thm = derive(mean(log(Sum(later, h))), ">=", mean(log(Sum(OLD, h))), *((1, part) for part in parts))
    return require_model(thm, {SHARE: (HALF, HALF), CONDITIONAL: ((1, 2), (1, 3)), PI: (HALF, HALF), RHO: THIRDS,
                               Q: ((1, 0), (0, 1))})  # fmt: skip


# --- any number of layers -----------------------------------------------------------------------------------

# From the top layer down: c(l, h, h') = p(h|h'), and e(l, h, h') over its sum is q(h'|h).
DOWN, UP = families("c e", LAYERS, STATES, STATES, sign=POSITIVE)
P, = families("p", STATES, sign=POSITIVE)  # fmt: skip
BOUND, = families("bound", STATES)  # fmt: skip
ONE_DOWN, ONE_UP = families("c1 e1", STATES, STATES, sign=POSITIVE)
PRIOR, = families("p1", STATES, sign=POSITIVE)  # fmt: skip


def normalised(up):
    """q(h'|h), for what is proportional to it."""
    return up(h, above) / Sum(up(h, above), above)


def stacked(down, q, lower, entropy=1):
    """Σ q(h'|h) (log p(h|h') − log q(h'|h) + the bound on log p(h'))."""
    return Sum(q * (log(down(h, above)) - entropy * log(q) + lower(above)), above)


def one_layer():
    """``log Σ_h' p(h|h') p(h') >= stacked − Σ q b + Σ q log p``, b the bound on log p(h')."""
    q_above = normalised(ONE_UP)
    joint = ONE_DOWN(h, above) * PRIOR(above)
    each = total(divergence_of_a_state(q_above, joint / Sum(joint, above)), above)
    better = stacked(ONE_DOWN, q_above, lambda above: log(PRIOR(above)))
    return derive(log(Sum(joint, above)), ">=", better, (1, each))


@theorem(
    "the bound of a DBN, each layer's p(h) in it replaced by a bound on it, is a bound on log p(x)",
    claim="I5",
    level="A",
    sizes="any number of layers over any finite set of states, every q > 0",
    uses=("log p(x) >= Σ q log p(x,h) − Σ q log q for every q, also with zeros",),
    spoiled=[
        Spoiled("each layer's entropy counted twice", entropy=2),
        Spoiled("q not normalised", up=lambda h, above: UP(l, h, above)),
        Spoiled("log p(h) taken twice at the top", top=2),
    ],
)
def test_any_number_of_layers(entropy=1, up=None, top=1):
    down = lambda h, above: DOWN(l, h, above)
    q_above = normalised(lambda h, above: UP(l, h, above)) if up is None else up(h, above)
    step_of_p = Sum(down(h, above) * P(above), above)
    p = lambda at: Fold(P, (h,), PI(h), step_of_p, l, (at,))
    lower = lambda at: Fold(BOUND, (h,), top * log(PI(h)), stacked(down, q_above, BOUND, entropy), l, (at,))

    def layer(mark, prior):
        own = {ONE_DOWN: ((h, above), part(DOWN, mark, "", "")(h, above)),
               ONE_UP: ((h, above), part(UP, mark, "", "")(h, above)), PRIOR: ((above,), prior)}  # fmt: skip
        return inst(one_layer(), own)

    def base(more):
        return derive(more.left, ">=", more.right, (1, layer("0", PI(above))))

    def step(more, so_far):
        last = part(UP, "n", "", "")
        # So far, at all h, weighted with the last layer's q(h|h'), and then with h' and h exchanged.
        weight = last(above, h) / Sum(last(above, h), h)
        mean_of_bounds = inst(summed(so_far, h, weight), indices={above: h})
        return derive(more.left, ">=", more.right, (1, layer("n", p(above))), (1, mean_of_bounds))

    return induction(log(p(h)), ">=", lower(h), LAYERS, base, step)
