"""The setting that suits a training best, so that no condition of an experiment is judged at another one's."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ...learning import Diverged

Setting = TypeVar("Setting")
Trained = TypeVar("Trained")


def best_of(
    settings: Sequence[Setting], train: Callable[[Setting], Trained], loss: Callable[[Trained], float], quick: bool
) -> tuple[Setting, Trained]:
    """The setting whose training ends at the lowest loss, and that training; of a quick run the first one alone.

    Settings at which the training diverges are left out. Raises Diverged where it does at each of them.

    >>> best_of((1.0, 2.0, 3.0), lambda rate: (rate - 2) ** 2, float, quick=False)
    (2.0, 0.0)
    """
    found, last = [], None
    for setting in settings[: 1 if quick else None]:
        try:
            found.append((setting, train(setting)))
        except Diverged as error:
            last = error
    if last is not None and not found:
        raise Diverged(f"the training diverged at each of {tuple(settings)}", last.last) from last
    return min(found, key=lambda tried: loss(tried[1]))


def in_words(chosen: float, among: Sequence[float]) -> str:
    """A number that was chosen, and whether it is the lowest or highest that was tried: one beyond may be better then.

    >>> in_words(0.05, (0.02, 0.05, 0.12)), in_words(0.12, (0.02, 0.05, 0.12))
    ('0.05', '0.12 (highest)')
    """
    end = {min(among): " (lowest)", max(among): " (highest)"} if len(among) > 1 else {}
    return f"{chosen:g}{end.get(chosen, '')}"
