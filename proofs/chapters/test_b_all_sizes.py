"""Chapter B for all sizes: what one hidden layer computes, how many terms parity needs, and how gradients vanish.

A state s of {0,1}^J has the bits s_j. The products over J are folds: z becomes z times a factor, for each j.
"""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.derived import derive, everywhere, induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, differentiate, evident, inst, total
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    ZERO,
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
    sum_over,
)

HALF, QUARTER = Num(Fraction(1, 2)), Num(Fraction(1, 4))
J, UNITS, LAYERS = Set("J"), Set("units"), Set("layers")
j, = indices("j", J)  # fmt: skip
s, x, yes, no = indices("s x yes no", Cube(J))
VALUE, = families("f", Cube(J))  # fmt: skip
Z, = numbers("z")  # fmt: skip


def product(factor):
    """Π_j factor."""
    return Fold(Z.family, (), ONE, Z * factor, j, ())


MATCH = Bit(x, j) * Bit(s, j) + (1 - Bit(x, j)) * (1 - Bit(s, j))


@theorem(
    "every function on {0,1}^n is the sum over s of f(s) times an AND of n literals, which is 1 at x = s alone",
    claim="B1",
    level="A",
    sizes="all n, every function",
    spoiled=[
        Spoiled("ANDs without negated inputs", literal=Bit(x, j) * Bit(s, j) + (1 - Bit(s, j))),
        Spoiled("ORs instead", literal=Bit(x, j) + Bit(s, j)),
    ],
)
def test_one_hidden_layer_computes_everything(literal=MATCH):
    alone = everywhere(product(literal), Same(s, x), J, s, x)
    return ring(Sum(VALUE(s) * product(literal), s), VALUE(x), summed(alone, s, VALUE(s)))


ODD = Fold(Z.family, (), ZERO, Z + Bit(x, j) - 2 * Z * Bit(x, j), j, ())
HALF_OF_ALL = exp(log(2) * Sum(ONE, j)) / 2


def number_of_states():
    """``Σ_x 1 == 2^n``."""
    return induction(Sum(ONE, x), "==", 2 * HALF_OF_ALL, J)


@theorem(
    "2^(n−1) vectors of n bits have odd parity",
    claim="B2",
    level="A",
    sizes="all n",
    spoiled=[Spoiled("2^n of them", factor=2), Spoiled("all but one", vectors=Sum(ONE, x) - 1)],
)
def test_half_of_all_vectors_are_odd(factor=1, vectors=Sum(ODD, x)):  # noqa: B008
    return half_of_all_are_odd(factor, vectors)


def half_of_all_are_odd(factor=1, vectors=Sum(ODD, x)):  # noqa: B008
    """``Σ_x odd(x) == 2^(n−1)``."""
    count = number_of_states()
    step = lambda more, so_far: ring(more.left, more.right, so_far, count)
    return induction(vectors, "==", factor * HALF_OF_ALL, J, step=step)


# --- ORs of ANDs --------------------------------------------------------------------------------------------

# An AND of literals: it asks for inputs that are on (yes) and inputs that are off (no).
AND = product((1 - Bit(yes, j) * (1 - Bit(x, j))) * (1 - Bit(no, j) * Bit(x, j)))
C, = families("c", Cube(J), Cube(J), sign=NONNEGATIVE)  # fmt: skip
SIGNED = product(Bit(no, j) - Bit(yes, j))


def signed_sum():
    """``Σ_x AND(x) (−1)^|x| == Π_j (no_j − yes_j)``: not 0 only if the AND asks for each input's value, and once."""
    a, b = families("yes no", J)
    literals = product((1 - a(j) * (1 - Bit(x, j))) * (1 - b(j) * Bit(x, j)))
    thm = induction(Sum(literals * (1 - 2 * ODD), x), "==", product(b(j) - a(j)), J)
    return inst(thm, {a: ((j,), Bit(yes, j)), b: ((j,), Bit(no, j))})


def at_most_one():
    """``1 >= −Π_j (no_j − yes_j)``, for the product's square is its own square: 0 or 1."""
    idempotent = everywhere(SIGNED**4, SIGNED**2, J, yes, no)
    squares = [(HALF, evident(square)) for square in ((1 + SIGNED) ** 2, (1 - SIGNED**2) ** 2)]
    return derive(1, ">=", -SIGNED, *squares, given=[idempotent])


@theorem(
    "an OR of ANDs of literals that computes the parity of n bits has 2^(n−1) ANDs or more",
    claim="B2",
    level="A",
    sizes="all n, every choice of ANDs, also with weights",
    uses=("2^(n−1) vectors of n bits have odd parity",),
    spoiled=[
        Spoiled("2^n of them", factor=2),
        Spoiled("some odd vector is left out", covered=False),
    ],
)
def test_parity_needs_many_terms(factor=1, covered=True):
    # c says how often the OR has the AND that asks for yes and no. Where an AND of it is 1, the parity is odd; and
    # where the parity is odd, some AND of it is 1.
    sound = assume(C(yes, no) * AND * (1 - ODD), "==", 0)
    covers = [assume(sum_over(yes, no, of=C(yes, no) * AND), ">=", ODD)] * covered
    given = total(sound, x), signed_sum()
    each = derive(C(yes, no), ">=", C(yes, no) * Sum(AND, x), (C(yes, no), at_most_one()), given=given)
    number = sum_over(yes, no, of=C(yes, no))
    parts = total(total(each, no), yes), *(total(thm, x) for thm in covers)
    odd = half_of_all_are_odd()
    thm = derive(number, ">=", factor * HALF_OF_ALL, *((1, thm) for thm in parts), given=[odd])
    # One bit: of the ANDs that ask for yes and no in {0, 1}, the one that asks for it to be on.
    return require_model(thm, {C: ((0, 0), (1, 0))})


