"""Claims G1, G2 and G5 for all sizes, on shipped code: the joint and the likelihood of a DBN of several layers.

The shipped code is traced on axes that have names (`proofs.open`): T examples of all layers, numbered from x = h0 up,
of so many units as the sets `UNITS` say. h0 of example t is x0(t, ·), and so on. On top is an RBM; its log Z is a sum
over the states of the smaller side, and is traced on either side of that choice.
"""

from fractions import Fraction
from functools import partial
from itertools import pairwise

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import elsewhere, induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import cube_sum, layer_sums_to_one, sigmoid
from proofs.kernel.lemmas import layer as product_of_units
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, combine, inst, log_of_exp, rewrite, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import POSITIVE, Bit, Cube, Fold, Set, Sum, exp, families, indices, log, plus, sum_over
from proofs.open.trace import bits, opened
from tinygrad_dbn import exact
from tinygrad_dbn.exact.marginals import log_mixture
from tinygrad_dbn.models import DBN, RBM, DirectedLayer

T = Set("T")
UNITS = list(map(Set, "DHKNO"))
t, = indices("t", T)  # fmt: skip
i = [indices(f"i{k}", units)[0] for k, units in enumerate(UNITS)]
h = [indices(f"h{k}", Cube(units))[0] for k, units in enumerate(UNITS)]
X = [families(f"x{k}", T, units)[0] for k, units in enumerate(UNITS)]
W = [families(f"W{k}", above, below)[0] for k, (below, above) in enumerate(pairwise(UNITS))]
B = [families(f"b{k}", units)[0] for k, units in enumerate(UNITS)]


def dbn(a, depth, lowest=0):
    """The shipped model of so many directed layers below an RBM; without some of the lowest."""
    parameters = lambda k: (a(f"W{k}", UNITS[k + 1], UNITS[k]), a(f"b{k}", UNITS[k]))
    layers = [
        DirectedLayer(*parameters(k), a("R", UNITS[k + 1], UNITS[k]), a("c", UNITS[k + 1]))
        for k in range(lowest, depth)
    ]
    return DBN(tuple(layers), RBM(*parameters(depth), a(f"b{depth + 1}", UNITS[depth + 1])))


def rows(a, depth, lowest=0):
    """The examples of all layers."""
    return [a(f"x{k}", T, UNITS[k], like=bits) for k in range(lowest, depth + 2)]


def sides(depth):
    """Which of the top two layers has fewer units."""
    return UNITS[depth : depth + 2], UNITS[depth + 1 : depth - 1 : -1]


SIZES = (
    "all numbers of units and examples; one, two and three directed layers; on either side of the branch on which of "
)
SIZES += "the top two has fewer units; one block of states"


# --- the joint --------------------------------------------------------------------------------------------------


def field(k, above):
    """b + h W, for the units of layer k, from those of the layer above by its `above(i)`."""
    return Sum(above(i[k + 1]) * W[k](i[k + 1], i[k]), i[k + 1]) + B[k](i[k])


def log_product(k):
    """log p(h_k | h_(k+1)) of example t, a product over units: p(on) = sigm(a), and p(off) = sigm(−a)."""
    a, on = field(k, partial(X[k + 1], t)), X[k](t, i[k])
    return Sum(on * log(sigmoid(a)) + (1 - on) * log(sigmoid(-a)), i[k])


def minus_energy(k, below, above):
    """−E of an RBM of layers k and k + 1, from their units."""
    lower, upper = below(i[k]), above(i[k + 1])
    both = sum_over(i[k], i[k + 1], of=lower * W[k](i[k + 1], i[k]) * upper)
    return both + Sum(B[k](i[k]) * lower, i[k]) + Sum(B[k + 1](i[k + 1]) * upper, i[k + 1])


def at_states(k):
    """−E at states of both layers."""
    return minus_energy(k, lambda unit: Bit(h[k], unit), lambda unit: Bit(h[k + 1], unit))


