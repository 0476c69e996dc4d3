"""One row of measurements per epoch, and the CSV file that keeps it to the last bit."""

import csv
import io
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import records
from ...datasets import Dataset

if TYPE_CHECKING:
    from ...models import DBN


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


def measure(layer: int, epoch: int, model: "DBN", data: Dataset) -> Row:
    """Audit `model` on both parts of `data`: log p(x), its variational bound and the gap, by exact sums."""
    from ...exact import audit

    train = audit(model, data.train)
    heldout = None if data.heldout is None else audit(model, data.heldout)
    residuals = [np.abs(part.residual).max() for part in (train, heldout) if part is not None]
    return Row(
        layer,
        epoch,
        _mean(train.log_likelihood),
        _mean(train.bound),
        _mean(train.kl),
        None if heldout is None else _mean(heldout.log_likelihood),
        None if heldout is None else _mean(heldout.bound),
        None if heldout is None else _mean(heldout.kl),
        float(max(residuals)),
    )


def to_csv(rows: tuple[Row, ...]) -> bytes:
    """The rows as CSV text with a header; a float is written so that reading it gives the same bits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = (getattr(row, name) for name in COLUMNS)
        writer.writerow("" if value is None else repr(value) for value in values)
    return out.getvalue().encode()


def from_tuple(values: Any) -> Row:
    """The row whose `astuple` this is. Raises ValueError or TypeError where it is none."""
    named = dict(zip(COLUMNS, values, strict=True))
    row: Row = records.typed(Row, named, "row")
    return row


def _mean(values: Any) -> float:
    return float(np.mean(values))
