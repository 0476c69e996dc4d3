"""What both the audit of a run and a study measure: the bias of CD-k, and annealed sampling against the exact log Z."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import exact
from ..exact.rules.expected import Ensemble, after_gibbs, difference, equilibrium
from ..models import RBM

CHAINS, CONFIDENCE = 100, 0.95  # of every annealed interval


def bias_of_cd(rbm: Any, data: Ensemble, steps: Sequence[int]) -> list[exact.Comparison]:
    """The expected update of CD-k beside the exact gradient, for each k of `steps` (claim G0; Hinton 2002).

    data: states of the visible units, and their probabilities. Raises ValueError where one of the two has no direction.
    """
    gradient = difference(rbm, data, equilibrium(rbm))
    found = []
    for k in steps:
        update = difference(rbm, data, after_gibbs(rbm, data, k))
        for name, direction in ((f"the expected update of CD-{k}", update), ("the exact gradient", gradient)):
            if not any(part.any() for part in (direction.W, direction.b, direction.c)):
                raise ValueError(f"{name} is zero everywhere: it has no direction to compare")
        found.append(exact.compare(update, gradient))
    return found


@dataclass(frozen=True)
class Interval:
    """An estimate of log Z by annealed importance sampling and its interval: nats."""

    temperatures: int
    log_partition: float
    low: float
    high: float
    effective: float
    """How many chains of equal weight would be worth these."""
    holds: bool | None
    """Whether the exact log Z is in it; None where that is not known."""


def annealed_interval(
    rbm: RBM, temperatures: int, rng: np.random.Generator, log_partition: float | None, *, backwards: bool
) -> Interval:
    """From `CHAINS` chains, led up to the RBM, or backwards, down from it. log_partition: the exact log Z, if known."""
    estimate = exact.annealed_backwards if backwards else exact.annealed
    found = estimate(rbm, CHAINS, np.linspace(0, 1, temperatures), rng, confidence=CONFIDENCE)
    low, high = float(found.low), float(found.high)
    holds = None if log_partition is None else low <= log_partition <= high
    return Interval(temperatures, float(found.log_partition), low, high, float(found.effective), holds)
