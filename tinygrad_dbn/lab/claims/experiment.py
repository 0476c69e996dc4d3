"""What an experiment is, and how it is run: condition by condition, seed by seed, each kept as soon as it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import records
from ...files import shown, write_atomically
from ..workers import workers

FORMAT = "tinygrad_dbn figures 2"
GIVE = "give another folder, or delete the file"

Figures = dict[str, Any]
"""What one run measured: numbers, and lists of numbers for the picture, by name."""
Results = dict[tuple[str, int], Figures]
"""Figures of each (condition, seed)."""


@dataclass(frozen=True)
class Comparison:
    """That a figure is lower (or higher) under one condition than under another, from the same seeds."""

    figure: str
    better: str
    worse: str
    lower: bool = True
    says: str = ""

    def outcome(self, results: Results) -> str:
        """What came out, in words: in how many seeds, and the mean difference with its 95 % interval (Student's)."""
        from scipy.special import stdtrit

        seeds = sorted({seed for condition, seed in results if condition == self.better})
        sign = 1 if self.lower else -1
        gain = np.array(
            [sign * (results[self.worse, s][self.figure] - results[self.better, s][self.figure]) for s in seeds]
        )
        held = int((gain > 0).sum())
        what = (
            f"{self.says or self.figure + ': ' + self.better + ' against ' + self.worse}: {held} of {len(seeds)} seeds"
        )
        if len(seeds) < 2:
            return f"{what}, by {gain[0]:.4g}"
        half = float(stdtrit(len(seeds) - 1, 0.975)) * gain.std(ddof=1) / np.sqrt(len(seeds))
        low, high = gain.mean() - half, gain.mean() + half
        return f"{what}, by {gain.mean():.4g} on average, 95 % interval [{low:.4g}, {high:.4g}]"


@dataclass(frozen=True)
class Experiment:
    """One claim of the lecture that only a measurement can decide."""

    claim: str
    title: str
    method: str
    """What is done, on what, and what the paper did otherwise: a paragraph."""
    conditions: tuple[str, ...]
    seeds: int
    measure: Callable[[str, int, bool], Figures]
    """(condition, seed, quick) → figures. Nothing else decides them."""
    columns: dict[str, str]
    """The figures of the table, and how they are headed, with their unit."""
    comparisons: tuple[Comparison, ...]
    draw: Callable[[Results, bool], bytes]
    """(results, dark) → PNG."""


def run(
    experiment: Experiment,
    folder: Path,
    *,
    seeds: int | None = None,
    quick: bool = False,
    processes: int = 1,
    watch: Callable[[str], None] | None = None,
) -> Results:
    """Every condition under every seed; what the folder has of them is kept and used.

    watch(what) is called after each. Raises ValueError where the folder's figures are of another experiment.
    """
    wanted = [(c, seed) for seed in range(seeds or experiment.seeds) for c in experiment.conditions]
    folder.mkdir(parents=True, exist_ok=True)
    found = {cell: figures for cell in wanted if (figures := kept(folder, experiment, cell, quick)) is not None}
    missing = [(*cell, quick) for cell in wanted if cell not in found]
    with workers(processes) as each:
        for (condition, seed, _), figures in each(experiment.measure, missing):
            found[condition, seed] = figures
            content = {**_belongs(experiment, (condition, seed), quick), "figures": figures}
            write_atomically(_file(folder, (condition, seed)), records.seal(FORMAT, content))
            if watch is not None:
                watch(f"{condition}, seed {seed}")
    return {cell: found[cell] for cell in wanted}


def _file(folder: Path, cell: tuple[str, int]) -> Path:
    return folder / f"{cell[0]} {cell[1]}.json"


def kept(folder: Path, experiment: Experiment, cell: tuple[str, int], quick: bool) -> Figures | None:
    """The figures that the folder has of a cell, if it has any. Raises ValueError for damaged ones, or others."""
    file = _file(folder, cell)
    if not file.exists():
        return None
    belongs = _belongs(experiment, cell, quick)
    figures: Figures = records.read(file, FORMAT, belongs, {"figures": dict[str, Any]}, GIVE)["figures"]
    for name in experiment.columns:
        if type(figures.get(name)) not in (int, float, str):
            raise ValueError(f"{shown(file)}: {name} is {figures.get(name)!r:.40}, not a number or a word; {GIVE}")
    return figures


def _belongs(experiment: Experiment, cell: tuple[str, int], quick: bool) -> dict[str, Any]:
    """What decides the figures of a cell, as its file says it."""
    return {"claim": experiment.claim, "condition": cell[0], "seed": cell[1], "quick": quick}
