"""Chapter A for all sizes: softmax, its gradient, and backpropagation through layers of any width and number.

Notation: e[i] = exp(a_i) is the odds of class i, S their sum; W[i,t] leads from unit t to unit i of the layer above, so
``Sigma_t(W[i,t] h[t])`` is (W h)_i and ``Sigma(W[i,t] g[i])`` is (Wᵀ g)_t.
"""

from sympy import diff, log

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import Loop, Sigma, Sigma_t, assume, family, fubini, induction, real, ring, sequence

e, x = family("e x")
S, R, k, u, own = real("S R k u own", positive=True)
(W,) = family("W", positive=False, over="i,t")
(g, b) = family("g b", positive=False)
(v,) = family("v", positive=False, over="t")


@theorem(
    "softmax does not change when all pre-activations move together",
    claim="A3",
    level="A",
    sizes="any number of classes",
    spoiled=[Spoiled("the sum does not move", moved=1), Spoiled("only the sum moves", factor=1)],
)
def test_softmax_is_shift_invariant(factor=k, moved=k):
    given = assume(Sigma(e) - S)
    ring(Sigma(factor * e) - moved * S, given)
    return require_model(ring(factor * e / (moved * S) - e / S, given), {e: (1, 2), S: 3, k: 5})


@theorem(
    "logsumexp moves with all of its arguments",
    claim="A3",
    level="A",
    sizes="any number of classes",
    spoiled=[Spoiled("twice as far", factor=2), Spoiled("not at all", factor=0)],
)
def test_logsumexp_moves_along(factor=1):
    given = assume(Sigma(e) - S)
    ring(Sigma(k * e) - k * S, given)
    return require_model(ring(log(k * S) - log(S) - factor * log(k), given), {e: (1, 2), S: 3, k: 5})


@theorem(
    "∂(−log f(x)_y) / ∂a_i = −([i = y] − f(x)_i)",
    claim="A4",
    level="A",
    sizes="any number of classes, at least two",
    spoiled=[
        Spoiled("the sign lost", sign=1),
        Spoiled("the one-hot vector lost", hot=0),
        Spoiled("not normalised", normaliser=own),
    ],
)
def test_output_gradient(sign=-1, hot=1, normaliser=own + R):
    # own = exp(a_i), R the other classes' sum. Moving a_i by s makes it own u with u = e^s, and d/ds = u d/du.
    steps = []
    for is_y in (0, 1):
        loss = log(own * u + R) - is_y * log(own * u)
        slope = (u * diff(loss, u)).subs(u, 1)
        steps.append(ring(slope - sign * (hot * is_y - own / normaliser)))
    return steps[1]


@theorem(
    "backpropagation is the adjoint of the forward derivative: ⟨g, W v⟩ = ⟨Wᵀ g, v⟩",
    claim="A5, A6",
    level="A",
    sizes="a layer of any two widths",
    spoiled=[
        Spoiled("without the transpose", returned=Sigma_t(W * v)),
        Spoiled("the bias gets no gradient", bias=0),
    ],
)
def test_layer_is_transposed(returned=Sigma(W * g), bias=1):  # noqa: B008
    # Moving h by v and the bias by b moves the pre-activation by W v + b.
    forward = Sigma(g * (Sigma_t(W * v) + b))
    backward = Sigma_t(returned * v) + bias * Sigma(g * b)
    return ring(forward - backward, fubini(g * W * v))


s, w, d, P, G = real("s w d P G")


@theorem(
    "the derivative through L layers of one unit is the product of their weights and slopes",
    claim="A6",
    level="A",
    sizes="any depth, width one",
    spoiled=[
        Spoiled("an activation's slope forgotten", slope=1),
        Spoiled("a weight forgotten", weight=1),
    ],
)
def test_any_depth(slope=d, weight=w):
    # s: how a nudge of the input has grown; P: the product of w and d; G: that of what the version multiplies.
    loop = Loop("layers", (s, P, G), (1, 1, 1), (w, d), (w * d * s, w * d * P, weight * slope * G))
    sequences = [sequence("w", positive=False), sequence("d", positive=False)]
    induction(loop, s - P, *sequences)
    return induction(loop, s - G, *sequences)


on, off, n = real("on off n", positive=True)


@theorem(
    "if each of n features splits every region in two, there are 2^n regions",
    claim="A7",
    level="A",
    sizes="all n",
    spoiled=[Spoiled("a feature names a third region of each", ways=3), Spoiled("a feature splits none", ways=1)],
)
def test_regions_double(ways=2):
    # on, off: regions where the last feature is on or off; n: 2^(number of features).
    loop = Loop("regions", (on, off, n), (1, 1, 2), (u,), (on + off, on + off, 2 * n))
    return induction(loop, on + off - ways * n / 2, sequence("u"))
