"""What a part of the lab leaves in its folder: tables as CSV, and several files at once."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import files


def to_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """A table as CSV with a header. Reading a float gives the same bits again; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def write_all(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write each file of `contents`, by its place in the folder, whole or not at all. Returns their paths in order."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(folder / name, content)
    return [folder / name for name in contents]
