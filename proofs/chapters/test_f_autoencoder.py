"""Chapter F on shipped code: the unrolled net, the linear autoencoder and PCA, the Gauss–Newton product."""

import sys
from fractions import Fraction
from itertools import combinations

import numpy as np
import sympy

from proofs.harness.evidence import require_at_most, require_equal
from proofs.harness.formulas import derivatives, different_formulas, equal_formulas, formulas, over, sigm
from proofs.harness.models import symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import grad, hvp
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import symbols
from tinygrad_dbn.autodiff.trees import flatten
from tinygrad_dbn.learning import gauss_newton_product
from tinygrad_dbn.models import Autoencoder, FeedForward

MODULE = sys.modules[gauss_newton_product.__module__]  # its name is also that of a function
HESSIAN = "hvp(lambda z: loss(z, *data), z, along)"
FORWARD = "{'w': jvp(lambda m: output(m, *data), (model,), ({'w': " + HESSIAN + "},))[1]}"


@theorem(
    "the unrolled RBMs encode with W and c and decode with the transposes and the visible biases",
    claim="F1",
    level="B",
    sizes="2-2-1 and back, every weight",
    spoiled=[
        Spoiled("sign of the hidden biases", mutated(Autoencoder, "unroll", "(r.W, r.c,", "(r.W, -r.c,")),
        Spoiled("visible bias lost", mutated(Autoencoder, "decode_logits", " + self.decoder_biases[k]", "")),
        Spoiled("a nonlinear code", None, code="sigmoid"),
    ],
)  # fmt: skip
def test_unrolled(code="linear"):
    lower, upper = symbolic_rbm(2, 2, "1"), symbolic_rbm(2, 1, "2")
    x = symbols("x", (1, 2))
    with meanings():
        found = Autoencoder.unroll([lower, upper], code=code)(x)
    (W1, b1, c1), (W2, b2, c2) = ([formulas(p) for p in (r.W, r.b, r.c)] for r in (lower, upper))
    h1 = over(sigm, W1 @ formulas(x)[0] + c1)
    middle = W2 @ h1 + c2
    h1_again = over(sigm, W2.T @ middle + b2)
    equal_formulas(found[0], over(sigm, W1.T @ h1_again + b1), "x̂")


def orthogonal(n, seed):
    """A rational orthogonal matrix, by Cayley's transform of a skew one."""
    rng = np.random.default_rng(seed)
    S = sympy.zeros(n)
    for i in range(n):
        for j in range(i):
            S[i, j] = sympy.Rational(int(rng.integers(-3, 4)), 2)
            S[j, i] = -S[i, j]
    return (sympy.eye(n) - S) * (sympy.eye(n) + S).inv()


def fractions(matrix):
    """A SymPy matrix of rationals as an array of fractions."""
    return over(lambda v: Fraction(int(v.p), int(v.q)), np.array(matrix.tolist(), object))


PAIRS = list(combinations(range(4), 2))


@theorem(
    "a linear autoencoder on a pair of the data's eigenvectors is stationary, and errs by half the eigenvalues it "
    "leaves out: least on PCA's pair",
    claim="F3",
    level="X",
    sizes="4-2 and back, tied, centred data with a rational eigenbasis; each of the six pairs of eigenvectors",
    spoiled=[
        Spoiled("least on the pair of the smallest", None, least=(2, 3)),
        Spoiled("a direction that is no eigenvector", None, turned=True),
        Spoiled("the whole square", mutated(ops.losses, "squared_error", " / 2", "")),
    ],
)
def test_linear_autoencoder(least=(0, 1), turned=False):
    Q, lengths = orthogonal(4, 2), (5, 3, 2, 1)
    X = fractions((Q * sympy.diag(*lengths)).T)
    X = np.concatenate([X, -X])  # rows: examples; XᵀX = Q diag(2 lengths²) Qᵀ
    c, d = sympy.Rational(3, 5), sympy.Rational(4, 5)
    rotation = sympy.Matrix([[c, d], [-d, c]])  # any basis of the subspace will do
    zero, errors = np.array([Fraction(0)] * 4, object), {}
    for pair in PAIRS:
        columns = Q[:, list(pair)]
        if turned:
            other = next(k for k in range(4) if k not in pair)
            columns[:, 1] = c * columns[:, 1] + d * Q[:, other]
        W = fractions((columns * rotation).T)
        net = Autoencoder(FeedForward((W,), (zero[:2],), output="linear"), None, (zero,), "linear")
        errors[pair] = sum(net.squared_error(X))
        left_out = sum(s**2 for k, s in enumerate(lengths) if k not in pair)
        require_equal(errors[pair], left_out, f"the error on the eigenvectors {pair}")
        for slope in flatten(grad(lambda net: net.squared_error(X).sum())(net))[0]:
            require_equal(slope, 0 * slope, f"the gradient on the eigenvectors {pair}")
    for pair in PAIRS:
        require_at_most(errors[least], errors[pair], f"the error on {least}, no more than that on {pair}")


