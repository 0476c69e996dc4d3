"""What an experiment leaves: a table on the terminal, figures.csv, a picture, and a page that says what came out."""

import csv
import io
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...files import write_atomically
from ..run.report import STYLE
from .experiment import Experiment, Results

if TYPE_CHECKING:
    from rich.table import Table


def as_text(experiment: Experiment, results: Results) -> "Table":
    """A row for each condition: the mean over the seeds, from the lowest to the highest."""
    from rich import box
    from rich.table import Table

    shown = Table(
        title=f"{experiment.title} (claim {experiment.claim})", box=box.SIMPLE_HEAD, title_justify="left",
        caption=f"means of {len({s for _, s in results})} seeds, in brackets the lowest and the highest",
        caption_justify="left",
    )  # fmt: skip
    shown.add_column("")
    for heading in experiment.columns.values():
        shown.add_column(heading, justify="right")
    for condition in experiment.conditions:
        shown.add_row(condition, *(_cell(experiment, results, condition, name) for name in experiment.columns))
    return shown


def write_all(experiment: Experiment, results: Results, folder: Path) -> list[Path]:
    """figures.csv, picture.png and report.html in the folder, each whole or not at all. Returns their paths."""
    light, dark = (experiment.draw(results, night) for night in (False, True))
    contents = {
        "figures.csv": _csv(experiment, results).encode(),
        "picture.png": light,
        "report.html": _page(experiment, results, light, dark).encode(),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return [folder / name for name in contents]


def _cell(experiment: Experiment, results: Results, condition: str, figure: str) -> str:
    values = [results[cell][figure] for cell in sorted(results) if cell[0] == condition]
    if isinstance(values[0], str):
        return ", ".join(f"{word} {values.count(word)}" for word in dict.fromkeys(values))
    return f"{np.mean(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def _csv(experiment: Experiment, results: Results) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["condition", "seed", *experiment.columns])
    for (condition, seed), figures in results.items():
        writer.writerow([condition, seed, *(figures[name] for name in experiment.columns)])
    return out.getvalue()


def _page(experiment: Experiment, results: Results, light: bytes, dark: bytes) -> str:
    day, night = (f"data:image/png;base64,{b64encode(each).decode()}" for each in (light, dark))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *experiment.columns.values()))
    body = "".join(
        f'<tr><th scope="row">{escape(condition)}</th>'
        + "".join(f"<td>{escape(_cell(experiment, results, condition, name))}</td>" for name in experiment.columns)
        + "</tr>"
        for condition in experiment.conditions
    )
    outcomes = "".join(f"<li>{escape(c.outcome(results))}</li>" for c in experiment.comparisons)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(experiment.title)}</title>\n<style>{STYLE}</style>\n<main>\n<h1>{escape(experiment.title)}</h1>\n"
        f'<p class="soft">Claim {escape(experiment.claim)}. {escape(experiment.method)}</p>\n'
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{night}">'
        f'<img alt="{escape(experiment.title)}" src="{day}"></picture></figure>\n'
        f"<ul>{outcomes}</ul>\n"
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'
        f'<p class="soft">Means over {len({s for _, s in results})} seeds, the lowest and the highest; every seed '
        f"is in figures.csv.</p>\n</main>\n</html>\n"
    )
