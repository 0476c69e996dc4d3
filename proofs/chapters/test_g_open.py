"""Chapter G for all sizes, on shipped code: the RBM's energy, free energy, conditionals, likelihood and gradient.

The shipped code is traced on axes that have names (`proofs.open`): T examples, D visible and H hidden units. x and h
are states of {0,1}^D and {0,1}^H.
"""

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import ring, summed
from proofs.kernel.lemmas import cube_mean, cube_sum, sigmoid
from proofs.kernel.rules import total
from proofs.kernel.substitution import put
from proofs.kernel.terms import ONE, Bit, Cube, Set, Sum, exp, families, indices, log, sum_over
from proofs.open.trace import bits, opened
from tinygrad_dbn import exact
from tinygrad_dbn.models import RBM

T, D, H = map(Set, "TDH")
t, = indices("t", T)  # fmt: skip
i, m = indices("i i*", D)
j, n = indices("j j*", H)
x, = indices("x", Cube(D))  # fmt: skip
h, = indices("h", Cube(H))  # fmt: skip
W, = families("W", H, D)  # fmt: skip
B, = families("b", D)  # fmt: skip
C, = families("c", H)  # fmt: skip
X, = families("x", T, D)  # fmt: skip


def rbm(a):
    """The shipped model."""
    return RBM(a("W", H, D), a("b", D), a("c", H))


def units(a):
    """All states of the visible and of the hidden units, by the shipped order."""
    return exact.states(a("b", D).shape[0]), exact.states(a("c", H).shape[0])


MINUS_ENERGY = sum_over(i, j, of=Bit(x, i) * W(j, i) * Bit(h, j)) + Sum(B(i) * Bit(x, i), i) + Sum(C(j) * Bit(h, j), j)
JOINT = exp(MINUS_ENERGY)
TO_HIDDEN = C(j) + Sum(Bit(x, i) * W(j, i), i)
TO_VISIBLE = B(i) + Sum(W(j, i) * Bit(h, j), j)
CLOSED = cube_sum(h, j, TO_HIDDEN)
"""``Σ_h exp(Σ_j h_j a_j) == Π_j (1 + exp a_j)``, a = c + W x."""

ENERGY = [
    Spoiled("sign of E", mutated(RBM, "energy", "return -(", "return (")),
    Spoiled("visible bias lost in E", mutated(RBM, "energy", " + ops.matmul(x, self.b)", "")),
    Spoiled("hidden bias lost in E", mutated(RBM, "energy", " + ops.matmul(h, self.c)", "")),
]
FREE_ENERGY = [
    Spoiled("sign of F", mutated(RBM, "free_energy", "return -(", "return (")),
    Spoiled("visible bias lost in F", mutated(RBM, "free_energy", "ops.matmul(x, self.b) + ", "")),
    Spoiled("sigmoid for softplus", mutated(RBM, "free_energy", "ops.softplus", "ops.sigmoid")),
]
HIDDEN_BIAS = Spoiled("hidden bias lost", mutated(RBM, "hidden_logits", " + self.c", ""))
VISIBLE_BIAS = Spoiled("visible bias lost", mutated(RBM, "visible_logits", " + self.b", ""))


@theorem(
    "the shipped energy is −hᵀWx − cᵀh − bᵀx",
    claim="G0",
    level="A",
    sizes="all numbers of units, every x and h",
    traced=[RBM.energy],
    spoiled=ENERGY,
)
def test_energy():
    found = opened(lambda a: rbm(a).energy(a("x", T, D), a("h", T, H)))
    hidden, = families("h", T, H)  # fmt: skip
    both = sum_over(i, j, of=X(t, i) * W(j, i) * hidden(t, j))
    return ring(found(t), -both - Sum(C(j) * hidden(t, j), j) - Sum(B(i) * X(t, i), i))