MIXED = np.array([[1, 2], [3, 5]])


def curved(m, x):
    """An output that is not linear in the model, and each of whose parts depends on all of it: σ(A (w x))."""
    return ops.sigmoid(ops.matmul(MIXED, m["w"] * x))


def half_square(z, *_):
    """½ Σ z²: its Hessian is the identity."""
    return (z * z).sum() / 2


def coupled(z, *_):
    """e^(z1) z2: a Hessian that is neither constant nor diagonal."""
    return ops.exp(z[0]) * z[1]


@theorem(
    "the shipped Gauss–Newton product is Jᵀ H J v",
    claim="F5",
    level="B",
    sizes="two parameters, a curved output, two losses, every v; J and H not diagonal, J not symmetric",
    spoiled=[
        Spoiled("H left out", mutated(MODULE, "gauss_newton_product", HESSIAN, "along")),
        Spoiled("the whole Hessian instead", None, whole=True),
        Spoiled("J for its transpose", mutated(MODULE, "gauss_newton_product", f"pullback({HESSIAN})[0]", FORWARD)),
    ],
)  # fmt: skip
def test_gauss_newton(whole=False):
    w, x, v = symbols("w", (2,)), symbols("x", (2,)), symbols("v", (2,))
    for loss in (half_square, coupled):
        with meanings():
            if whole:
                found = hvp(lambda m, loss=loss: loss(curved(m, x)), {"w": w}, {"w": v})["w"]
            else:
                found = gauss_newton_product(curved, loss, {"w": w}, {"w": v}, x)["w"]
            z = curved({"w": w}, x)
        z_free = symbols("z", (2,))
        with meanings():
            value = loss(z_free)
        J = np.array([derivatives(z_i, w) for z_i in z])
        at_z = dict(zip(formulas(z_free), formulas(z), strict=True))
        slopes = derivatives(np.asarray(value).item(), z_free)
        H = np.array([[h.subs(at_z) for h in derivatives(slope, z_free)] for slope in slopes])
        equal_formulas(found, J.T @ H @ J @ formulas(v), "Jᵀ H J v")


@theorem(
    "the Gauss–Newton product is the Hessian's",
    claim="F5",
    level="R",
    sizes="two parameters, a curved output: it is where the output is linear",
    uses=("the shipped Gauss–Newton product is Jᵀ H J v",),
    spoiled=[Spoiled("a linear output", None, output=lambda m, x: m["w"] * x)],
)
def test_gauss_newton_is_not_the_hessian(output=curved):
    w, x, v = symbols("w", (2,)), symbols("x", (2,)), symbols("v", (2,))
    with meanings():
        product = gauss_newton_product(output, coupled, {"w": w}, {"w": v}, x)["w"]
        loss = coupled(output({"w": w}, x))
    whole = [(derivatives(slope, w) * formulas(v)).sum() for slope in derivatives(loss, w)]
    different_formulas(product, whole, "the product, and the Hessian's")
