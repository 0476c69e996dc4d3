"""Chapter E for all sizes, on shipped code: what replaces masks at test time, and the mean of all masked networks.

The shipped network with one hidden layer of H units is traced with all 2^H masks at once, the rows of {0,1}^H, and with
the masks that `Dropout` has at test time. A unit is kept where s_h is 1.
"""

from fractions import Fraction

from proofs.chapters.test_e_all_sizes import HIDDEN, expected_sum, probabilities_sum_to, probability
from proofs.chapters.test_e_all_sizes import U as FACTOR
from proofs.chapters.test_e_all_sizes import i as unit
from proofs.chapters.test_e_all_sizes import m as drawn_mask
from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import induction, ring
from proofs.kernel.rules import inst, over_sets, rewrite, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import ONE, Bit, Cube, Num, Same, Set, Sum, exp, families, indices, log
from proofs.open.trace import opened
from tinygrad_dbn import exact, ops
from tinygrad_dbn.learning import Dropout
from tinygrad_dbn.models import FeedForward

T, D, H, K, C = map(Set, "TDHKC")
t, = indices("t", T)  # fmt: skip
h, n = indices("h n", H)
s, = indices("s", Cube(H))  # fmt: skip
c, k = indices("c k", C)
ANY, = families("u", H)  # fmt: skip
V, = families("V", C, H)  # fmt: skip
HALF = Num(Fraction(1, 2))
ACTIVATIONS = ("sigmoid", "tanh", "relu")

SQUARED = Spoiled("mask squared", mutated(FeedForward, "hidden_layer", "h * mask", "h * mask * mask"))
TOO_MANY = Spoiled("too much is kept", mutated(Dropout, "expected", "1 - p", "1 - p / 2"))


def with_sigmoid(*versions):
    """The spoiled versions, each looked at with one activation, for time's sake."""
    return [Spoiled(v.name, v.patch, **v.statement, activations=["sigmoid"]) for v in versions]


def network(a, hidden="sigmoid"):
    """The shipped network with one hidden layer, and one example."""
    return FeedForward((a("W", H, D), a("V", C, H)), (a("b", H), a("b2", C)), hidden), a("x", None, D)


def every_mask(net):
    """The 2^H masks of zeros and ones."""
    return [exact.states(net.weights[0].shape[0])]


class Traced:
    """The shipped network with all masks, a row each, and with the masks at test time: logits and outputs.

    unit: the activations without a mask. half: whether the masks at test time are those of `Dropout`, or any κ.
    """

    def __init__(self, hidden, half):
        def run(a):
            net, x = network(a, hidden)
            at_test = Dropout(0.5).expected(net) if half else [a("kappa", H)]
            masks = every_mask(net), at_test
            return *(net.logits(x, m) for m in masks), *(net(x, m) for m in masks), net.hidden_layer(1, x)

        self.logits, self.logits_at_test, self.outputs, self.at_test, self.unit = opened(run)


# --- one half ---------------------------------------------------------------------------------------------------


def half_of_all():
    """``Σ_s Σ_h u_h s_h == Σ_h u_h / 2 Σ_s 1``, by induction on the units."""
    return induction(Sum(Sum(ANY(h) * Bit(s, h), h), s), "==", Sum(ANY(h) * HALF, h) * Sum(ONE, s), H)


@theorem(
    "the shipped masks at test time are the mean of all 2^n masks: 1/2",
    claim="E3",
    level="A",
    sizes="any number of units; each dropped with probability 1/2",
    traced=[Dropout.expected, exact.states],
    spoiled=[TOO_MANY],
)
def test_half_of_all_masks():
    def run(a):
        net, _ = network(a)
        return Dropout(0.5).expected(net)[0], ops.mean(every_mask(net)[0], axis=0)

    at_test, mean = opened(run)
    return ring(at_test(n), mean(n), inst(half_of_all(), {ANY: ((h,), Same(h, n))}))


def mean_of_all(e):
    """The mean over all masks."""
    return Sum(e, s) / Sum(ONE, s)


@theorem(
    "the mean of the shipped logits over all 2^n masks is the shipped logits with the masks at test time",
    claim="E3",
    level="A",
    sizes="one hidden layer of any width, sigm, tanh and relu, any number of classes; masks of 1/2",
    uses=("the shipped masks at test time are the mean of all 2^n masks: 1/2",),
    traced=[FeedForward.logits, FeedForward.hidden_layer, FeedForward.pre_activation, Dropout.expected],
    spoiled=with_sigmoid(
        SQUARED,
        TOO_MANY,
        Spoiled("the logits with one mask", at_test=lambda traced, c: traced.logits(s, c)),
    ),
)
def test_mean_logit(at_test=lambda traced, c: traced.logits_at_test(c), activations=ACTIVATIONS):
    found = []
    for hidden in activations:
        traced = Traced(hidden, half=True)
        sums = inst(half_of_all(), {ANY: ((h,), V(c, h) * traced.unit(h))})
        found.append(ring(mean_of_all(traced.logits(s, c)), at_test(traced, c), sums))
    return found


