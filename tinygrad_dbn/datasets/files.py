"""A user's own zeros and ones, from a .npy or a .csv file. Whatever is wrong with it is said in full."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset


def from_file(path: str | os.PathLike[str]) -> Dataset:
    """Read a table of zeros and ones, one example a row.

    .npy: a (T, D) array, or (T, height, width) for pictures, of booleans, integers or floats; pickled
    objects are never loaded. .csv: comma-separated, without a header. Nothing is held out and no
    optimum is claimed: whether the rows are a sample or everything there is, only their owner knows.
    Raises FileNotFoundError, or ValueError naming the file, the place and the way out.
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    if not file.is_file():
        raise ValueError(f"{file} is not a file; name a .npy or .csv file")
    readers = {".npy": _read_npy, ".csv": _read_csv}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"{file}: its name ends in {file.suffix!r}; write a .npy or a .csv file of zeros and ones")
    values = reader(file)
    _check_binary(file, values)
    shape = (values.shape[1], values.shape[2]) if values.ndim == 3 else None
    train = np.array(values.reshape(len(values), -1), dtype=np.float64)
    return Dataset(file.name, train, None, shape, None, f"{file.name}, {train.shape[0]} rows of {train.shape[1]} bits.")


def _read_npy(file: Path) -> NDArray[Any]:
    try:
        # A memory map compares the size promised by the header with the file's before anything is allocated.
        values: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    except (ValueError, EOFError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{file} does not hold a plain .npy array ({reason}); "
            "write it with numpy.save(path, X), X of zeros and ones"
        ) from error
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{file} holds {values.dtype}; write booleans, integers or floats of zeros and ones")
    if values.ndim not in (2, 3):
        raise ValueError(f"{file} has shape {values.shape}; write (rows, bits), or (rows, height, width) for pictures")
    return values


def _read_csv(file: Path) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines)
            for cells in reader:
                if not cells:
                    continue
                row = [_number(file, reader.line_num, column, cell) for column, cell in enumerate(cells, start=1)]
                if rows and len(row) != len(rows[0]):
                    raise ValueError(
                        f"{file}, line {reader.line_num}: {len(row)} values, but the first row has "
                        f"{len(rows[0])}; give every row the same number of values"
                    )
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{file} is not comma-separated text ({error}); write zeros and ones, one example a line"
        ) from error
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1) if rows else np.empty((0, 0))


def _number(file: Path, line: int, column: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    # Checked here, where the line is known: blank lines make row numbers and line numbers differ.
    if value not in (0.0, 1.0):
        hint = "write 0 or 1, separated by commas" + (", and no header line" if line == 1 else "")
        raise ValueError(f"{file}, line {line}, column {column}: {cell[:40]!r} is neither 0 nor 1; {hint}")
    return value


def _check_binary(file: Path, values: NDArray[Any]) -> None:
    if values.size == 0:
        raise ValueError(f"{file} is empty (shape {values.shape}); it needs at least one row of at least one bit")
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        spot = f"row {place[0] + 1}, column {place[1] + 1}"
        if len(place) == 3:
            spot = f"picture {place[0] + 1}, row {place[1] + 1}, column {place[2] + 1}"
        raise ValueError(
            f"{file}, {spot}: {values[place]} is neither 0 nor 1 ({int(wrong.sum())} such values); "
            "binarise first, for example X = X > 0.5"
        )
