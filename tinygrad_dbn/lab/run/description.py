"""run.json: what a run was asked for, on which data, how far it came, and with what it was made."""

import hashlib
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from ... import __version__, records
from ...datasets import Dataset
from ...exact.budget import SECONDS_PER_PAIR
from ...learning import Schedule, constant, linear
from .record import Row

FORMAT = "tinygrad_dbn run 3"
RULES = ("cd", "ml", "pcd")
SCHEDULES: dict[str, Callable[[int], Schedule]] = {"linear": linear, "constant": lambda epochs: constant}
"""By their names, given the epochs of a layer."""
MOST_SECONDS, MOST_GIB = 60, 4  # that the exact sums of an epoch may take
GIVE = "start a new run in another folder"


@dataclass(frozen=True)
class Arguments:
    """What decides every bit of a run. `layers` holds the sizes, the data's width first.

    Raises ValueError for values that make no sense.
    """

    data: str
    layers: tuple[int, ...]
    epochs: int
    seed: int
    rule: str
    k: int
    rate: float
    batch: int
    schedule: str = "linear"
    """How the rate goes on from epoch to epoch of a layer, by its name in `SCHEDULES`."""
    audit: bool = False
    """Whether the trained model is examined at the end."""

    def __post_init__(self) -> None:
        check(asdict(self))


@dataclass(frozen=True)
class About:
    """The data: how much there is of it, and the digest by which a resumed run knows that it is the same."""

    name: str
    source: str
    train: int
    heldout: int
    width: int
    optimum: float | None
    sha256: str


@dataclass(frozen=True)
class Description:
    """All of run.json. The only figures in it that differ between equal runs are the seconds."""

    finished: bool
    arguments: Arguments
    data: About
    last: Row | None
    versions: dict[str, str]
    seconds: float

    @property
    def key(self) -> str:
        """SHA-256 of what decides the training: what its checkpoint belongs to."""
        return hashlib.sha256(repr((FORMAT, self.arguments, self.data.sha256)).encode("utf-8", "replace")).hexdigest()

    def to_json(self) -> bytes:
        """The record, in a form that a person can read."""
        return records.seal(FORMAT, asdict(self), indent=2, finite=False)


def describe(arguments: Arguments, data: Dataset, last: Row | None, seconds: float, finished: bool) -> Description:
    """The description of a run that has spent so many seconds and measured `last` at its end."""
    heldout = 0 if data.heldout is None else len(data.heldout)
    about = About(data.name, data.source, len(data.train), heldout, data.width, data.optimum, digest(data))
    versions = {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "numba")}}
    versions["tinygrad_dbn"] = __version__
    return Description(finished, arguments, about, last, versions, round(seconds, 3))


def from_json(path: Path) -> Description:
    """What `to_json` wrote. Raises FileNotFoundError, or ValueError for another file, or one that is damaged."""
    return Description(**records.read(path, FORMAT, {}, get_type_hints(Description), GIVE, finite=False))


def digest(data: Dataset) -> str:
    """SHA-256 of the examples: a resumed run must see the same ones."""
    found = hashlib.sha256()
    for part in (data.train, data.heldout):
        array = np.empty((0, 0)) if part is None else part
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array, dtype=np.uint8).tobytes())
    return found.hexdigest()


def hyphenated(sizes: Iterable[int]) -> str:
    """Sizes of layers as --layers takes them: (64, 12, 10) as "64-12-10"."""
    return "-".join(map(str, sizes))


def check(values: dict[str, Any]) -> None:
    """Refuse arguments that make no sense, by the names of their options; those that are missing are not looked at."""
    for name, least in (("epochs", 1), ("seed", 0), ("k", 1), ("batch", 1)):
        if name in values and values[name] < least:
            raise ValueError(f"--{name} is {values[name]}; write {least} or more")
    if not 0 < values["rate"] < float("inf"):
        raise ValueError(f"--rate is {values['rate']}; write a positive number, for example 0.05")
    if values["rule"] not in RULES:
        near = get_close_matches(values["rule"].lower(), RULES, n=1, cutoff=0.3)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"--rule is {values['rule']!r}; {meant}Known: cd (contrastive divergence), ml (exact maximum likelihood), "
            "pcd (persistent contrastive divergence)"
        )
    if (schedule := values.get("schedule", "linear")) not in SCHEDULES:
        raise ValueError(f"--schedule is {schedule!r}; write {' or '.join(SCHEDULES)}")
    sizes = values.get("layers", (1, 1))
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(
            f"--layers is {hyphenated(sizes)}; write at least two sizes of at least one unit, as in 64-12-10"
        )


def check_cost(layers: tuple[int, ...], examples: int) -> None:
    """Raises ValueError with the cost for sizes whose exact sums would not fit an epoch, before any work is done."""
    seconds, gib = exact_cost(layers, examples)
    if seconds > MOST_SECONDS or gib > MOST_GIB:
        inner = layers[1:-1] or layers[1:]
        raise ValueError(
            f"--layers {hyphenated(layers)}: exact sums over the states of {' and '.join(map(str, inner))} hidden "
            f"units cost about {seconds:.3g} seconds an epoch and {gib:.3g} GiB; write smaller hidden layers "
            f"({MOST_SECONDS} seconds and {MOST_GIB} GiB are allowed; the last layer's size hardly matters)"
        )


def exact_cost(layers: tuple[int, ...], examples: int) -> tuple[float, float]:
    """Seconds and GiB that the exact sums of an epoch take.

    Every hidden layer but the last is summed over all its states, for each state of the layer below it
    (for the examples, in the first); a lone first layer is also.
    """
    inner = layers[1:-1] or layers[1:]
    states = [2.0 ** min(size, 99) for size in inner]  # 99 is refused as surely, and a float holds it
    below = [examples + layers[0], *states]
    seconds = sum(here * count for here, count in zip(states, below, strict=False)) * SECONDS_PER_PAIR
    gib = max(here * (width + 3) * 24 / 2**30 for here, width in zip(states, layers, strict=False))
    return seconds, gib
