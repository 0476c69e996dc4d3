"""Whether a training learned anything: judged at the end of every `fit`, against what needs no training."""

from typing import Any

from sklearn.exceptions import ConvergenceWarning

from ..autodiff.callers import warn


def warn_of_chance(estimator: Any, reached: str, chance: bool, without: str, try_other: str) -> None:
    """Warn, where it is by `chance`, that what a `fit` reached is no better than what is had without training.

    The warning points at the line that called `fit`. reached, without: the two figures, in words. try_other: the
    parameters to change.
    """
    if chance:
        warn(
            f"{type(estimator).__name__} learned nothing: it ends with {reached}, and {without}; try another value of "
            f"{try_other}",
            ConvergenceWarning,
        )
