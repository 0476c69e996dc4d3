"""What the lab shows while it runs: a line for every epoch, which stays; on a terminal a bar below, in columns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..terminal import REDRAWS
from .record import Row


class Column(NamedTuple):
    """A column on a terminal: its heading, how a row fills it, its width, and the narrowest terminal that has it."""

    heading: str
    fill: Callable[[Row], str]
    width: int
    narrowest: int = 0


_COLUMNS = (
    Column("layer", lambda row: str(row.layer), 5),
    Column("epoch", lambda row: str(row.epoch), 5),
    Column("log p train", lambda row: nats(row.train_log_likelihood), 11),
    Column("held out", lambda row: nats(row.heldout_log_likelihood), 10, 66),
    Column("bound train", lambda row: nats(row.train_bound), 11, 76),
    Column("KL gap", lambda row: nats(row.train_kl), 8, 52),
    Column("|residual|", lambda row: f"{row.residual:.1e}", 10),
)
_CAPTION = "Means per example in nats; log p = bound + KL + residual, whose largest is shown."


def nats(value: float | None) -> str:
    """A figure in nats for a person; a blank where there is none."""
    return "" if value is None else f"{value:z.4f}"


@contextmanager
def screen(title: str, total: int, rows: tuple[Row, ...]) -> Iterator[Callable[[Row], None]]:
    """Gives the function that shows a row. `rows` are a resumed run's, `total` is how many there will be."""
    console = Console(highlight=False)
    if console.is_terminal:
        with _columns(console, title, total, rows) as show:
            yield show
    else:
        print(title, flush=True)
        yield lambda row: print(_line(row), flush=True)


def _line(row: Row) -> str:
    parts = [f"layer {row.layer} epoch {row.epoch:3d}  log p train {row.train_log_likelihood:9.4f}"]
    if row.heldout_log_likelihood is not None:
        parts.append(f"held out {row.heldout_log_likelihood:9.4f}")
    parts.append(f"bound {row.train_bound:9.4f}  KL {row.train_kl:z7.4f}  max |residual| {row.residual:.1e} nats")
    return "  ".join(parts)


@contextmanager
def _columns(console: Console, title: str, total: int, rows: tuple[Row, ...]) -> Iterator[Callable[[Row], None]]:
    parts = (TextColumn("epochs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*parts, console=console, refresh_per_second=REDRAWS, transient=True)
    task = bar.add_task("epochs", total=total)
    layer = 0

    def show(row: Row) -> None:
        nonlocal layer
        columns = [c for c in _COLUMNS if console.width >= c.narrowest]
        if row.heldout_log_likelihood is None:
            columns = [c for c in columns if c.heading != "held out"]
        if row.layer != layer:
            layer = row.layer
            console.print(Text("  ".join(f"{c.heading:>{c.width}}" for c in columns), style="bold"))
        console.print(Text("  ".join(f"{c.fill(row):>{c.width}}" for c in columns)))
        bar.advance(task)

    console.print(Text(title, style="bold"))
    console.print(Text(_CAPTION))
    # Not `with bar`: Ctrl-C while it starts would leave standard error captured and the cursor hidden.
    try:
        bar.start()
        for row in rows:
            show(row)
        yield show
    finally:
        bar.stop()
