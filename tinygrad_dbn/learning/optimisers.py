"""Optimisers are pure functions from (model, velocity, direction of ascent) to (model, velocity)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autodiff.trees import tree_map

Step = Callable[[Any, Any, Any], tuple[Any, Any]]


def momentum(rate: float, decay: float = 0.9) -> Step:
    """v ← decay · v + rate · direction; θ ← θ + v. Raises ValueError unless rate > 0 and 0 ≤ decay < 1."""
    if not (rate > 0 and 0 <= decay < 1):
        raise ValueError(f"momentum(rate={rate}, decay={decay}): rate is positive, decay at least 0 and below 1")

    def step(model: Any, velocity: Any, direction: Any) -> tuple[Any, Any]:
        velocity = tree_map(lambda v, d: decay * v + rate * d, velocity, direction)
        return tree_map(lambda p, v: p + v, model, velocity), velocity

    return step


def sgd(rate: float) -> Step:
    """θ ← θ + rate · direction: momentum that forgets at once."""
    return momentum(rate, 0.0)


def at_rest(model: Any) -> Any:
    """The velocity to start from: zeros in the shape of the model."""
    return tree_map(np.zeros_like, model)
