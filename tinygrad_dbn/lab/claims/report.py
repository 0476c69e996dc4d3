"""What an experiment leaves: a table on the terminal, figures.csv, a picture, and a page that says what came out."""

from pathlib import Path

import numpy as np
from rich.table import Table

from .. import outputs
from .. import page as html
from ..canvas import Picture, light_and_dark
from ..outputs import to_csv
from ..page import escape
from ..terminal import blank_table
from .experiment import Experiment, Results


def as_text(experiment: Experiment, results: Results) -> Table:
    """A row for each condition: the mean over the seeds, from the lowest to the highest."""
    shown = blank_table(
        f"{experiment.title} (claim {experiment.claim})",
        f"means of {_seeds(results)} seeds, in brackets the lowest and the highest",
    )
    shown.add_column("")
    for heading in experiment.columns.values():
        shown.add_column(heading, justify="right")
    for row in _rows(experiment, results):
        shown.add_row(*row)
    return shown


def write_all(experiment: Experiment, results: Results, folder: Path) -> list[Path]:
    """figures.csv, picture.png and report.html in the folder, each whole or not at all. Returns their paths."""
    picture = light_and_dark(lambda dark: experiment.draw(results, dark))
    names = experiment.columns
    rows = ([*cell, *(figures[name] for name in names)] for cell, figures in results.items())
    contents = {
        "figures.csv": to_csv(["condition", "seed", *names], rows),
        "picture.png": picture.light,
        "report.html": _page(experiment, results, picture).encode(),
    }
    return outputs.write_all(folder, contents)


def _rows(experiment: Experiment, results: Results) -> list[list[str]]:
    """Of the table: each condition, and what it came to in every column."""
    return [[c, *(_over_seeds(results, c, name) for name in experiment.columns)] for c in experiment.conditions]


def _over_seeds(results: Results, condition: str, figure: str) -> str:
    values = [results[cell][figure] for cell in sorted(results) if cell[0] == condition]
    if isinstance(values[0], str):
        return ", ".join(f"{word} {values.count(word)}" for word in dict.fromkeys(values))
    return f"{np.mean(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def _seeds(results: Results) -> int:
    return len({seed for _, seed in results})


def _page(experiment: Experiment, results: Results, picture: Picture) -> str:
    outcomes = "".join(f"<li>{escape(c.outcome(results))}</li>" for c in experiment.comparisons)
    rows = [list(map(escape, row)) for row in _rows(experiment, results)]
    return html.page(
        experiment.title,
        f'<p class="soft">Claim {escape(experiment.claim)}. {escape(experiment.method)}</p>\n'
        f"{html.figure(*picture, experiment.title, caption=False)}\n<ul>{outcomes}</ul>\n"
        f"{html.table(['', *experiment.columns.values()], rows)}\n"
        f'<p class="soft">Means over {_seeds(results)} seeds, the lowest and the highest; every seed is in '
        "figures.csv.</p>",
    )
