"""Claim I5 for any number of layers, on shipped code: the gap of the deep bound is what all layers lose.

The directed layers, L of them, are of one width, which is any: N units; layer l has its weights W, b and R, c. On top
is an RBM of N and K units; below, a layer of N units and D visible ones, and T examples. A recursion over the layers,
from the top down, is a fold, whose step is what the shipped code does for one layer (`proofs.open`):

    P(v) is log p(v): log p of the RBM, and then `log_mixture`;
    B(v) is the bound: log p of the RBM, and then `layer_bound`;
    G(v) is what is lost: 0, and then `lost_at`, KL(q ‖ p(h|v)) + Σ_h q(h|v) G(h), with p(h) = exp P(h).

A fold has one state. So F(v, e) is two in one: P(v) where e is the index p, and G(v) where it is another.
"""

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.belief import BOUND, KL, MIXTURE, About, Layer, averaged
from proofs.kernel.derived import elsewhere, everywhere, induction, ring
from proofs.kernel.growth import part
from proofs.kernel.rules import combine, inst, linear, rewrite, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import Bit, Cube, Family, Fold, Same, Set, Sum, exp, families, indices, log
from proofs.open.trace import bits, opened
from tinygrad_dbn import exact, ops
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import log_bernoulli_table
from tinygrad_dbn.exact.marginals import log_mixture
from tinygrad_dbn.exact.variational.bound import layer_bound
from tinygrad_dbn.exact.variational.layers import lost_at
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

T, D, N, K, LAYERS, KINDS = map(Set, ("T", "D", "N", "K", "L", "kinds"))
t, = indices("t", T)  # fmt: skip
i, = indices("i", D)  # fmt: skip
u, = indices("u", N)  # fmt: skip
l, = indices("l", LAYERS)  # fmt: skip
v, h, g = indices("v h g", Cube(N))
e, p = indices("e p", KINDS)
IS_P, IS_LOST = Same(e, p), 1 - Same(e, p)

# --- any log p(v|h) and logits of q, for each layer -------------------------------------------------------------

GIVEN, = families("log_p", LAYERS, Cube(N), Cube(N))  # fmt: skip
LOGIT, = families("logit", LAYERS, Cube(N), N)  # fmt: skip
TOP, P, B = families("top P B", Cube(N))
F, = families("F", Cube(N), KINDS)  # fmt: skip


def layer(about, given, logit, prior, value):
    """A layer, by what it is at v, u and h."""
    log_q = Sum(logit * Bit(h, u), u) - Sum(log(1 + exp(logit)), u)
    return Layer(about, v, u, h, given, log_q, logit, prior, value)


class Folds:
    """P, B and F: functions of the states at which they are wanted.

    top: log p of the RBM at v. mixture(p), bound(b), lost(p, g): the steps, from what they are at h.
    """

    def __init__(self, top, mixture, bound, lost):
        both = IS_P * mixture(F(h, p)) + IS_LOST * lost(F(h, p), F(h, e))
        self.P = lambda at: Fold(P, (v,), top, mixture(P(h)), l, (at,))
        self.B = lambda at: Fold(B, (v,), top, bound(B(h)), l, (at,))
        self.F = lambda at, kind: Fold(F, (v, e), IS_P * top, both, l, (at, kind))


def with_layer(one, so_far, lost):
    """``(1 − [e = p]) (M − B − (KL + Σ_h q lost)) == 0``, from ``(1 − [e = p]) (p(h) − b(h) − lost) == 0``."""
    q, apart = exp(one.log_q), one.prior - one.value
    gap = one.gap(above=combine(apart, "==", apart))
    averages = linear(h, (IS_LOST, q * apart), (-IS_LOST, q * lost))
    same = total(combine(q * so_far.left, "==", averages.left.body), h)
    left = IS_LOST * (one.of(MIXTURE) - one.of(BOUND) - (one.of(KL) + Sum(q * lost, h)))
    return combine(left, "==", 0, (IS_LOST, gap), (1, averaged(so_far, h, q)), (-1, same), (-1, averages))


