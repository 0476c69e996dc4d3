"""Before a sum starts its cost is known; beyond the budget it is refused with that figure."""

from __future__ import annotations

MAX_SECONDS = 600.0
SECONDS_PER_PAIR = 1.2e-8  # one softplus of one logit: the unit of cost of every sum here, measured on one core


class TooLarge(ValueError):
    """An enumeration that would take longer than its budget. The message says how long, and what to do instead."""


def check(what: str, states: int, pairs: int, max_seconds: float) -> None:
    """Raise TooLarge if a sum over `states` states and `pairs` (unit, state) pairs would exceed the budget."""
    seconds = pairs * SECONDS_PER_PAIR
    if seconds > max_seconds:
        raise TooLarge(
            f"{what} sums over 2^{states.bit_length() - 1} states, about {seconds:.3g} seconds; the budget is "
            f"{max_seconds:g}. Make the smaller side smaller, or pass max_seconds={seconds * 1.5:.2g}"
        )
