"""A study from beginning to end: its courses cell by cell, its table, its pictures, its page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from ...storage import write_atomically
from ..workers import workers
from . import measures, page, pictures
from .courses import SUBJECTS, Moment, course

Cell = tuple[str, str, int]


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
    found = {cell: moments for cell in cells if (moments := _kept(folder, cell, scale)) is not None}
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


def _keep(folder: Path, cell: Cell, scale: float, moments: list[Moment]) -> None:
    file = _file(folder, cell)
    file.parent.mkdir(exist_ok=True)
    content = {"scale": scale, "sizes": SUBJECTS[cell[0]].sizes, "moments": [asdict(moment) for moment in moments]}
    write_atomically(file, json.dumps(content).encode())


def _kept(folder: Path, cell: Cell, scale: float) -> list[Moment] | None:
    file = _file(folder, cell)
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text())
        moments = [Moment(**moment) for moment in content["moments"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} holds no course of a study ({error}); give another folder") from error
    if (content["scale"], tuple(content["sizes"])) != (scale, SUBJECTS[cell[0]].sizes):
        raise ValueError(
            f"{file} is a course at scale {content['scale']} of sizes {content['sizes']}, this study is at {scale} of "
            f"{list(SUBJECTS[cell[0]].sizes)}; give another folder"
        )
    return moments


def _csv(moments: list[Moment]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Moment)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(moment) for moment in moments)
    return out.getvalue()
