"""The finished chunks of a sum, in a file: after a crash or `kill -9` the sum continues from them, to the same bits."""

import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ... import files, records
from ...autodiff.callers import warn

Range = tuple[int, int]
Part = tuple[float, ...]
"""What a chunk comes to, in numbers that a checkpoint can hold."""
Valid = Callable[[Range, Part], bool]
"""Whether these can be the numbers of this chunk."""

FORMAT = "tinygrad_dbn checkpoint 3"  # another way to cut or to sum needs another number
SECONDS = 1.0  # between two writes: as much as a crash may cost
_GIVE = "give another path, or delete the file"


class Checkpoint:
    """What is `done`, by range; kept in `path` as a record, floats in hexadecimal. With path None it keeps nothing.

    The sum that it belongs to is the function that computes its chunks, the model, and the ranges.
    Raises ValueError for a file that is no checkpoint, is damaged, or belongs to another sum, OSError where the first
    write fails. A later one that fails is a warning, given once: the sum continues, and tries again at the next write.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None,
        compute: Callable[..., Part],
        model: tuple[Any, ...],
        parts: Sequence[Range],
        valid: Valid,
    ):
        self.path = None if path is None else os.fspath(path)
        self.done: dict[Range, Part] = {}
        self._written, self._new, self._said = time.monotonic(), False, False
        if self.path is None:
            return
        self._key = _fingerprint(compute, model, parts)
        if os.path.lexists(self.path):
            self.done = _read(self.path, self._key, set(parts), valid)
        else:  # now, rather than after an hour: a folder that does not exist, a disk that is full
            self._write()

    def add(self, part: Range, result: Part) -> None:
        """Keep one finished chunk; write, if the last time was SECONDS ago."""
        self.done[part], self._new = result, True
        if time.monotonic() - self._written > SECONDS:
            self.write()

    def write(self) -> None:
        """Put everything that is done into the file, whole or not at all; a disk that refuses does not end the sum."""
        if self.path is None or not self._new:
            return
        try:
            self._write()
        except OSError as error:
            self._written = time.monotonic()
            if not self._said:
                self._said = True
                warn(
                    f"{error.strerror}; the sum goes on, and what is finished since the last write would be lost with "
                    "this process",
                    UserWarning,
                )

    def _write(self) -> None:
        assert self.path is not None
        chunks = [[*part, *(float(number).hex() for number in found)] for part, found in sorted(self.done.items())]
        files.write_atomically(self.path, records.seal(FORMAT, {"model": self._key, "chunks": chunks}))
        self._written, self._new = time.monotonic(), False


def _fingerprint(compute: Callable[..., Part], model: tuple[Any, ...], parts: Sequence[Range]) -> str:
    digest = hashlib.sha256(repr((FORMAT, compute.__name__, tuple(parts))).encode())
    for array in model:
        digest.update(repr((array.dtype.name, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(path: str, key: str, parts: set[Range], valid: Valid) -> dict[Range, Part]:
    schema = {"chunks": tuple[tuple[int | str, ...], ...]}
    content = records.read(path, FORMAT, {"model": key}, schema, _GIVE)
    done: dict[Range, Part] = {}
    for chunk in content["chunks"]:
        try:
            first, last, *found = chunk
            part, numbers = (first, last), tuple(map(float.fromhex, found))
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{files.shown(path)}: {chunk!r:.60} is no chunk of a sum ({error}); {_GIVE}") from error
        if part not in parts or part in done or any(map(math.isnan, numbers)) or not valid(part, numbers):
            raise ValueError(f"{files.shown(path)}: {chunk!r:.60} is no chunk of this sum; {_GIVE}")
        done[part] = numbers
    return done