class AnyDepth:
    """The theorems about the folds of any layers."""

    def __init__(self, about):
        self.about = about
        one = lambda prior, value=None: layer(about, GIVEN(l, v, h), LOGIT(l, v, u), prior, value or prior)
        lost = lambda prior, above: one(prior).of(KL) + Sum(exp(one(prior).log_q) * above, h)
        self.folds = Folds(TOP(v), lambda p: one(p).of(MIXTURE), lambda b: one(b).of(BOUND), lost)
        self.both_once = everywhere(IS_P * IS_P, IS_P, KINDS, e, p)
        self.top_of_p = combine(Same(p, p) * TOP(h), "==", TOP(h))
        self.first = self.first_kind()

    def own(self, mark, prior, value):
        """The first layer or the last, by the mark of its part (`part`)."""
        given, logit = part(GIVEN, mark, "", "")(v, h), part(LOGIT, mark, "", "")(v, u)
        return layer(self.about, given, logit, prior, value)

    def first_kind(self):
        """``F(v, p) == P(v)``."""

        def equal(more, at_h):
            return combine(more.left, "==", more.right, (1, rewrite(more.left, at_h)))

        base = lambda more: equal(more, self.top_of_p)
        step = lambda more, so_far: equal(more, elsewhere(so_far, v, h))
        return induction(self.folds.F(v, p), "==", self.folds.P(v), LAYERS, base, step)

    def gap(self):
        """``(1 − [e = p]) (P(v) − B(v) − F(v, e)) == 0``."""
        P, B, F = self.folds.P, self.folds.B, self.folds.F
        statement = lambda at: IS_LOST * (P(at) - B(at) - F(at, e))

        def base(more):
            nothing = combine(IS_LOST * (TOP(h) - TOP(h) - IS_P * TOP(h)), "==", 0, (TOP(h), self.both_once))
            return self.one_more(more, self.own("0", TOP(h), TOP(h)), self.top_of_p, nothing, IS_P * TOP(h))

        def step(more, so_far):
            at_h = elsewhere(self.first, v, h)
            return self.one_more(more, self.own("n", P(h), B(h)), at_h, elsewhere(so_far, v, h), F(h, e))

        return induction(statement(v), "==", 0, LAYERS, base, step)

    def one_more(self, more, one, at_h, so_far, lost):
        """The statement with one layer more, from what it says at h of those above; at_h: that F(h, p) is P(h)."""
        both = one.of(KL) - one.of(MIXTURE) + Sum(exp(one.log_q) * lost, h)
        own, of_p = with_layer(one, so_far, lost), rewrite(more.left, at_h)
        return combine(more.left, "==", 0, (1, of_p), (1, own), (-both, self.both_once))

    def bound(self):
        """``P(v) >= B(v)``."""
        P, B = self.folds.P, self.folds.B

        def base(more):
            one = self.own("0", TOP(h), TOP(h))
            return combine(more.left, ">=", more.right, (1, one.gap()), (1, one.not_negative()))

        def step(more, so_far):
            one = self.own("n", P(h), B(h))
            above = combine(P(h) - B(h), ">=", 0, (1, elsewhere(so_far, v, h)))
            above = averaged(above, h, exp(one.log_q))
            gap = one.gap(above=combine(P(h) - B(h), "==", P(h) - B(h)))
            return combine(more.left, ">=", more.right, (1, gap), (1, one.not_negative()), (1, above))

        return induction(P(v), ">=", B(v), LAYERS, base, step)


# --- what is shipped --------------------------------------------------------------------------------------------

LOST, = families("lost", Cube(N))  # fmt: skip


def directed(a, mark="", lower=N):
    """A shipped layer, its recognition weights untied."""
    sets = {"W": (N, lower), "b": (lower,), "R": (N, lower), "c": (N,)}
    return DirectedLayer(*(a(name + mark, *over) for name, over in sets.items()))


def states(a):
    """All states of N units."""
    return exact.states(a("b", N).shape[0])


