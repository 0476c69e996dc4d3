"""tinygrad-dbn book: what the proofs decided, the engine's tutorial and the library's pages, as a site to read."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .. import book as pages
from ..extras import needing
from ..files import write_atomically
from .terminal import refuse, say


def book(
    out: Annotated[Path, typer.Option(help="The folder of the site.")] = Path("site"),
    record: Annotated[
        Path | None, typer.Option(help="What pytest --record wrote; without it the proofs are run now.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Renew THEOREMS.md, the README's table and proofs/coq/accepted.txt instead."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 where any of it is stale, and write nothing.")] = False,
) -> None:
    """Run the proofs and write the book: the lecture, each claim with how it is known; the tutorial; the library."""
    try:
        root = pages.checkout()
        if not (check or update):
            with needing("the book", "latex2mathml", "pygments", "pdoc", "markdown2", "sklearn"):
                pass  # before the proofs run, which take minutes
        with tempfile.TemporaryDirectory() as folder:
            file = record or Path(folder) / "record.json"
            by_coq = ["--coq-changed"] if shutil.which("coqtop") else []  # without Coq the book says "kernel only"
            if record is None and pages.prove(root, f"--record={file}", *by_coq):
                refuse("the proofs fail: the book is written of proofs that hold")
            found = pages.load(file)
        readme = root / "README.md"
        texts = {
            root / "THEOREMS.md": pages.theorems(found),
            readme: pages.read_me(found, readme.read_text()),
            root / "proofs" / "coq" / "accepted.txt": pages.accepted(found),
        }
        if check:
            compared = [root / "THEOREMS.md", readme]  # Coq files that it accepted may be written otherwise elsewhere
            stale = [p.name for p in compared if not p.exists() or p.read_text() != texts[p]]
            if stale:
                refuse(f"stale: {', '.join(stale)}; tinygrad-dbn book --update writes anew")
        elif update:
            for path, text in texts.items():
                write_atomically(path, text.encode())
                say(str(path))
        else:
            say(str(pages.write_site(found, out, root)[0]))
    except (ValueError, ImportError, OSError) as error:
        refuse(error)
