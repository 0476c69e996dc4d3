"""Claims I1 and I2 for all sizes, on shipped code: what ties the prior of h1, and what a second layer is trained on.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible units, H units of h1 and K of
h2, on either side of the branch on which of two sides has fewer units. u(h) is any weight of a state of h1; with
u(h) = [h = h1] the weighted sum of log p(h) is log p(h1).
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import everywhere, ring
from proofs.kernel.lemmas import cube_mean, cube_sum
from proofs.kernel.rules import combine, inst, linear, rewrite, total
from proofs.kernel.substitution import put, rebuilt
from proofs.kernel.terms import ONE, ZERO, Bit, Cube, Num, Same, Sum, below, exp, families, indices
from proofs.open.dbn import SIDES, D, H, K, T, directed, examples
from proofs.open.nudge import is_derivative
from proofs.open.trace import opened
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import log_bernoulli_table
from tinygrad_dbn.exact.variational.bound import layer_bound
from tinygrad_dbn.models import DBN, RBM

t, = indices("t", T)  # fmt: skip
i, m = indices("i i*", D)
j, n = indices("j j*", H)
k, = indices("k", K)  # fmt: skip
x, = indices("x", Cube(D))  # fmt: skip
h, h1 = indices("h h1", Cube(H))
W, = families("W", H, D)  # fmt: skip
B, = families("b", D)  # fmt: skip
C, = families("c", H)  # fmt: skip
WEIGHT, NEW, OLD = families("u new old", Cube(H))
LOG_P, LOG_Q = families("log_p log_q", T, Cube(H))
HALF, QUARTER = Num(Fraction(1, 2)), Num(Fraction(1, 4))


def weighted(a, model):
    """Σ_h u(h) log p(h), of the shipped log p(h1)."""
    return (a("u", Cube(H)) * exact.log_prior(model)).sum()


SIZES = "on either side of the branch on which are fewer; one block of states"

# --- I1: what the first layer's weights are in ------------------------------------------------------------------


def second(a):
    """The RBM of h1 and h2."""
    return RBM(a("U", K, H), a("c", H), a("d", K))


def tied_gradient(a):
    """Σ_h u(h) log p(h) of the RBM as a tied DBN, and the engine's gradient of it by W."""
    rbm = RBM(a("W", H, D), a("b", D), a("c", H))
    of_prior = lambda rbm: weighted(a, DBN.from_tied(rbm))
    return of_prior(rbm), grad(of_prior)(rbm).W


def untied_gradient(a):
    """The same of the DBN that has a second layer of its own."""
    of_prior = lambda model: weighted(a, model)
    model = DBN((directed(a),), second(a))
    return of_prior(model), grad(of_prior)(model).layers[0].W


@theorem(
    "tied, log p(h1) depends on W: the engine's ∂ log p(h1) / ∂W_ji is the derivative, and at W = b = c = 0 it is "
    "h_j / 2 − 1/4, whose square is 1/16 for every h1; with a second layer it is 0 everywhere",
    claim="I1",
    level="A",
    sizes=f"all numbers of units, every h1; {SIZES}",
    traced=[exact.log_prior, DBN.from_tied, grad],
    spoiled=[
        Spoiled("weights of the top not tied", mutated(RBM, "transposed", "self.W.T,", "0 * self.W.T,"), sides=1),
        Spoiled("another bias of the top", mutated(RBM, "hidden_logits", " + self.c", " + 1"), sides=1),
        Spoiled("Z forgotten", mutated(exact.marginals, "log_marginal", " - log_partition(dbn.top)", ""), sides=1),
        Spoiled("0 when tied too", untied=tied_gradient, sides=1),
        Spoiled(
            "a second layer that has the first in it",
            mutated(exact.marginals, "log_prior", "len(dbn.layers)))", "len(dbn.layers))) + ops.sum(dbn.layers[0].W)"),
            sides=1,
        ),
    ],
)
def test_tied(untied=untied_gradient, sides=2):
    found = []
    for side in ((D, H), (H, D))[:sides]:
        of_prior, gradient = opened(tied_gradient, ascending=side)
        found += [is_derivative(gradient(n, m), of_prior(), W, n, m), *at_zero(gradient(n, m))]
    for side in ((H, K, D), (K, H, D))[:sides]:
        found.append(combine(opened(untied, ascending=side)[1](n, m), "==", 0))
    return found


