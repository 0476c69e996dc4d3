"""Optimisers are pure: from a model, their state and a direction of ascent they make the next model and state.

They are written in ops and operators only, so a whole training step can be compiled. A training that minimises a loss
gives them minus its gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.trees import flatten, tree_map


@dataclass(frozen=True)
class Optimiser:
    """`optimiser(model, state, direction)` is the next (model, state); `start(model)` is the state to begin with.

    update(model, state, direction, rate) is the same with the rate as an argument, so that it may change during a
    training which was compiled once.
    """

    rate: float
    start: Callable[[Any], Any]
    update: Callable[[Any, Any, Any, Any], tuple[Any, Any]]

    def __call__(self, model: Any, state: Any, direction: Any) -> tuple[Any, Any]:
        return self.update(model, state, direction, self.rate)


def momentum(rate: float, decay: float = 0.9) -> Optimiser:
    """v ← decay · v + rate · direction; θ ← θ + v. Raises ValueError unless rate > 0 and 0 ≤ decay < 1."""
    if not (rate > 0 and 0 <= decay < 1):
        raise ValueError(f"momentum(rate={rate}, decay={decay}): rate is positive, decay at least 0 and below 1")
    rate, decay = float(rate), float(decay)

    def update(model: Any, velocity: Any, direction: Any, rate: Any) -> tuple[Any, Any]:
        velocity = tree_map(lambda v, d: decay * v + rate * d, velocity, direction)
        return tree_map(lambda p, v: p + v, model, velocity), velocity

    return Optimiser(rate, at_rest, update)


def sgd(rate: float) -> Optimiser:
    """θ ← θ + rate · direction. It has no state. Raises ValueError unless rate > 0."""
    if not rate > 0:
        raise ValueError(f"sgd(rate={rate}): rate is positive")

    def update(model: Any, state: Any, direction: Any, rate: Any) -> tuple[Any, Any]:
        return tree_map(lambda p, d: p + rate * d, model, direction), state

    return Optimiser(float(rate), lambda model: (), update)


def adam(rate: float = 0.001, decay: float = 0.9, square_decay: float = 0.999, epsilon: float = 1e-8) -> Optimiser:
    """θ ← θ + rate · m̂ / (√v̂ + ε): means m and v of the direction and its square, freed of their start at zero.

    Raises ValueError unless rate and epsilon are positive and both decays at least 0 and below 1.
    Source: Kingma & Ba, Adam (ICLR 2015), algorithm 1.
    """
    if not (rate > 0 and epsilon > 0 and 0 <= decay < 1 and 0 <= square_decay < 1):
        raise ValueError(
            f"adam(rate={rate}, decay={decay}, square_decay={square_decay}, epsilon={epsilon}): rate and epsilon are "
            "positive, the decays at least 0 and below 1"
        )
    rate, decay, square_decay, epsilon = float(rate), float(decay), float(square_decay), float(epsilon)

    def start(model: Any) -> Any:
        return np.zeros((), getattr(flatten(model)[0][0], "dtype", float)), at_rest(model), at_rest(model)

    def update(model: Any, state: Any, direction: Any, rate: Any) -> tuple[Any, Any]:
        t, m, v = state
        t = t + 1.0
        m = tree_map(lambda m, d: decay * m + (1 - decay) * d, m, direction)
        v = tree_map(lambda v, d: square_decay * v + (1 - square_decay) * (d * d), v, direction)
        size = rate / _missing(decay, t)
        scale = ops.sqrt(_missing(square_decay, t))

        def step(p: Any, m: Any, v: Any) -> Any:
            return p + size * m / (ops.sqrt(v) / scale + epsilon)

        return tree_map(step, model, m, v), (t, m, v)

    return Optimiser(rate, start, update)


def _missing(decay: float, t: Any) -> Any:
    """1 − decay^t: what a mean that began at zero has of its full weight after t steps."""
    return -ops.expm1(t * log(decay)) if decay else 1.0


def at_rest(model: Any) -> Any:
    """The velocity to start from: zeros in the shape of the model."""
    return tree_map(np.zeros_like, model)


def number(name: str, value: Any, positive: bool = False) -> float:
    """A finite number of at least 0, or a positive one, as Python's own: NumPy's would widen a training in float32.

    Raises ValueError for anything else.

    >>> number("weight_decay", np.float64(0.1))
    0.1
    """
    if not (0 <= value < inf and (value or not positive)):
        raise ValueError(f"{name}={value}: write a finite number {'above' if positive else 'of at least'} 0")
    return float(value)


# ---- Schedules: what the rate is multiplied with in epoch 1, 2, … ----------------------------------------------------

Schedule = Callable[[int], float]
"""epoch → what the rate is multiplied with in it. The first epoch is 1."""


def scheduled(optimiser: Optimiser, schedule: Schedule, epoch: int) -> float:
    """The optimiser's rate in an epoch."""
    return optimiser.rate * float(schedule(epoch))


def constant(epoch: int) -> float:
    """1, always."""
    return 1.0


def hyperbolic(epochs: float) -> Schedule:
    """1 / (1 + (epoch − 1) / epochs): half of the rate after that many epochs. Raises ValueError unless positive."""
    if not epochs > 0:
        raise ValueError(f"hyperbolic(epochs={epochs}): the rate halves after a positive number of epochs")
    return lambda epoch: 1 / (1 + (epoch - 1) / epochs)


def linear(epochs: int) -> Schedule:
    """1 − (epoch − 1) / epochs: in equal steps from 1 to 1 / epochs, in that many epochs. Raises ValueError below 1."""
    if epochs < 1:
        raise ValueError(f"linear(epochs={epochs}): the rate falls over at least one epoch")
    return lambda epoch: max(0.0, 1 - (epoch - 1) / epochs)


def exponential(factor: float) -> Schedule:
    """factor^(epoch − 1). Raises ValueError unless 0 < factor ≤ 1."""
    if not 0 < factor <= 1:
        raise ValueError(f"exponential(factor={factor}): each epoch keeps a factor above 0, at most 1, of the rate")
    return lambda epoch: float(factor ** (epoch - 1))
