"""What the lab shows while it runs: a table that grows on a terminal, plain lines in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..terminal import blank_table
from .record import Row

# Heading, how a row fills it, narrowest terminal that shows it.
_COLUMNS: tuple[tuple[str, Callable[[Row], str], int], ...] = (
    ("layer", lambda row: str(row.layer), 0),
    ("epoch", lambda row: str(row.epoch), 0),
    ("log p\ntrain", lambda row: nats(row.train_log_likelihood), 0),
    ("log p\nheld out", lambda row: nats(row.heldout_log_likelihood), 64),
    ("bound\ntrain", lambda row: nats(row.train_bound), 72),
    ("KL gap\ntrain", lambda row: nats(row.train_kl), 52),
    ("max\n|residual|", lambda row: f"{row.residual:.1e}", 0),
)
_LINES_AROUND = 10  # of the terminal's lines: title, headings, caption and bar
_FEWEST_ROWS = 3  # that are shown however low the terminal is


def nats(value: float | None) -> str:
    """A figure in nats for a person; a blank where there is none."""
    return "" if value is None else f"{value:z.4f}"


@contextmanager
def screen(title: str, total: int, rows: tuple[Row, ...]) -> Iterator[Callable[[Row], None]]:
    """Gives the function that shows a row. `rows` are a resumed run's, `total` is how many there will be."""
    console = Console(highlight=False)
    if console.is_terminal:
        with _table_screen(console, title, total, rows) as show:
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
def _table_screen(console: Console, title: str, total: int, rows: tuple[Row, ...]) -> Iterator[Callable[[Row], None]]:
    columns = (TextColumn("epochs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, expand=False)
    task = bar.add_task("epochs", total=total, completed=len(rows))
    shown = list(rows)
    live = Live(Group(_table(console, title, shown), bar), console=console, refresh_per_second=8)

    def show(row: Row) -> None:
        shown.append(row)
        bar.advance(task)
        live.update(Group(_table(console, title, shown), bar))

    # Not `with live`: Ctrl-C while it starts would leave standard error captured and the cursor hidden.
    try:
        live.start()
        yield show
    finally:
        live.stop()


def _table(console: Console, title: str, rows: list[Row]) -> Table:
    columns = [(heading, fill) for heading, fill, width in _COLUMNS if console.width >= width]
    if rows and rows[-1].heldout_log_likelihood is None:
        columns = [(heading, fill) for heading, fill in columns if "held out" not in heading]
    caption = (
        "means per example in nats; log p = bound + KL + residual"
        if rows
        else "the first exact sums are being compiled …"
    )
    table = blank_table(escape(title), caption)
    for heading, _ in columns:
        table.add_column(heading, justify="right", style="bold" if heading.startswith("log p") else "")
    recent = rows[-max(_FEWEST_ROWS, console.height - _LINES_AROUND) :]
    for row, following in zip(recent, [*recent[1:], None], strict=False):
        table.add_row(
            *(fill(row) for _, fill in columns),
            end_section=following is not None and following.layer != row.layer,
        )
    return table
