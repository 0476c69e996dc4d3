"""Minibatch descent: the one loop that every training by gradients runs.

A step is compiled whole – loss, gradient and update – once there have been OFTEN of its shape: a compiler takes
seconds, and a small training is over before. Whatever is random is drawn outside and handed in.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from ..autodiff.compile import compile as compiled
from ..autodiff.differentiate import value_and_grad
from ..autodiff.kernels.blas import fixed_threads
from ..autodiff.trees import not_finite, places, tree_map
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown
from .bars import bar
from .optimisers import Optimiser, Schedule, constant, number, scheduled

Arrays = tuple[Any, ...]
Loss = Callable[..., Any]
"""loss(model, *batch, *drawn): a scalar, the mean over the batch."""
Step = Callable[..., tuple[Any, Any, Any]]
"""step(model, state, rate, weight_decay, *batch, *drawn): the loss before, the next model and optimiser's state."""
Draw = Callable[..., Arrays]
"""draw(rng, *batch): the arrays of noise for one batch."""


OFTEN = 2000
"""Steps that just run before one is compiled: about as long as the compiler takes."""

_COMPILED: ContextVar[bool | None] = ContextVar("compiled", default=None)


@contextmanager
def compiling(always: bool | None) -> Iterator[None]:
    """Within this context steps are compiled from the first on, or never, unless they are told otherwise.

    With None nothing changes.
    """
    token = _COMPILED.set(_COMPILED.get() if always is None else always)
    try:
        yield
    finally:
        _COMPILED.reset(token)


def uncompiled() -> AbstractContextManager[None]:
    """Within this context steps just run, unless they are told to compile: for a debugger, say."""
    return compiling(False)


def compiled_unless_told(f: Callable[..., Any]) -> Callable[..., Any]:
    """f compiled; f itself within `uncompiled`."""
    return f if _COMPILED.get() is False else compiled(f)


@dataclass(frozen=True, eq=False)
class Descent(Shown):
    """Where a descent stands: all that is needed to go on from here, to the same bits."""

    model: Any
    state: Any
    """The optimiser's."""
    epoch: int
    """Epochs done; 0 is the start."""
    loss: float
    """The mean loss over the last epoch, taken while the model was changing; NaN at the start."""


