"""tinygrad-dbn: the command line. Each subcommand is a file of its own."""

from typing import Annotated

import typer

from .. import __version__
from .bench import PASSING, bench
from .book import book
from .explain import explain
from .lab import lab
from .measure import measure
from .prove import prove
from .study import study
from .table import table
from .terminal import announce_compiling

app = typer.Typer(
    name="tinygrad-dbn",
    help="An exact laboratory for toy deep belief networks.",
    no_args_is_help=True,
    add_completion=False,
    # An unexpected fault is a bug: its plain traceback is what a report of it needs.
    pretty_exceptions_enable=False,
)
app.command()(lab)
app.command()(explain)
app.command()(study)
app.command()(table)
app.command()(measure)
app.command()(prove)
app.command()(book)
app.command(context_settings=PASSING)(bench)


def main() -> None:
    """The entry point of the command `tinygrad-dbn`."""
    app()


def _print_version(asked: bool) -> None:
    if asked:
        print(f"tinygrad-dbn {__version__}")
        raise typer.Exit


@app.callback()
def _tinygrad_dbn(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    announce_compiling()
