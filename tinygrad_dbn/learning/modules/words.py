"""RBMs for autoencoders of documents: words below, a code above (claims C2, F4; Hinton & Salakhutdinov 2006)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import ops
from ...autodiff.kernels.blas import fixed_threads
from ...models import RBM
from ..contrastive import decide
from ..descent import Arrays, Descent
from ..optimisers import Optimiser, momentum
from .protocol import SigmoidLayer, trained

WORDS, CODE = momentum(0.5), momentum(0.01)


def words_loss(rbm: RBM, x: Any, uniform: Any) -> Any:
    """CD-1 for counts of words x (T, D), nats: mean F(x) − F(x₁), divided by the mean number of words.

    A document of N words is N choices among D, each with probabilities softmax(b + hW); h_j is on with probability
    σ(c_j + W_j·x), which is N times its weights' mean over the words. x₁ is the mean of the N choices. Divided, since
    the gradient grows with the number of words. `uniform` (T, H) decides h.
    """
    h = decide(rbm.hidden_given_visible(x), uniform)
    count = ops.sum(x, axis=-1, keepdims=True)
    x_1 = ops.stop_gradient(count * ops.softmax(rbm.visible_logits(h), axis=-1))
    return ops.mean(rbm.free_energy(x) - rbm.free_energy(x_1)) / ops.mean(count)


def code_loss(rbm: RBM, x: Any, noise: Any) -> Any:
    """CD-1 for an RBM whose hidden units are real numbers, h ~ N(c + Wx, 1), for x (T, D) in [0, 1], nats.

    Its energy is ½|h − c|² − hᵀWx − bᵀx, so that F(x) = −bᵀx − cᵀWx − ½|Wx|². noise (T, H) is standard normal.
    """
    h = rbm.hidden_logits(x) + noise
    x_1 = ops.stop_gradient(rbm.visible_given_hidden(h))
    return ops.mean(code_free_energy(rbm, x) - code_free_energy(rbm, x_1))


def code_free_energy(rbm: RBM, x: Any) -> Any:
    """F(x) of an RBM with real hidden units of variance 1, x (T, D): (T,), nats, up to a constant."""
    a = ops.matmul(x, rbm.W.T)
    return -(ops.matmul(x, rbm.b) + ops.matmul(a, rbm.c) + ops.sum(ops.square(a), axis=-1) / 2)


class CodeLayer(SigmoidLayer):
    """c + W x: the means of an RBM's real hidden units."""

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        return np.asarray(ops.matmul(np.asarray(X, self.W.dtype), self.W.T) + self.c)


@dataclass(frozen=True)
class WordsModule:
    """An RBM of counts of words, by CD-1 (Hinton & Salakhutdinov 2006, its supporting text): the lowest of a stack.

    A visible bias starts at the logarithm of its word's share of the training documents.
    """

    epochs: int = 10
    optimiser: Optimiser = WORDS
    batch: int = 100
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None

    def train(self, X: Any, hidden: int, seed: int) -> SigmoidLayer:
        """`hidden` features of counts X (T, D); the RBM stays in the layer's `model`. ValueError for no counts."""
        X = np.asarray(X)
        if not (X >= 0).all() or not X.any(axis=1).all():
            raise ValueError("WordsModule: counts below 0, or a document without words; leave such documents out")
        fresh = RBM.init(X.shape[1], hidden, np.random.default_rng([seed, 0]))
        share = X.sum(axis=0, dtype=float) + 0.5
        start = RBM(fresh.W, np.log(share / share.sum()), fresh.c)

        def uniforms(rng: np.random.Generator, x: Any) -> Arrays:
            return (rng.random((len(x), hidden), dtype=x.dtype),)

        rbm = trained(self, start, (X,), words_loss, seed, uniforms)
        return SigmoidLayer(rbm.W, rbm.c, rbm)


@dataclass(frozen=True)
class CodeModule:
    """An RBM of real hidden units, by CD-1: the code of a deep autoencoder (Hinton & Salakhutdinov 2006)."""

    epochs: int = 10
    optimiser: Optimiser = CODE
    batch: int = 100
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None

    def train(self, X: Any, hidden: int, seed: int) -> CodeLayer:
        """`hidden` numbers for X (T, D) in [0, 1]; the RBM stays in the layer's `model`."""
        X = np.asarray(X)
        fresh = RBM.init(X.shape[1], hidden, np.random.default_rng([seed, 0]))
        on = (np.clip(X, 0, 1).sum(axis=0, dtype=float) + 0.5) / (len(X) + 1)
        start = RBM(fresh.W, np.log(on / (1 - on)), fresh.c)

        def noise(rng: np.random.Generator, x: Any) -> Arrays:
            return (rng.standard_normal((len(x), hidden), dtype=x.dtype),)

        rbm = trained(self, start, (X,), code_loss, seed, noise)
        return CodeLayer(rbm.W, rbm.c, rbm)
