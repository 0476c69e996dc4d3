"""The autoencoder, shallow or deep, tied or not (claims C2, F1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..autodiff.trees import tree_map
from ..randomness import Random, generator
from .arithmetic import Vector
from .feedforward import ACTIVATIONS, OUTPUTS, FeedForward, known, starting_weights
from .gaussian import GaussianRBM
from .rbm import RBM
from .validation import adopt, parameter


@dataclass(frozen=True, eq=False)
class Autoencoder(Vector):
    """A code h^(L)(x) by the encoder, and back: h^(k−1) = g(b^(k) + h^(k) V^(k)) for k = L … 1, x̂ = o(…).

    encoder: its last layer is the code, its output "sigmoid" or "linear". decoder_weights: V^(1) … V^(L), each of
    W^(k)'s shape (n_k, n_(k−1)); None ties them, V^(k) = W^(k). decoder_biases: b^(k) (n_(k−1),). output: o, "sigmoid"
    for x in [0, 1], "linear", or "softmax" for counts x, of words say. The decoder's hidden layers have the encoder's
    activation g.
    Raises ValueError for shapes that do not fit, NaN or inf, and unknown names.
    """

    encoder: FeedForward
    decoder_weights: tuple[Value, ...] | None
    decoder_biases: tuple[Value, ...]
    output: str = "sigmoid"

    def __post_init__(self) -> None:
        if self.output not in OUTPUTS or self.encoder.output not in ("sigmoid", "linear"):
            raise ValueError(
                f"output={self.output!r}, the encoder's output={self.encoder.output!r}: each 'sigmoid' or 'linear', "
                "the former perhaps 'softmax'"
            )
        shapes = [W.shape for W in self.encoder.weights]
        given = self.decoder_weights
        if len(self.decoder_biases) != len(shapes) or (given is not None and len(given) != len(shapes)):
            raise ValueError(
                f"an encoder of {len(shapes)} layers with {len(self.decoder_biases)} decoder biases"
                + ("" if given is None else f" and {len(given)} decoder weights")
                + ": as many of each"
            )
        biases = [parameter(f"b^({k})", b, (shapes[k - 1][1],)) for k, b in enumerate(self.decoder_biases, start=1)]
        adopt(self, decoder_biases=tuple(biases))
        if given is not None:
            checked = [parameter(f"V^({k})", V, shapes[k - 1]) for k, V in enumerate(given, start=1)]
            adopt(self, decoder_weights=tuple(checked))

    @classmethod
    def init(
        cls,
        sizes: Sequence[int],
        rng: Random,
        tied: bool = True,
        hidden: str = "sigmoid",
        code: str = "sigmoid",
        output: str = "sigmoid",
    ) -> "Autoencoder":
        """Weights as `FeedForward.init` draws them, the decoder's too unless it is tied. sizes: D, n1, …, nL."""
        rng = generator(rng)
        known(hidden, output)
        encoder = FeedForward.init(sizes, rng, hidden, code)
        into = (output, *[hidden] * (len(sizes) - 2))  # the activation of the layer that V^(k) leads down into
        layers = zip(into, pairwise(sizes), strict=True)
        mirror = None if tied else tuple(starting_weights(g, n, m, rng).T for g, (m, n) in layers)
        return cls(encoder, mirror, tuple(np.zeros(n) for n in sizes[:-1]), output)

    @classmethod
    def unroll(cls, rbms: Sequence[RBM | GaussianRBM], code: str = "linear", output: str = "sigmoid") -> "Autoencoder":
        """Stacked RBMs unrolled: each starts the encoder's layer at (W, c) and the decoder's at (Wᵀ, b) (claim F1).

        From then on the two are free of each other. The last may be a `GaussianRBM` stood on its head, as
        `learning.GaussianCodeModule` trains it: its hidden units are the features below, its real units the code, which
        is linear (Hinton & Salakhutdinov 2006). Raises ValueError for an empty stack, and for real units elsewhere.
        """
        if not rbms:
            raise ValueError("an autoencoder is unrolled from at least one RBM, none was given")
        *below, last = (rbm.units for rbm in rbms)
        if {"binary", *below} != {"binary"} or last == "categorical" or (last, code) == ("real", "sigmoid"):
            raise ValueError(
                f"RBMs of {', '.join((*below, last))} visible units, unrolled with a {code} code: all are of binary "
                "ones, but for the last, whose real ones may be a linear code"
            )
        halves = [(r.W, r.c, r.W, r.b) if isinstance(r, RBM) else _on_its_head(r) for r in rbms]
        W, c, V, b = zip(*halves, strict=True)
        return cls(FeedForward(W, c, "sigmoid", code), V, b, output)

    def _summary(self) -> str:
        sizes = self.encoder.sizes
        tied = "tied" if self.decoder_weights is None else "untied"
        return f"{'–'.join(map(str, (*sizes, *sizes[-2::-1])))}, {tied}, output {self.output}"

    def encode(self, x: Value) -> Value:
        """The code of x (T, D): (T, n_L)."""
        return self.encoder(x)

    def logits(self, x: Value) -> Value:
        """What o is applied to for x̂: (T, D)."""
        return self.decode_logits(self.encode(x))

    def decode_logits(self, h: Value) -> Value:
        """The same from codes h (T, n_L)."""
        weights = self.encoder.weights if self.decoder_weights is None else self.decoder_weights
        for k in reversed(range(len(weights))):
            a = ops.matmul(h, weights[k]) + self.decoder_biases[k]
            if k == 0:
                return a
            h = ACTIVATIONS[self.encoder.hidden](a)
        raise AssertionError("an autoencoder has at least one layer")

    def __call__(self, x: Value) -> Value:
        """The reconstruction x̂ of x (T, D): (T, D)."""
        return OUTPUTS[self.output](self.logits(x))

    def cross_entropy(self, x: Value, seen: Value | None = None) -> Value:
        """−Σ_i x_i log x̂_i + (1 − x_i) log(1 − x̂_i) for x in [0, 1]: (T,), nats.

        seen: what the encoder is shown in place of x, for a denoising autoencoder its corruption.
        Raises ValueError unless the output is "sigmoid".
        """
        if self.output != "sigmoid":
            raise ValueError(f"cross-entropy needs output='sigmoid', this autoencoder has {self.output!r}")
        return ops.bernoulli_cross_entropy(self.logits(x if seen is None else seen), x)

    def word_cross_entropy(self, x: Value) -> Value:
        """−Σ_i p_i log x̂_i with p = x / Σ x for counts x, none of whose rows is zero: (T,), nats a word.

        Source: Hinton & Salakhutdinov (2006). Raises ValueError unless the output is "softmax".
        """
        if self.output != "softmax":
            raise ValueError(f"−Σ p log x̂ needs output='softmax', this autoencoder has {self.output!r}")
        p = x / ops.sum(x, axis=-1, keepdims=True)
        return -ops.sum(p * ops.log_softmax(self.logits(x), axis=-1), axis=-1)

    def squared_error(self, x: Value, seen: Value | None = None) -> Value:
        """½ Σ_i (x̂_i − x_i)²: (T,). seen: as for `cross_entropy`."""
        return ops.squared_error(self(x if seen is None else seen), x)


def as_width(model: Any, dtype: Any) -> Any:
    """A model with all its arrays in another width of floats."""
    return tree_map(lambda p: np.asarray(p, dtype), model)


def _on_its_head(rbm: GaussianRBM) -> tuple[Value, Value, Value, Value]:
    """What leads from an RBM's zeros and ones to the mean of its real units, and what leads back: W, c, V, b."""
    return rbm.W.T, rbm.b, (rbm.W * rbm.precision).T, rbm.c