class Step:
    """What the shipped code does for one layer, at a row, from what it is given for the states h of its units.

    of_layer: the layer is the one at index l.
    """

    def __init__(self, layer, rows, at, of_layer=False):
        def run(a):
            one, below = layer(a), rows(a)
            logits = one.recognition_logits(below)
            q, kl = lost_at(one, below, a("P", Cube(N)))
            return [
                log_mixture(below, one, a("P", Cube(N))), layer_bound(one, below, a("B", Cube(N))),
                kl, ops.matmul(q, a("lost", Cube(N))),
                logits, one.log_conditional(below, exact.states(one.W.shape[0])), log_bernoulli_table(logits),
            ]  # fmt: skip

        mixture, bound, kl, averaged, logits, log_p, log_q = opened(run)
        terms = mixture(at), bound(at), kl(at), averaged(at), logits(at, u), log_p(at, h), log_q(at, h)
        self.at, self.terms = at, [at_layer(term) for term in terms] if of_layer else terms
        *_, self.logit, self.log_p, self.log_q = self.terms

    def mixture(self, prior):
        return put(self.terms[0], {P: ((h,), prior)})

    def bound(self, value):
        return put(self.terms[1], {B: ((h,), value)})

    def kl(self, prior):
        return put(self.terms[2], {P: ((h,), prior)})

    def averaged(self, above):
        return put(self.terms[3], {LOST: ((h,), above)})

    def lost(self, prior, above):
        return self.kl(prior) + self.averaged(above)

    def layer(self, about, prior, value):
        """The layer as one that the lemmas are about."""
        return Layer(about, self.at, u, h, self.log_p, self.log_q, self.logit, prior, value)


def at_layer(e):
    """A term about layers, of the one at l: W is W(l), and so on."""
    of_one = families("W R", N, N) + families("b c", N)
    places = [indices(" ".join("xy"[: len(family.sets)]), N) for family in of_one]
    return put(e, {
        family: (tuple(at), Family(family.name, (LAYERS, *family.sets), family.sign)(l, *at))
        for family, at in zip(of_one, places, strict=True)
    })  # fmt: skip


STEPS = (
    Spoiled("entropy forgotten", mutated(variational.bound, "layer_bound", "joint - log_q", "joint")),
    Spoiled("the layers above forgotten", mutated(variational.bound, "layer_bound", "[0])) + value", "[0]))")),
    Spoiled("KL against the joint", mutated(variational.layers, "lost_at", "ops.log_softmax(joint, axis=-1)", "joint")),
    Spoiled("a KL that forgets the layers above", mutated(variational.layers, "lost_at", " + prior", " + 0 * prior")),
    Spoiled("prior forgotten", mutated(exact.marginals, "log_mixture", " + prior[", " + 0 * prior[")),
    Spoiled(
        "q not normalised",
        mutated(exact.distributions, "log_bernoulli_table", "ops.sum(ops.softplus(", "0 * ops.sum(ops.softplus("),
    ),
)


@theorem(
    "at any depth, the shipped log p(x) − deep bound is what the shipped layers lose: KL(q ‖ p(h|x)), and Σ_h q(h|x) "
    "times what is lost above h; and it is not negative",
    claim="I5, H4",
    level="A",
    sizes="any number of layers of one width, which is any, any batch and number of visible units, any p(h) on top",
    traced=[log_mixture, layer_bound, lost_at],
    spoiled=STEPS,
)
def test_any_depth():
    about = About()
    general = AnyDepth(about)
    step = Step(directed, states, v, of_layer=True)
    folds = Folds(TOP(v), step.mixture, step.bound, step.lost)
    of_shipped = {GIVEN: ((l, v, h), step.log_p), LOGIT: ((l, v, u), step.logit)}
    first, gap, bound = (inst(thm, of_shipped) for thm in (general.first, general.gap(), general.bound()))
    apart = P(h) - B(h)
    one = step.layer(about, P(h), B(h)).gap(above=combine(apart, "==", apart))
    return [
        combine(step.mixture(P(h)) - step.bound(B(h)), "==", step.lost(P(h), apart), (1, one)),
        combine(folds.F(v, p), "==", folds.P(v), (1, first)),
        combine(IS_LOST * (folds.P(v) - folds.B(v) - folds.F(v, e)), "==", 0, (1, gap)),
        combine(folds.P(v), ">=", folds.B(v), (1, bound)),
        *examples_below(about, folds, *(inst(thm, indices={v: h}) for thm in (gap, bound))),
    ]


def examples_below(about, folds, gap, bound):
    """The same at the examples, below the layers of one width, from what holds at h."""
    lowest = Step(lambda a: directed(a, "1", D), lambda a: a("x", T, D, like=bits), t)
    prior, value, lost = folds.P(h), folds.B(h), folds.F(h, e)
    one, apart = lowest.layer(about, prior, value), prior - value
    own = one.gap(above=combine(apart, "==", apart))
    above = averaged(combine(apart, ">=", 0, (1, bound)), h, exp(one.log_q))
    log_p, lower = lowest.mixture(prior), lowest.bound(value)
    return [
        combine(log_p, ">=", lower, (1, own), (1, one.not_negative()), (1, above)),
        combine(IS_LOST * (log_p - lower - lowest.lost(prior, lost)), "==", 0, (1, with_layer(one, gap, lost))),
    ]


