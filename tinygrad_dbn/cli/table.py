"""tinygrad-dbn table: the lecture's tables, measured again."""

from pathlib import Path
from typing import Annotated

import typer

from .terminal import chosen, listed, refuse, refusing, say

QUICK_TRIALS, FULL_TRIALS = 5, 30  # for each cell


def table(
    name: Annotated[str, typer.Argument(help="datasets (claim D2), depth (D1) or modules (C2).")] = "",
    only: Annotated[str, typer.Option("--only", help="Problems, and systems, by their names: rect or rect,SVM.")] = "",
    full: Annotated[
        bool, typer.Option("--full/--quick", help="The published sizes and a larger search, or minutes.")
    ] = False,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Settings tried for each cell; 5 (quick) or 30 (full) unless said.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the results; trials in it are kept and used.")] = None,
    labelled: Annotated[
        int | None, typer.Option(min=1, help="Only so many training examples have labels; all unless said.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of data, settings and trainings.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 2,
) -> None:
    """Measure a table of the lecture, printing this run's errors beside the published ones.

    Settings are drawn at random and chosen by the validation NLL; each replicate looks at its test part once. Run it
    again with the same --out to go on after Ctrl-C, or to add trials.
    """
    trials = trials or (FULL_TRIALS if full else QUICK_TRIALS)
    folder = out or Path("runs") / f"table-{name}-{'full' if full else 'quick'}"
    _measure(name, only, full, trials, folder, labelled, seed, processes)


def _measure(
    name: str, only: str, full: bool, trials: int, folder: Path, labelled: int | None, seed: int, processes: int
) -> None:
    notes = (
        f"{'Published sizes' if full else 'Quick sizes'}, {trials} random settings for each cell, chosen by validation "
        f"NLL, seed {seed}{f', {labelled} training examples with labels' if labelled else ''}."
    )
    with refusing(f"the finished trials are in {folder}: the same command goes on"):
        from ..lab.tables import NAMES, TABLES, Search, as_text, by_edges, measure, problem, tries, write_all
        from ..lab.terminal import progress, show

        if not name:
            listed("tables", {name: table.title for name, table in TABLES.items()})
        if name not in TABLES:
            refuse(f"there is no table {name!r}; write datasets, depth or modules")
        asked = TABLES[name]
        words = chosen(only, (*asked.figures, *asked.systems), "--only")
        problems = [p for p in NAMES if p in asked.figures and (p in words or not set(words) & set(asked.figures))]
        systems = [s for s in asked.systems if s in words or not set(words) & set(asked.systems)]
        searches = [Search(problem, system, full, seed, labelled) for problem in problems for system in systems]
        with progress(sum(tries(search, trials) for search in searches)) as bar:
            cells = [measure(s, folder=folder, trials=trials, processes=processes, watch=bar) for s in searches]
        if "SVM" in systems:
            notes += f" Of the SVM, which is quick, {tries(Search(problems[0], 'SVM'), trials)} settings."
        if "convex" in problems:  # how far one feature goes there, beside what the systems make of all pixels
            alone = 100 * by_edges(problem("convex", full, seed))
            notes += f" On convex a threshold on the number of edges alone errs {alone:.1f} %."
        written = write_all(asked, cells, folder, notes)
    show(as_text(asked, cells))
    print(notes)
    for path in written:
        say(str(path))
