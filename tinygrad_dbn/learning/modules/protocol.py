"""What a greedy module is, and what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...autodiff import ops
from ...autodiff.kernels.blas import fixed_threads
from ...autodiff.kernels.scalar import float_dtype
from ...models.autoencoder import as_width
from ...randomness import Random
from ...showing import Shown
from ..descent import Draw, Loss, Step, nothing, stepping, walk


def as_floats(X: Any) -> Any:
    """The data as floats of its own width; integers and truth values as float64, as in every op."""
    X = np.asarray(X)
    return np.asarray(X, float_dtype(X))


def trained(settings: Any, model: Any, data: Sequence[Any], loss: Loss, seed: int, draw: Draw = nothing) -> Any:
    """The model, in the data's width, at the end of the descent that a module's settings describe."""
    return walked(settings, model, data, stepping(loss, settings.optimiser), seed, draw)


def walked(settings: Any, model: Any, data: Sequence[Any], step: Step, seed: int, draw: Draw = nothing) -> Any:
    """The same by steps that do more than descend a loss."""
    for at in walk(
        as_width(model, data[0].dtype), data, step, settings.optimiser, epochs=settings.epochs, batch=settings.batch,
        seed=seed, draw=draw, weight_decay=settings.weight_decay, compile=settings.compile,
    ):  # fmt: skip
        if settings.watch is not None:
            settings.watch(at)
    return at.model


class Layer(Protocol):
    """A trained layer of features."""

    def encode(self, X: Any) -> Any:
        """The features of X (T, D): (T, H)."""

    @property
    def weights(self) -> tuple[Any, Any]:
        """(W (H, D), c (H,)) to start σ(c + W x) from (claim C3). Raises TypeError where the layer is no such thing."""


class Module(Protocol):
    """A way to learn a layer."""

    def train(self, X: Any, hidden: int, seed: Random) -> Layer:
        """`hidden` features of X (T, D), learned without labels. The same seed makes the same layer, bit for bit."""


@dataclass(frozen=True, eq=False)
class SigmoidLayer(Shown):
    """σ(c + W x), and the model it was trained in, for those who want the rest of it."""

    W: Any
    c: Any
    model: Any

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        return np.asarray(ops.sigmoid(ops.matmul(np.asarray(X, self.W.dtype), self.W.T) + self.c))

    @property
    def weights(self) -> tuple[Any, Any]:
        return self.W, self.c


@dataclass(frozen=True, eq=False)
class LinearLayer(Shown):
    """c + W x, and the model it was trained in."""

    W: Any
    c: Any
    model: Any

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        return np.asarray(X, self.W.dtype) @ self.W.T + self.c

    @property
    def weights(self) -> tuple[Any, Any]:
        raise TypeError(
            "a linear code starts no layer of sigmoids; unroll the stack into an autoencoder, or end it below the code"
        )