def closed_sums(k):
    """The sum over the states of layer k + 1 of exp(−E), and both forms of the sum over the states of both."""
    up = B[k + 1](i[k + 1]) + Sum(W[k](i[k + 1], i[k]) * Bit(h[k], i[k]), i[k])
    down = B[k](i[k]) + Sum(W[k](i[k + 1], i[k]) * Bit(h[k + 1], i[k + 1]), i[k + 1])
    over_upper, over_lower = cube_sum(h[k + 1], i[k + 1], up), cube_sum(h[k], i[k], down)
    of_lower = exp(Sum(B[k](i[k]) * Bit(h[k], i[k]), i[k]))
    of_upper = exp(Sum(B[k + 1](i[k + 1]) * Bit(h[k + 1], i[k + 1]), i[k + 1]))
    return over_upper, (summed(over_upper, h[k], of_lower), summed(over_lower, h[k + 1], of_upper))


def units_of_a_layer():
    """``Σ_i x log sigm(a) + (1 − x) log sigm(−a) == Σ_i (x a − log(1 + exp a))``, for any units and their logits."""
    on, a = (family(t, i[0]) for family in families("on a", T, UNITS[0]))
    return ring(Sum(on * log(sigmoid(a)) + (1 - on) * log(sigmoid(-a)), i[0]), Sum(on * a - log(1 + exp(a)), i[0]))


JOINT = [
    Spoiled("the conditional not normalised", mutated(exact.marginals, "log_joint", " - ops.softplus(a)", "")),
    Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
    Spoiled("sign of the energy", mutated(exact.marginals, "log_joint", "-dbn.top.energy", "dbn.top.energy")),
    Spoiled("top RBM not normalised", mutated(exact.marginals, "log_joint", " - log_partition(dbn.top)", "")),
    Spoiled("a bias of the top lost", mutated(RBM, "energy", " + ops.matmul(x, self.b)", "")),
    Spoiled("a layer left out", mutated(exact.marginals, "log_joint", "zip(dbn.layers,", "zip(dbn.layers[1:],")),
]


def shallow(depth, *versions):
    """The spoiled versions, each looked at with so many directed layers and on one side of the branch, for time's
    sake."""
    return [Spoiled(version.name, version.patch, depths=(depth,), both=False) for version in versions]


PRODUCT = (
    "the shipped log p(x, h1, …, hL) is −E(h(L−1), hL) − log Σ exp(−E) of the top, and for each directed layer more "
    "Σ_i log p(h_i|h) of sigmoid units, given those above"
)


@theorem(
    PRODUCT,
    claim="G1, G2",
    level="A",
    sizes=SIZES,
    traced=[exact.log_joint],
    spoiled=shallow(1, *JOINT),
)
def test_joint(depths=(1, 2, 3), both=True):
    any_units = units_of_a_layer()
    return [thm for depth in depths for thm in joint_is_a_product(depth, any_units, both)]


def joint_is_a_product(depth, any_units, both):
    """For each directed layer what it adds, and what there is without them."""

    def run(a):
        joints = [exact.log_joint(dbn(a, depth, k), *rows(a, depth, k)) for k in range(depth + 1)]
        top = dbn(a, depth).top
        return [*joints, exact.log_partition(top), top.energy(*rows(a, depth, depth))]

    _, sums = closed_sums(depth)
    found = []
    for side, of_z in list(zip(sides(depth), sums, strict=True))[: 1 + both]:
        *joints, of_top, log_z, energy = opened(run, ascending=side)
        found += [
            combine(lower(t) - upper(t), "==", log_product(k), (-1, of_units(any_units, k)))
            for k, (lower, upper) in enumerate(pairwise([*joints, of_top]))
        ]
        # log Z is log Σ exp(−E), since exp(log Z) is the sum.
        all_states = sum_over(h[depth], h[depth + 1], of=exp(at_states(depth)))
        of_log, of_sum = log_of_exp(log_z()), rewrite(log(exp(log_z())), ring(exp(log_z()), all_states, of_z))
        of_energy = ring(-energy(t), minus_energy(depth, *(partial(X[k], t) for k in (depth, depth + 1))))
        found.append(
            combine(of_top(t), "==", of_energy.right - log(all_states), (1, of_energy), (1, of_log), (-1, of_sum))
        )
    return found


def of_units(thm, k):
    """The theorem about any units, of those of layer k."""
    on, a = families("on a", T, UNITS[k])
    values = {on: ((t, i[k]), X[k](t, i[k])), a: ((t, i[k]), field(k, partial(X[k + 1], t)))}
    return inst(thm, values, sets={UNITS[0]: UNITS[k]})


# --- the likelihood ---------------------------------------------------------------------------------------------