def at_zero(gradient):
    """``gradient == h_j / 2 − 1/4`` of log p(h1), all parameters being zero; and ``gradient² == 1/16``."""
    nothing = {W: ((j, i), ZERO), B: ((i,), ZERO), C: ((j,), ZERO), WEIGHT: ((h,), Same(h, h1))}
    sums = cube_sum(x, i, ZERO), cube_mean(x, i, ZERO, m), cube_sum(h, j, ZERO), cube_mean(h, j, ZERO, n)
    on = Bit(h1, n)
    value = ring(put(gradient, nothing), on * HALF - QUARTER, *sums)
    bit = everywhere(on * on, on, H, h1, n)
    square = combine(value.left**2, "==", QUARTER**2, (value.left + value.right, value), (QUARTER, bit))
    return value, square


# --- I2: what the second layer is trained on ----------------------------------------------------------------------

MEAN = Sum(exp(LOG_Q(t, h)), t) / Sum(ONE, t)
"""q̄(h) = Σ_t q(h|x_t) / T, for any log q."""


def change_of_the_mean():
    """``Σ_t Σ_h q (a + new − log q) / T − the same with old == Σ_h q̄ (new − old)``, for any log q, a(t, h), new(h) and
    old(h)."""
    mean = lambda prior: Sum(Sum(exp(LOG_Q(t, h)) * (LOG_P(t, h) + prior(h) - LOG_Q(t, h)), h), t) / Sum(ONE, t)
    return ring(mean(NEW) - mean(OLD), Sum(MEAN * (NEW(h) - OLD(h)), h))


def ceiling(name, function, old, new):
    """A spoiled version of what is said of the layers above, on one side of the branch."""
    return Spoiled(name, mutated(variational.ceilings, function, old, new), sides=1)


@theorem(
    "with the first layer fixed, the mean of the shipped bound over the data changes by Σ_h q̄(h) log p(h) alone, q̄ "
    "being the shipped aggregated posterior Σ_t q(h|x_t) / T; and so by what the shipped KL(q̄ ‖ p(h1)) falls",
    claim="I2, I5",
    level="A",
    sizes=f"all numbers of units, any data of any size; {SIZES}",
    traced=[exact.bound, exact.log_prior, exact.log_aggregated_posterior, exact.prior_divergence],
    spoiled=[
        Spoiled("prior forgotten", mutated(variational.bound, "_log_joint", " + prior", ""), sides=1),
        ceiling(
            "the sum over the data, not its mean", "log_aggregated_posterior", " - ops.logsumexp(0 * log_q, axis=0)", ""
        ),
        ceiling("divergences turned round", "prior_divergence", "log_q - log_prior(dbn)", "log_prior(dbn) - log_q"),
        ceiling("a divergence without the prior", "prior_divergence", "log_q - log_prior(dbn)", "log_q"),
    ],
)
def test_change(sides=2):
    lemma = change_of_the_mean()
    return [thm for side in SIDES[:sides] for thm in changes(side, lemma)]