def is_geometric_mean(traced, mean, sums, normalised=True):
    """``exp(mean of log f_c), normalised == f_c at test time``, f being what the network gives with the masks s.

    The mean of log f_c is the logit at test time less what is the same for all classes, the mean of log Σ exp.
    """
    log_mean, shared = mean(log(traced.outputs(s, c))), mean(log(Sum(exp(traced.logits(s, k)), k)))
    means = ring(log_mean, traced.logits_at_test(c) - shared, *sums)
    each = rewrite(exp(log_mean), means)
    combined = exp(log_mean) / (Sum(exp(log_mean), c) if normalised else 1)
    return ring(combined, traced.at_test(c), each, total(each, c))


@theorem(
    "the shipped network with the masks at test time is the normalised geometric mean of the 2^n shipped networks with "
    "masks",
    claim="E4",
    level="A",
    sizes="one hidden layer of any width, sigm, tanh and relu, any number of classes; masks of 1/2",
    uses=("the mean of the shipped logits over all 2^n masks is the shipped logits with the masks at test time",),
    traced=[FeedForward.__call__, FeedForward.logits, FeedForward.hidden_layer, Dropout.expected],
    spoiled=with_sigmoid(SQUARED, TOO_MANY, Spoiled("not normalised", normalised=False)),
)
def test_geometric_mean(normalised=True, activations=ACTIVATIONS):
    found = []
    for hidden in activations:
        traced = Traced(hidden, half=True)
        sums = [inst(half_of_all(), {ANY: ((h,), V(c, h) * traced.unit(h))})]
        found.append(is_geometric_mean(traced, mean_of_all, sums, normalised))
    return found


# --- any probabilities --------------------------------------------------------------------------------------------


@theorem(
    "the shipped network with κ for masks is the normalised geometric mean of the shipped networks with masks, each as "
    "often as it is drawn when unit i is kept with probability κ_i",
    claim="E3, E4",
    level="A",
    sizes="one hidden layer of any width, sigm, tanh and relu, any number of classes; any probabilities",
    uses=("a mask's expectation is the probability with which the unit is kept: E[m_i] = κ_i",),
    traced=[FeedForward.__call__, FeedForward.logits, FeedForward.hidden_layer],
    spoiled=with_sigmoid(SQUARED, Spoiled("not normalised", normalised=False)),
)
def test_geometric_mean_of_any(normalised=True, activations=ACTIVATIONS):
    there = {HIDDEN: H}
    drawn = put(over_sets(probability(), there), {}, {over_sets(drawn_mask, there): s})
    found = []
    for hidden in activations:
        traced = Traced(hidden, half=False)
        at = over_sets(unit, there)
        logit = {over_sets(FACTOR, there): ((at,), V(c, at) * traced.unit(at))}
        sums = [inst(expected_sum(), logit, sets=there), inst(probabilities_sum_to(), sets=there)]
        found.append(is_geometric_mean(traced, lambda e: Sum(drawn * e, s), sums, normalised))
    return found


@theorem(
    "at test time shipped dropout is no dropout, of weights above each hidden layer that are scaled by what is kept",
    claim="E3",
    level="A",
    sizes="two hidden layers of any widths, sigm; p = 1/2 and 1/4",
    traced=[FeedForward.logits, FeedForward.hidden_layer, Dropout.expected],
    spoiled=[
        SQUARED,
        TOO_MANY,
        Spoiled("mask dropped", mutated(FeedForward, "hidden_layer", " * mask", "")),
        Spoiled("inverted as well", mutated(Dropout, "expected", "self.inverted", "not self.inverted")),
    ],
)
def test_classical_is_inverted():
    def run(a):
        weights, biases = (a("W", H, D), a("U", K, H), a("V", C, K)), (a("b", H), a("b2", K), a("b3", C))
        net, x = FeedForward(weights, biases), a("x", T, D)
        found = []
        for p in (0.5, 0.25):
            scaled = FeedForward((weights[0], *(W * (1 - p) for W in weights[1:])), biases)
            found += [
                net.logits(x, Dropout(p).expected(net)),
                scaled.logits(x, Dropout(p, inverted=True).expected(net)),
            ]
        return found

    half, as_half, most, as_most = opened(run)
    return ring(half(t, c), as_half(t, c)), ring(most(t, c), as_most(t, c))
