"""tinygrad-dbn study: the learning rules on the toy distributions, judged by exact figures."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from .terminal import progress, refuse, say, stopped


def study(
    data: Annotated[str, typer.Option(help="Distributions, separated by commas; all of them unless said.")] = "",
    rules: Annotated[str, typer.Option(help="Rules, separated by commas.")] = "ML,CD-1,CD-10,PCD",
    seeds: Annotated[int, typer.Option(min=1, help="Courses of each rule on each distribution.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of every course, one seed.")] = False,
    out: Annotated[Path | None, typer.Option(help="The folder; courses that are in it are kept, and used.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Courses that run at once.")] = 2,
) -> None:
    """Train every rule on every distribution from the same starts, and report how they differ.

    Exact maximum likelihood against CD-1, CD-10 and PCD, a second layer on each, the bias of CD-k, annealed sampling
    against the truth. Run it again with the same --out to go on after Ctrl-C.
    """
    from ..exact import AboveOptimum
    from ..lab.study import RULES, SUBJECTS
    from ..lab.study import study as run

    chosen, by = _words(data, tuple(SUBJECTS), "--data"), _words(rules, RULES, "--rules")
    folder = out or Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-study"
    seeds = 1 if quick else seeds
    total = len(chosen) * len(by) * seeds + 3
    try:
        with progress(total) as watch:
            report = run(
                folder, chosen, by, seeds, scale=0.1 if quick else 1.0, models=20 if quick else 40,
                processes=processes, watch=watch,
            )  # fmt: skip
    except KeyboardInterrupt:
        stopped(f"--out {folder} goes on with the courses that are missing")
    except (AboveOptimum, ValueError, ImportError, OSError) as error:
        refuse(error)
    say(str(report))


def _words(text: str, known: tuple[str, ...], option: str) -> list[str]:
    words = [word for word in text.split(",") if word] or list(known)
    for word in words:
        if word not in known:
            refuse(f"{option} {word}: known are {', '.join(known)}")
    return [word for word in known if word in words]
