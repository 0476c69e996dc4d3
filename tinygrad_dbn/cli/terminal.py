"""What the commands share: a refusal in one line, text that is safe to print, and words that are chosen from a list."""

import logging
import sys
from collections.abc import Iterator
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


def listed(what: str, known: dict[str, str]) -> NoReturn:
    """What a command can be asked for, each name with what it is, where none was given."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, text in known.items():
        table.add_row(f"  {name}", text)
    print(f"Name one of these {what}:")
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160).print(table)
    raise typer.Exit


@contextmanager
def refusing(how_to_go_on: str) -> Iterator[None]:
    """End in one line on bad input, and on Ctrl-C, where the line says what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\ntinygrad-dbn: stopped; {printable(how_to_go_on)}", file=sys.stderr)
        raise typer.Exit(130) from None  # as a program ends that was stopped
    except (ValueError, ImportError, OSError) as error:
        refuse(error)


def chosen(text: str, known: tuple[str, ...], option: str) -> list[str]:
    """The words of an option, separated by commas, in the order of `known`; all of them for an empty text."""
    words = [word for word in text.split(",") if word] or list(known)
    for word in words:
        if word not in known:
            refuse(f"{option} {word}: known are {', '.join(known)}")
    return [word for word in known if word in words]


class _Notice(logging.Handler):
    """Writes to whatever is the error stream by then: a table that grows on the terminal puts its own there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message, as a line of this program."""
        print(f"tinygrad-dbn: {record.getMessage()}", file=sys.stderr)


def announce_compiling() -> None:
    """On a terminal, say before machine code is made for the first time that this takes a while."""
    if sys.stderr.isatty():
        logger = logging.getLogger("tinygrad_dbn.compile.first")
        logger.setLevel(logging.INFO)
        logger.handlers = [_Notice()]