def nested(depth):
    """The families A0(t, h1), A1(h1, h2), … and E of the top two layers, where they are, and the theorem about them:

    ``exp(log Σ_h1 exp(A0 + log Σ_h2 exp(A1 + … log Σ exp(E)))) == Σ_h1 Σ_h2 … Σ exp(A0 + A1 + … + E)``.
    """
    places = [(t, h[1]), *pairwise(h[1 : depth + 2])]
    any_of = [families(f"A{k}", *(one.set for one in at))[0] for k, at in enumerate(places)]
    inner = [family(*at) for family, at in zip(any_of, places, strict=True)]
    within = log(Sum(exp(inner[-1]), h[depth + 1]))
    for k in reversed(range(depth)):
        within = log(Sum(exp(inner[k] + within), h[k + 1]))
    return any_of, places, ring(exp(within), sum_over(*h[1 : depth + 2], of=exp(plus(*inner))))


def split_units():
    """``Σ_i (x a − log(1 + exp a)) == Σ_i x a − Σ_i log(1 + exp a)``, for any units and their logits."""
    on, a = (family(t, i[0]) for family in families("on a", T, UNITS[0]))
    return ring(Sum(on * a - log(1 + exp(a)), i[0]), Sum(on * a, i[0]) - Sum(log(1 + exp(a)), i[0]))


PRIOR = Spoiled("prior forgotten", mutated(exact.marginals, "log_mixture", " + prior[", " + 0 * prior["))
SOFTPLUS = " - ops.sum(ops.softplus(a), axis=-1)"
CONDITIONAL = Spoiled("a conditional that is not normalised", mutated(DirectedLayer, "log_conditional", SOFTPLUS, ""))
SIGMOID = Spoiled("sigmoid for softplus in F", mutated(RBM, "free_energy", "ops.softplus", "ops.sigmoid"))


@theorem(
    "the shipped p(x) is the sum of the shipped p(x, h1, …, hL) over the states of all hidden layers",
    claim="G2, G5",
    level="A",
    sizes=SIZES,
    traced=[exact.log_likelihood, exact.log_joint],
    uses=(PRODUCT,),
    spoiled=shallow(2, JOINT[0], PRIOR, CONDITIONAL, SIGMOID),
)
def test_likelihood(depths=(1, 2, 3), both=True):
    split = split_units()
    return [likelihood_is_the_sum(depth, side, split) for depth in depths for side in sides(depth)[: 1 + both]]


def likelihood_is_the_sum(depth, side, split):
    def run(a):
        model, examples = dbn(a, depth), rows(a, depth)
        below = [examples[0], *map(exact.states, model.sizes[1:depth])]
        above = map(exact.states, model.sizes[1:])
        given = [layer.log_conditional(x, h) for x, layer, h in zip(below, model.layers, above, strict=False)]
        joints = exact.log_joint(model, *examples), exact.log_joint(dbn(a, depth, depth), *examples[depth:])
        return [*joints, exact.log_likelihood(model, examples[0]), exact.log_marginal(model, depth), *given]

    joint, of_top, log_p, prior, *given = opened(run, ascending=side)
    bits_of = {X[k]: ((t, i[k]), Bit(h[k], i[k])) for k in range(1, depth + 2)}
    joint, of_top = (put(found(t), bits_of) for found in (joint, of_top))
    any_of, places, thm = nested(depth)
    inner = [*(found(*at) for found, at in zip(given, places, strict=False)), of_top]
    # log p of the lower layer of the RBM is the logarithm of a sum over the upper one, and so log p(x) one of sums.
    p, over_upper = prior(h[depth]), closed_sums(depth)[0]
    of_p = rewrite(log(exp(p)), ring(exp(p), Sum(exp(of_top), h[depth + 1]), over_upper))
    as_log = combine(p, "==", of_p.right, (-1, log_of_exp(p)), (1, of_p))
    within = p
    for k in reversed(range(depth)):
        within = log(Sum(exp(inner[k] + within), h[k + 1]))
    nested_sums = inst(thm, {family: (at, e) for family, at, e in zip(any_of, places, inner, strict=True)})
    # The joint's sums over units are split in two, as those of the conditionals are.
    parts = [(1, of_states(split, k)) for k in range(depth)]
    same = rewrite(exp(joint), combine(joint, "==", plus(*inner), *parts))
    for index in reversed(h[1 : depth + 2]):
        same = total(same, index)
    return combine(exp(log_p(t)), "==", same.left, (1, rewrite(exp(within), as_log)), (1, nested_sums), (-1, same))


