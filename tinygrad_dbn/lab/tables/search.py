"""Random search, one cell of a table at a time (Bergstra & Bengio 2012): settings are chosen by the validation NLL.

Where the validation set is small, the best few are ranked again by cross-validation. A cell is measured several times:
each replicate has another random start, another part of the examples to test, and chooses from its own bootstrap sample
of the trials. So their spread is that of start, choice and test examples together. Every training that is finished is a
line of the cell's file, so a search that was stopped goes on where it was.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ...datasets import Labelled
from ...files import shown
from ...learning import compiling
from ..cells import GIVE, Store
from ..code import code_of
from ..workers import workers
from .problems import PARTS, REPLICATES, cross_validation, problem
from .systems import SYSTEMS
from .tasks import Result, Settings, Space, Task

SMALL, BEST = 500, 2
"""Validation sets below that size are small; so many of the best trials are then cross-validated."""
COMPILED = True
"""Steps are compiled from the first on: all trainings of a table share a few, which take half the time compiled."""


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
    widths: tuple[int, ...] = ()
    """Of every hidden layer, one of these; where there are none, of those that the size of the search has."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried."""

    number: int
    settings: Settings
    valid_error: float
    valid_nll: float
    steps: int
    cross_validated: tuple[float, ...] = ()
    """The validation NLL on each part of the examples, where there was need of it."""

    @property
    def rank(self) -> tuple[bool, float]:
        """Less is better: the cross-validated ones come first."""
        found = self.cross_validated
        return (False, sum(found) / len(found)) if found else (True, self.valid_nll)


@dataclass(frozen=True)
class Outcome:
    """A trial's settings learned anew from a replicate's start, and tested on its examples."""

    replicate: int
    trial: int
    error: float
    steps: int


@dataclass
class Done:
    """What is finished of a cell."""

    trials: dict[int, Trial] = field(default_factory=dict)
    tests: dict[tuple[int, int], Outcome] = field(default_factory=dict)
    """By replicate and trial."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table as it was measured here."""

    problem: str
    system: str
    trials: int
    best: Trial
    """The trial that ranks first of all."""
    tests: tuple[Outcome, ...]
    """One for each replicate."""
    tested: int
    """How many test examples there are, in all replicates together."""

    @property
    def percent(self) -> float:
        """The test error in per cent, the mean of the replicates."""
        return 100 * float(np.mean([test.error for test in self.tests]))

    @property
    def interval(self) -> float:
        """Half of the mean's 95 % interval in per cent, Student's: random start, choice and test examples together."""
        errors = [test.error for test in self.tests]
        return 100 * float(stdtrit(len(errors) - 1, 0.975) * np.std(errors, ddof=1) / np.sqrt(len(errors)))

    @property
    def steps(self) -> int:
        """Gradient steps of a training, the mean of the replicates."""
        return round(float(np.mean([test.steps for test in self.tests])))


STORE = Store("tinygrad_dbn trials 4", "done", {"trials": list[Trial], "tests": list[Outcome]}, indent=1)


def measure(
    search: Search,
    *,
    folder: Path,
    trials: int,
    processes: int = 1,
    watch: Callable[[str], None] = lambda what: None,
) -> Cell:
    """The cell of a search after so many trials (`System.tries` times that), of which the folder may have some already.

    A training depends on (seed, trial, replicate) alone: on no other, and not on how many processes there are.
    watch(what) is called after every trial, with the lowest validation NLL so far in words.
    Raises ValueError where the folder's trials were made with other settings of the search.
    """
    file, trials = folder / f"{search.problem} {search.system}.json", tries(search, trials)
    done = read(file, search)

    def keep() -> None:
        write(file, search, done)

    with workers(processes) as each:
        for _, trial in each(_try, [(search, number) for number in range(trials) if number not in done.trials]):
            done.trials[trial.number] = trial
            keep()
            lowest = min(t.valid_nll for t in done.trials.values())
            watch(
                f"{search.problem} {search.system} trial {len(done.trials)}/{trials}: "
                f"lowest validation NLL {lowest:.3f}"
            )
        again = doubtful(search, [done.trials[n] for n in range(trials)])
        for _, trial in each(_validate, [(search, trial) for trial in again if not trial.cross_validated]):
            done.trials[trial.number] = trial
            keep()
        tried = ranked_anew([done.trials[number] for number in range(trials)], {trial.number for trial in again})
        chosen = choices(search, tried)
        missing = [(search, trial, r) for r, trial in enumerate(chosen) if (r, trial.number) not in done.tests]
        for _, test in each(_test, missing):
            done.tests[test.replicate, test.trial] = test
            keep()
    best = min(tried, key=lambda trial: trial.rank)
    tests = tuple(done.tests[r, trial.number] for r, trial in enumerate(chosen))
    tested = sum(len(_problem(search.problem, search.full, search.seed, r).test) for r in range(REPLICATES))
    return Cell(search.problem, search.system, trials, best, tests, tested)