# --- vanishing gradients ------------------------------------------------------------------------------------

A, = numbers("a")  # fmt: skip
a = A.family


def slope(a):
    """sigm'(a) = sigm(a) sigm(−a)."""
    return sigmoid(a) * sigmoid(-a)


def at_most_a_quarter():
    """``1/4 >= sigm(a) sigm(−a)``."""
    return derive(QUARTER, ">=", slope(A), (1, evident((sigmoid(A) - HALF) ** 2)))


@theorem(
    "sigm'(a) <= 1/4",
    claim="B3",
    level="A",
    sizes="every a",
    spoiled=[Spoiled("<= 1/5", most=Num(Fraction(1, 5))), Spoiled("< 1/4", rel=">")],
)
def test_slope_of_the_sigmoid(most=QUARTER, rel=">="):
    found = differentiate(sigmoid(A), a, A)
    return derive(most, rel, found.left, (1, at_most_a_quarter()), given=[found])


# i, k: units of a layer; m: a unit of the layer below.
i, k, m = indices("i k m", UNITS)
l, = indices("l", LAYERS)  # fmt: skip
W, = families("W", LAYERS, UNITS, UNITS)  # fmt: skip
PRE, = families("a", LAYERS, UNITS)  # fmt: skip
ONE_W, = families("w", UNITS, UNITS)  # fmt: skip
ONE_PRE, U, V, G0, G = families("p u v g back", UNITS)
BOUND, = numbers("bound", sign=NONNEGATIVE)  # fmt: skip


def cauchy_schwarz():
    """``(Σ u²) (Σ v²) >= (Σ u v)²``."""
    square = evident((U(i) * V(k) - U(k) * V(i)) ** 2)
    left = Sum(U(i) ** 2, i) * Sum(V(i) ** 2, i)
    return derive(left, ">=", Sum(U(i) * V(i), i) ** 2, (HALF, total(total(square, k), i)))


def through_one_layer():
    """``Σ_im w_im² Σ_i v_i² / 16 >= Σ_m (Σ_i w_im sigm'(p_i) v_i)²``."""
    steep, norm = slope(ONE_PRE(i)), Sum(V(i) ** 2, i) / 16
    quarter = inst(at_most_a_quarter(), {a: ONE_PRE(i)})
    less = derive(V(i) ** 2 / 16, ">=", (steep * V(i)) ** 2, (V(i) ** 2 * (QUARTER + steep), quarter))
    product = inst(cauchy_schwarz(), {U: ((i,), ONE_W(i, m)), V: ((i,), steep * V(i))})
    weights = Sum(ONE_W(i, m) ** 2, i)
    parts = (1, product), (weights, total(less, i))
    each = derive(weights * norm, ">=", Sum(ONE_W(i, m) * steep * V(i), i) ** 2, *parts)
    return derive(sum_over(i, m, of=ONE_W(i, m) ** 2) * norm, ">=", Sum(each.right, m), (1, total(each, m)))


def gradient(steep, at):
    """∇ at a unit below all layers, from g at the top: Σ_i W_im sigm'(a_i) (∇ above at i), layer by layer."""
    return Fold(G, (m,), G0(m), Sum(W(l, i, m) * steep * G(i), i), l, (at,))


@theorem(
    "through L sigmoid layers ‖∇‖² shrinks: it is at most ‖g‖² times the product of the layers' ‖W‖² / 16",
    claim="B3",
    level="A",
    sizes="any depth, layers of one width, which is any; every weight and pre-activation",
    uses=("sigm'(a) <= 1/4",),
    spoiled=[
        Spoiled("‖W‖² / 25", most=25),
        Spoiled("the slope forgotten", steep=ONE),
        Spoiled("at least", sign=-1),
    ],
)
def test_vanishing(most=16, steep=slope(PRE(l, i)), sign=1):  # noqa: B008
    growth = sum_over(i, m, of=W(l, i, m) ** 2) / most
    bound = Fold(BOUND.family, (), Sum(G0(m) ** 2, m), BOUND * growth, l, ())
    norm = Sum(gradient(steep, m) ** 2, m)

    def last_layer(mark, above):
        own = {ONE_W: ((i, m), part(W, mark, "", "")(i, m)), ONE_PRE: ((i,), part(PRE, mark, "")(i))}
        return inst(through_one_layer(), {**own, V: ((i,), above)})

    def base(more):
        return derive(more.left, ">=", more.right, (1, last_layer("0", G0(i))))

    def step(more, so_far):
        weights = sum_over(i, m, of=part(W, "n", "", "")(i, m) ** 2) / most
        return derive(more.left, ">=", more.right, (1, last_layer("n", gradient(steep, i))), (weights, so_far))

    return induction(sign * bound, ">=", sign * norm, LAYERS, base, step)
