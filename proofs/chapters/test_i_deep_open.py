"""Claim I5 for all sizes, on shipped code: the bound over all layers of a DBN, and where its gap comes from.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible units, H units of h1, K of h2
and N of h3, once for fewer units in h2 than in h3 and once for fewer in h3. Each layer has recognition weights of its
own.

Every layer is the same step (`proofs.kernel.belief`): of what log p lies above the bound, the layer itself loses
KL(q ‖ p(h|v)), and the layers above it what they lose at h, on average over q(h|v).
"""

from proofs.chapters.test_i_any_depth_open import STEPS
from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.belief import BOUND, About, Layer, averaged
from proofs.kernel.derived import summed
from proofs.kernel.rules import combine
from proofs.kernel.terms import Cube, Set, exp, indices
from proofs.open.dbn import D, H, K, T, examples, on_both_sides
from tinygrad_dbn import exact
from tinygrad_dbn.exact import variational
from tinygrad_dbn.exact.distributions import log_bernoulli_table
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

N = Set("N")
t, = indices("t", T)  # fmt: skip
j, = indices("j", H)  # fmt: skip
k, = indices("k", K)  # fmt: skip
h1, = indices("h1", Cube(H))  # fmt: skip
h2, = indices("h2", Cube(K))  # fmt: skip


def directed(a, number, lower, upper):
    """A shipped layer, untied."""
    W, b, R, c = (f"{name}{number}" for name in "WbRc")
    return DirectedLayer(a(W, upper, lower), a(b, lower), a(R, upper, lower), a(c, upper))


def dbn(a):
    """The shipped model of three hidden layers."""
    return DBN((directed(a, 1, D, H), directed(a, 2, H, K)), RBM(a("U", N, K), a("a", K), a("d", N)))


SIZES = "all numbers of units and examples, three hidden layers; on either side of the branch on which of the top two "
SIZES += "has fewer units; one block of states"
SIDES = (K, N), (N, K)


def on_one_side(*versions):
    """The spoiled versions, each looked at on one side of the branch, for time's sake."""
    return [Spoiled(version.name, version.patch, sides=SIDES[:1], **version.statement) for version in versions]


# --- two directed layers ----------------------------------------------------------------------------------------


def layers(read, about):
    """The two directed layers of the shipped model, by its own functions."""

    def run(a):
        model = dbn(a)
        below = [examples(a), exact.states(model.sizes[1])]
        found = []
        for layer, rows in zip(model.layers, below, strict=True):
            logits = layer.recognition_logits(rows)
            found += [layer.log_conditional(rows, exact.states(layer.W.shape[0])), log_bernoulli_table(logits), logits]
        return [*found, exact.log_marginal(model, 2), exact.log_marginal(model, 1)]

    given1, q1, logit1, given2, q2, logit2, top, prior = read(run)
    second = Layer(about, h1, k, h2, given2(h1, h2), q2(h1, h2), logit2(h1, k), top(h2), top(h2))
    bound = second.of(BOUND)
    return Layer(about, t, j, h1, given1(t, h1), q1(t, h1), logit1(t, j), prior(h1), bound), second


CHAIN = [
    Spoiled(
        "second KL not averaged over the chain",
        mutated(variational.layers, "_lost", "(reached, kl)", "(0 * reached, kl)"),
    ),
    Spoiled("KLs exchanged", mutated(variational.layers, "_lost", "ops.stack(lost,", "ops.stack(lost[::-1],")),
]


@theorem(
    "the shipped log p(x) − deep bound is KL(q‖p(h1|x)) + Σ_h1 q(h1|x) KL(q‖p(h2|h1)), the two columns of the shipped "
    "audit; neither is negative",
    claim="I5, H4",
    level="A",
    sizes=SIZES,
    traced=[exact.audit_layers, exact.deep_bound, exact.log_likelihood],
    spoiled=on_one_side(*CHAIN, *STEPS[:4]),
)
def test_layered_gap(sides=SIDES):
    about = About()
    return on_both_sides(lambda read: layered_gap(read, about), sides)


def layered_gap(read, about):
    def run(a):
        found = exact.audit_layers(dbn(a), examples(a))
        return found.log_likelihood, found.bound, found.kl, found.residual

    log_p, bound, kl, residual = read(run)
    first, second = layers(read, about)
    gap = first.gap(above=second.gap())
    q = exp(first.log_q)
    own, above = first.divergence(), summed(second.divergence(), h1, q)
    positive = first.not_negative(), averaged(second.not_negative(), h1, q)
    return [
        combine(kl(t, 0), "==", own.right, (1, own)),
        combine(kl(t, 1), "==", above.right, (1, above)),
        combine(bound(t), "==", first.of(BOUND)),
        combine(log_p(t), ">=", bound(t), (1, gap), *((1, thm) for thm in positive)),
        combine(log_p(t) - bound(t), "==", kl(t, 0) + kl(t, 1), (1, gap)),
        combine(residual(t), "==", 0, (1, gap)),
    ]
