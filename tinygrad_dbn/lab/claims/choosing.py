"""The setting that suits a training best, so that no condition of an experiment is judged at another one's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, isnan
from typing import TypeVar

Trained = TypeVar("Trained")

BEYOND = 4
"""How many settings are tried beyond those that are named, at most."""


def best_of(
    settings: Sequence[float], train: Callable[[float], Trained], loss: Callable[[Trained], float], quick: bool
) -> tuple[str, Trained]:
    """The setting whose training ends at the lowest loss, in words, and that training.

    settings: two or more positive numbers, each a few times the one before.
    While the best is the lowest or the highest of those tried, one more is tried beyond it, by the ratio between it and
    its neighbour. So the best lies between two that are worse; where it still does not, the words say so. A setting at
    which the training diverges is worse than any other. A quick run tries the first setting alone.
    Raises FloatingPointError where the training diverges at each setting, and for a loss of NaN.

    >>> best_of((1.0, 2.0), lambda rate: (rate - 5) ** 2, float, quick=False)
    ('4', 1.0)
    >>> best_of((1.0, 2.0), lambda rate: -rate, float, quick=False)
    ('32 (highest)', -32.0)
    """
    losses: dict[float, float] = {}
    best: list[Trained] = []
    for setting in settings[:1] if quick else _and_beyond(settings, losses):
        losses[setting] = inf
        try:
            trained = train(setting)
        except FloatingPointError as error:  # as `Diverged` is
            last = error
            continue
        found = loss(trained)
        if isnan(found):
            raise FloatingPointError(f"at {setting:g} the training ends, as if it had not diverged, at a loss of NaN")
        if found < min(losses.values()):
            best = [trained]
        losses[setting] = found
    if not best:
        raise FloatingPointError(f"the training diverged at each of {tuple(losses)}") from last
    return _in_words(losses), best[0]


def listed(settings: Sequence[float]) -> str:
    """What `best_of` tries, as a report says it.

    >>> listed((0.1, 0.3))
    '0.1, 0.3 and, while the best is at an end, beyond'
    """
    return ", ".join(f"{setting:g}" for setting in settings) + " and, while the best is at an end, beyond"


def _and_beyond(settings: Sequence[float], losses: Mapping[float, float]) -> Iterator[float]:
    """The settings; and then, while the one of least loss so far is at an end, the next one beyond it."""
    yield from settings
    for _ in range(BEYOND):
        tried, least = sorted(losses), _least(losses)
        if tried[0] < least < tried[-1]:
            return
        neighbour = tried[1] if least == tried[0] else tried[-2]
        yield float(f"{least**2 / neighbour:.2g}")


def _least(losses: Mapping[float, float]) -> float:
    """The setting of least loss; where all diverged, the lowest."""
    return min(losses, key=lambda setting: (losses[setting], setting))


def _in_words(losses: Mapping[float, float]) -> str:
    """The setting of least loss, and whether no lower one, or no higher one, was tried: one such may be better."""
    least = _least(losses)
    ends = {min(losses): " (lowest)", max(losses): " (highest)"} if len(losses) > 1 else {}
    return f"{least:g}{ends.get(least, '')}"
