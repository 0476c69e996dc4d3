"""What a greedy module is, and what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...autodiff import ops
from ...autodiff.kernels.blas import fixed_threads
from ...exact.data import as_array, proportions, real
from ...models.autoencoder import as_width
from ...models.validation import whole
from ...randomness import Random
from ...showing import Shown
from ..descent import Draw, Loss, Step, nothing, stepping, walk


def asked(X: Any, hidden: int, unit: bool = False) -> tuple[Any, int]:
    """What `train` is given: X (T, D) as floats of its own width, and how many features, at least 1.

    Integers and truth values become float64; objects stay, for what the engine computes in their own arithmetic.
    unit: X has to be in [0, 1]. Raises ValueError for anything else, and for NaN or inf.
    """
    array = as_array(X, "X")
    return (proportions if unit else real)(array, model=array), whole("hidden", hidden, 1)


def seen(X: Any, width: int, dtype: Any = None) -> Any:
    """What `encode` is given: X (T, width) as an array. Raises ValueError for other shapes."""
    X = np.asarray(X, dtype)
    if X.ndim != 2 or X.shape[1] != width:
        raise ValueError(f"X has shape {X.shape}: this layer was trained on {width} units, give it (T, {width})")
    return X


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
    def hidden(self) -> int:
        """How many features its module was asked for."""

    @property
    def weights(self) -> tuple[Any, Any]:
        """(W (H, D), c (H,)) to start σ(c + W x) from (claim C3). Raises TypeError where the layer is no such thing."""


class Module(Protocol):
    """A way to learn a layer."""

    def train(self, X: Any, hidden: int, seed: Random) -> Layer:
        """`hidden` features of X (T, D), learned without labels. The same seed makes the same layer, bit for bit.

        Raises ValueError for an X that is no such array of finite numbers, and for a `hidden` that is not a whole
        number from 1 on.
        """


@dataclass(frozen=True, eq=False)
class SigmoidLayer(Shown):
    """σ(c + W x), and the model it was trained in, for those who want the rest of it."""

    W: Any
    c: Any
    model: Any

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        """σ(c + W x) of X (T, D): (T, H)."""
        X = seen(X, self.W.shape[1], self.W.dtype)
        return np.asarray(ops.sigmoid(ops.matmul(X, self.W.T) + self.c))

    @property
    def hidden(self) -> int:
        """H."""
        return len(self.W)

    @property
    def weights(self) -> tuple[Any, Any]:
        """W (H, D) and c (H,)."""
        return self.W, self.c


@dataclass(frozen=True, eq=False)
class LinearLayer(Shown):
    """c + W x, and the model it was trained in."""

    W: Any
    c: Any
    model: Any

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        """c + W x of X (T, D): (T, H)."""
        return seen(X, self.W.shape[1], self.W.dtype) @ self.W.T + self.c

    @property
    def hidden(self) -> int:
        """H."""
        return len(self.W)

    @property
    def weights(self) -> tuple[Any, Any]:
        """Raises TypeError."""
        raise TypeError(
            "a linear code starts no layer of sigmoids; unroll the stack into an autoencoder, or end it below the code"
        )
