"""What a run keeps in its folder, read and changed by the tests."""

import csv
import json

from tinygrad_dbn import records
from tinygrad_dbn.lab.run.record import COLUMNS, Row


def history(path):
    """The rows of a history.csv."""
    with path.open(newline="") as lines:
        header, *table = csv.reader(lines)
    assert tuple(header) == COLUMNS
    value = lambda name, cell: None if cell == "" else int(cell) if name in ("layer", "epoch") else float(cell)
    return tuple(Row(*map(value, COLUMNS, cells)) for cells in table)


def reseal(path, change):
    """Change what a record says, and seal it again: whole, but not what the program wrote."""
    content = json.loads(path.read_text())
    del content["sha256"]
    changed = change(content)
    content = content if changed is None else changed
    path.write_bytes(records.seal(content.pop("format"), content, finite=False))
