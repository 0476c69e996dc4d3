"""The lab's one loop: train an epoch, measure it exactly, keep it, show it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import storage
from ...autodiff.kernels.blas import one_thread
from ...datasets import Dataset
from . import folder as folders
from . import record
from .audit.examine import Figures, examine, to_json
from .description import GIVE, Arguments, describe, digest
from .record import Row

if TYPE_CHECKING:
    from ...learning import Progress


@dataclass(frozen=True)
class State:
    """The epochs that are finished and measured."""

    progress: "Progress | None" = None
    rows: tuple[Row, ...] = ()


@one_thread()
def run(
    arguments: Arguments,
    data: Dataset,
    folder: Path,
    show: Callable[[Row], None],
    state: State | None = None,
    seconds: float = 0.0,
) -> bool:
    """Train, measure and record; True when the run is finished, False when Ctrl-C stopped it.

    Each finished epoch is on disk (history.csv, then checkpoint.safetensors) before it is shown, so
    not even a kill loses it. A run that goes on from `state` (see `restore`) ends in the same bits as
    one that was never stopped. `seconds` is the time spent before. Raises OSError where the disk refuses, and
    FloatingPointError where training diverged.
    """
    from ...learning import greedy

    began = time.monotonic() - seconds
    state = state or State()
    found: dict[str, Figures] | None = None
    folders.sweep(folder)
    last = state.rows[-1] if state.rows else None
    description = describe(arguments, data, last, time.monotonic() - began, finished=False)
    folders.write(folder, "run.json", description.to_json())
    settings = {name: getattr(arguments, name) for name in ("seed", "epochs", "rule", "k", "rate", "batch")}
    try:
        with _ctrl_c() as asked_to_stop:
            for progress in greedy(data.train, arguments.layers, **settings, start=state.progress):
                row = record.measure(progress.layer, progress.epoch, progress.model, data)
                if not np.isfinite(row.train_log_likelihood):
                    raise FloatingPointError(
                        f"training diverged in layer {row.layer}, epoch {row.epoch}: log p is "
                        f"{row.train_log_likelihood}; write a --rate smaller than {arguments.rate}"
                    )
                # One assignment, so that Ctrl-C finds a row and its model together or neither.
                state = State(progress, (*state.rows, row))
                _keep(folder, state, description.key)
                show(row)
                if asked_to_stop():
                    raise KeyboardInterrupt
            if arguments.audit and state.progress is not None:
                found = examine(state.progress.model, state.progress.rbms, data, arguments.seed)
                if asked_to_stop():
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        finished = False
    else:
        finished = True
    _conclude(arguments, data, folder, state, time.monotonic() - began, finished, found)
    return finished


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Gives the question whether Ctrl-C was pressed.

    It raises KeyboardInterrupt at once, as ever; but Python drops an exception that is raised while it runs
    a clean-up callback, and then the question is what remembers.
    """
    pressed = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    # Signals are the main thread's; and whoever handles or ignores this one already (a shell's `&` does) goes on so.
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def check_cost(layers: tuple[int, ...], examples: int) -> None:
    """Refuse sizes whose exact sums would not fit an epoch, before any work is done. Raises ValueError with the cost.

    Every hidden layer but the last is summed over all its states, for each state of the layer below it
    (for the examples, in the first); a lone first layer is also.
    """
    from ...exact.budget import SECONDS_PER_PAIR

    inner = layers[1:-1] or layers[1:]
    states = [2.0 ** min(size, 99) for size in inner]  # 99 is refused as surely, and a float holds it
    below = [examples + layers[0], *states]
    seconds = sum(here * count for here, count in zip(states, below, strict=False)) * SECONDS_PER_PAIR
    gib = max(here * (width + 3) * 24 / 2**30 for here, width in zip(states, layers, strict=False))
    if seconds > 60 or gib > 4:
        sizes = "-".join(str(size) for size in layers)
        raise ValueError(
            f"--layers {sizes}: exact sums over the states of {' and '.join(str(size) for size in inner)} hidden "
            f"units cost about {seconds:.3g} seconds an epoch and {gib:.3g} GiB; write smaller hidden layers "
            "(60 seconds and 4 GiB are allowed; the last layer's size hardly matters)"
        )


