"""Dropout in training and at test time (claims E1–E3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models import FeedForward
from ..models.validation import adopt
from ..randomness import Random, generator


@dataclass(frozen=True)
class Dropout:
    """Hidden units are dropped with probability `rate`, or rate[k] in layer k + 1, where it is a sequence.

    Classical, as in the lecture: masks of zeros and ones in training, their expectation 1 − rate at test time.
    Inverted: masks of 0 and 1 / (1 − rate) in training, nothing at test time. Both have the same expectation up to
    the scale of the weights above (claim E3). Raises ValueError for a rate outside [0, 1).
    """

    rate: float | Sequence[float] = 0.5
    inverted: bool = False

    def __post_init__(self) -> None:
        given: Any = self.rate
        rates = tuple(map(float, np.atleast_1d(given)))
        adopt(self, rate=rates if np.ndim(given) else rates[0])
        if not all(0 <= p < 1 for p in rates):
            raise ValueError(f"Dropout(rate={self.rate}): units are dropped with a probability at least 0 and below 1")

    def rates(self, net: FeedForward) -> Sequence[float]:
        """One for each hidden layer. Raises ValueError where the net has another number of them."""
        hidden = len(net.weights) - 1
        rates: Any = self.rate if isinstance(self.rate, tuple) else (self.rate,) * hidden
        if len(rates) != hidden:
            raise ValueError(f"Dropout: {len(rates)} rates for {hidden} hidden layers; give one for each, or a number")
        return tuple(rates)

    def draw(self, net: FeedForward, count: int, rng: Random) -> tuple[Any, ...]:
        """Masks for `count` examples in training: one (count, n_k) for each hidden layer (E1)."""
        rng = generator(rng)
        masks = []
        for W, p in zip(net.weights[:-1], self.rates(net), strict=True):
            kept = rng.random((count, W.shape[0]), dtype=np.float32) >= p
            masks.append(kept.astype(W.dtype) * W.dtype.type(1 / (1 - p) if self.inverted else 1))
        return tuple(masks)

    def expected(self, net: FeedForward) -> tuple[Any, ...] | None:
        """The masks at test time (E3): None for inverted dropout."""
        if self.inverted:
            return None
        return tuple(
            np.full(W.shape[0], 1 - p, W.dtype) for W, p in zip(net.weights[:-1], self.rates(net), strict=True)
        )
