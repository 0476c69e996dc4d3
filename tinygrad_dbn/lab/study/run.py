"""A study from beginning to end: its courses cell by cell, its table, its pictures, its page."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, fields
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from ...files import shown
from ..canvas import light_and_dark
from ..cells import GIVE, Store, complete
from ..code import code_of
from ..outputs import to_csv, write_all
from . import effects, page, pictures
from .courses import SUBJECTS, Moment, course

Cell = tuple[str, str, int]
"""Distribution, rule and seed."""

# Not finite is, for one, what is not there: the likelihood of held-out examples where there are none.
STORE = Store("tinygrad_dbn course 3", "moments", list[Moment], finite=False)


def study(
    folder: Path,
    data: Sequence[str],
    rules: Sequence[str],
    seeds: int,
    *,
    scale: float = 1.0,
    models: int = 40,
    processes: int = 1,
    watch: Callable[[str], None] = lambda what: None,
) -> Path:
    """Run what is missing in the folder, write courses.csv, the pictures and report.html, and return the report's path.

    Each course is kept in a file of its own as soon as it is done, so a study that was stopped goes on with the next.
    scale: the share of every course's epochs. watch(what) is called as each course, picture and page is done.
    Raises ValueError where the folder's courses are of another scale, `AboveOptimum` for an impossible log-likelihood.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def keep_and_say(cell: Cell, moments: list[Moment]) -> None:
        keep(folder, cell, scale, moments)
        watch(" ".join(map(str, cell)))

    cells = [(name, rule, seed) for name in data for rule in rules for seed in range(seeds)]
    kept_here = partial(kept, folder, scale=scale)
    found = complete(cells, kept_here, partial(_course, scale=scale), keep_and_say, processes)
    moments = [moment for cell in cells for moment in found[cell]]
    columns = [field.name for field in fields(Moment)]
    write_all(folder, {"courses.csv": to_csv(columns, map(astuple, moments))})
    written = write_all(folder, _report(moments, models, scale, watch))
    watch("report.html")
    return written[-1]


def _report(moments: list[Moment], models: int, scale: float, watch: Callable[[str], None]) -> dict[str, bytes]:
    """The pictures and the page, by their files' names; the page comes last."""
    bias, estimates = effects.bias(), effects.estimates(models)
    watch("bias of CD-k, annealed intervals")
    fall = effects.bound_up_likelihood_down()
    watch("a bound that rises over a falling likelihood")
    drawn = {
        "courses": light_and_dark(lambda dark: pictures.courses(moments, dark)),
        "stacks": light_and_dark(lambda dark: pictures.stacks(moments, dark)),
        "bias": light_and_dark(lambda dark: pictures.bias(bias, dark)),
        "intervals": light_and_dark(lambda dark: pictures.intervals(estimates, dark)),
        "fall": light_and_dark(lambda dark: pictures.fall(fall, dark)),
    }
    report = page.page(moments, estimates, drawn, scale).encode()
    return {f"{name}.png": picture.light for name, picture in drawn.items()} | {"report.html": report}


def _course(name: str, rule: str, seed: int, scale: float) -> list[Moment]:
    return course(SUBJECTS[name], rule, seed, scale)


def file_of(folder: Path, cell: Cell) -> Path:
    """Where the course of a cell is kept."""
    name, rule, seed = cell
    return folder / "courses" / f"{name.replace(':', '-')} {rule} {seed}.json"


def _belongs(cell: Cell, scale: float) -> dict[str, Any]:
    """What decides a course, as its file says it."""
    name, rule, seed = cell
    return {"subject": asdict(SUBJECTS[name]) | {"sizes": list(SUBJECTS[name].sizes)}, "rule": rule, "seed": seed,
            "scale": scale, "code": code_of(course)}  # fmt: skip


def keep(folder: Path, cell: Cell, scale: float, moments: list[Moment]) -> None:
    """Put the course of a cell where `kept` finds it."""
    STORE.write(file_of(folder, cell), _belongs(cell, scale), [asdict(moment) for moment in moments])


def kept(folder: Path, cell: Cell, scale: float) -> list[Moment] | None:
    """The course that the folder has of a cell, if it has one. Raises ValueError for a damaged one, or another."""
    file = file_of(folder, cell)
    moments: list[Moment] | None = STORE.read(file, _belongs(cell, scale))
    for m in moments or ():
        figures = (m.log_likelihood, m.bound, m.gap, m.best_possible)
        if (m.data, m.rule, m.seed) != cell or not all(map(isfinite, figures)):
            raise ValueError(f"{shown(file)}: {m} is no moment of this course; {GIVE}")
    return moments
