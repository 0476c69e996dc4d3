"""Chapter G for all sizes, on shipped code: the RBM of real visible units.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible and H hidden units. x is real,
h is a state of {0,1}^H. The kernel has no integral over x. What it derives of p(x | h) is that exp(−E(x, h)) is
exp(−G(h)) times the normal density of the shipped mean and variances, for the shipped G; that this density integrates
to one is trusted, and then exp(−G(h)) is the integral of exp(−E(x, h)) over x.
"""

import pytest

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import ring
from proofs.kernel.lemmas import cube_sum, sigmoid
from proofs.kernel.terms import Bit, Cube, Set, Sum, exp, families, indices, log, numbers, sum_over
from proofs.open.trace import opened
from tinygrad_dbn import exact
from tinygrad_dbn.models import GaussianLayer, GaussianRBM, gaussian

T, D, H = map(Set, "TDH")
t, = indices("t", T)  # fmt: skip
i, = indices("i", D)  # fmt: skip
j, = indices("j", H)  # fmt: skip
h, = indices("h", Cube(H))  # fmt: skip
W, = families("W", H, D)  # fmt: skip
B, Z = families("b z", D)
C, = families("c", H)  # fmt: skip
X, = families("x", T, D)  # fmt: skip
TAU, = numbers("log_tau")  # fmt: skip
"""What stands for log 2π."""


def read(run):
    """What is read of a run, in which log 2π is an argument: the theorems hold for any number in its place."""

    def with_any_constant(a):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gaussian, "LOG_TAU", a("log_tau"))
            return run(a)

    return opened(with_any_constant)


def rbm(a):
    """The shipped model."""
    return GaussianRBM(a("W", H, D), a("b", D), a("c", H), a("z", D))


def hidden(a):
    """All states of the hidden units, by the shipped order."""
    return exact.states(a("c", H).shape[0])


FIELD = C(j) + Sum(W(j, i) * X(t, i) * exp(-Z(i)), i)
"""c_j + W_j·(x / σ²)."""
MEAN = B(i) + Sum(W(j, i) * Bit(h, j), j)
"""b + hW."""
ENERGY = (
    Sum((X(t, i) - B(i)) ** 2 * exp(-Z(i)), i) / 2
    - Sum(C(j) * Bit(h, j), j)
    - sum_over(i, j, of=Bit(h, j) * W(j, i) * X(t, i) * exp(-Z(i)))
)
CLOSED = cube_sum(h, j, FIELD)
LOG_DENSITY = -Sum((X(t, i) - MEAN) ** 2 * exp(-Z(i)) + Z(i) + TAU, i) / 2
"""The logarithm of the normal density of mean b + hW and variances exp(z)."""


def shipped_energy():
    return read(lambda a: rbm(a).energy(a("x", T, D)[:, None], hidden(a)[None]))(t, h)


IN_LOGITS = [
    Spoiled("hidden bias lost", mutated(GaussianRBM, "hidden_logits", " + self.c", "")),
    Spoiled("x not divided by its variance", mutated(GaussianRBM, "hidden_logits", "x * self.precision", "x")),
]
IN_E = [
    Spoiled("half forgotten in E", mutated(GaussianRBM, "visible_energy", "axis=-1) / 2", "axis=-1)")),
    Spoiled("visible bias lost in E", mutated(GaussianRBM, "visible_energy", "x - self.b", "x")),
    Spoiled("variance lost in E", mutated(GaussianRBM, "visible_energy", " * self.precision", "")),
    *IN_LOGITS,
]
SIGN = Spoiled("sign of the interaction", mutated(GaussianRBM, "energy", "- ops.sum(h", "+ ops.sum(h"))


@theorem(
    "the shipped energy is Σ_i (x_i − b_i)² / 2σ_i² − cᵀh − hᵀW(x / σ²)",
    claim="G0",
    level="A",
    sizes="all numbers of units, every real x and every h",
    traced=[GaussianRBM.energy],
    spoiled=[SIGN, *IN_E],
)
def test_energy():
    return ring(shipped_energy(), ENERGY)


@theorem(
    "with real x, the shipped F(x) is Σ_i (x_i − b_i)² / 2σ_i² − Σ_j softplus(c_j + W_j·(x / σ²)), and exp(−F(x)) = "
    "Σ_h exp(−E(x, h))",
    claim="G0",
    level="A",
    sizes="all numbers of units, every real x",
    traced=[GaussianRBM.free_energy, GaussianRBM.energy],
    spoiled=[
        Spoiled("sign of F", mutated(GaussianRBM, "free_energy", "- ops.sum", "+ ops.sum")),
        Spoiled("sigmoid for softplus", mutated(GaussianRBM, "free_energy", "ops.softplus", "ops.sigmoid")),
        SIGN,
        *IN_E,
    ],
)
def test_free_energy():
    free = read(lambda a: rbm(a).free_energy(a("x", T, D)))(t)
    formula = Sum((X(t, i) - B(i)) ** 2 * exp(-Z(i)), i) / 2 - Sum(log(1 + exp(FIELD)), j)
    return ring(exp(-free), Sum(exp(-shipped_energy()), h), CLOSED), ring(free, formula)


