"""Finished cells: what a study, a table or an experiment has worked out is kept cell by cell, and used again."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .. import files, records
from .workers import workers

GIVE = "give another folder, or delete the file"
"""How every refusal of a kept cell ends."""

Cell = TypeVar("Cell", bound=tuple[Hashable, ...])
Result = TypeVar("Result")


@dataclass(frozen=True)
class Store:
    """The files of one kind of cell. Each is a record of what its results belong to, and of the results."""

    format: str
    field: str
    """The name that the results have in the record."""
    schema: Any
    """Their type, as `records.unseal` takes it."""
    indent: int | None = None
    finite: bool = True
    """Whether NaN and inf are refused, in reading and in writing."""

    def write(self, file: Path, of: dict[str, Any], results: Any) -> None:
        """Keep results, as JSON has them; `of` says what decides them. Raises OSError where the disk refuses."""
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {**of, self.field: results}
        files.write_atomically(file, records.seal(self.format, content, indent=self.indent, finite=self.finite))

    def read(self, file: Path, of: dict[str, Any]) -> Any:
        """The results in a file; None where there is no file. Raises ValueError for a damaged file, or another's."""
        if not file.exists():
            return None
        return records.read(file, self.format, of, {self.field: self.schema}, GIVE, finite=self.finite)[self.field]


def complete(
    cells: Sequence[Cell],
    kept: Callable[[Cell], Result | None],
    work: Callable[..., Result],
    keep: Callable[[Cell, Result], None],
    processes: int,
) -> dict[Cell, Result]:
    """The result of every cell: kept(cell), or where there is none work(*cell), which is handed to keep(cell, result).

    Each is kept as soon as it is done, so what was stopped goes on with the cells that are missing.
    """
    found = {cell: result for cell in cells if (result := kept(cell)) is not None}
    with workers(processes) as each:
        for cell, result in each(work, [cell for cell in cells if cell not in found]):
            found[cell] = result  # type: ignore[index]
            keep(cell, result)  # type: ignore[arg-type]
    return {cell: found[cell] for cell in cells}
