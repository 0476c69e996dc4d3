"""What the long commands share: a bar with the time left, and a refusal in one line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer


def refuse(message: str) -> NoReturn:
    """One line on the error stream, and exit code 2."""
    print(f"tinygrad-dbn: {message}", file=sys.stderr)
    raise typer.Exit(2)


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
