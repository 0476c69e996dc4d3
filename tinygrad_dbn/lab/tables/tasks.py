"""What a system of a table is given, and what it says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Labelled

Settings = dict[str, float]


@dataclass(frozen=True)
class Result:
    """What came out of a training. Errors are shares of misclassified examples."""

    valid_error: float
    valid_nll: float
    """Mean −log of the probability given to the class, nats: what settings are chosen by."""
    steps: int
    """Gradient steps taken, those of pre-training and of fine-tuning together; 0 for a support vector machine."""
    test_error: float | None


@dataclass(frozen=True)
class Task:
    """What a system is to learn, and whether its test part is to be looked at."""

    problem: Labelled
    name: str
    labelled: int
    """How many of the training examples, the first ones, may be learned from with their labels."""
    seed: int
    test: bool

    @property
    def examples(self) -> tuple[Any, Any]:
        """The training examples that have labels: X, y."""
        return self.problem.train.X[: self.labelled], self.problem.train.y[: self.labelled]


@dataclass(frozen=True)
class Space:
    """What settings are drawn from."""

    full: bool = False
    """The larger ranges, or those of a quick search."""
    widths: tuple[int, ...] = ()
    """Of every hidden layer, one of these; of those that a system has for itself where there are none."""


@dataclass(frozen=True)
class System:
    """A column. draw(rng, space) makes settings; run(settings, task) learns with them and counts errors."""

    draw: Callable[[np.random.Generator, Space], Settings]
    run: Callable[[Settings, Task], Result]
    tries: int = 1
    """Settings tried where others try one: more for what takes a hundredth of the time."""


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between low and high whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
