"""tinygrad-dbn lab. Bad input ends in one line that says what to write instead."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ..datasets import Dataset, load
from ..extras import needing
from ..files import quoted
from ..lab.run import folder as folders
from ..lab.run.description import Arguments, check, check_cost, hyphenated
from .terminal import refuse, say, sentence

Prepared = tuple[Arguments, Dataset, Path, float]
"""A run that may begin: what was asked for, the data, the folder, and the seconds spent on it before."""

_DEFAULTS: dict[str, Any] = {"data": "digits", "seed": 0, "rule": "cd", "k": 1, "rate": 0.05,
                             "schedule": "linear"}  # fmt: skip
# A small table gives few steps an epoch: it gets smaller steps and more epochs.
_BY_SIZE: dict[str, tuple[int, int]] = {"epochs": (300, 30), "batch": (5, 20)}
_SMALL = 500


def lab(
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, bars-and-stripes[:N], shifter[:N], parity[:N], colourings[:N], or a .npy or .csv file of 0 "
            "and 1. Default: digits."
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Layer sizes, the data's width first. Default: 64-12-10 for digits, else WIDTH-12-10."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs per layer. Default: 30; 300 for fewer than 500 examples.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same bits. Default: 0.")] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="cd: contrastive divergence. pcd: the same with persistent chains. ml: exact maximum likelihood. "
            "Default: cd."
        ),
    ] = None,
    k: Annotated[int | None, typer.Option("--k", help="Gibbs steps of cd and pcd. Default: 1.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate. Default: 0.05.")] = None,
    batch: Annotated[
        int | None, typer.Option(help="Examples per step. Default: 20; 5 for fewer than 500 examples.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="linear: the rate falls to zero in each layer. constant: it stays. Default: linear."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="At the end examine the trained model exactly: audit.json, audit.png.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the results. Default: a new one under runs/.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the lab's files in --out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, to the same bits.")] = False,
) -> None:
    """Train a deep belief network layer by layer, show its exact likelihood every epoch, write a report."""
    given = dict(data=data, layers=layers, epochs=epochs, seed=seed, rule=rule, k=k, rate=rate, batch=batch)
    given["schedule"] = schedule
    given["audit"] = audit or None  # without --audit a resumed run goes on as it was started
    _lab({name: value for name, value in given.items() if value is not None}, out, force, resume)


def _lab(given: dict[str, Any], out: Path | None, force: bool, resume: bool) -> None:
    folder = out if resume else None
    try:
        with _checking_input():
            prepared = _resumed(given, out, force) if resume else _fresh(given, out, force)
        folder = prepared[2]
        _run(*prepared, resume)
    except KeyboardInterrupt:
        _stopped(folder)
    except BrokenPipeError:
        _reader_left()
    except _Refused as error:
        refuse(error)
    except FloatingPointError as error:
        refuse(error, status=1)
    except OSError as error:
        kept = folder is not None and os.path.exists(folder / folders.CHECKPOINT)
        way_on = f"; the finished epochs are kept, go on with: {_resume_command(folder)}" if kept else ""
        refuse(sentence(error) + way_on, status=1)


class _Refused(Exception):
    """What was asked for makes no sense. Its text is all that the user is shown."""


@contextmanager
def _checking_input() -> Iterator[None]:
    """Turn the faults of input into `_Refused`. Outside of it a ValueError is a bug, and keeps its traceback."""
    try:
        with needing("the lab", "matplotlib"):
            yield
    except ValueError as error:
        raise _Refused(str(error)) from error
    except (FileNotFoundError, FileExistsError) as error:
        raise _Refused(sentence(error)) from error
    except ImportError as error:
        if "pip install" not in str(error):
            raise
        raise _Refused(str(error)) from error


def _fresh(given: dict[str, Any], out: Path | None, force: bool) -> Prepared:
    """A new run, its arguments checked before any work is done, and its folder made."""
    values = {**_DEFAULTS, **given}
    sizes = _sizes(values["layers"]) if "layers" in values else None
    check({**values, "layers": sizes or (1, 1)})  # before the data, which may take a while to read
    if values["rule"] == "ml" and "k" in given:
        raise ValueError("--k counts the Gibbs steps of --rule cd and pcd; with --rule ml there are none: leave it out")
    data = load(values["data"])
    for name, (small, large) in _BY_SIZE.items():
        values.setdefault(name, small if len(data.train) < _SMALL else large)
    if sizes is None:
        sizes = (data.width, 12, 10)
    if sizes[0] != data.width:
        raise ValueError(
            f"--layers {values['layers']} begins with {sizes[0]}, but an example of {data.name} has "
            f"{data.width} bits; write --layers {hyphenated((data.width, *sizes[1:]))}"
        )
    check_cost(sizes, len(data.train) + (0 if data.heldout is None else len(data.heldout)))
    arguments = Arguments(**{**values, "layers": sizes})
    return arguments, data, folders.create(out, arguments.data, force, datetime.now()), 0.0


def _sizes(layers: str) -> tuple[int, ...]:
    """ "64-12-10" as (64, 12, 10)."""
    if not re.fullmatch(r"[0-9]+(-[0-9]+)+", layers):
        raise ValueError(f"--layers is {layers!r}; write sizes joined by hyphens, the data's first, as in 64-12-10")
    return tuple(int(size) for size in layers.split("-"))


def _resumed(given: dict[str, Any], folder: Path | None, force: bool) -> Prepared:
    """The run in `folder`, if what was given is what it was started with."""
    if force:
        raise ValueError("--resume keeps what --force would remove; write one of them")
    if folder is None:
        raise ValueError("--resume needs the folder of the run; write --resume --out DIR")
    description = folders.read_description(folder)
    arguments = description.arguments
    if "layers" in given:
        given = given | {"layers": _sizes(given["layers"])}
    for name, value in given.items():
        if value != getattr(arguments, name):
            raise ValueError(
                f"--{name} is {value}, but the run in {folder} was started with {getattr(arguments, name)}; "
                "leave it out"
            )
    return arguments, load(arguments.data), folder, description.seconds


def _run(arguments: Arguments, data: Dataset, folder: Path, before: float, resume: bool) -> None:
    # matplotlib, which the lab draws with, is an extra of its own: the other commands do without it.
    from ..lab.run.live import screen
    from ..lab.run.loop import State, restore, run

    with folders.lock(folder):
        if resume and folders.read_description(folder).finished:
            say(f"The run in {folder} is finished; nothing is left to do. Report: {folder / 'report.html'}")
            return
        with _checking_input():
            state = restore(folder, data) if resume else State()
        total = (arguments.epochs + 1) * (len(arguments.layers) - 1)
        with screen(f"DBN {hyphenated(arguments.layers)} on {data.name}", total, state.rows) as show:
            finished = run(arguments, data, folder, show, state, before)
    if not finished:
        _stopped(folder)
    say(f"Report: {folder / 'report.html'}")


def _stopped(folder: Path | None) -> NoReturn:
    """Ctrl-C: say what is kept and how to go on."""
    if folder is not None and os.path.exists(folder / "run.json"):
        kept = "What is finished is written" if os.path.exists(folder / "history.csv") else "No epoch was finished yet"
        print(f"\nStopped. {kept}. Go on with:\n  {_resume_command(folder)}", file=sys.stderr)
    else:
        print("\nStopped before anything was written.", file=sys.stderr)
    raise typer.Exit(130)


def _resume_command(folder: Path | None) -> str:
    return f"tinygrad-dbn lab --resume --out {quoted(str(folder))}"


def _reader_left() -> NoReturn:
    """The pipe's reader has closed it, as `| head` does: end quietly, without Python's complaint at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(1)