class Diverged(FloatingPointError):
    """A training whose loss or parameters are no longer finite. `.last` is the descent before that epoch.

    Of a `greedy` training it is the progress.
    """

    def __init__(self, message: str, last: Any) -> None:
        super().__init__(message)
        self.last = last

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied, and leaves a process: with what it was made of."""
        return type(self), (str(self), self.last)


def nothing(rng: np.random.Generator, *batch: Any) -> Arrays:
    """No noise."""
    return ()


def descend(
    model: Any,
    data: Sequence[Any],
    loss: Loss,
    optimiser: Optimiser,
    *,
    epochs: int,
    batch: int,
    seed: Random,
    draw: Draw = nothing,
    schedule: Schedule = constant,
    weight_decay: float = 0.0,
    project: Callable[[Any], Any] | None = None,
    start: Descent | None = None,
    compile: bool | None = None,
) -> Iterator[Descent]:
    """Minimise the mean loss over the data, yielding the start and where it stands after each epoch.

    data: arrays of T rows that belong together, for instance (X, y). Each epoch takes them in random order, `batch` at
    a time, from a generator made of (seed, epoch); so `start` goes on from any earlier descent to the same bits.
    weight_decay is added to the gradient of every matrix, in proportion to it. project(model) follows each update.
    compile: whether steps are compiled, always or never. If not said, those of a batch's size are compiled once there
    have been OFTEN of that size since epoch 0; the rest of an epoch, whose size is another, is counted apart.
    A step that just runs agrees with a compiled one to rounding, so this choice is made by counting, never by time.
    Raises ValueError at once for sizes that make no sense, and later `Diverged`, naming the epoch, the array and what
    to lower. What is said around the call by `compiling` holds, wherever the result is iterated.
    """
    return walk(
        model, data, stepping(loss, optimiser, project), optimiser, epochs=epochs, batch=batch, seed=seed, draw=draw,
        schedule=schedule, weight_decay=weight_decay, start=start, compile=compile,
    )  # fmt: skip


def walk(
    model: Any,
    data: Sequence[Any],
    step: Step,
    optimiser: Optimiser,
    *,
    epochs: int,
    batch: int,
    seed: Random,
    draw: Draw = nothing,
    schedule: Schedule = constant,
    weight_decay: float = 0.0,
    start: Descent | None = None,
    compile: bool | None = None,
) -> Iterator[Descent]:
    """`descend` by any step: one that does more than follow a gradient is written around that of `stepping`.

    The optimiser is asked for its first state and its rate. All else is as for `descend`, errors too.
    """
    seed, epochs, batch = seed_of(seed), whole("epochs", epochs, 0), whole("batch", batch, 1)
    weight_decay = number("weight_decay", weight_decay)
    rows_of(data)
    steps = step, compiled(step)
    if compile is None:
        compile = _COMPILED.get()
    first = OFTEN if compile is None else 0 if compile else inf

    def stages() -> Iterator[Descent]:
        at = start or Descent(model, optimiser.start(model), 0, float("nan"))
        if start is None:
            yield at
        with bar("epochs", epochs, at.epoch) as one_more:
            while at.epoch < epochs:
                rate = scheduled(optimiser, schedule, at.epoch + 1)
                at = _epoch(at, steps, first, data, draw, batch, seed, rate, weight_decay)
                one_more()
                yield at

    return stages()


def rows_of(data: Sequence[Any]) -> int:
    """The number of rows of arrays that belong together. Raises ValueError where they have several, or none."""
    rows = {len(array) for array in data}
    if len(rows) != 1 or 0 in rows:
        raise ValueError(f"arrays of {sorted(rows)} rows: give arrays of one number of rows, at least one")
    return rows.pop()


def steps_per_epoch(examples: int, batch: int) -> int:
    """The gradient steps of an epoch over so many examples: the last batch may be smaller."""
    return -(-examples // batch)


def stepping(loss: Loss, optimiser: Optimiser, project: Callable[[Any], Any] | None = None) -> Step:
    """The step of `descend`: down the gradient of a batch's loss, followed by project(model) if there is one."""

    def step(model: Any, state: Any, rate: Any, weight_decay: Any, *given: Any) -> tuple[Any, Any, Any]:
        value, gradient = value_and_grad(loss)(model, *given)

        def downhill(p: Any, g: Any) -> Any:
            return -(g + weight_decay * p) if np.ndim(p) == 2 else -g

        model, state = optimiser.update(model, state, tree_map(downhill, model, gradient), rate)
        return value, model if project is None else project(model), state

    return step


@fixed_threads()
def _epoch(
    at: Descent,
    steps: tuple[Any, Any],
    first: float,
    data: Sequence[Any],
    draw: Draw,
    batch: int,
    seed: int,
    rate: float,
    weight_decay: float,
) -> Descent:
    """One pass over the data. steps: as it runs, and compiled from the `first` step of one size on."""
    rng = np.random.default_rng([seed, at.epoch + 1])
    model, state, total = at.model, at.state, 0.0
    order = rng.permutation(len(data[0]))
    for i in range(0, len(order), batch):
        chosen = [array[order[i : i + batch]] for array in data]
        whole = len(chosen[0]) == batch
        before = at.epoch * (len(order) // batch) + i // batch if whole else at.epoch
        step = steps[before >= first]
        value, model, state = step(model, state, rate, weight_decay, *chosen, *draw(rng, *chosen))
        total += float(value) * len(chosen[0])
        if not isfinite(total):
            raise Diverged(_what_happened(model, at.epoch + 1, "the loss is no longer finite"), at)
    if not_finite(model) is not None:
        raise Diverged(_what_happened(model, at.epoch + 1, "parameters are no longer finite"), at)
    return Descent(model, state, at.epoch + 1, total / len(order))


def _what_happened(model: Any, epoch: int, what: str) -> str:
    leaves, first = dict(places(model)), not_finite(model)
    largest = max(leaves, key=lambda place: np.nan_to_num(np.abs(leaves[place])).max(initial=0))
    which, place = ("the largest", largest) if first is None else ("the first such", first)
    return (
        f"diverged in epoch {epoch}: {what}; {which} is {place or 'the array itself'}, of shape {leaves[place].shape}; "
        "lower the rate, or its weights' initial scale"
    )
