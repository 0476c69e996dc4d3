"""tinygrad-dbn study: the learning rules on the toy distributions, judged by exact figures."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from .terminal import chosen, refusing, say


def study(
    data: Annotated[str, typer.Option(help="Distributions, separated by commas; all of them unless said.")] = "",
    rules: Annotated[str, typer.Option(help="Rules, separated by commas; all of them unless said.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Courses of each rule on each distribution.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of every course, one seed.")] = False,
    out: Annotated[Path | None, typer.Option(help="The folder; courses that are in it are kept, and used.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Courses that run at once.")] = 2,
) -> None:
    """Train every rule on every distribution from the same starts, and report how they differ.

    Exact maximum likelihood against CD-1, CD-10, PCD, the centred gradient and parallel tempering, a second layer on
    each, the bias of CD-k, annealed sampling against the truth. Run it again with the same --out to go on after Ctrl-C.
    """
    folder = out or Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-study"
    with refusing(f"--out {folder} goes on with the courses that are missing"):
        from ..lab.study import RULES, SUBJECTS
        from ..lab.study import study as run
        from ..lab.terminal import progress

        names, by = chosen(data, tuple(SUBJECTS), "--data"), chosen(rules, RULES, "--rules")
        seeds = 1 if quick else seeds
        scale, models = (0.1, 20) if quick else (1.0, 40)
        with progress(len(names) * len(by) * seeds + 3) as bar:
            report = run(folder, names, by, seeds, scale=scale, models=models, processes=processes, watch=bar)
    say(str(report))
