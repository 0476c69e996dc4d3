"""Random search, one cell of a table at a time (Bergstra & Bengio 2012): settings are chosen by the validation error.

Every finished trial is a line of the cell's file, so a search that was stopped goes on where it was. The test part is
looked at once, with the settings that were chosen.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from math import sqrt
from pathlib import Path

import numpy as np

from ...datasets import Labelled
from ...files import shown
from ..cells import GIVE, Store
from ..workers import workers
from .problems import folds, problem
from .systems import SYSTEMS, Result, Settings, Task


@dataclass(frozen=True)
class Search:
    """What one cell of a table asks for."""

    problem: str
    system: str
    full: bool = False
    """The published sizes and a larger space of settings, or quick ones."""
    seed: int = 0
    labelled: int | None = None
    """How many of the training examples have labels; all unless said. Pre-training sees the others too."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried: `test_errors` are there only for the trial that was chosen, one for each fold."""

    number: int
    settings: Settings
    valid_error: float
    test_errors: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table as it was measured here."""

    problem: str
    system: str
    trials: int
    chosen: Trial
    tested: int
    """How many test examples the error is a share of, in all folds together."""

    @property
    def percent(self) -> float:
        """The test error in per cent, all folds together: they are of one size."""
        assert self.chosen.test_errors is not None
        return 100 * sum(self.chosen.test_errors) / len(self.chosen.test_errors)

    @property
    def interval(self) -> float:
        """Half of its 95 % interval in per cent: 1.96 √(p (1 − p) / n), for the choice of test examples alone."""
        p = self.percent / 100
        return 196 * sqrt(p * (1 - p) / self.tested)


STORE = Store("tinygrad_dbn trials 2", "trials", list[Trial], indent=1)


def measure(
    search: Search,
    *,
    folder: Path,
    trials: int,
    processes: int = 1,
    watch: Callable[[str], None] = lambda what: None,
) -> Cell:
    """The cell of a search after so many trials, some of which may be in the folder already.

    A trial depends on (seed, its number) alone: on no other trial, and not on how many processes there are.
    watch(what) is called after every trial, with the lowest validation error so far in words.
    Raises ValueError where the folder's trials were made with other settings of the search.
    """
    file = folder / f"{search.problem} {search.system}.json"
    found = read(file, search)
    missing = [(search, number) for number in range(trials) if number not in found]
    with workers(processes) as each:
        for _, trial in each(_try, missing):
            found[trial.number] = trial
            write(file, search, found)
            lowest = min(t.valid_error for t in found.values())
            watch(
                f"{search.problem} {search.system} trial {len(found)}/{trials}: "
                f"lowest validation error {100 * lowest:.2f} %"
            )
        chosen = min((found[n] for n in range(trials)), key=lambda trial: (trial.valid_error, trial.number))
        if chosen.test_errors is None:
            tests = [(search, chosen, fold) for fold in range(folds(search.problem))]
            errors = {fold: error for (_, _, fold), error in each(_test, tests)}
            chosen = replace(chosen, test_errors=tuple(errors[fold] for fold in sorted(errors)))
            found[chosen.number] = chosen
            write(file, search, found)
    tested = folds(search.problem) * len(_problem(search.problem, search.full, search.seed, 0).test)
    return Cell(search.problem, search.system, trials, chosen, tested)


def _try(search: Search, number: int) -> Trial:
    """A trial: settings drawn from (seed, its number), learned on the first fold, and the validation error."""
    settings = settings_of(search, number)
    return Trial(number, settings, _run(search, settings, number, 0, test=False).valid_error)


def settings_of(search: Search, number: int) -> Settings:
    """The settings of a trial: drawn from the search's seed and the trial's number alone."""
    return SYSTEMS[search.system].draw(np.random.default_rng([search.seed, number]), search.full)


def _test(search: Search, chosen: Trial, fold: int) -> float:
    """The share of one fold's test part that the chosen settings get wrong, learned anew on that fold."""
    error = _run(search, chosen.settings, chosen.number, fold, test=True).test_error
    assert error is not None
    return error


def _run(search: Search, settings: Settings, number: int, fold: int, test: bool) -> Result:
    problem = _problem(search.problem, search.full, search.seed, fold)
    labelled = len(problem.train) if search.labelled is None else search.labelled
    if not 1 <= labelled <= len(problem.train):
        raise ValueError(f"{labelled} labelled examples of {len(problem.train)}; write a number from 1 to that")
    task = Task(problem, search.problem, labelled, 1000 * search.seed + number, test)
    return SYSTEMS[search.system].run(settings, task)


@cache  # a process makes a problem once
def _problem(name: str, full: bool, seed: int, fold: int) -> Labelled:
    return problem(name, full, seed, fold)


def read(file: Path, search: Search) -> dict[int, Trial]:
    """The trials in a file, by number; none where there is none. Raises ValueError for damaged ones, or others."""
    trials: list[Trial] = STORE.read(file, asdict(search)) or []
    for at, trial in enumerate(trials):
        shares = (trial.valid_error, *(trial.test_errors or ()))
        if not all(0 <= share <= 1 for share in shares) or trial.number in {t.number for t in trials[:at]}:
            raise ValueError(f"{shown(file)}: {trial} is no trial of a table; {GIVE}")
        if trial.settings != settings_of(search, trial.number):
            raise ValueError(f"{shown(file)}: trial {trial.number} has settings that are drawn no more; {GIVE}")
    return {trial.number: trial for trial in trials}


def write(file: Path, search: Search, trials: dict[int, Trial]) -> None:
    """Put the trials where `read` finds them."""
    STORE.write(file, asdict(search), [asdict(trials[number]) for number in sorted(trials)])
