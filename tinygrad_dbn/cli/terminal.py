"""What the commands share: a bar with the time left, a refusal in one line, and text that is safe to print."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..files import printable, shown


def say(text: str) -> None:
    """A line for a person to read, whatever file names are in it."""
    print(printable(text), flush=True)


def sentence(error: BaseException | str) -> str:
    """An error in one printable line, with the file it is about."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        # Our own errors name their file in the text; the system's keep it apart.
        text = f"{shown(error.filename)}: {error.strerror}" if error.filename else error.strerror
    return printable(" ".join(text.split()))


def refuse(error: BaseException | str, status: int = 2) -> NoReturn:
    """One line on the error stream, and the exit code."""
    print(f"tinygrad-dbn: {sentence(error)}", file=sys.stderr)
    raise typer.Exit(status)


def stopped(how_to_go_on: str) -> NoReturn:
    """Ctrl-C: say what is kept and how to go on, and end as a program does that it stopped."""
    print(f"\ntinygrad-dbn: stopped; {printable(how_to_go_on)}", file=sys.stderr)
    raise typer.Exit(130)


class _Notice(logging.Handler):
    """Writes to whatever is the error stream by then: a table that grows on the terminal puts its own there."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"tinygrad-dbn: {record.getMessage()}", file=sys.stderr)


def announce_compiling() -> None:
    """On a terminal, say before machine code is made for the first time that this takes a while."""
    if sys.stderr.isatty():
        logger = logging.getLogger("tinygrad_dbn.compile.first")
        logger.setLevel(logging.INFO)
        logger.handlers = [_Notice()]


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """done(what), to be called `total` times: a bar with the time left on a terminal, nothing in a pipe."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda what: None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("the first of them", total=total)

        def done(what: str) -> None:
            bar.update(task, advance=1, description=what)

        yield done
