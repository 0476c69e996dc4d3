"""Chapter I: a DBN whose second layer is tied to the first is the first RBM, for all numbers of units.

The first RBM has x of {0,1}^D, h of {0,1}^H and exp(−E(x, h)) with −E = Σ_ij x_i W_ij h_j + Σ_i b_i x_i + Σ_j c_j h_j.
The DBN has the directed layer p(x|h) of sigmoid units with the same W and b, and on top an RBM of h and h', where h' is
of {0,1}^D too: tied, its weights are W transposed, its biases are c for h and b for h'.
"""

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import induction, ring
from proofs.kernel.lemmas import cube_sum, layer, log_likelihood_rises
from proofs.kernel.rules import assume, combine, inst, rewrite
from proofs.kernel.terms import NONNEGATIVE, POSITIVE, Bit, Cube, Set, Sum, exp, families, indices, log, sum_over

VISIBLE, HIDDEN = Set("D"), Set("H")
i, = indices("i", VISIBLE)  # fmt: skip
j, = indices("j", HIDDEN)  # fmt: skip
x, h2 = indices("x h'", Cube(VISIBLE))
h, = indices("h", Cube(HIDDEN))  # fmt: skip
W, U = families("W U", VISIBLE, HIDDEN)
B, OTHER_B = families("b b'", VISIBLE)
C, OTHER_C = families("c c'", HIDDEN)


def rbm(v, weights=W, visible=B, hidden=C):
    """exp(−E) of an RBM of the states v of {0,1}^D and h."""
    both_on = sum_over(i, j, of=Bit(v, i) * weights(i, j) * Bit(h, j))
    return exp(both_on + Sum(visible(i) * Bit(v, i), i) + Sum(hidden(j) * Bit(h, j), j))


FIELD = B(i) + Sum(W(i, j) * Bit(h, j), j)
FIRST = rbm(x)
FIRST_Z = sum_over(x, h, of=FIRST)


def prior(**top):
    """Σ_h' exp(−E) of the top RBM, and p(h): that over its sum."""
    weight = Sum(rbm(h2, **top), h2)
    return weight, weight / Sum(weight, h)


TIED, TIED_PRIOR = prior()
DIRECTED = layer(x, i, FIELD)


@theorem(
    "the sum over {0,1}^n of exp(Σ_j s_j a_j) is Π_j (1 + exp a_j)",
    claim="I4",
    level="A",
    sizes="all n",
    spoiled=[Spoiled("1 + 2 exp a", on=2), Spoiled("2 + exp a", off=2), Spoiled("the states of one unit only", on=0)],
)
def test_cube_sum_factorises(off=1, on=1):
    product = exp(Sum(log(off + on * exp(B(i))), i))
    return induction(Sum(exp(Sum(Bit(x, i) * B(i), i)), x), "==", product, VISIBLE)


def joint(directed=DIRECTED, top=TIED_PRIOR):
    """``p(x|h) p(h) == exp(−E(x, h)) / Z``: the sum over h' is what normalises p(x|h)."""
    return ring(directed * top, FIRST / FIRST_Z, cube_sum(h2, i, FIELD))


@theorem(
    "tied, the DBN has the first RBM's joint p(x, h)",
    claim="I4",
    level="A",
    sizes="all numbers of units",
    uses=("the sum over {0,1}^n of exp(Σ_j s_j a_j) is Π_j (1 + exp a_j)",),
    spoiled=[
        Spoiled("the biases of h not tied", top=prior(hidden=OTHER_C)[1]),
        Spoiled("the weights not tied", top=prior(weights=U)[1]),
        Spoiled("the directed layer is not normalised", directed=exp(Sum(Bit(x, i) * FIELD, i))),
    ],
)
def test_joint_of_tied_dbn(directed=DIRECTED, top=TIED_PRIOR):
    return joint(directed, top)


# --- a second layer, trained after a tied start -----------------------------------------------------------------

SHARE, = families("w", Cube(VISIBLE), sign=NONNEGATIVE)  # fmt: skip
CONDITIONAL, = families("p", Cube(VISIBLE), Cube(HIDDEN), sign=POSITIVE)  # fmt: skip
START, TRAINED = families("pi rho", Cube(HIDDEN), sign=POSITIVE)
RBM = FIRST / FIRST_Z
POSTERIOR = RBM / Sum(RBM, h)


@theorem(
    "started tied, a DBN's average log p(x) is no less than the first RBM's where Σ q̄ log p(h) has not fallen",
    claim="I5",
    level="A",
    sizes="all numbers of units, any data, any p(h) > 0 after the training, q(h|x) the first RBM's posterior",
    uses=(
        "tied, the DBN has the first RBM's joint p(x, h)",
        "started with q the posterior, the data's average log p(x) does not fall where Σ q̄ log p(h) does not",
    ),
    spoiled=[Spoiled("Σ q̄ log p(h) may have fallen", risen=False)],
)
def test_dbn_is_no_worse_than_the_rbm(risen=True):
    rises = log_likelihood_rises(SHARE, CONDITIONAL, START, TRAINED, x, h)
    rises = inst(rises, {CONDITIONAL: ((x, h), DIRECTED), START: ((h,), TIED_PRIOR)})
    # At the start the DBN's joint is the RBM's, in the likelihood and in the posterior.
    left, right = rewrite(rises.left, joint()), rewrite(rises.right, joint())
    as_rbm = combine(left.right, ">=", right.right, (1, rises), (-1, left), (1, right))
    gain = Sum(SHARE(x) * Sum(POSTERIOR * (log(TRAINED(h)) - log(TIED_PRIOR)), h), x)
    given = [assume(gain, ">=", 0)] * risen
    dbn, rbm = (Sum(SHARE(x) * log(Sum(of, h)), x) for of in (DIRECTED * TRAINED(h), RBM))
    return combine(dbn, ">=", rbm, (1, as_rbm), *((1, thm) for thm in given))
