"""Chapter F for all sizes, on shipped code: RBMs unrolled into an autoencoder, and the gradient that fine-tunes it."""

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import ring
from proofs.kernel.lemmas import sigmoid
from proofs.kernel.rules import combine, inst, rewrite
from proofs.kernel.substitution import put
from proofs.kernel.terms import Set, Sum, families, indices
from proofs.open.network import wrong_rule
from proofs.open.nudge import is_derivative
from proofs.open.trace import opened
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.models import RBM, Autoencoder, FeedForward

T, D, H, K = map(Set, "TDHK")
t, = indices("t", T)  # fmt: skip
d, at_d = indices("d d*", D)
h, at_h = indices("h h*", H)
k, = indices("k", K)  # fmt: skip
X, = families("x", T, D)  # fmt: skip
W, V = families("W V", H, D)
W2, = families("W2", K, H)  # fmt: skip
B, = families("b", D)  # fmt: skip
C, B2 = families("c b2", H)
C2, = families("c2", K)  # fmt: skip
Z, = families("z", T, K)  # fmt: skip

ENCODER = Spoiled("sign of the hidden biases", mutated(Autoencoder, "unroll", "(r.W, r.c,", "(r.W, -r.c,"))
DECODER = Spoiled("visible bias lost", mutated(Autoencoder, "decode_logits", " + self.decoder_biases[k]", ""))


def stack(a):
    """Two RBMs, one on the other."""
    return [RBM(a("W", H, D), a("b", D), a("c", H)), RBM(a("W2", K, H), a("b2", H), a("c2", K))]


@theorem(
    "the shipped RBMs, unrolled, encode with W and c and decode with the transposes and the visible biases: "
    "x̂ = σ(b + Wᵀ σ(b2 + W2ᵀ z)), z = c2 + W2 σ(c + W x)",
    claim="F1",
    level="A",
    sizes="any batch and numbers of units; two RBMs, a linear code",
    traced=[
        Autoencoder.unroll,
        Autoencoder.__call__,
        Autoencoder.decode_logits,
        Autoencoder.encode,
        FeedForward.logits,
    ],
    spoiled=[
        ENCODER,
        DECODER,
        Spoiled("sign of the decoder", mutated(Autoencoder, "decode_logits", "ops.matmul(h", "ops.matmul(-h")),
        Spoiled(
            "no output function",
            mutated(Autoencoder, "__call__", "OUTPUTS[self.output](self.logits(x))", "self.logits(x)"),
        ),
        Spoiled("a sigmoid code", code="sigmoid"),
    ],
)
def test_unrolled(code="linear"):
    def run(a):
        model, x = Autoencoder.unroll(stack(a), code), a("x", T, D)
        return model(x), model.encode(x), ops.sigmoid(model.decode_logits(a("z", T, K)))

    whole, encoded, decoded = opened(run)
    units = lambda h: sigmoid(C(h) + Sum(W(h, d) * X(t, d), d))
    again = lambda h: sigmoid(B2(h) + Sum(W2(k, h) * Z(t, k), k))
    encoder = ring(encoded(t, k), C2(k) + Sum(W2(k, h) * units(h), h))
    decoder = ring(decoded(t, d), sigmoid(B(d) + Sum(W(h, d) * again(h), h)))
    there = inst(decoder, {Z: ((t, k), encoded(t, k))})
    lectures = rewrite(there.right, encoder)
    return combine(whole(t, d), "==", lectures.right, (1, there), (1, lectures))


def tuned(a, model):
    """The shipped loss of a batch, and the engine's gradient: of the encoder's W and c, the decoder's V and b."""
    x = a("x", T, D)
    loss = lambda model: model.cross_entropy(x).sum()
    g = grad(loss)(model)
    return loss(model), g.encoder.weights[0], g.encoder.biases[0], g.decoder_weights[0], g.decoder_biases[0]


@theorem(
    "fine-tuning is by the derivative of the shipped reconstruction error, in which the encoder's weights and the "
    "decoder's are free of each other; it starts where both are the RBM's",
    claim="F1",
    level="A",
    sizes="any batch and numbers of units; one RBM, a code of sigmoids or linear",
    traced=[Autoencoder.unroll, Autoencoder.cross_entropy, Autoencoder.decode_logits, grad],
    spoiled=[
        Spoiled("rule of the matrix product", wrong_rule("matmul", 2), codes=["linear"]),
        Spoiled("rule of softplus", wrong_rule("softplus", 2), codes=["linear"]),
        Spoiled("rule of the sum", wrong_rule("add", -1), codes=["linear"]),
        Spoiled(
            "started elsewhere",
            mutated(Autoencoder, "unroll", "(r.W, r.c, r.W, r.b)", "(r.W, r.c, -r.W, r.b)"),
            codes=["linear"],
        ),
    ],
)
def test_fine_tuned(codes=("sigmoid", "linear")):
    return [thm for code in codes for thm in fine_tuned(code)]


def fine_tuned(code):
    """For each part of the model: that its gradient is the derivative, and what it is at the unrolled RBM."""

    def free(a):
        encoder = FeedForward((a("W", H, D),), (a("c", H),), output=code)
        return tuned(a, Autoencoder(encoder, (a("V", H, D),), (a("b", D),)))

    loss, *gradients = opened(free)
    at_start = opened(lambda a: tuned(a, Autoencoder.unroll([RBM(a("W", H, D), a("b", D), a("c", H))], code)))[1:]
    moved = [(W, (at_h, at_d)), (C, (at_h,)), (V, (at_h, at_d)), (B, (at_d,))]
    pairs = list(zip(gradients, moved, strict=True))
    tied = {V: ((h, d), W(h, d))}
    return [
        *(combine(start(*at), "==", put(g(*at), tied)) for start, (g, (_, at)) in zip(at_start, pairs, strict=True)),
        *(is_derivative(g(*at), loss(), v, *at) for g, (v, at) in pairs),
    ]
