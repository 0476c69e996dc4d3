"""One row of measurements per epoch, and the CSV file that keeps it to the last bit."""

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from ... import records
from ...datasets import Dataset
from ...exact import audit
from ...models import DBN
from ..outputs import to_csv as table_to_csv


@dataclass(frozen=True)
class Row:
    """What the lab measures after an epoch: means over the examples, in nats, all exact sums.

    `layer` counts from 1, `epoch` from 0 (before training). The held-out figures are None where the
    data has no held-out part. `residual` is the largest |log p − bound − KL| of any single example.
    """

    layer: int
    epoch: int
    train_log_likelihood: float
    train_bound: float
    train_kl: float
    heldout_log_likelihood: float | None
    heldout_bound: float | None
    heldout_kl: float | None
    residual: float


COLUMNS = tuple(f.name for f in fields(Row))


def measure(layer: int, epoch: int, model: DBN, data: Dataset) -> Row:
    """Audit `model` on both parts of `data`: log p(x), its variational bound and the gap, by exact sums."""
    audits = [audit(model, part) for part in (data.train, data.heldout) if part is not None]
    means = [float(np.mean(each)) for a in audits for each in (a.log_likelihood, a.bound, a.kl)]
    heldout = means[3:] or (None, None, None)
    residual = max(float(np.abs(a.residual).max()) for a in audits)
    return from_tuple((layer, epoch, *means[:3], *heldout, residual))


def to_csv(rows: tuple[Row, ...]) -> bytes:
    """history.csv: the rows with a header; a float is written so that reading it gives the same bits."""
    return table_to_csv(COLUMNS, map(astuple, rows))


def from_tuple(values: Any) -> Row:
    """The row whose `astuple` this is. Raises ValueError or TypeError where it is none."""
    named = dict(zip(COLUMNS, values, strict=True))
    row: Row = records.typed(Row, named, "row")
    return row
