"""A measured table beside the published one: text, CSV, PNG and HTML."""

from pathlib import Path

from matplotlib.axes import Axes
from rich.table import Table as RichTable

from .. import outputs
from .. import page as html
from ..canvas import Picture, canvas, grid, light_and_dark, png
from ..outputs import to_csv
from ..page import escape
from ..terminal import blank_table
from .published import Table
from .search import Cell

COLUMNS = ("problem", "system", "error_percent", "interval", "replicates", "test_examples", "trials", "gradient_steps",
           "valid_error_percent", "published_percent", "published_interval")  # fmt: skip
INTERVALS = (
    "± is half of a 95 % interval: this run's over replicates, each with its own random start, choice among the trials "
    "and test examples; the paper's for the choice of its 50 000 test examples alone"
)
OFFSET = 0.13  # of this run's point and the paper's from the middle of their line
FAR_APART = 5  # times the lowest error: from there on the axis is logarithmic


def as_text(table: Table, cells: list[Cell]) -> RichTable:
    """Problems by systems, the longer of the two downwards; in every cell this run's error and the paper's."""
    systems = [s for s in table.systems if any(c.system == s for c in cells)]
    problems = list(dict.fromkeys(c.problem for c in cells))
    by_place = {(c.problem, c.system): c for c in cells}
    headed = {p: f"{p}\n(n = {max(c.tested for c in cells if c.problem == p)})" for p in problems}

    def cell(problem: str, system: str, between: str) -> str:
        found, published = by_place.get((problem, system)), table.published(problem, system)
        return (f"{found.percent:.2f} ± {found.interval:.2f}" if found else "–") + f"{between}({published[0]:.2f})"

    if len(systems) > len(problems):  # a terminal is higher than it is wide
        columns = list(headed.values())
        rows = [[system, *(cell(problem, system, " ") for problem in problems)] for system in systems]
    else:
        columns = systems
        rows = [[headed[problem], *(cell(problem, system, "\n") for system in systems)] for problem in problems]
    shown = blank_table(table.title, f"test error in %, in brackets the paper's. {INTERVALS}")
    shown.add_column("")
    for column in columns:
        shown.add_column(column, justify="right")
    for row in rows:
        shown.add_row(*row)
    return shown


def write_all(table: Table, cells: list[Cell], folder: Path, notes: str) -> list[Path]:
    """table.csv, table.png and table.html in the folder, each whole or not at all. Returns their paths."""
    picture = light_and_dark(lambda dark: _png(table, cells, dark))
    rows = (
        (c.problem, c.system, f"{c.percent:.4f}", f"{c.interval:.4f}", len(c.tests), c.tested, c.trials, c.steps,
         f"{100 * c.best.valid_error:.4f}", *table.published(c.problem, c.system))
        for c in cells
    )  # fmt: skip
    contents = {
        "table.csv": to_csv(COLUMNS, rows),
        "table.png": picture.light,
        "table.html": _html(table, cells, picture, notes).encode(),
    }
    return outputs.write_all(folder, contents)


def _png(table: Table, cells: list[Cell], dark: bool) -> bytes:
    """Every cell as two points with their intervals: this run's and the paper's."""
    problems = list(dict.fromkeys(c.problem for c in cells))
    with canvas(dark, (7.5, 1.2 + 0.32 * len(cells) + 0.3 * len(problems))) as (figure, colour):
        axes: Axes = figure.subplots()
        height, ticks = 0.0, []
        for problem in problems:
            for c in (c for c in cells if c.problem == problem):
                published, interval = table.published(c.problem, c.system)
                for error, half, offset, name, marker, size in (
                    (c.percent, c.interval, -OFFSET, "train", "o", 5),
                    (published, interval, OFFSET, "heldout", "D", 4),
                ):
                    axes.errorbar(
                        error, height + offset, xerr=half, fmt=marker, color=colour[name], capsize=3, markersize=size
                    )
                ticks.append((height, f"{problem}   {c.system}"))
                height += 1
            height += 0.5
        axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
        axes.invert_yaxis()
        if max(c.percent for c in cells) > FAR_APART * min(c.percent for c in cells):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("{x:g}")
        axes.set_xlabel("test error, % (bars: 95 % intervals, this run's over start, choice and test examples)")
        axes.plot([], [], "o", color=colour["train"], label="this run")
        axes.plot([], [], "D", color=colour["heldout"], label="published, 50 000 test examples")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        grid(axes, colour, "x")
        return png(figure)


def _html(table: Table, cells: list[Cell], picture: Picture, notes: str) -> str:
    rows = []
    for c in cells:
        published, interval = table.published(c.problem, c.system)
        settings = ", ".join(f"{k} {v:.3g}" for k, v in c.best.settings.items())
        errors = [f"{c.percent:.2f} ± {c.interval:.2f}", f"{published:.2f} ± {interval:.2f}"]
        counts = [str(c.tested), str(c.trials), str(c.steps)]
        rows.append([escape(c.problem), escape(c.system), *errors, *counts, f"<small>{escape(settings)}</small>"])
    headings = ["problem", "system", "this run, %", "published, %", "test examples", "trials", "gradient steps",
                "best settings"]  # fmt: skip
    picture_says = "Every cell of the table as a point with its interval, beside the published one."
    return html.page(
        table.title,
        f'<p class="soft">{escape(notes)}</p>\n{html.figure(*picture, picture_says)}\n{html.table(headings, rows)}\n'
        f'<p class="soft"><small>Published: {escape(table.source)}. {escape(INTERVALS)}. Gradient steps are those of '
        "pre-training and fine-tuning together: nets from random weights may take as many.</small></p>",
    )
