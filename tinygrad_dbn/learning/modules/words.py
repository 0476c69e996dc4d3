"""RBMs of words, for autoencoders of documents (claims C2, F4; Hinton & Salakhutdinov 2006)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import ops
from ...models import RBM
from ...randomness import Random, seed_of
from ..contrastive import decide
from ..descent import Arrays, Descent
from ..optimisers import Optimiser, momentum
from .protocol import SigmoidLayer, asked, trained

WORDS = momentum(0.5)


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


@dataclass(frozen=True)
class WordsModule:
    """An RBM of counts of words, by CD-1 (Hinton & Salakhutdinov 2006, its supporting text): the lowest of a stack.

    A visible bias starts at the logarithm of its word's share of the training documents, in which every word counts
    half a time more than it is there: so one that is not there has a logarithm too.
    """

    epochs: int = 10
    optimiser: Optimiser = WORDS
    batch: int = 100
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """`hidden` features of counts X (T, D); the RBM stays in the layer's `model`. ValueError for no counts."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden)
        if not (X >= 0).all() or not X.any(axis=1).all():
            raise ValueError("WordsModule: counts below 0, or a document without words; leave such documents out")
        fresh = RBM.init(X.shape[1], hidden, np.random.default_rng([seed, 0]))
        share = X.sum(axis=0, dtype=float) + 0.5
        start = RBM(fresh.W, np.log(share / share.sum()), fresh.c)

        def uniforms(rng: np.random.Generator, x: Any) -> Arrays:
            return (rng.random((len(x), hidden), dtype=x.dtype),)

        rbm = trained(self, start, (X,), words_loss, seed, uniforms)
        return SigmoidLayer(rbm.W, rbm.c, rbm)