def restore(folder: Path, data: Dataset) -> State:
    """The finished epochs found in `folder`.

    Raises ValueError where the data is no longer what the run was started on, or where its files are damaged or do not
    belong together.
    """
    description = folders.read_description(folder)
    arguments = description.arguments
    if description.data.sha256 != digest(data):
        raise ValueError(f"{data.name}: the data has changed since the run in {folder} was started; start a new run")
    if arguments.layers[0] != data.width:
        raise ValueError(f"{folder}: layers {arguments.layers} are not for {data.width} bits; {GIVE}")
    checkpoint = folder / folders.CHECKPOINT
    if not checkpoint.exists():
        return State()
    kept = storage.load(checkpoint, run=description.key)
    try:
        progress, rows = kept
        rows = tuple(record.from_tuple(row) for row in rows)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{checkpoint} holds no state of a run ({error}); {GIVE}") from error
    if not _belongs(progress, rows, arguments):
        raise ValueError(f"{checkpoint} is not of a run with these layers, epochs and rule; {GIVE}")
    return State(progress, rows)


def _belongs(progress: Any, rows: tuple[Row, ...], arguments: Arguments) -> bool:
    """Whether this can be the state of a run with these arguments."""
    from ...learning import Progress

    if not isinstance(progress, Progress):
        return False
    epochs = [(layer, epoch) for layer in range(1, len(arguments.layers)) for epoch in range(arguments.epochs + 1)]
    shapes = [(upper, lower) for lower, upper in pairwise(arguments.layers)]
    particles = None if progress.particles is None else np.shape(progress.particles)
    return (
        0 < len(rows) <= len(epochs)
        and [(row.layer, row.epoch) for row in rows] == epochs[: len(rows)]
        and (progress.layer, progress.epoch) == epochs[len(rows) - 1]
        and [rbm.W.shape for rbm in progress.rbms] == shapes[: progress.layer]
        and progress.velocity.W.shape == shapes[progress.layer - 1]
        and particles == ((arguments.batch, shapes[progress.layer - 1][1]) if arguments.rule == "pcd" else None)
    )


def _keep(folder: Path, state: State, key: str) -> None:
    """Put the state where `restore` finds it, and its rows where a person does."""
    folders.write(folder, "history.csv", record.to_csv(state.rows))
    storage.save(folder / folders.CHECKPOINT, (state.progress, tuple(map(astuple, state.rows))), run=key)


def _conclude(
    arguments: Arguments,
    data: Dataset,
    folder: Path,
    state: State,
    seconds: float,
    finished: bool,
    found: dict[str, Figures] | None,
) -> None:
    """Write the model, the pictures and the report of all finished epochs, and what `examine` found."""
    from . import plots, report
    from .audit import plots as audit_plots

    description = describe(arguments, data, state.rows[-1] if state.rows else None, seconds, finished)
    if state.progress is not None:
        model, first = state.progress.model, state.progress.rbms[0]
        # Ctrl-C may have come between a row and its files.
        _keep(folder, state, description.key)
        storage.save(folder / "model.safetensors", model)
        # A generator of its own, and the same picture whether or not the run was ever stopped.
        drawn = model.sample(64, np.random.default_rng([arguments.seed, 0]), steps=1000)
        light, dark = (
            {
                "curves": plots.curves(state.rows, data, night),
                "samples": plots.samples(drawn, data, night),
                "filters": plots.filters(first, data, night),
                **({} if found is None else {"audit": audit_plots.audit(found, night)}),
            }
            for night in (False, True)
        )
        for name, picture in light.items():
            folders.write(folder, f"{name}.png", picture)
        if found is not None:
            folders.write(folder, "audit.json", to_json(found))
        page = report.page(description, state.rows, data, light, dark, found)
        folders.write(folder, "report.html", page.encode())
    # run.json comes last: "finished" is said when everything else is there.
    folders.write(folder, "run.json", description.to_json())
    if finished:
        (folder / folders.CHECKPOINT).unlink(missing_ok=True)