def shipped_energy():
    """E(x, h) of the shipped model, at states."""

    def run(a):
        visible, hidden = units(a)
        return rbm(a).energy(visible[:, None], hidden[None])

    return opened(run)(x, h)


@theorem(
    "the shipped free energy is −bᵀx − Σ_j softplus(c_j + W_j·x), and exp(−F(x)) = Σ_h exp(−E(x, h))",
    claim="G0",
    level="A",
    sizes="all numbers of units, every x",
    traced=[RBM.free_energy, RBM.energy],
    spoiled=[*FREE_ENERGY, HIDDEN_BIAS, *ENERGY],
)
def test_free_energy():
    free = opened(lambda a: rbm(a).free_energy(units(a)[0]))(x)
    formula = -Sum(B(i) * Bit(x, i), i) - Sum(log(1 + exp(TO_HIDDEN)), j)
    return ring(exp(-free), Sum(exp(-shipped_energy()), h), CLOSED), ring(free, formula)


@theorem(
    "the shipped p(h_j=1|x) = sigm(c_j + W_j·x) and p(x_i=1|h) = sigm(b_i + h·W_·i), each multiplied over units, are "
    "exp(−E(x, h)) over its sum over h, and over x",
    claim="G0",
    level="A",
    sizes="all numbers of units, every x and h",
    traced=[RBM.hidden_given_visible, RBM.visible_given_hidden, RBM.energy],
    spoiled=[
        HIDDEN_BIAS,
        VISIBLE_BIAS,
        Spoiled(
            "sign flipped", mutated(RBM, "hidden_given_visible", "self.hidden_logits(x)", "-self.hidden_logits(x)")
        ),
        *ENERGY,
    ],
)
def test_conditionals():
    def run(a):
        visible, hidden = units(a)
        model = rbm(a)
        return model.hidden_given_visible(visible), model.visible_given_hidden(hidden)

    up, down = opened(run)
    joint = exp(-shipped_energy())
    return (
        ring(joint / Sum(joint, h), product(up(x, j), h, j, TO_HIDDEN), CLOSED),
        ring(joint / Sum(joint, x), product(down(h, i), x, i, TO_VISIBLE), cube_sum(x, i, TO_VISIBLE)),
    )


def product(p, s, unit, field):
    """Π p^s (1 − p)^(1 − s) over units."""
    return exp(Sum(Bit(s, unit) * log(p) + (1 - Bit(s, unit)) * log(sigmoid(-field)), unit))


# --- the likelihood -------------------------------------------------------------------------------------------

# `exact.log_partition` sums over the states of the smaller side, and is traced on either side of that choice.
TOTAL = sum_over(x, h, of=JOINT)
Z = [
    Spoiled("sign of F in Z", mutated(exact.partition, "log_partition", "(-free_energy", "(free_energy")),
    Spoiled(
        "biases not exchanged", mutated(RBM, "transposed", "self.W.T, self.c, self.b", "self.W.T, 0 * self.c, self.b")
    ),
]


def on_both_sides(run):
    """What is read of a run where there are fewer visible units, and where there are fewer hidden ones; with each, that
    its Z is Σ_x Σ_h exp(−E(x, h))."""
    over_x = summed(CLOSED, x, exp(Sum(B(i) * Bit(x, i), i)))
    over_h = summed(cube_sum(x, i, TO_VISIBLE), h, exp(Sum(C(j) * Bit(h, j), j)))
    return (opened(run, ascending=(D, H)), over_x), (opened(run, ascending=(H, D)), over_h)


