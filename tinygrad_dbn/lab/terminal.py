"""What the lab shows while it works: a line for each part that is done, on a terminal a bar below; and tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..files import printable

REDRAWS = 2
"""Of a bar, in a second: it is all that is drawn again."""


def blank_table(title: str, caption: str) -> Table:
    """A table without columns and rows yet, in the lab's style."""
    return Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")


def show(table: Table) -> None:
    """Print a table, as wide as the terminal is."""
    Console(highlight=False).print(table)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Gives done(what), to be called `total` times: it prints a line, above a bar with the time left on a terminal."""
    console, began = Console(highlight=False), monotonic()

    def line(what: str) -> str:
        return f"{monotonic() - began:7.1f} s  {printable(what)}"

    if not console.is_terminal:
        yield lambda what: print(line(what), flush=True)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, refresh_per_second=REDRAWS, transient=True) as bar:
        task = bar.add_task("done", total=total)

        def done(what: str) -> None:
            console.print(Text(line(what)))
            bar.advance(task)

        yield done
