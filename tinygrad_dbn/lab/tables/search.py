"""Random search, one cell of a table at a time (Bergstra & Bengio 2012): settings are chosen by the validation error.

Every finished trial is a line of the cell's file, so a search that was stopped goes on where it was. The test part is
looked at once, with the settings that were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Labelled
from ...storage import write_atomically
from .problems import problem
from .systems import SYSTEMS, Settings


@dataclass(frozen=True)
class Trial:
    """Settings that were tried: `test_error` is there only for the trial that was chosen."""

    number: int
    settings: Settings
    valid_error: float
    test_error: float | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table as it was measured here."""

    problem: str
    system: str
    trials: int
    chosen: Trial
    tested: int
    """How many test examples the error is a share of."""

    @property
    def percent(self) -> float:
        """The test error in per cent."""
        assert self.chosen.test_error is not None
        return 100 * self.chosen.test_error

    @property
    def interval(self) -> float:
        """Half of its 95 % interval in per cent: 1.96 √(p (1 − p) / n), for the choice of test examples alone."""
        assert self.chosen.test_error is not None
        p = self.chosen.test_error
        return 196 * sqrt(p * (1 - p) / self.tested)


def measure(
    name: str,
    system: str,
    *,
    folder: Path,
    trials: int,
    full: bool,
    seed: int = 0,
    processes: int = 1,
    watch: Callable[[str, int, int, float], None] | None = None,
) -> Cell:
    """The cell of a problem and a system after so many trials, some of which may be in the folder already.

    A trial depends on (seed, its number) alone: on no other trial, and not on how many processes there are.
    watch(system, done, trials, lowest validation error so far) is called after every trial.
    Raises ValueError where the folder's trials were made with other settings of the search.
    """
    file = folder / f"{name} {system}.json"
    header = {"problem": name, "system": system, "full": full, "seed": seed}
    found = _read(file, header)
    missing = [number for number in range(trials) if number not in found]
    arguments = [(name, system, full, seed, number) for number in missing]
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
        if missing and processes > 1
        else _Here() as pool
    ):
        for trial in pool.map(_try, arguments):
            found[trial.number] = trial
            _write(file, header, found)
            if watch is not None:
                watch(system, len(found), trials, min(t.valid_error for t in found.values()))
    chosen = min((found[n] for n in range(trials)), key=lambda trial: (trial.valid_error, trial.number))
    if chosen.test_error is None:
        chosen = _run(name, system, full, seed, chosen.number, test=True)
        found[chosen.number] = chosen
        _write(file, header, found)
    return Cell(name, system, trials, chosen, len(_problem(name, full, seed).test))


def _try(arguments: tuple[str, str, bool, int, int]) -> Trial:
    return _run(*arguments, test=False)


def _run(name: str, system: str, full: bool, seed: int, number: int, test: bool) -> Trial:
    settings = SYSTEMS[system].draw(np.random.default_rng([seed, number]), full)
    result = SYSTEMS[system].run(settings, _problem(name, full, seed), name, 1000 * seed + number, test)
    return Trial(number, settings, result.valid_error, result.test_error)


@cache  # a process makes a problem once
def _problem(name: str, full: bool, seed: int) -> Labelled:
    return problem(name, full, seed)


class _Here:
    """An executor's place taken by a plain loop."""

    map = staticmethod(map)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def _read(file: Path, header: dict[str, Any]) -> dict[int, Trial]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text())
        trials = [Trial(**trial) for trial in content.pop("trials")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} holds no trials of a table ({error}); give another folder") from error
    if content != header:
        raise ValueError(
            f"{file} holds trials of {content}, not of {header}; give another folder, or the same settings"
        )
    return {trial.number: trial for trial in trials}


def _write(file: Path, header: dict[str, Any], trials: dict[int, Trial]) -> None:
    ordered = [asdict(trials[number]) for number in sorted(trials)]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps({**header, "trials": ordered}, indent=1).encode())
