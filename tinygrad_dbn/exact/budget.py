"""What an exact quantity may cost. Its cost is predicted before it starts; beyond the budget it is refused.

Every function of `td.exact` that enumerates, or runs long, does its work inside `spending`:

    X = rows(model, X)                                                    # checks the data: `data.py`
    with spending("bound", costs.of(costs.bound, model, X), max_seconds, max_bytes):
        ...

which is the one place where the prediction (`costs.py`) is compared with the budget, and where BLAS is put on a single
thread, so that the bits are the same on any number of them. What runs inside may call other quantities: the outermost
cost includes theirs.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from ..autodiff.kernels.blas import one_thread

MAX_SECONDS = 600.0
MAX_BYTES = 2e9

# Rates of one core of an AMD EPYC (2.9 GHz, AVX2), which `benchmarks/exact_sums.py` compares with the machine it runs
# on. Another machine may be several times faster or slower: a refusal is about orders of magnitude.
SECONDS_PER_PAIR = 1.2e-8  # one softplus of one logit in a sum made of ops
SECONDS_PER_FACTOR = 2e-10  # one factor of a product of odds
SECONDS_PER_FLOP = 1e-10  # of a matrix product
SECONDS_PER_EXP = 5e-9  # one exponential in an array, with the passes over memory around it


@dataclass(frozen=True)
class Cost:
    """A prediction. a + b is one after the other: seconds and pairs add up, of the bytes the larger counts."""

    seconds: float = 0.0
    """On this process's cores, of a machine like the one that `costs.py` names."""
    held: float = 0.0
    """Bytes of arrays at the peak, the results among them."""
    units: int = 0
    """Of the largest layer whose states are enumerated."""
    pairs: float = 0.0
    """(unit, state) and (example, state) pairs that the same work visits where it is made of ops."""

    def __add__(self, other: "Cost") -> "Cost":
        largest = max(self.held, other.held), max(self.units, other.units)
        return Cost(self.seconds + other.seconds, *largest, self.pairs + other.pairs)

    def beside(self, numbers: float) -> "Cost":
        """The same while so many float64 numbers are kept."""
        return replace(self, held=self.held + 8 * numbers)


class TooLarge(ValueError):
    """A computation that would take more than its budget. The message says how much, and what to do instead.

    `cost` is the prediction, a `Cost`.
    """

    def __init__(self, message: str, cost: Cost) -> None:
        super().__init__(message)
        self.cost = cost


@dataclass(frozen=True)
class Place:
    """Where a compiled sum runs, and the file that keeps what is finished."""

    executor: Executor | None = None
    checkpoint: str | os.PathLike[str] | None = None

    def stage(self, name: str) -> "Place":
        """The place of one of several sums: its checkpoint is the file NAME.name."""
        return self if self.checkpoint is None else replace(self, checkpoint=f"{os.fspath(self.checkpoint)}.{name}")

    def refuse_for_ops(self, with_error: bool) -> None:
        """Raise TypeError where something is asked of the sums made of ops that only the compiled ones can do."""
        if with_error or self.executor is not None or self.checkpoint is not None:
            raise TypeError(
                "with_error, executor and checkpoint are for plain arrays of floats, x of zeros and ones; this model "
                "or data holds Tensors, objects or other units. Leave them out, or pass float arrays"
            )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_spending: ContextVar[bool] = ContextVar("spending", default=False)


@contextmanager
def spending(what: str, cost: Cost, max_seconds: float, max_bytes: float = MAX_BYTES) -> Iterator[None]:
    """Within this context the quantity `what` is computed, on one thread of BLAS. Raises TooLarge beyond the budget.

    Inside another such context it does nothing: the cost of the outer one includes it.
    """
    if _spending.get():
        yield
        return
    afford(what, cost, max_seconds, max_bytes)
    token = _spending.set(True)
    try:
        with one_thread():
            yield
    finally:
        _spending.reset(token)


def afford(what: str, cost: Cost, max_seconds: float, max_bytes: float) -> None:
    """Raise TooLarge for a cost beyond `max_seconds` or `max_bytes`; ValueError for a budget that is no number."""
    for name, limit in (("max_seconds", max_seconds), ("max_bytes", max_bytes)):
        if not limit >= 0:
            raise ValueError(f"{name}={limit!r} is no budget: give a number of at least 0, math.inf for none")
    size = f"{what} sums over 2^{cost.units} states" if cost.units else what
    instead = "Make the smaller side smaller, take fewer rows, or estimate log Z by annealed importance sampling"
    if cost.seconds > max_seconds:
        raise TooLarge(
            f"{size}, about {_long(cost.seconds)}; the budget is {max_seconds:g} seconds. "
            f"{instead} (`exact.annealed`), or pass max_seconds={cost.seconds * 1.5:.2g}",
            cost,
        )
    if cost.held > max_bytes:
        raise TooLarge(
            f"{size} and holds about {cost.held:.3g} bytes; the budget is {max_bytes:g} bytes. "
            f"{instead} (`exact.annealed`), or pass max_bytes={cost.held * 1.2:.2g}",
            cost,
        )


def _long(seconds: float) -> str:
    """Seconds, and beside them years where seconds say nothing."""
    return f"{seconds:.3g} seconds" + (f" ({seconds / 3.156e7:.2g} years)" if seconds > 3e7 else "")
