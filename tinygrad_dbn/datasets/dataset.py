"""What every recipe of this package returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..showing import PICTURES, Shown, count, pictures


@dataclass(frozen=True, eq=False)
class Dataset(Shown):
    """Binary examples, and what is known about them.

    `train` (T, D) and `heldout` (T', D) are read-only float64 arrays of zeros and ones; `heldout` is
    None where holding something out would mean nothing. `shape` is the (height, width) of one example
    when it is a picture. `optimum` is the highest mean log-likelihood of `train` that any model can
    reach, in nats: minus the entropy of the distribution, known where `train` is all of it, else None.
    """

    name: str
    train: NDArray[np.float64]
    heldout: NDArray[np.float64] | None
    shape: tuple[int, int] | None
    optimum: float | None
    source: str

    def __post_init__(self) -> None:
        for array in (self.train, self.heldout):
            if array is not None:
                array.setflags(write=False)

    def _summary(self) -> str:
        held = "" if self.heldout is None else f", {len(self.heldout)} held out"
        return f"{self.name!r}, {count(len(self.train), 'example')} of {count(self.width, 'bit')}{held}"

    def _picture(self) -> str:
        return "" if self.shape is None else pictures(self.train[:PICTURES], self.shape)

    @property
    def width(self) -> int:
        """D, the number of bits of one example."""
        return int(self.train.shape[1])
