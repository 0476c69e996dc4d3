"""What the recipes with classes return: pictures and labels, in three parts."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..showing import PICTURES, Shown, count, pictures

Pictures = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Part(Shown):
    """Examples X (T, D), float32, pictures in [0, 1], and their classes y (T,), int64. Both are read-only."""

    X: Pictures
    y: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.X) != len(self.y):
            raise ValueError(f"{len(self.X)} examples with {len(self.y)} classes; give every example one")
        self.X.setflags(write=False)
        self.y.setflags(write=False)

    def __len__(self) -> int:
        return len(self.y)

    def _summary(self) -> str:
        return f"{count(len(self), 'example')} of {count(int(self.X.shape[1]), 'feature')}"


@dataclass(frozen=True, eq=False)
class Labelled(Shown):
    """A classification problem.

    `train` is to learn from, `valid` to choose by, `test` to be looked at once. `shape` is the (height, width) of one
    example, `classes` the number of classes, `source` the recipe, where it comes from, and what is not known of it.
    """

    name: str
    train: Part
    valid: Part
    test: Part
    shape: tuple[int, int]
    classes: int
    source: str

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The numbers of examples to train, to choose by, and to test."""
        return len(self.train), len(self.valid), len(self.test)

    def _summary(self) -> str:
        train, valid, test = self.sizes
        return f"{self.name!r}, {self.classes} classes, {train} to train, {valid} to choose by, {test} to test"

    def _picture(self) -> str:
        return pictures(self.train.X[:PICTURES], self.shape)


def split(X: NDArray[np.floating], y: NDArray[np.integer], sizes: tuple[int, int, int]) -> tuple[Part, Part, Part]:
    """X (T, D) and y (T,) cut into three consecutive parts of the given sizes.

    Raises ValueError where a size is negative or there are fewer examples than they ask for.
    """
    if total(sizes) > len(X):
        raise ValueError(f"sizes {sizes} ask for {sum(sizes)} examples of {len(X)}; write three counts that fit")
    ends = np.cumsum([0, *sizes])
    first, second, third = (
        Part(np.array(X[start:end], np.float32), np.array(y[start:end], np.int64)) for start, end in pairwise(ends)
    )
    return first, second, third


def total(sizes: tuple[int, int, int]) -> int:
    """How many examples the sizes ask for. Raises ValueError where one of them is negative."""
    if min(sizes) < 0:
        raise ValueError(f"sizes {sizes}: write three counts of examples, none of them negative")
    return sum(sizes)