@theorem(
    "with real x, the shipped p(h_j=1|x) = sigm(c_j + W_j·(x / σ²)), multiplied over units, is exp(−E(x, h)) over its "
    "sum over h",
    claim="G0",
    level="A",
    sizes="all numbers of units, every real x and every h",
    traced=[GaussianRBM.hidden_given_visible, GaussianRBM.energy],
    spoiled=[
        Spoiled(
            "sign flipped",
            mutated(GaussianRBM, "hidden_given_visible", "self.hidden_logits(x)", "-self.hidden_logits(x)"),
        ),
        SIGN,
        *IN_LOGITS,
    ],
)
def test_hidden_given_visible():
    up = read(lambda a: rbm(a).hidden_given_visible(a("x", T, D)))(t, j)
    joint = exp(-shipped_energy())
    product = exp(Sum(Bit(h, j) * log(up) + (1 - Bit(h, j)) * log(sigmoid(-FIELD)), j))
    return ring(joint / Sum(joint, h), product, CLOSED)


INTEGRAL = "the integral over x of a normal density is 1"
VOLUME = mutated(GaussianRBM, "hidden_free_energy", " + log_volume(self._log_variance)", "")


@theorem(
    "with real x, exp(−E(x, h)) = exp(−G(h)) times the normal density at x of mean b + hW and variances σ², both G and "
    "the mean as shipped: so exp(−G(h)) is the integral of exp(−E(x, h)) over x, and p(x|h) that density",
    claim="G0",
    level="A",
    sizes="all numbers of units, every real x and every h; the integral is trusted, and that LOG_TAU is log 2π",
    trusts=(INTEGRAL,),
    traced=[GaussianRBM.hidden_free_energy, GaussianRBM.visible_given_hidden, GaussianRBM.energy],
    spoiled=[
        Spoiled("bias of the mean lost", mutated(GaussianRBM, "visible_given_hidden", " + self.b", "")),
        Spoiled("hidden bias lost in G", mutated(GaussianRBM, "hidden_free_energy", "ops.matmul(h, self.c) + ", "")),
        Spoiled("cross term lost in G", mutated(GaussianRBM, "hidden_free_energy", "m + 2 * self.b", "m")),
        Spoiled(
            "volume lost in G", mutated(GaussianRBM, "hidden_free_energy", " + log_volume(self._log_variance)", "")
        ),
        SIGN,
        *IN_E,
    ],
)
def test_visible_given_hidden():
    def run(a):
        model, states = rbm(a), hidden(a)
        return model.hidden_free_energy(states), model.visible_given_hidden(states)

    free, mean = read(run)
    density = -Sum((X(t, i) - mean(h, i)) ** 2 * exp(-Z(i)) + Z(i) + TAU, i) / 2
    return ring(-shipped_energy(), -free(h) + density), ring(mean(h, i), MEAN)


@theorem(
    "the shipped log p(x|h) of a layer of real units is the logarithm of the normal density of mean b + hW and "
    "variances σ²",
    claim="G1",
    level="A",
    sizes="all numbers of units, every real x and every h, any number for log 2π",
    traced=[GaussianLayer.log_conditional],
    spoiled=[
        Spoiled("square of the mean lost", mutated(GaussianLayer, "log_conditional", "ops.square(m)", "m")),
        Spoiled("not centred", mutated(GaussianLayer, "log_conditional", "X - self.b", "X")),
        Spoiled("not normalised", mutated(GaussianLayer, "log_conditional", " + log_volume(self.log_variance)", "")),
        Spoiled(
            "variance lost", mutated(GaussianLayer, "log_conditional", "ops.matmul(d * precision,", "ops.matmul(d,")
        ),
    ],
)
def test_log_conditional():
    def run(a):
        layer = GaussianLayer(a("W", H, D), a("b", D), a("R", H, D), a("c", H), a("z", D))
        return layer.log_conditional(a("x", T, D), hidden(a))

    return ring(read(run)(t, h), LOG_DENSITY)


@theorem(
    "with real x, the shipped log Z is log Σ_h exp(−G(h)), and the shipped log p(x) = −F(x) − log Z",
    claim="G0",
    level="A",
    sizes="all numbers of units, every real x; one block of states",
    trusts=(INTEGRAL,),
    traced=[exact.log_partition, exact.log_likelihood, GaussianRBM.free_energy],
    spoiled=[
        Spoiled("sign of G in Z", mutated(exact.partition, "log_partition", "(-free_energy", "(free_energy")),
        Spoiled("Z added", mutated(exact.likelihood, "log_likelihood", "(X) - log_partition", "(X) + log_partition")),
        Spoiled("cross term lost in G", mutated(GaussianRBM, "hidden_free_energy", "m + 2 * self.b", "m")),
        *IN_E,
    ],
)
def test_likelihood():
    log_p = read(lambda a: exact.log_likelihood(rbm(a), a("x", T, D)))(t)
    log_z = read(lambda a: exact.log_partition(rbm(a)))()
    m = Sum(W(j, i) * Bit(h, j), j)
    gained = Sum(m * (m + 2 * B(i)) * exp(-Z(i)) + Z(i) + TAU, i) / 2
    total = Sum(exp(Sum(C(j) * Bit(h, j), j) + gained), h)
    free = Sum((X(t, i) - B(i)) ** 2 * exp(-Z(i)), i) / 2 - Sum(log(1 + exp(FIELD)), j)
    return ring(exp(log_z), total), ring(log_p, -free - log(total))
