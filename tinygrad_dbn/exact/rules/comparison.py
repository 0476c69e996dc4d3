"""How far a learning rule's direction is from the gradient it stands for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff.kernels.blas import one_thread
from ...autodiff.trees import flatten, places
from ...models.validation import whole


@dataclass(frozen=True)
class Comparison:
    """A direction beside the true gradient, over all parameters at once."""

    angle: float
    """Between the two, in degrees: 0 is the same direction, 90 no progress, 180 straight down."""
    length: float
    """The direction's length over the gradient's."""
    signs: float
    """The share of parameters moved to the same side, among those where either is not 0."""
    worst: tuple[tuple[str, float, float], ...]
    """The parameters of largest difference: name, the direction there, the gradient there."""


@one_thread()
def compare(update: Any, gradient: Any, worst: int = 3) -> Comparison:
    """`update` against `gradient`, two trees of one shape: angle, length, agreement of signs, worst parameters.

    A biased rule whose angle is below 90 degrees still climbs, if its steps are small.
    Raises ValueError for trees that differ in shape, or where either is zero: a zero has no direction.

    >>> round(compare((1.0, 0.0), (1.0, 1.0)).angle, 9)
    45.0
    """
    worst = whole("worst", worst, 0)
    leaves, others = flatten(update)[0], flatten(gradient)[0]
    shapes, wanted = [np.shape(leaf) for leaf in leaves], [np.shape(leaf) for leaf in others]
    if shapes != wanted:
        raise ValueError(f"an update of shapes {shapes} beside a gradient of shapes {wanted}: give two of one model")
    u, g = (np.concatenate([np.ravel(leaf) for leaf in tree]) for tree in (leaves, others))
    lengths = float(np.linalg.norm(u)), float(np.linalg.norm(g))
    if not all(lengths):
        which = "update" if not lengths[0] else "gradient"
        raise ValueError(f"the {which} is zero everywhere: it has no direction to compare")
    a, b = u / lengths[0], g / lengths[1]
    # The half-angle form keeps small angles, which arccos of a cosine near 1 would round away.
    angle = 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))
    moving = (u != 0) | (g != 0)
    # What a reader calls each parameter: layers[0].W[1, 2].
    names = [f"{place}{list(i) if i else ''}" for place, leaf in places(update) for i in np.ndindex(np.shape(leaf))]
    order = np.argsort(-np.abs(u - g), kind="stable")[:worst]
    return Comparison(
        float(np.degrees(angle)),
        lengths[0] / lengths[1],
        float((np.sign(u) == np.sign(g))[moving].mean()),
        tuple((names[i], float(u[i]), float(g[i])) for i in order),
    )
