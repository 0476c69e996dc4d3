"""The tables' rows: classification problems by their names in the papers, in two sizes."""

import numpy as np

from ... import datasets
from ...datasets import Labelled, Part

GENERATED = {
    "rect": (datasets.rectangles, (1000, 200, 50_000), (1000, 200, 10_000)),
    "rect-img": (datasets.rectangles_image, (10_000, 2000, 50_000), (3000, 600, 10_000)),
    "convex": (datasets.convex, (6000, 2000, 50_000), (3000, 600, 10_000)),
}
VARIATIONS = ("basic", "rot", "bg-rand", "bg-img", "rot-bg-img")
NAMES = (*VARIATIONS, *GENERATED)
FOLDS = 5


def problem(name: str, full: bool, seed: int = 0, fold: int = 0) -> Labelled:
    """The problem of that name. full: the published sizes, which only generated ones have; else smaller ones.

    The variations of MNIST are made of the 5 000 digits at hand, where the papers had 62 000. So they come in `FOLDS`
    folds: 500 digits to choose by, the same in every fold and never tested; of the others a fifth to test, another one
    in every fold, and the rest to train. Together the folds test 4 500. Raises ValueError for another name.
    """
    if name in GENERATED:
        recipe, published, quick = GENERATED[name]
        return recipe(published if full else quick, seed)
    if name in VARIATIONS:
        varied = datasets.mnist_variation(datasets.mnist5k((4500, 500, 0), seed), name, seed)  # type: ignore[arg-type]
        return _fold(varied, fold)
    raise ValueError(f"there is no problem {name!r}; known are {', '.join(NAMES)}")


def folds(name: str) -> int:
    """How many folds a problem has."""
    return FOLDS if name in VARIATIONS else 1


def _fold(whole: Labelled, fold: int) -> Labelled:
    tested = np.arange(len(whole.train)) * FOLDS // len(whole.train) == fold
    X, y = whole.train.X, whole.train.y
    return Labelled(
        f"{whole.name} {fold + 1}/{FOLDS}", Part(X[~tested], y[~tested]), whole.valid, Part(X[tested], y[tested]),
        whole.shape, whole.classes, whole.source,
    )  # fmt: skip
