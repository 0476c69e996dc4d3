"""Progress bars, for those who ask: `with td.learning.progress_bars(): td.learning.pretrain(…)`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_SCREEN: "ContextVar[Progress | None]" = ContextVar("screen", default=None)
PATIENCE = 2.0
"""Seconds that a training may take without a bar."""


@contextmanager
def progress_bars() -> Iterator[None]:
    """Within this context every training of more than two seconds shows how far it is, its rate and the time left.

    On the error stream, and only where that is a terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as screen:
        token = _SCREEN.set(screen)
        try:
            yield
        finally:
            _SCREEN.reset(token)


@contextmanager
def bar(what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """one_more(), to be called after each of the steps that are left, in whatever loop wants a bar."""
    screen = _SCREEN.get()
    if screen is None:
        yield lambda: None
        return
    begin, count = monotonic(), 0
    task = screen.add_task(what, total=total, completed=done, visible=False, rate="")

    def one_more() -> None:
        nonlocal count
        count += 1
        seconds = monotonic() - begin
        screen.update(task, advance=1, rate=f"{count / seconds:.3g}/s", visible=seconds > PATIENCE)

    try:
        yield one_more
    finally:
        screen.remove_task(task)
