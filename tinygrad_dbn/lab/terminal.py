"""What the lab shows on a terminal: tables, and a bar with the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


def blank_table(title: str, caption: str) -> Table:
    """A table without columns and rows yet, in the lab's style."""
    return Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")


def show(table: Table) -> None:
    """Print a table, as wide as the terminal is."""
    Console(highlight=False).print(table)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Gives done(what), to be called `total` times: a bar with the time left on a terminal, nothing in a pipe."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda what: None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("the first of them", total=total)
        yield lambda what: bar.update(task, advance=1, description=what)
