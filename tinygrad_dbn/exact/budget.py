"""Before a sum starts its cost is known; beyond the budget it is refused with that figure."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import dataclass, replace

MAX_SECONDS = 600.0
MAX_BYTES = 2e9
SECONDS_PER_PAIR = 1.2e-8  # one softplus of one logit, on one core: the unit of cost of every sum made of ops
SECONDS_PER_FACTOR = 2e-10  # one factor of a product of odds, on one core: twice what `benchmarks/exact_sums.py` finds
SECONDS_PER_FLOP = 1e-10  # of a matrix product, on one core
SECONDS_PER_EXP = 5e-9  # one exponential in an array, with the passes over memory around it


class TooLarge(ValueError):
    """An enumeration that would take more than its budget. The message says how much, and what to do instead."""


@dataclass(frozen=True)
class Limits:
    """What a compiled sum may cost, and where it runs."""

    max_seconds: float = MAX_SECONDS
    max_bytes: float = MAX_BYTES
    executor: Executor | None = None
    checkpoint: str | os.PathLike[str] | None = None

    def stage(self, name: str) -> Limits:
        """The limits of one of several sums: its checkpoint is a file of its own, NAME.name."""
        return self if self.checkpoint is None else replace(self, checkpoint=f"{os.fspath(self.checkpoint)}.{name}")

    def refuse_for_ops(self, with_error: bool) -> None:
        """Raise TypeError where something is asked of the sums made of ops that only the compiled ones can do."""
        if with_error or self.executor is not None or self.checkpoint is not None:
            raise TypeError(
                "with_error, executor and checkpoint are for plain arrays of floats; this model or data holds "
                "Tensors or objects. Leave them out, or pass float arrays"
            )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check(what: str, states: int, pairs: int, max_seconds: float) -> None:
    """Raise TooLarge if a sum over `states` states and `pairs` (unit, state) pairs would exceed the budget."""
    afford(what, states, pairs * SECONDS_PER_PAIR, max_seconds)


def afford(
    what: str, states: int, seconds: float, max_seconds: float, held: float = 0.0, max_bytes: float = MAX_BYTES
) -> None:
    """Raise TooLarge if a sum over `states` states would take more than `max_seconds`, or hold more than `max_bytes`.

    seconds is the estimate for this machine's cores, held the estimate in bytes.
    """
    instead = "Make the smaller side smaller, estimate by annealed importance sampling (`exact.annealed`)"
    size = f"{what} sums over 2^{states.bit_length() - 1} states"
    if seconds > max_seconds:
        raise TooLarge(
            f"{size}, about {_long(seconds)}; the budget is {max_seconds:g} seconds. "
            f"{instead}, or pass max_seconds={seconds * 1.5:.2g}"
        )
    if held > max_bytes:
        raise TooLarge(
            f"{size} and holds about {held:.3g} bytes; the budget is {max_bytes:g} bytes. "
            f"{instead}, or pass max_bytes={held * 1.2:.2g}"
        )


def _long(seconds: float) -> str:
    """Seconds, and beside them years where seconds say nothing."""
    return f"{seconds:.3g} seconds" + (f" ({seconds / 3.156e7:.2g} years)" if seconds > 3e7 else "")
