"""The tables' rows: classification problems by their names in the papers, in two sizes."""

from ... import datasets
from ...datasets import Labelled

GENERATED = {
    "rect": (datasets.rectangles, (1000, 200, 50_000), (1000, 200, 10_000)),
    "rect-img": (datasets.rectangles_image, (10_000, 2000, 50_000), (3000, 600, 10_000)),
    "convex": (datasets.convex, (6000, 2000, 50_000), (3000, 600, 10_000)),
}
VARIATIONS = ("basic", "rot", "bg-rand", "bg-img", "rot-bg-img")
NAMES = (*VARIATIONS, *GENERATED)


def problem(name: str, full: bool, seed: int = 0) -> Labelled:
    """The problem of that name. full: the published sizes, which only generated ones have; else smaller ones.

    The variations of MNIST are made of the 5 000 digits at hand, 3 500 to train, 500 to choose by and 1 000 to test,
    where the papers had 10 000, 2 000 and 50 000. Raises ValueError for another name.
    """
    if name in GENERATED:
        recipe, published, quick = GENERATED[name]
        return recipe(published if full else quick, seed)
    if name in VARIATIONS:
        return datasets.mnist_variation(datasets.mnist5k(seed=seed), name, seed)  # type: ignore[arg-type]
    raise ValueError(f"there is no problem {name!r}; known are {', '.join(NAMES)}")