def of_states(thm, k):
    """The theorem about any units, of those of layer k at a state, or of the examples."""
    on, a = families("on a", T, UNITS[k])
    at = Bit(h[k], i[k]) if k else X[0](t, i[0])
    values = {on: ((t, i[k]), at), a: ((t, i[k]), field(k, partial(Bit, h[k + 1])))}
    return inst(thm, values, sets={UNITS[0]: UNITS[k]})


# --- any number of layers ---------------------------------------------------------------------------------------

LAYERS, N, THIRDS = Set("L"), Set("N"), (Fraction(1, 3), Fraction(2, 3))
l, = indices("l", LAYERS)  # fmt: skip
u, w = indices("i j", N)
v, above = indices("v h", Cube(N))
LAYER_W, LAYER_B = families("W", LAYERS, N, N)[0], families("b", LAYERS, N)[0]
TOP, = families("top", Cube(N), sign=POSITIVE)  # fmt: skip
LOG_P, P = families("log_p p", Cube(N))
FIELD = LAYER_B(l, u) + Sum(Bit(above, w) * LAYER_W(l, w, u), w)
GIVEN = product_of_units(v, u, FIELD)


def lecture(at):
    """p(v) below all layers: Σ_h p(v|h) p(h), layer by layer from the top down."""
    return Fold(P, (v,), TOP(v), Sum(GIVEN * P(above), above), l, (at,))


def of_part(e, mark):
    """A term about layer l, of the first or the last one, by the mark of its `part`."""
    W, b = part(LAYER_W, mark, "", ""), part(LAYER_B, mark, "")
    return put(e, {LAYER_W: ((l, u, w), W(u, w)), LAYER_B: ((l, u), b(u))})


def sum_stays():
    """``Σ_v p(v) == Σ_v top(v)``: each p(v|h) sums to one over v, whatever h is."""

    def grows(mark, p):
        one = summed(layer_sums_to_one(v, u, of_part(FIELD, mark)), above, p)
        return lambda more, *so_far: ring(more.left, more.right, one, *so_far)

    sums = Sum(lecture(v), v), Sum(TOP(v), v)
    return induction(sums[0], "==", sums[1], LAYERS, grows("0", TOP(above)), grows("n", lecture(above)))


@theorem(
    "at any depth the shipped p(x) is Σ_h p(x|h) p(h), layer by layer from the top down, p(x|h) = Π sigm(a)^x "
    "(1 − sigm(a))^(1 − x) with a = b + hW; and p(x) sums to one where p(h) of the top does",
    claim="G2, G5",
    level="A",
    sizes="any number of directed layers, of one width, which is any, below any p(h) > 0",
    traced=[log_mixture],
    spoiled=[
        PRIOR,
        CONDITIONAL,
        Spoiled("transpose", mutated(DirectedLayer, "visible_logits", "self.W)", "self.W.T)")),
        Spoiled("generative bias lost", mutated(DirectedLayer, "visible_logits", " + self.b", "")),
        Spoiled("p(h) of the top does not sum to one", top=2),
    ],
)
def test_any_depth(top=1):
    def run(a):
        layer = DirectedLayer(a("W", N, N), a("b", N), a("R", N, N), a("c", N))
        return log_mixture(exact.states(a("b", N).shape[0]), layer, a("log_p", Cube(N)))

    of_layer = {families("W", N, N)[0]: ((u, w), LAYER_W(l, u, w)), families("b", N)[0]: ((u,), LAYER_B(l, u))}
    step = put(opened(run)(v), of_layer)
    shipped = lambda at: Fold(LOG_P, (v,), log(TOP(v)), step, l, (at,))

    def one_more(more, so_far):
        so_far = summed(elsewhere(so_far, v, above), above, of_part(GIVEN, "n"))
        return ring(more.left, more.right, so_far)

    own = ring(exp(step), Sum(GIVEN * exp(LOG_P(above)), above))
    same = induction(exp(shipped(v)), "==", lecture(v), LAYERS, step=one_more)
    given, sums = assume(Sum(TOP(v), v), "==", top), total(same, v)
    one = combine(sums.left, "==", 1, (1, sums), (1, sum_stays()), (1, given))
    model = {TOP: THIRDS, LAYER_W: (((1,),), ((-1,),)), LAYER_B: ((0,), (2,))}
    return own, same, require_model(one, model)
