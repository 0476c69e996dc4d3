"""tinygrad-dbn table: the lecture's tables, measured again."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .terminal import progress, refuse, say, stopped


def table(
    name: Annotated[str, typer.Argument(help="datasets (claim D2) or depth (claim D1).")],
    only: Annotated[str, typer.Option("--only", help="Problems, and systems, by their names: rect or rect,SVM.")] = "",
    full: Annotated[
        bool, typer.Option("--full/--quick", help="The published sizes and a larger search, or minutes.")
    ] = False,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Settings tried for each cell; 6 (quick) or 30 (full) unless said.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the results; trials in it are kept and used.")] = None,
    labelled: Annotated[
        int | None, typer.Option(min=1, help="Only so many training examples have labels; all unless said.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of data, settings and trainings.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 2,
) -> None:
    """Measure a table of the lecture, printing this run's errors beside the published ones.

    Settings are drawn at random and chosen by the validation error; the test part is looked at once. Run it again with
    the same --out to go on after Ctrl-C, or to add trials.
    """
    from ..lab.tables import TABLES, Cell, Search, measure, write_all
    from ..lab.tables.problems import NAMES
    from ..lab.tables.show import as_text

    if name not in TABLES:
        refuse(f"there is no table {name!r}; write datasets or depth")
    chosen = TABLES[name]
    words = [word for word in only.split(",") if word]
    unknown = [word for word in words if word not in (*chosen.systems, *chosen.figures)]
    if unknown:
        refuse(f"--only {unknown[0]}: known are {', '.join((*chosen.figures, *chosen.systems))}")
    problems = [p for p in NAMES if p in chosen.figures and (p in words or not set(words) & set(chosen.figures))]
    systems = [s for s in chosen.systems if s in words or not set(words) & set(chosen.systems)]
    count = trials or (30 if full else 6)
    folder = out or Path("runs") / f"table-{name}-{'full' if full else 'quick'}"
    notes = (
        f"{'Published sizes' if full else 'Quick sizes'}, {count} random settings for each cell, chosen by validation "
        f"error, seed {seed}{f', {labelled} training examples with labels' if labelled else ''}."
    )
    cells: list[Cell] = []
    try:
        with progress(len(problems) * len(systems) * count) as bar:
            for problem in problems:
                for system in systems:
                    search = Search(problem, system, full, seed, labelled)
                    cells.append(
                        measure(search, folder=folder, trials=count, processes=processes, watch=_watch(bar, problem))
                    )
        written = write_all(chosen, cells, folder, notes)
    except KeyboardInterrupt:
        stopped(f"the finished trials are in {folder}: the same command goes on")
    except (ValueError, ImportError, OSError) as error:
        refuse(error)
    from rich.console import Console

    Console(highlight=False).print(as_text(chosen, cells))
    print(notes)
    for path in written:
        say(str(path))


def _watch(bar: Callable[[str], None], problem: str) -> Callable[[str, int, int, float], None]:
    return lambda system, done, trials, lowest: bar(
        f"{problem} {system} trial {done}/{trials}: lowest validation error {100 * lowest:.2f} %"
    )
