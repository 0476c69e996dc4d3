"""The sparse autoencoder of Ranzato, Poultney, Chopra & LeCun as a greedy module (claim C2).

Source: Efficient learning of sparse representations with an energy-based model (NIPS 19, 2007). The penalty of
Kullback and Leibler, which the name means since, is another module: `AutoencoderModule(sparsity=(0.05, 1.0))`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log, log1p
from typing import Any

import numpy as np

from ...autodiff import ops
from ...autodiff.differentiate import value_and_grad
from ...autodiff.operators import Value
from ...models.feedforward import starting_weights
from ...randomness import Random, seed_of
from ...showing import Shown
from ..descent import Descent, stepping
from ..optimisers import Optimiser, sgd
from .protocol import SigmoidLayer, asked, walked

DEFAULT = sgd(0.05)


@dataclass(frozen=True, eq=False)
class SparseCoder(Shown):
    """A linear encoder c + W x, a linear decoder b + z̄ V, and log ζ of every unit's sparsifying logistic."""

    W: Value  # (H, D)
    c: Value  # (H,)
    V: Value  # (H, D)
    b: Value  # (D,)
    log_zeta: Value  # (H,)


@dataclass(frozen=True)
class SparseModule:
    """Codes z of examples x, found by descent of their energy, and an encoder that learns to predict them.

    E(x, z) = ½|z − (c + W x)|² + ½|x − (b + z̄ V)|²: the code's energy and the decoder's. z̄ is the sparsifying
    logistic: of unit i for the example number t, z̄(t) = η e^(β z(t)) / ζ(t), ζ(t) = η e^(β z(t)) + (1 − η) ζ(t − 1).
    A unit that was on lately finds it harder to be on, so that over the examples it is on with a mean of nearly η.

    Steps alternate. From c + W x, each example's code takes `code_steps` steps down E, its rate halved whenever one
    does not help, which is then not taken. With the codes held, one step of the optimiser: the encoder goes down the
    code's energy, the decoder down its own. Then ζ goes over the codes in order. All examples of a batch find their
    codes with ζ as it was before the batch, so batch=1 is the paper's; its penalty on |W| is left out.
    After training ζ stays as it is, and the sparsifying logistic is a sigmoid of βz with a threshold.
    Raises ValueError unless 0 < eta < 1, beta > 0 and code_steps ≥ 0.
    """

    epochs: int = 10
    eta: float = 0.02
    beta: float = 1.0
    code_steps: int = 5
    optimiser: Optimiser = DEFAULT
    batch: int = 20
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None
    """Whether steps are compiled; if not said, where there are many of them (see `descend`)."""

    def __post_init__(self) -> None:
        if not (0 < self.eta < 1 and self.beta > 0 and self.code_steps >= 0):
            raise ValueError(
                f"SparseModule(eta={self.eta}, beta={self.beta}, code_steps={self.code_steps}): write eta between 0 "
                "and 1, a positive beta, and at least 0 steps of the codes"
            )

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """A layer of `hidden` units trained on X (T, D): z̄ of c + W x at the last ζ. `model` is its `SparseCoder`."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden)
        rng = np.random.default_rng([seed, 0])
        encoder = starting_weights("linear", X.shape[1], hidden, rng)
        decoder = starting_weights("linear", hidden, X.shape[1], rng).T
        start = SparseCoder(encoder, np.zeros(hidden), decoder, X.mean(axis=0, dtype=float), np.zeros(hidden))
        down = stepping(self._parameters_loss, self.optimiser)

        def step(model: SparseCoder, state: Any, rate: Any, weight_decay: Any, x: Any) -> tuple[Any, Any, Any]:
            z = self.code(model, x)
            loss, moved, state = down(model, state, rate, weight_decay, x, z)
            return loss, replace(moved, log_zeta=self.next_log_zeta(model.log_zeta, z)), state

        model = walked(self, start, (X,), step, seed)
        threshold = log(self.eta) - log1p(-self.eta)
        c = np.asarray(self.beta * model.c + threshold - model.log_zeta, X.dtype)
        return SigmoidLayer(np.asarray(self.beta * model.W, X.dtype), c, model)

    def sparsified(self, log_zeta: Value, z: Value) -> Value:
        """z̄ of codes z (T, H), each with ζ as it was before it."""
        return ops.sigmoid(self.beta * z + (log(self.eta) - log1p(-self.eta)) - log_zeta)

    def energies(self, model: SparseCoder, x: Value, z: Value) -> tuple[Value, Value]:
        """The code's and the decoder's, of codes z (T, H) of x (T, D): (T,) each."""
        return _half_square(z - _predicted(model, x)), self._decoder_energy(model, x, z)

    def code(self, model: SparseCoder, x: Value) -> Value:
        """The codes that examples x (T, D) are given in training: (T, H)."""
        predicted = _predicted(model, x)

        def energy(z: Value) -> tuple[Value, Value]:
            each = _half_square(z - predicted) + self._decoder_energy(model, x, z)
            return ops.sum(each), each

        down = value_and_grad(energy, has_aux=True)
        z = predicted
        (_, lowest), slope = down(z)
        rate: Value = np.ones(len(x), z.dtype)
        for _ in range(self.code_steps):
            tried = z - ops.reshape(rate, shape=(-1, 1)) * slope
            (_, found), there = down(tried)
            better = ops.greater(lowest, found)
            z, slope = (ops.where(ops.reshape(better, shape=(-1, 1)), *pair) for pair in ((tried, z), (there, slope)))
            lowest, rate = ops.where(better, found, lowest), ops.where(better, rate, 0.5 * rate)
        return z

    def next_log_zeta(self, log_zeta: Value, z: Value) -> Value:
        """log ζ after codes z (T, H), in order: ζ(T) = (1 − η)^T ζ(0) + η Σ_t (1 − η)^(T − t) e^(β z(t))."""
        kept = np.arange(len(z) - 1, -1, -1, dtype=z.dtype)[:, None] * log1p(-self.eta)
        terms = self.beta * z + (log(self.eta) + kept.astype(z.dtype))
        before = ops.reshape(log_zeta + len(z) * log1p(-self.eta), shape=(1, -1))
        return ops.logsumexp(ops.concatenate((before, terms)), axis=0)

    def _decoder_energy(self, model: SparseCoder, x: Value, z: Value) -> Value:
        rebuilt = ops.matmul(self.sparsified(ops.stop_gradient(model.log_zeta), z), model.V) + model.b
        return _half_square(rebuilt - x)

    def _parameters_loss(self, model: SparseCoder, x: Any, z: Any) -> Any:
        code, decoder = self.energies(model, x, z)
        return ops.mean(code + decoder)


def _predicted(model: SparseCoder, x: Value) -> Value:
    return ops.matmul(x, model.W.T) + model.c


def _half_square(difference: Value) -> Value:
    """½|…|² of each row: (T, n) → (T,)."""
    return 0.5 * ops.sum(ops.square(difference), axis=-1)
