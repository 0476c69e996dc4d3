"""tinygrad-dbn lab. Bad input ends in one line that says what to write instead."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..files import quoted
from .terminal import refuse, say, sentence

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..lab.run.description import Arguments

_DEFAULTS: dict[str, Any] = {"data": "digits", "seed": 0, "rule": "cd", "k": 1, "rate": 0.05}
# A small table gives few steps an epoch: it gets smaller steps and more epochs.
_BY_SIZE: dict[str, tuple[int, int]] = {"epochs": (300, 30), "batch": (5, 20)}
_SMALL = 500


def lab(
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, bars-and-stripes[:N], shifter[:N], parity[:N], or a .npy or .csv file of 0 and 1. "
            "Default: digits."
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
    audit: Annotated[
        bool, typer.Option("--audit", help="At the end examine the trained model exactly: audit.json, audit.png.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the results. Default: a new one under runs/.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the lab's files in --out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, to the same bits.")] = False,
) -> None:
    """Train a deep belief network layer by layer, show its exact likelihood every epoch, write a report."""
    given = dict(data=data, layers=layers, epochs=epochs, seed=seed, rule=rule, k=k, rate=rate, batch=batch)
    given = {name: value for name, value in given.items() if value is not None}
    if audit:  # left out, a resumed run's own answer stands
        given["audit"] = True
    folder: Path | None = None
    try:
        with _checking_input():
            if resume:
                folder = _folder_to_resume(out, force)
                arguments, table, before = _resumed(folder, given)
            else:
                arguments, table = _fresh(given)
                from ..lab.run import folder as folders

                folder = folders.create(out, arguments.data, force, datetime.now())
                before = 0.0
        _run(arguments, table, folder, resume, before)
    except KeyboardInterrupt:
        _stopped(folder)
    except BrokenPipeError:
        _reader_left()
    except _Refused as error:
        refuse(error)
    except FloatingPointError as error:
        refuse(error, status=1)
    except OSError as error:
        kept = folder is not None and os.path.exists(folder / "checkpoint.safetensors")
        way_on = f"; the finished epochs are kept, go on with: {_resume_command(folder)}" if kept else ""
        refuse(sentence(error) + way_on, status=1)


class _Refused(Exception):
    """What was asked for makes no sense. Its text is all that the user is shown."""


@contextmanager
def _checking_input() -> Iterator[None]:
    """Turn the faults of input into `_Refused`. Outside of it a ValueError is a bug, and keeps its traceback."""
    try:
        if find_spec("matplotlib") is None:
            raise _Refused("the lab draws with matplotlib: pip install 'tinygrad_dbn[lab]'")
        yield
    except ValueError as error:
        raise _Refused(str(error)) from error
    except (FileNotFoundError, FileExistsError) as error:
        raise _Refused(sentence(error)) from error
    except ImportError as error:
        if "pip install" not in str(error):
            raise
        raise _Refused(str(error)) from error


def _fresh(given: dict[str, Any]) -> "tuple[Arguments, Dataset]":
    """The arguments of a new run, checked before any work is done."""
    values = {**_DEFAULTS, **given}
    from ..datasets import load
    from ..lab.run.description import Arguments, check
    from ..lab.run.loop import check_cost

    sizes = _sizes(values["layers"]) if "layers" in values else None
    check({**values, "layers": sizes or (1, 1)})  # before the data, which may take a while to read

    if values["rule"] == "ml" and "k" in given:
        raise ValueError("--k counts the Gibbs steps of --rule cd and pcd; with --rule ml there are none: leave it out")
    table = load(values["data"])
    for name, (small, large) in _BY_SIZE.items():
        values.setdefault(name, small if len(table.train) < _SMALL else large)
    if sizes is None:
        sizes = (table.width, 12, 10)
    if sizes[0] != table.width:
        right = "-".join(str(size) for size in (table.width, *sizes[1:]))
        raise ValueError(
            f"--layers {values['layers']} begins with {sizes[0]}, but an example of {table.name} has "
            f"{table.width} bits; write --layers {right}"
        )
    check_cost(sizes, len(table.train) + (0 if table.heldout is None else len(table.heldout)))
    return Arguments(**{**values, "layers": sizes}), table


def _sizes(layers: str) -> tuple[int, ...]:
    """ "64-12-10" as (64, 12, 10)."""
    if not re.fullmatch(r"[0-9]+(-[0-9]+)+", layers):
        raise ValueError(f"--layers is {layers!r}; write sizes joined by hyphens, the data's first, as in 64-12-10")
    return tuple(int(size) for size in layers.split("-"))


def _folder_to_resume(out: Path | None, force: bool) -> Path:
    if force:
        raise ValueError("--resume keeps what --force would remove; write one of them")
    if out is None:
        raise ValueError("--resume needs the folder of the run; write --resume --out DIR")
    return out


def _resumed(folder: Path, given: dict[str, Any]) -> "tuple[Arguments, Dataset, float]":
    """The arguments and data of the run in `folder`, and the seconds spent on it."""
    from ..datasets import load
    from ..lab.run import folder as folders

    description = folders.read_description(folder)
    arguments = description.arguments
    if "layers" in given:
        given["layers"] = _sizes(given["layers"])
    for name, value in given.items():
        if value != getattr(arguments, name):
            raise ValueError(
                f"--{name} is {value}, but the run in {folder} was started with {getattr(arguments, name)}; "
                "leave it out"
            )
    return arguments, load(arguments.data), description.seconds


def _run(arguments: "Arguments", table: "Dataset", folder: Path, resume: bool, before: float) -> None:
    from ..lab.run import folder as folders
    from ..lab.run.live import screen
    from ..lab.run.loop import State, restore, run

    with folders.lock(folder):
        if resume and folders.read_description(folder).finished:
            say(f"The run in {folder} is finished; nothing is left to do. Report: {folder / 'report.html'}")
            return
        with _checking_input():
            state = restore(folder, table) if resume else State()
        sizes = "-".join(str(size) for size in arguments.layers)
        total = (arguments.epochs + 1) * (len(arguments.layers) - 1)
        with screen(f"DBN {sizes} on {table.name}", total, state.rows) as show:
            finished = run(arguments, table, folder, show, state, before)
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
