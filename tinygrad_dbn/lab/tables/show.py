"""A measured table beside the published one: text, CSV, PNG and HTML."""

import csv
import io
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ...files import write_atomically
from .published import Table
from .search import Cell

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def as_text(table: Table, cells: list[Cell]) -> "RichTable":
    """Problems by systems, the longer of the two downwards; in every cell this run's error and the paper's."""
    from rich import box
    from rich.table import Table as RichTable

    systems = [s for s in table.systems if any(c.system == s for c in cells)]
    problems = list(dict.fromkeys(c.problem for c in cells))
    shown = RichTable(
        title=table.title, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left",
        caption="test error in %, ± half of its 95 % interval; in brackets the paper's, on 50 000 test examples",
    )  # fmt: skip
    by_place = {(c.problem, c.system): c for c in cells}

    def named(problem: str) -> str:
        return f"{problem}\n(n = {max(c.tested for c in cells if c.problem == problem)})"

    def cell(problem: str, system: str, between: str) -> str:
        found, published = by_place.get((problem, system)), table.published(problem, system)
        return (f"{found.percent:.2f} ± {found.interval:.2f}" if found else "–") + f"{between}({published[0]:.2f})"

    shown.add_column("")
    if len(systems) > len(problems):  # a terminal is higher than it is wide
        for problem in problems:
            shown.add_column(named(problem), justify="right")
        for system in systems:
            shown.add_row(system, *(cell(problem, system, " ") for problem in problems))
    else:
        for system in systems:
            shown.add_column(system, justify="right")
        for problem in problems:
            shown.add_row(named(problem), *(cell(problem, system, "\n") for system in systems))
    return shown


def write_all(table: Table, cells: list[Cell], folder: Path, notes: str) -> list[Path]:
    """table.csv, table.png and table.html in the folder, each whole or not at all. Returns their paths."""
    picture = _png(table, cells)
    contents = {
        "table.csv": _csv(table, cells).encode(),
        "table.png": picture,
        "table.html": _html(table, cells, picture, notes).encode(),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return [folder / name for name in contents]


def _csv(table: Table, cells: list[Cell]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["problem", "system", "error_percent", "interval", "test_examples", "trials", "valid_error_percent",
         "published_percent", "published_interval"]
    )  # fmt: skip
    for c in cells:
        writer.writerow(
            [c.problem, c.system, f"{c.percent:.4f}", f"{c.interval:.4f}", c.tested, c.trials,
             f"{100 * c.chosen.valid_error:.4f}", *table.published(c.problem, c.system)]
        )  # fmt: skip
    return out.getvalue()


def _png(table: Table, cells: list[Cell]) -> bytes:
    """Every cell as two points with their intervals: this run's and the paper's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    problems = list(dict.fromkeys(c.problem for c in cells))
    figure = Figure(figsize=(7.5, 1.2 + 0.32 * len(cells) + 0.3 * len(problems)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    height, ticks = 0.0, []
    for problem in problems:
        for c in (c for c in cells if c.problem == problem):
            published = table.published(c.problem, c.system)
            axes.errorbar(c.percent, height - 0.13, xerr=c.interval, fmt="o", color="#1f5fa8", capsize=3, markersize=5)
            axes.errorbar(
                published[0], height + 0.13, xerr=published[1], fmt="D", color="#b5541c", capsize=3, markersize=4
            )
            ticks.append((height, f"{problem}   {c.system}"))
            height += 1
        height += 0.5
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.invert_yaxis()
    if max(c.percent for c in cells) > 5 * min(c.percent for c in cells):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("test error, % (bars: 95 % interval)")
    axes.plot([], [], "o", color="#1f5fa8", label="this run")
    axes.plot([], [], "D", color="#b5541c", label="published, 50 000 test examples")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150)
    return out.getvalue()


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #666; }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; } img { filter: invert(0.9) hue-rotate(180deg); } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { padding: 0.3rem 0.8rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
small { color: var(--soft); } img { max-width: 100%; height: auto; }
"""


def _html(table: Table, cells: list[Cell], picture: bytes, notes: str) -> str:
    rows = []
    for c in cells:
        paper = table.published(c.problem, c.system)
        settings = ", ".join(f"{k} {v:.3g}" for k, v in c.chosen.settings.items())
        rows.append(
            f"<tr><td>{escape(c.problem)}<td>{escape(c.system)}<td>{c.percent:.2f} ± {c.interval:.2f}"
            f"<td>{paper[0]:.2f} ± {paper[1]:.2f}<td>{c.tested}<td>{c.trials}<td><small>{escape(settings)}</small>"
        )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(table.title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(table.title)}</h1><p>{escape(notes)}</p>"
        f'<div class="wide"><table><thead><tr><th>problem<th>system<th>this run, %<th>published, %<th>test examples'
        f"<th>trials<th>settings chosen</thead><tbody>{''.join(rows)}</tbody></table></div>"
        f'<p><img alt="Every cell of the table as a point with its interval, beside the published one" '
        f'src="data:image/png;base64,{b64encode(picture).decode()}"></p>'
        f"<p><small>Published: {escape(table.source)}. Intervals hold for the choice of test examples alone, not for "
        f"the choice of settings or the random start.</small></p></html>\n"
    )