def changes(side, lemma):
    def run(a):
        X, layer = examples(a), directed(a)
        models = [DBN((layer,), RBM(a(f"U{k}", K, H), a(f"c{k}", H), a(f"d{k}", K))) for k in ("new", "old")]
        logits = layer.recognition_logits(X)
        return [
            *(exact.bound(model, X).mean() for model in models), *map(exact.log_prior, models),
            *(exact.prior_divergence(model, X) for model in models), exact.log_aggregated_posterior(models[0], X),
            log_bernoulli_table(logits), layer.log_conditional(X, exact.states(layer.W.shape[0])),
        ]  # fmt: skip

    new_bound, old_bound, new, old, new_kl, old_kl, log_mean, log_q, given = opened(run, ascending=side)
    values = {LOG_Q: ((t, h), log_q(t, h)), LOG_P: ((t, h), given(t, h)), NEW: ((h,), new(h)), OLD: ((h,), old(h))}
    thm, mean = inst(lemma, values), put(MEAN, values)
    same = ring(exp(log_mean(h)), mean)
    gain = Sum(exp(log_mean(h)) * (new(h) - old(h)), h)
    rewritten = rewrite(gain, same)
    parts = linear(h, (1, exp(log_mean(h)) * (log_mean(h) - old(h))), (-1, exp(log_mean(h)) * (log_mean(h) - new(h))))
    inside = total(combine(gain.body, "==", parts.left.body), h)
    return [
        same,
        combine(new_bound() - old_bound(), "==", gain, (1, thm), (-1, rewritten)),
        combine(old_kl() - new_kl(), "==", gain, (-1, parts), (-1, inside)),
    ]


@theorem(
    "the engine's gradient of the mean of the shipped bound over the data, by every parameter of the second layer, is "
    "that of Σ_h q̄(h) log p(h): of the second RBM's log-likelihood, of data drawn from q(h1|x)",
    claim="I2",
    level="A",
    sizes=f"all numbers of units, any data of any size; {SIZES}",
    traced=[exact.bound, exact.log_prior, exact.log_likelihood, grad],
    spoiled=[
        Spoiled(
            "prior forgotten",
            mutated(variational.bound, "_log_joint", " + prior", " + 0 * prior"),
            sides=1,
            names=("c",),
        ),
        Spoiled(
            "twice the prior",
            mutated(variational.bound, "_log_joint", " + prior", " + 2 * prior"),
            sides=1,
            names=("c",),
        ),
        Spoiled(
            "Z forgotten by the prior",
            mutated(exact.marginals, "log_marginal", " - log_partition(dbn.top)", ""),
            sides=1,
            names=("c",),
        ),
        Spoiled("the sum over the data, not its mean", sides=1, names=("c",), count=1),
    ],
)
def test_training(sides=2, names=("c", "b", "W"), count=None):
    count = Sum(ONE, t) if count is None else count
    return [thm for side in SIDES[:sides] for name in names for thm in trained_on(side, name, count)]


def trained_on(side, name, count):
    def run(a):
        X, layer, top = examples(a), directed(a), second(a)
        states = exact.states(a("c", H).shape[0])
        of_bound = grad(lambda top: exact.bound(DBN((layer,), top), X).mean())(top)
        of_data = grad(lambda top: (a("u", Cube(H)) * exact.log_likelihood(top, states)).sum())(top)
        of_prior = grad(lambda prior: layer_bound(layer, X, prior).mean())(a("new", Cube(H)))
        log_q = log_bernoulli_table(layer.recognition_logits(X))
        return getattr(of_bound, name), getattr(of_data, name), of_prior, log_q

    of_bound, of_data, of_prior, log_q = opened(run, ascending=side)
    at = {"c": (k,), "b": (n,), "W": (k, n)}[name]
    # The bound's derivative by log p(h) is q̄(h), in the place where log p(h) has the weight u(h).
    mean = ring(of_prior(h), Sum(exp(log_q(t, h)), t) / count)
    plain = rewrite(bound_as(of_data(*at), h), combine(1 * WEIGHT(h), "==", WEIGHT(h)))
    same = rewrite(bound_as(put(plain.right, {WEIGHT: ((h,), mean.left)}), h), mean)
    weighted_by_mean = inst(plain, {WEIGHT: ((h,), mean.right)})
    return [mean, combine(of_bound(*at), "==", weighted_by_mean.left, (1, same), (-1, weighted_by_mean))]


def bound_as(e, index):
    """The term, where each sum over the index's set binds an index of that name."""
    e = rebuilt(e, [bound_as(part, index) for part, _, _ in below(e)])
    if type(e) is Sum and e.index.set == index.set:
        return Sum(put(e.body, {}, {e.index: index}), index)
    return e