@theorem(
    "the shipped log Z is log Σ_x Σ_h exp(−E(x, h)), and the shipped log p(x) = log Σ_h exp(−E(x, h)) − log Z",
    claim="G0",
    level="A",
    sizes="all numbers of units, every x; traced on either side of the branch on which are fewer; one block of states",
    traced=[exact.log_partition, exact.log_likelihood, RBM.free_energy],
    spoiled=[
        *Z,
        *FREE_ENERGY,
        Spoiled("Z added", mutated(exact.likelihood, "log_likelihood", "(X) - log_partition", "(X) + log_partition")),
    ],
)
def test_likelihood():
    likelihoods = on_both_sides(lambda a: exact.log_likelihood(rbm(a), units(a)[0]))
    partitions = on_both_sides(lambda a: exact.log_partition(rbm(a)))
    return [
        *(ring(exp(log_p(x)), Sum(JOINT, h) / TOTAL, CLOSED, of_z) for log_p, of_z in likelihoods),
        *(ring(exp(log_z()), TOTAL, of_z) for log_z, of_z in partitions),
    ]


# --- the gradient of the likelihood ---------------------------------------------------------------------------

GIVEN_X = C(j) + Sum(X(t, i) * W(j, i), i)
JOINT_OF_X = exp(Sum(Bit(h, j) * C(j), j) + sum_over(i, j, of=X(t, i) * W(j, i) * Bit(h, j)))


def mean_given_x(of):
    """E[of | x_t] over h, by the energy; terms that are the same for all h leave it as it is."""
    return Sum(of * JOINT_OF_X, h) / Sum(JOINT_OF_X, h)


def gradient(run, of_hidden, of_visible, sign):
    """``the engine's == the data's mean of E[h_n x_m | x] less the model's``, on both sides of the branch; of_hidden,
    of_visible: whether h_n and x_m are in the statistics."""
    up, down = (Bit(h, n) if of_hidden else ONE), (Bit(x, m) if of_visible else ONE)
    given = X(t, m) if of_visible else ONE
    positive = mean_given_x(up * given)
    mean, closed = cube_mean(h, j, GIVEN_X, n), cube_sum(h, j, GIVEN_X)
    data = ring(positive, given * (sigmoid(put(GIVEN_X, {}, {j: n})) if of_hidden else 1), mean, closed)
    model = sum_over(x, h, of=up * down * JOINT) / TOTAL
    weight_x = down * exp(Sum(B(i) * Bit(x, i), i))
    weight_h = up * exp(Sum(C(j) * Bit(h, j), j))
    statistics = (
        summed(cube_mean(h, j, TO_HIDDEN, n) if of_hidden else CLOSED, x, weight_x),
        summed(cube_mean(x, i, TO_VISIBLE, m) if of_visible else cube_sum(x, i, TO_VISIBLE), h, weight_h),
    )
    lecture = Sum(positive, t) / Sum(ONE, t) - sign * model
    at = (*[n] * of_hidden, *[m] * of_visible)
    return [
        ring(found(*at), lecture, total(data, t), of_statistics, of_z)
        for (found, of_z), of_statistics in zip(on_both_sides(run), statistics, strict=True)
    ]


@theorem(
    "the engine's gradient of the shipped mean log p(x) is the data's mean of E[−∂E/∂θ | x] less the model's E[−∂E/∂θ]",
    claim="G0",
    level="A",
    sizes="all numbers of units and examples; on either side of the branch on which are fewer; one block of states",
    traced=[exact.gradient, exact.log_likelihood],
    spoiled=[
        Spoiled("without the model's own statistics", sign=0, names=("c",)),
        Spoiled("the signs exchanged", sign=-1, names=("c",)),
        Spoiled(HIDDEN_BIAS.name, HIDDEN_BIAS.patch, names=("c",)),
        Spoiled("Z forgotten", mutated(exact.likelihood, "log_likelihood", " - log_partition(rbm)", ""), names=("c",)),
        Spoiled(
            "Z added",
            mutated(exact.likelihood, "log_likelihood", "(X) - log_partition", "(X) + log_partition"),
            names=("c",),
        ),
    ],
)
def test_gradient(sign=1, names=("c", "W", "b")):
    def run(name):
        return lambda a: getattr(exact.gradient(rbm(a), a("x", T, D, like=bits)), name)

    return [thm for name in names for thm in gradient(run(name), name != "b", name != "c", sign)]
