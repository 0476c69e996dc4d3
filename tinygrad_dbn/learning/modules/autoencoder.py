"""Autoencoders as greedy modules: plain, denoising, sparse (claim C2)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any, Literal

import numpy as np

from ...autodiff import ops
from ...models.autoencoder import Autoencoder
from ...randomness import Random, seed_of
from ..descent import Descent
from ..optimisers import Optimiser, sgd
from .protocol import SigmoidLayer, asked, trained

Corruption = Callable[[np.random.Generator, Any], Any]
"""corruption(rng, x): what the encoder is shown of the batch x (T, D)."""


def masking(level: float) -> Corruption:
    """Each input is set to 0 with probability `level`: ν of Vincent et al. (2008)."""
    _check(level)
    return lambda rng, x: x * (rng.random(x.shape, dtype=x.dtype) >= level)


def salt_and_pepper(level: float) -> Corruption:
    """Each input is set to 0 or 1, with equal chances, with probability `level` (Vincent et al. 2010)."""
    _check(level)

    def corrupt(rng: np.random.Generator, x: Any) -> Any:
        u = rng.random(x.shape, dtype=x.dtype)
        return np.where(u < level, (u < level / 2).astype(x.dtype), x)

    return corrupt


def _check(level: float) -> None:
    if not 0 <= level < 1:
        raise ValueError(f"noise level {level}: inputs are corrupted with a probability at least 0 and below 1")


DEFAULT = sgd(0.05)


@dataclass(frozen=True)
class AutoencoderModule:
    """One hidden layer of sigmoid units that reconstructs its input, by minibatch descent.

    corruption makes it a denoising autoencoder: it is shown corrupted inputs and reconstructs the true ones.
    sparsity = (ρ, β) makes it a sparse one, adding β Σ_j KL(ρ ‖ mean activation of unit j) over each batch: the
    well-known penalty (Ng 2011; Lee et al. 2008); the criterion of Ranzato et al. (2007) is `SparseModule`'s.
    error: "cross-entropy" for X in [0, 1], "squared" for any X, with linear reconstructions.
    Raises ValueError for another error, unless 0 ≤ ρ ≤ 1 and β ≥ 0, and for X beyond [0, 1] by cross-entropy.
    """

    epochs: int = 10
    tied: bool = True
    error: Literal["cross-entropy", "squared"] = "cross-entropy"
    corruption: Corruption | None = None
    sparsity: tuple[float, float] | None = None
    optimiser: Optimiser = DEFAULT
    batch: int = 20
    weight_decay: float = 0.0
    watch: Callable[[Descent], None] | None = None
    compile: bool | None = None
    """Whether steps are compiled; if not said, where there are many of them (see `descend`)."""

    def __post_init__(self) -> None:
        if self.error not in ("cross-entropy", "squared"):
            raise ValueError(f"AutoencoderModule(error={self.error!r}): write 'cross-entropy' or 'squared'")
        wanted, weight = self.sparsity or (0, 0)
        if not (0 <= wanted <= 1 and 0 <= weight < inf):
            raise ValueError(
                f"AutoencoderModule(sparsity={self.sparsity}): write (ρ, β), ρ in [0, 1] and a finite β of at least 0"
            )

    def train(self, X: Any, hidden: int, seed: Random) -> SigmoidLayer:
        """An autoencoder of `hidden` units trained on X (T, D); it stays in the layer's `model`."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden, unit=self.error == "cross-entropy")
        output = "sigmoid" if self.error == "cross-entropy" else "linear"
        start = Autoencoder.init((X.shape[1], hidden), np.random.default_rng([seed, 0]), self.tied, output=output)
        model = trained(self, start, (X,), self._loss, seed, self._draw)
        return SigmoidLayer(model.encoder.weights[0], model.encoder.biases[0], model)

    def _draw(self, rng: np.random.Generator, x: Any) -> tuple[Any, ...]:
        return () if self.corruption is None else (np.asarray(self.corruption(rng, x), x.dtype),)

    def _loss(self, model: Autoencoder, x: Any, seen: Any = None) -> Any:
        coded = model.encoder.logits(x if seen is None else seen)
        a = model.decode_logits(ops.sigmoid(coded))
        per_example = ops.bernoulli_cross_entropy if self.error == "cross-entropy" else ops.squared_error
        loss = ops.mean(per_example(a, x))
        if self.sparsity is None:
            return loss
        wanted, weight = self.sparsity
        # Logarithms of the means of σ and 1 − σ, without the means: these may round to 0.
        on, off = (ops.logsumexp(ops.log_sigmoid(side), axis=0) - log(x.shape[0]) for side in (coded, -coded))
        least = sum(p * log(p) for p in (wanted, 1 - wanted) if p)  # of the other sum, where means are as wanted
        return loss + weight * (coded.shape[1] * least - ops.sum(wanted * on + (1 - wanted) * off))
