"""A study from beginning to end: its courses cell by cell, its table, its pictures, its page."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from math import isfinite
from pathlib import Path
from typing import Any

from ... import records
from ...files import shown, write_atomically
from ..workers import workers
from . import measures, page, pictures
from .courses import SUBJECTS, Moment, course

Cell = tuple[str, str, int]

FORMAT = "tinygrad_dbn course 2"
GIVE = "give another folder, or delete the file"


def study(
    folder: Path,
    data: Sequence[str],
    rules: Sequence[str],
    seeds: int,
    *,
    scale: float = 1.0,
    models: int = 40,
    processes: int = 1,
    watch: Callable[[str], None] | None = None,
) -> Path:
    """Run what is missing in the folder, write courses.csv, the pictures and report.html, and return the report's path.

    Each course is kept in a file of its own as soon as it is done, so a study that was stopped goes on with the next.
    scale: the share of every course's epochs. watch(what) is called as each course, picture and page is done.
    Raises ValueError where the folder's courses are of another scale, `AboveOptimum` for a figure that cannot be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells = [(name, rule, seed) for name in data for rule in rules for seed in range(seeds)]
    found = {cell: moments for cell in cells if (moments := kept(folder, cell, scale)) is not None}
    missing = [(*cell, scale) for cell in cells if cell not in found]
    with workers(processes) as each:
        for (name, rule, seed, _), moments in each(_course, missing):
            found[name, rule, seed] = moments
            _keep(folder, (name, rule, seed), scale, moments)
            _say(watch, f"{name} {rule} {seed}")
    everything = [moment for cell in cells for moment in found[cell]]
    write_atomically(folder / "courses.csv", _csv(everything).encode())

    bias, intervals = measures.bias(), measures.intervals(models)
    _say(watch, "bias of CD-k, annealed intervals")
    fall = measures.bound_up_likelihood_down()
    _say(watch, "a bound that rises over a falling likelihood")
    drawn: dict[str, Callable[[bool], bytes]] = {
        "courses": lambda dark: pictures.courses(everything, dark),
        "stacks": lambda dark: pictures.stacks(everything, dark),
        "bias": lambda dark: pictures.bias(bias, dark),
        "intervals": lambda dark: pictures.intervals(intervals, dark),
        "fall": lambda dark: pictures.fall(fall, dark),
    }
    light, dark = ({name: draw(night) for name, draw in drawn.items()} for night in (False, True))
    for name, picture in light.items():
        write_atomically(folder / f"{name}.png", picture)
    report = folder / "report.html"
    write_atomically(report, page.page(everything, intervals, light, dark, scale).encode())
    _say(watch, "report.html")
    return report


def _say(watch: Callable[[str], None] | None, what: str) -> None:
    if watch is not None:
        watch(what)


def _course(name: str, rule: str, seed: int, scale: float) -> list[Moment]:
    return course(SUBJECTS[name], rule, seed, scale)


def _file(folder: Path, cell: Cell) -> Path:
    name, rule, seed = cell
    return folder / "courses" / f"{name.replace(':', '-')} {rule} {seed}.json"


def _belongs(cell: Cell, scale: float) -> dict[str, Any]:
    """What decides a course, as its file says it."""
    name, rule, seed = cell
    return {"subject": asdict(SUBJECTS[name]) | {"sizes": list(SUBJECTS[name].sizes)}, "rule": rule, "seed": seed,
            "scale": scale}  # fmt: skip


def _keep(folder: Path, cell: Cell, scale: float, moments: list[Moment]) -> None:
    file = _file(folder, cell)
    file.parent.mkdir(exist_ok=True)
    content = {**_belongs(cell, scale), "moments": [asdict(moment) for moment in moments]}
    write_atomically(file, records.seal(FORMAT, content, finite=False))


def kept(folder: Path, cell: Cell, scale: float) -> list[Moment] | None:
    """The course that the folder has of a cell, if it has one. Raises ValueError for a damaged one, or another."""
    file = _file(folder, cell)
    if not file.exists():
        return None
    # Not finite is, for one, what is not there: the likelihood of held-out examples where there are none.
    read = records.read(file, FORMAT, _belongs(cell, scale), {"moments": list[Moment]}, GIVE, finite=False)
    moments: list[Moment] = read["moments"]
    for m in moments:
        figures = (m.log_likelihood, m.bound, m.gap, m.best_possible)
        if (m.data, m.rule, m.seed) != cell or not all(map(isfinite, figures)):
            raise ValueError(f"{shown(file)}: {m} is no moment of this course; {GIVE}")
    return moments


def _csv(moments: list[Moment]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Moment)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(moment) for moment in moments)
    return out.getvalue()
