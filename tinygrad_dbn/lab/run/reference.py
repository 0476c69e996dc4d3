"""What a run is held against: the same layers from the same start, trained by exact maximum likelihood."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ...datasets import Dataset
from ...learning import greedy
from . import record
from .description import MOST_SECONDS, SCHEDULES, Arguments, exact_cost
from .record import Row

SECONDS_PER_WEIGHT = 1e-8  # of an exact gradient: for each state of an RBM's smaller side and unit of the larger


def reference(arguments: Arguments, data: Dataset) -> Iterator[Row]:
    """The rows of a run with the rule "ml" and everything else as in `arguments`; none where `within_reach` says so."""
    if not within_reach(arguments, data):
        return
    for progress in greedy(data.train, arguments.layers, rule="ml", **settings(arguments)):
        yield record.measure(progress.layer, progress.epoch, progress.model, data)


def within_reach(arguments: Arguments, data: Dataset) -> bool:
    """Whether it is another training, and one that takes no longer than the exact sums of an epoch may."""
    examples = len(data.train) + (0 if data.heldout is None else len(data.heldout))
    steps = arguments.epochs * -(-len(data.train) // arguments.batch)
    pairs = list(pairwise(arguments.layers))
    gradients = sum(2.0 ** min(*pair, 99) * max(pair) for pair in pairs) * steps * SECONDS_PER_WEIGHT
    measured = exact_cost(arguments.layers, examples)[0] * arguments.epochs * len(pairs)
    return arguments.rule != "ml" and gradients + measured <= MOST_SECONDS


def settings(arguments: Arguments) -> dict[str, Any]:
    """What `greedy` is given of a run's arguments, whatever its rule."""
    named = {name: getattr(arguments, name) for name in ("seed", "epochs", "rate", "batch")}
    return {**named, "schedule": SCHEDULES[arguments.schedule](arguments.epochs)}