# --- the shipped loops ------------------------------------------------------------------------------------------


def loop(name, *rewritten, depth=2):
    """A spoiled version of a loop, looked at with so many layers, on one side of the branch."""
    return Spoiled(name, mutated(*rewritten), depths=(depth,), sides=((N, K),))


@theorem(
    "each layer more below is that step once more in the shipped loops: of log p, of the deep bound, and of what the "
    "audit says is lost, in all its columns",
    claim="G5, I5",
    level="A",
    sizes="one, two and three layers of one width, which is any, below an RBM; on either side of the branch on which "
    "of its sides has fewer units; one block of states",
    traced=[exact.log_marginal, exact.log_likelihood, exact.deep_bound, exact.audit_layers],
    spoiled=[
        loop(
            "layers from the bottom up", exact.marginals, "log_marginal", "reversed(dbn.layers[layer:])", "dbn.layers"
        ),
        loop(
            "a layer forgotten",
            exact.marginals,
            "log_marginal",
            "in reversed(dbn.layers[",
            "in reversed(dbn.layers[1 +",
        ),
        loop("bounds from the bottom up", variational.layers, "deep_bound", "in reversed(_steps(", "in list(_steps("),
        loop("second KL not averaged", variational.layers, "_lost", "(reached, kl)", "(0 * reached, kl)"),
        loop(
            "a chain of one layer", variational.layers, "_lost", "else ops.matmul(reached, q)", "else reached", depth=3
        ),
        loop("a layer above the right one", variational.layers, "_lost", "(dbn, k)", "(dbn, len(dbn.layers))"),
    ],
)
def test_loops(sides=((N, K), (K, N)), depths=(1, 2, 3)):
    return [thm for side in sides for depth in depths for thm in one_layer_more(depth, side)]


def one_layer_more(depth, side):
    """What the shipped code makes of so many layers, and of all but the lowest."""

    def run(a):
        top, rows = RBM(a("U", K, N), a("a", N), a("d", K)), exact.states(a("a", N).shape[0])
        layers = tuple(directed(a, mark) for mark in "123"[:depth])
        found = []
        for model in (DBN(layers, top), DBN(layers[1:], top)):
            audit = exact.audit_layers(model, rows) if model.layers else None
            found += [exact.log_marginal(model, 0), exact.log_likelihood(model, rows)]
            found += [exact.deep_bound(model, rows), audit.bound, audit.kl] if audit else []
        return found

    log_p, likelihood, bound, lower, kl, above, _, *rest = opened(run, ascending=side)
    step = Step(lambda a: directed(a, "1"), lambda a: exact.states(a("b1", N).shape[0]), v)
    value, _, lost = rest or (above, None, None)
    return [
        combine(log_p(v), "==", step.mixture(above(h))),
        combine(likelihood(v), "==", log_p(v)),
        combine(bound(v), "==", step.bound(value(h))),
        combine(lower(v), "==", bound(v)),
        combine(kl(v, 0), "==", step.kl(above(h))),
        *(column(kl(v, k + 1), step, lost, k) for k in range(depth - 1)),
    ]


def column(found, step, lost, k):
    """``a column == Σ_h q(h|v) times the column before it, of the layers above``."""
    wanted = step.averaged(lost(h, k))
    if k == 0:
        return combine(found, "==", wanted)
    # Σ_g (Σ_h q(h|v) q(g|h)) KL(g) is Σ_h q(h|v) Σ_g q(g|h) KL(g), q(g|h) KL(g) being the summand of lost.
    X, Y = families("x y", Cube(N), Cube(N))
    regrouped = ring(Sum(Sum(X(v, h) * Y(h, g), h) * TOP(g), g), Sum(X(v, h) * Sum(Y(h, g) * TOP(g), g), h))
    inside = lost(h, k)
    q, kl = put(inside.body, {}, {inside.index: g}).parts
    thm = inst(regrouped, {X: ((v, h), exp(step.log_q)), Y: ((h, g), q), TOP: ((g,), kl)})
    return combine(found, "==", wanted, (1, thm))
