"""A user's own zeros and ones, from a .npy or a .csv file. An error names the file, the place and what to write."""

import csv
import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import printable, read, shown
from .dataset import Dataset


def from_file(path: str | os.PathLike[str]) -> Dataset:
    """Read a table of zeros and ones, one example a row.

    .npy: a (T, D) array, or (T, height, width) for pictures, of booleans, integers or floats; pickled
    objects are never loaded. .csv: comma-separated, without a header. Nothing is held out and no
    optimum is claimed: whether the rows are a sample or everything there is, only their owner knows.
    Raises FileNotFoundError, or ValueError naming the file, the place and the way out.
    """
    content, file, ending = read(path, "name a .npy or .csv file"), shown(path), Path(path).suffix.lower()
    readers = {".npy": _read_npy, ".csv": _read_csv}
    if ending not in readers:
        raise ValueError(
            f"{file}: its name ends in {printable(ending)!r}; write a .npy or a .csv file of zeros and ones"
        )
    values = readers[ending](file, content)
    _check_binary(file, values)
    shape = (values.shape[1], values.shape[2]) if values.ndim == 3 else None
    train = np.array(values.reshape(len(values), -1), dtype=np.float64)
    name = printable(Path(path).name)
    return Dataset(name, train, None, shape, None, f"{name}, {train.shape[0]} rows of {train.shape[1]} bits.")


def _read_npy(file: str, content: bytes) -> NDArray[Any]:
    stream = io.BytesIO(content)
    try:
        form = np.lib.format
        headers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
        shape, fortran, dtype = headers[form.read_magic(stream)](stream)
        if dtype.hasobject:
            raise ValueError("it holds Python objects")
        # What the header promises is compared with what is there before anything is allocated.
        size, there = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
        if size != there:
            raise ValueError(f"its header promises {size} bytes, {there} are there")
        values = np.ndarray(shape, dtype, content, stream.tell(), order="F" if fortran else "C")
    except Exception as error:  # NumPy parses the header as Python, and raises whatever that does
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{file} does not hold a plain .npy array ({printable(reason)}); "
            "write it with numpy.save(path, X), X of zeros and ones"
        ) from error
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{file} holds {values.dtype}; write booleans, integers or floats of zeros and ones")
    if values.ndim not in (2, 3):
        raise ValueError(f"{file} has shape {values.shape}; write (rows, bits), or (rows, height, width) for pictures")
    return values


def _read_csv(file: str, content: bytes) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
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


def _number(file: str, line: int, column: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    # Checked here, where the line is known: blank lines make row numbers and line numbers differ.
    if value not in (0.0, 1.0):
        hint = "write 0 or 1, separated by commas" + (", and no header line" if line == 1 else "")
        raise ValueError(f"{file}, line {line}, column {column}: {cell[:40]!r} is neither 0 nor 1; {hint}")
    return value


def _check_binary(file: str, values: NDArray[Any]) -> None:
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