def tries(search: Search, trials: int) -> int:
    """How many settings a system tries where a table has so many trials for each."""
    return trials * SYSTEMS[search.system].tries


def doubtful(search: Search, tried: list[Trial]) -> list[Trial]:
    """The trials whose cross-validation decides: the best few, if there is a choice and by few examples."""
    if len(tried) == 1 or len(_problem(search.problem, search.full, search.seed, 0).valid) >= SMALL:
        return []
    return sorted(tried, key=lambda t: t.valid_nll)[:BEST]


def ranked_anew(tried: list[Trial], decided: set[int]) -> list[Trial]:
    """The trials, of which those of other numbers than `decided` count as not cross-validated.

    They were among the best few before others were tried: so trials added later end as all of them at once do.
    """
    return [trial if trial.number in decided else replace(trial, cross_validated=()) for trial in tried]


def choices(search: Search, tried: list[Trial]) -> list[Trial]:
    """The trial that each replicate chooses: the best of a bootstrap sample of its own, as many as there are."""
    draws = [np.random.default_rng([search.seed, r, len(tried)]).integers(0, len(tried), len(tried))
             for r in range(REPLICATES)]  # fmt: skip
    return [min((tried[i] for i in drawn), key=lambda trial: trial.rank) for drawn in draws]


def _try(search: Search, number: int) -> Trial:
    """A trial: settings drawn from (seed, its number), learned on the first replicate's examples, and validated."""
    settings = settings_of(search, number)
    whole, labelled = _task(search, 0)
    found = _run(search, settings, whole, labelled, 1000 * search.seed + number)
    return Trial(number, settings, found.valid_error, found.valid_nll, found.steps)


def settings_of(search: Search, number: int) -> Settings:
    """The settings of a trial: drawn from the search's seed and the trial's number alone."""
    return SYSTEMS[search.system].draw(np.random.default_rng([search.seed, number]), Space(search.full, search.widths))


def _validate(search: Search, trial: Trial) -> Trial:
    """The same trial with its validation NLL on each part of the examples."""
    seed, parts = 1000 * search.seed + trial.number, [cross_validation(*_task(search, 0), k) for k in range(PARTS)]
    return replace(trial, cross_validated=tuple(_run(search, trial.settings, *p, seed).valid_nll for p in parts))


def _test(search: Search, trial: Trial, replicate: int) -> Outcome:
    """The share of one replicate's test examples that a trial's settings get wrong, learned anew from another start."""
    seed = 1000 * search.seed + trial.number + 100_000 * (replicate + 1)
    found = _run(search, trial.settings, *_task(search, replicate), seed, test=True)
    assert found.test_error is not None
    return Outcome(replicate, trial.number, found.test_error, found.steps)


def _task(search: Search, replicate: int) -> tuple[Labelled, int]:
    """A replicate's examples, and how many of those to train have labels."""
    whole = _problem(search.problem, search.full, search.seed, replicate)
    labelled = len(whole.train) if search.labelled is None else search.labelled
    if not 1 <= labelled <= len(whole.train):
        raise ValueError(f"{labelled} labelled examples of {len(whole.train)}; write a number from 1 to that")
    return whole, labelled


def _run(search: Search, settings: Settings, whole: Labelled, labelled: int, seed: int, test: bool = False) -> Result:
    with compiling(COMPILED):
        return SYSTEMS[search.system].run(settings, Task(whole, search.problem, labelled, seed, test))


@cache  # a process makes a problem once
def _problem(name: str, full: bool, seed: int, replicate: int) -> Labelled:
    return problem(name, full, seed, replicate)


def read(file: Path, search: Search) -> Done:
    """What a file has of a cell; nothing where there is no file. Raises ValueError for damaged ones, or others."""
    kept = STORE.read(file, _belongs(search))
    done = Done()
    for trial in () if kept is None else kept["trials"]:
        if not 0 <= trial.valid_error <= 1 or trial.number in done.trials:
            raise ValueError(f"{shown(file)}: {trial} is no trial of a table; {GIVE}")
        if trial.settings != settings_of(search, trial.number):
            raise ValueError(f"{shown(file)}: trial {trial.number} has settings that are drawn no more; {GIVE}")
        done.trials[trial.number] = trial
    for test in () if kept is None else kept["tests"]:
        place = test.replicate, test.trial
        if not 0 <= test.error <= 1 or test.trial not in done.trials or place in done.tests:
            raise ValueError(f"{shown(file)}: {test} is no test of a table; {GIVE}")
        done.tests[place] = test
    return done


def write(file: Path, search: Search, done: Done) -> None:
    """Put what is done where `read` finds it."""
    trials = [asdict(done.trials[number]) for number in sorted(done.trials)]
    tests = [asdict(done.tests[place]) for place in sorted(done.tests)]
    STORE.write(file, _belongs(search), {"trials": trials, "tests": tests})


def _belongs(search: Search) -> dict[str, Any]:
    """What decides the trials of a search, as its file says it."""
    return asdict(search) | {"widths": list(search.widths), "code": code_of(SYSTEMS[search.system].run)}
