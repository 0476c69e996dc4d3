"""The tables' rows: classification problems by their names in the papers, in two sizes."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ... import datasets
from ...datasets import Labelled, Part

GENERATED = {
    "rect": (datasets.rectangles, (1000, 200, 50_000), (1000, 200, 10_000)),
    "rect-img": (datasets.rectangles_image, (10_000, 2000, 50_000), (3000, 600, 10_000)),
    "convex": (datasets.convex, (6000, 2000, 50_000), (3000, 600, 10_000)),
}
VARIATIONS = ("basic", "rot", "bg-rand", "bg-img", "rot-bg-img")
NAMES = (*VARIATIONS, *GENERATED)
REPLICATES = 3
PARTS = 3


def problem(name: str, full: bool, seed: int = 0, replicate: int = 0) -> Labelled:
    """The problem of that name as one replicate has it: none tests an example that another one tests.

    full: the published sizes, which only generated problems have; else smaller ones, whose test examples are dealt out
    to `REPLICATES`. The variations of MNIST are made of the 5 000 digits at hand, where the papers had 62 000: 500 to
    choose by, the same in every replicate and never tested; of the others a third to test, another one in every
    replicate, and the rest to train. Together the replicates test 4 500. Raises ValueError for another name.
    """
    if name in GENERATED:
        recipe, published, quick = GENERATED[name]
        whole = recipe(published if full else quick, seed)
        tested = _share(len(whole.test), replicate)
        return replace(whole, test=Part(whole.test.X[tested], whole.test.y[tested]))
    if name in VARIATIONS:
        varied = datasets.mnist_variation(datasets.mnist5k((4500, 500, 0), seed), name, seed)  # type: ignore[arg-type]
        return _fold(varied, replicate)
    raise ValueError(f"there is no problem {name!r}; known are {', '.join(NAMES)}")


def _share(count: int, replicate: int) -> NDArray[np.bool_]:
    """Which of so many examples a replicate tests: runs of nearly one length, in order."""
    return np.asarray(np.arange(count) * REPLICATES // count == replicate)


def _fold(whole: Labelled, replicate: int) -> Labelled:
    tested, (X, y) = _share(len(whole.train), replicate), (whole.train.X, whole.train.y)
    parts = Part(X[~tested], y[~tested]), whole.valid, Part(X[tested], y[tested])
    name = f"{whole.name} {replicate + 1}/{REPLICATES}"
    return Labelled(name, *parts, whole.shape, whole.classes, whole.source)


def cross_validation(whole: Labelled, labelled: int, part: int) -> tuple[Labelled, int]:
    """The problem with another validation set, one of `PARTS`, and how many of its training examples have labels.

    The examples with labels, to train and to choose by, are dealt into parts, and one of them is to choose by. Training
    examples without labels, the last ones, stay what they are; the test part too.
    """
    X, y = np.concatenate([whole.train.X, whole.valid.X]), np.concatenate([whole.train.y, whole.valid.y])
    place = np.arange(len(X))
    known = (place < labelled) | (place >= len(whole.train))
    chosen = known & (np.cumsum(known) % PARTS == part)
    order = np.concatenate([place[known & ~chosen], place[~known]])
    return replace(whole, train=Part(X[order], y[order]), valid=Part(X[chosen], y[chosen])), int(
        (known & ~chosen).sum()
    )
