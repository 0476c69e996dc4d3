"""What the long commands share: a bar with the time left, and a refusal in one line."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer


def refuse(message: str) -> NoReturn:
    """One line on the error stream, and exit code 2."""
    print(f"tinygrad-dbn: {message}", file=sys.stderr)
    raise typer.Exit(2)


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
