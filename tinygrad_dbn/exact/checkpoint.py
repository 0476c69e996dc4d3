"""The finished chunks of a sum, in a file: after a crash or `kill -9` it goes on where it was, to the same bits."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..storage import write_atomically

FORMAT = "tinygrad_dbn checkpoint 2"  # another way to cut or to sum needs another number
SECONDS = 1.0  # between two writes: as much as a crash may cost


class Checkpoint:
    """What is `done`, by range; kept in `path` as JSON, floats in hexadecimal. With path None it keeps nothing.

    Raises ValueError for a file that is no checkpoint, or that of another model.
    """

    def __init__(self, path: str | PathLike[str] | None, model: tuple[Any, ...], parts: Sequence[tuple[int, int]]):
        self.path = None if path is None else Path(path)
        self.done: dict[tuple[int, int], tuple[float, ...]] = {}
        self._written, self._new = time.monotonic(), False
        if self.path is None:
            return
        self._key = _fingerprint(model, parts)
        if self.path.exists():
            self.done = _read(self.path, self._key)
        else:  # now, rather than after an hour: a folder that does not exist, a disk that is full
            self._new = True
            self.write()

    def add(self, part: tuple[int, int], result: tuple[float, ...]) -> None:
        """Keep one finished chunk; write, if the last time was SECONDS ago."""
        self.done[part], self._new = result, True
        if time.monotonic() - self._written > SECONDS:
            self.write()

    def write(self) -> None:
        """Put everything that is done into the file, whole or not at all."""
        if self.path is None or not self._new:
            return
        chunks = [[*part, *(float(number).hex() for number in found)] for part, found in sorted(self.done.items())]
        text = json.dumps({"format": FORMAT, "model": self._key, "chunks": chunks})
        write_atomically(self.path, text.encode())
        self._written, self._new = time.monotonic(), False


def _fingerprint(model: tuple[Any, ...], parts: Sequence[tuple[int, int]]) -> str:
    digest = hashlib.sha256(repr((FORMAT, tuple(parts))).encode())
    for array in model:
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str) -> dict[tuple[int, int], tuple[float, ...]]:
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        if content["model"] != key:
            raise ValueError(f"{path} is the checkpoint of another model: give another path, or delete the file")
        return {(first, last): tuple(map(float.fromhex, found)) for first, last, *found in content["chunks"]}
    except (KeyError, TypeError, ValueError) as error:
        if "another model" in str(error):
            raise
        raise ValueError(f"{path} is no checkpoint of this version: give another path, or delete the file") from error
