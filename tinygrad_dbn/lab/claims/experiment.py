"""What an experiment is, and how it is run: every condition under every seed, each kept as soon as it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ...files import shown
from ...learning import compiling
from ..cells import GIVE, Store, complete
from ..code import code_of

Figures = dict[str, Any]
"""What one run measured: numbers, and lists of numbers for the picture, by name."""
Results = dict[tuple[str, int], Figures]
"""Figures of each (condition, seed)."""

STORE = Store("tinygrad_dbn figures 3", "figures", dict[str, Any])


@dataclass(frozen=True)
class Comparison:
    """The claim that a figure is lower (or higher) under one condition than under another, from the same seeds."""

    figure: str
    better: str
    worse: str
    lower: bool = True
    says: str = ""

    def outcome(self, results: Results) -> str:
        """What came out, in words: in how many seeds, the mean difference, its 95 % interval (Student's), a verdict."""
        seeds = sorted({seed for condition, seed in results if condition == self.better})
        sign = 1 if self.lower else -1
        gain = np.array(
            [sign * (results[self.worse, s][self.figure] - results[self.better, s][self.figure]) for s in seeds]
        )
        says = self.says or f"{self.figure}: {self.better} against {self.worse}"
        what = f"{says}: {int((gain > 0).sum())} of {len(seeds)} seeds"
        if len(seeds) < 2:
            return f"{what}, by {gain[0]:.4g}"
        half = float(stdtrit(len(seeds) - 1, 0.975)) * gain.std(ddof=1) / np.sqrt(len(seeds))
        low, high = gain.mean() - half, gain.mean() + half
        ends = "so it is" if low > 0 else "the opposite is so" if high < 0 else "these seeds leave it open"
        return f"{what}, by {gain.mean():.4g} on average, 95 % interval [{low:.4g}, {high:.4g}]: {ends}"


@dataclass(frozen=True)
class Experiment:
    """One claim of the lecture that only a measurement can decide."""

    claim: str
    title: str
    method: str
    """What is done, on what, and what the paper did otherwise: a paragraph."""
    conditions: tuple[str, ...]
    seeds: int
    measure: Callable[..., Figures]
    """(condition, seed, quick, **given) → figures. Nothing else decides them."""
    columns: dict[str, str]
    """The figures of the table, and how they are headed, with their unit."""
    comparisons: tuple[Comparison, ...]
    draw: Callable[[Results, bool], bytes]
    """(results, dark) → PNG."""
    own: Callable[[Path], "Experiment"] | None = None
    """The same on a folder of the user's own data, where it can be had on such. Raises what reading it raises."""
    given: dict[str, str] = field(default_factory=dict)
    """What names a user's own data."""


def run(
    experiment: Experiment,
    folder: Path,
    *,
    seeds: int | None = None,
    quick: bool = False,
    processes: int = 1,
    watch: Callable[[str], None] = lambda what: None,
) -> Results:
    """Every condition under every seed; what the folder has of them is kept and used.

    watch(what) is called after each. Raises ValueError where the folder's figures are of another experiment.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def keep(cell: tuple[str, int], figures: Figures) -> None:
        STORE.write(file_of(folder, cell), belongs(experiment, cell, quick), figures)
        watch(f"{cell[0]}, seed {cell[1]}")

    wanted = [(c, seed) for seed in range(seeds or experiment.seeds) for c in experiment.conditions]
    kept_here = partial(kept, folder, experiment, quick=quick)
    measure = partial(_measured, experiment.measure, quick=quick, given=experiment.given)
    return complete(wanted, kept_here, measure, keep, processes)


def _measured(
    measure: Callable[..., Figures], condition: str, seed: int, *, quick: bool, given: dict[str, str]
) -> Figures:
    """The figures of one cell. At full size steps are compiled from the first on, for many cells share one."""
    with compiling(None if quick else True):
        return measure(condition, seed, quick=quick, **given)


def file_of(folder: Path, cell: tuple[str, int]) -> Path:
    """Where the figures of a cell are kept."""
    return folder / f"{cell[0]} {cell[1]}.json"


def kept(folder: Path, experiment: Experiment, cell: tuple[str, int], quick: bool) -> Figures | None:
    """The figures that the folder has of a cell, if it has any. Raises ValueError for damaged ones, or others."""
    file = file_of(folder, cell)
    figures: Figures | None = STORE.read(file, belongs(experiment, cell, quick))
    if figures is None:
        return None
    for name in experiment.columns:
        if type(figures.get(name)) not in (int, float, str):
            raise ValueError(f"{shown(file)}: {name} is {figures.get(name)!r:.40}, not a number or a word; {GIVE}")
    return figures


def belongs(experiment: Experiment, cell: tuple[str, int], quick: bool) -> dict[str, Any]:
    """What decides the figures of a cell, as its file says it."""
    of = {"claim": experiment.claim, "condition": cell[0], "seed": cell[1], "quick": quick}
    return of | {"code": code_of(experiment.measure)} | experiment.given
