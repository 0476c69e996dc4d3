"""What every recipe of this package returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
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

    @property
    def width(self) -> int:
        """D, the number of bits of one example."""
        return int(self.train.shape[1])
