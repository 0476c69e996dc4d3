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
    widths: Annotated[
        str, typer.Option(help="Units of a hidden layer to draw from, as 500,1000; up to 1000 (quick) or 2000 (full).")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of data, settings and trainings.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 2,
) -> None:
    """Measure a table of the lecture, printing this run's errors beside the published ones.

    Settings are drawn at random and chosen by the validation NLL; each replicate looks at its test part once. Run it
    again with the same --out to go on after Ctrl-C, or to add trials.
    """
    trials = trials or (FULL_TRIALS if full else QUICK_TRIALS)
    folder = out or Path("runs") / f"table-{name}-{'full' if full else 'quick'}"
    _measure(name, only, full, trials, folder, labelled, _widths(widths), seed, processes)


def _widths(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")] if text else []
    if not all(word.isdecimal() and int(word) for word in words) or len(set(words)) < len(words):
        refuse(f"--widths is {text!r}; write different numbers of units joined by commas, as 500,1000")
    return tuple(int(word) for word in words)


def _measure(
    name: str, only: str, full: bool, trials: int, folder: Path, labelled: int | None, widths: tuple[int, ...],
    seed: int, processes: int,
) -> None:  # fmt: skip
    units = " or ".join(map(str, widths))
    notes = (
        f"{'Published sizes' if full else 'Quick sizes'}, {trials} random settings for each cell, chosen by validation "
        f"NLL, seed {seed}{f', {labelled} training examples with labels' if labelled else ''}"
        f"{f', hidden layers of {units} units' if widths else ''}."
    )
    with refusing(f"the finished trials are in {folder}: the same command goes on"):
        from ..lab import tables
        from ..lab.terminal import progress, show

        if not name:
            listed("tables", {name: table.title for name, table in tables.TABLES.items()})
        if name not in tables.TABLES:
            refuse(f"there is no table {name!r}; write datasets, depth or modules")
        asked = tables.TABLES[name]
        words = chosen(only, (*asked.figures, *asked.systems), "--only")
        rows = set(words) & set(asked.figures) or set(asked.figures)
        problems = [problem for problem in tables.NAMES if problem in rows]
        columns = set(words) & set(asked.systems) or set(asked.systems)
        systems = [system for system in asked.systems if system in columns]
        searches = [tables.Search(p, s, full, seed, labelled, widths) for p in problems for s in systems]
        if widths and not any("hidden" in tables.settings_of(search, 0) for search in searches):
            refuse(f"--widths: {', '.join(systems)}: no hidden layers; leave it away")
        with progress(sum(tables.tries(search, trials) for search in searches)) as bar:
            cells = [tables.measure(s, folder=folder, trials=trials, processes=processes, watch=bar) for s in searches]
        if "SVM" in systems:
            notes += f" Of the SVM, which is quick, {tables.tries(tables.Search(problems[0], 'SVM'), trials)} settings."
        if "convex" in problems:  # how far one feature goes there, beside what the systems make of all pixels
            alone = 100 * tables.by_edges(tables.problem("convex", full, seed))
            notes += f" On convex a threshold on the number of edges alone errs {alone:.1f} %."
        written = tables.write_all(asked, cells, folder, notes)
    show(tables.as_text(asked, cells))
    print(notes)
    for path in written:
        say(str(path))
