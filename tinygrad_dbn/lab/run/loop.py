"""A run: train an epoch, measure it exactly, keep it, show it; at the end draw and write the report."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ... import storage
from ...autodiff.kernels.blas import one_thread
from ...datasets import Dataset
from ...learning import Progress, greedy
from ..canvas import Picture, light_and_dark
from . import folder as folders
from . import plots, record, report
from .audit import plots as audit_plots
from .audit.examine import Figures, examine, to_json
from .description import GIVE, Arguments, Description, describe, digest
from .record import Row
from .reference import reference, settings

SAMPLES, GIBBS_ROUNDS = 64, 1000  # of the picture of samples


@dataclass(frozen=True)
class State:
    """The epochs that are finished and measured."""

    progress: Progress | None = None
    rows: tuple[Row, ...] = ()

    @property
    def last(self) -> Row | None:
        """The newest row."""
        return self.rows[-1] if self.rows else None


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
    began = time.monotonic() - seconds
    state = state or State()
    found: dict[str, Figures] | None = None
    beside: tuple[Row, ...] = ()
    folders.sweep(folder)
    description = describe(arguments, data, state.last, time.monotonic() - began, finished=False)
    folders.write(folder, "run.json", description.to_json())
    epochs = _epochs(arguments, data, state)
    try:
        with _ctrl_c() as asked_to_stop:
            for state in epochs:
                keep(folder, state, description.key)
                show(state.rows[-1])
                if asked_to_stop():
                    raise KeyboardInterrupt
            beside = tuple(reference(arguments, data))
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
    description = describe(arguments, data, state.last, time.monotonic() - began, finished)
    _conclude(description, data, folder, state, beside, found)
    return finished


def _epochs(arguments: Arguments, data: Dataset, state: State) -> Iterator[State]:
    """The state after each further epoch. Raises FloatingPointError where training diverged."""
    given: dict[str, Any] = {**settings(arguments), "rule": arguments.rule, "k": arguments.k}
    for progress in greedy(data.train, arguments.layers, **given, start=state.progress):
        row = record.measure(progress.layer, progress.epoch, progress.model, data)
        if not np.isfinite(row.train_log_likelihood):
            raise FloatingPointError(
                f"training diverged in layer {row.layer}, epoch {row.epoch}: log p is "
                f"{row.train_log_likelihood}; write a --rate smaller than {arguments.rate}"
            )
        # A row and its model are handed over together, so that Ctrl-C finds both or neither.
        state = State(progress, (*state.rows, row))
        yield state


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C was pressed, which still raises KeyboardInterrupt at once.

    Python drops an exception that is raised while it runs a clean-up callback: then only the function tells of it.
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


def keep(folder: Path, state: State, key: str) -> None:
    """Put the state where `restore` finds it, and its rows where a person does."""
    folders.write(folder, "history.csv", record.to_csv(state.rows))
    storage.save(folder / folders.CHECKPOINT, (state.progress, tuple(map(astuple, state.rows))), run=key)


def _conclude(
    description: Description,
    data: Dataset,
    folder: Path,
    state: State,
    beside: tuple[Row, ...],
    found: dict[str, Figures] | None,
) -> None:
    """Write the model, the pictures and the report of all finished epochs, the reference and what `examine` found."""
    if state.progress is not None:
        keep(folder, state, description.key)  # Ctrl-C may have come between a row and its files
        storage.save(folder / "model.safetensors", state.progress.model)
        pictures = _pictures(description.arguments.seed, data, state.progress, state.rows, beside, found)
        for name, picture in pictures.items():
            folders.write(folder, f"{name}.png", picture.light)
        if found is not None:
            folders.write(folder, "audit.json", to_json(found))
        if beside:
            folders.write(folder, folders.REFERENCE, record.to_csv(beside))
        page = report.page(description, state.rows, data, pictures, beside, found)
        folders.write(folder, "report.html", page.encode())
    # run.json comes last: "finished" is said when everything else is there.
    folders.write(folder, "run.json", description.to_json())
    if description.finished:
        (folder / folders.CHECKPOINT).unlink(missing_ok=True)


def _pictures(
    seed: int,
    data: Dataset,
    progress: Progress,
    rows: tuple[Row, ...],
    beside: tuple[Row, ...],
    found: dict[str, Figures] | None,
) -> dict[str, Picture]:
    # A generator of its own, and the same picture whether or not the run was ever stopped.
    drawn = progress.model.sample(SAMPLES, np.random.default_rng([seed, 0]), steps=GIBBS_ROUNDS)
    pictures = {
        "curves": light_and_dark(lambda dark: plots.curves(rows, data, dark, beside)),
        "samples": light_and_dark(lambda dark: plots.samples(drawn, data, dark)),
        "filters": light_and_dark(lambda dark: plots.filters(progress.rbms[0], data, dark)),
    }
    if found is not None:
        pictures["audit"] = light_and_dark(lambda dark: audit_plots.audit(found, dark))
    return pictures
