"""Kernel PCA with the arc-cosine kernel, as a greedy module (Cho & Saul 2009; claim C2).

Stacked, it makes a kernel machine of several layers.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...autodiff.kernels.blas import fixed_threads
from ...extras import needing
from ...models.validation import whole
from ...randomness import Random, seed_of
from ...showing import Shown
from .protocol import asked, seen


def arc_cosine(X: Any, Y: Any, degree: Literal[0, 1, 2] = 1) -> NDArray[np.float64]:
    """k(x, y) for rows X (T, D) and Y (S, D): (T, S). Infinitely many units max(0, w·x)^degree, w normal.

    k = |x|^n |y|^n J_n(θ) / π with θ the angle between x and y, and J_0 = π − θ, J_1 = sin θ + (π − θ) cos θ,
    J_2 = 3 sin θ cos θ + (π − θ)(1 + 2 cos² θ). Raises ValueError for another degree.

    >>> arc_cosine([[1.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]]).round(6)
    array([[2.     , 0.63662]])
    """
    X, Y = np.asarray(X, float), np.asarray(Y, float)
    lengths = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Y, axis=1)[None, :]
    cos = np.clip(np.divide(X @ Y.T, lengths, out=np.ones_like(lengths), where=lengths > 0), -1, 1)
    angle = np.arccos(cos)
    sin = np.sqrt(1 - cos * cos)
    if degree == 0:
        shape = np.pi - angle
    elif degree == 1:
        shape = sin + (np.pi - angle) * cos
    elif degree == 2:
        shape = 3 * sin * cos + (np.pi - angle) * (1 + 2 * cos * cos)
    else:
        raise ValueError(f"arc_cosine: degree is {degree}; write 0, 1 or 2")
    return np.asarray(lengths**degree * shape / np.pi)


@dataclass(frozen=True, eq=False)
class KernelPCAModule(Shown):
    """Principal components in the arc-cosine kernel's space, by scikit-learn's KernelPCA.

    labels: classes (n,) of the first n rows that it is to be trained on. Then of the `components` leading ones (four
    times as many as features unless said) those are kept, the most telling first, whose mutual information with the
    class is highest: Cho & Saul's selection between the layers of a multilayer kernel machine. Without labels the
    leading ones are kept. examples: of so many rows, drawn at random, the components are made; of all unless said.
    Memory: the square of that, in numbers.
    Raises ValueError for numbers of components or examples that are not whole and at least 1.
    """

    degree: Literal[0, 1, 2] = 1
    labels: Any = None
    components: int | None = None
    examples: int | None = None

    def __post_init__(self) -> None:
        for name in ("components", "examples"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1)

    @fixed_threads()
    def train(self, X: Any, hidden: int, seed: Random) -> "KernelLayer":
        """`hidden` components of X (T, D). Raises ValueError for counts and labels that do not fit X."""
        seed = seed_of(seed)
        with needing("KernelPCAModule", "sklearn"):
            from sklearn.decomposition import KernelPCA

        X, hidden = asked(X, hidden)
        made_of = len(X) if self.examples is None else self.examples
        leading = min(4 * hidden, made_of) if self.components is None else self.components
        leading = hidden if self.labels is None else leading
        if not 1 <= hidden <= leading <= made_of <= len(X):
            raise ValueError(
                f"KernelPCAModule: {hidden} features of {leading} components of {made_of} examples of {len(X)}; write "
                "numbers that do not fall, from at least one feature"
            )
        if made_of < len(X):
            drawn = X[np.sort(np.random.default_rng(seed).choice(len(X), made_of, replace=False))]
        else:
            drawn = X
        pca = KernelPCA(leading, kernel="precomputed", eigen_solver="dense")
        pca.fit(arc_cosine(drawn, drawn, self.degree))
        layer = KernelLayer(drawn, self.degree, pca, np.arange(hidden))
        if self.labels is None:
            return layer
        y = np.asarray(self.labels)
        if y.ndim != 1 or not 1 <= len(y) <= len(X) or y.dtype.kind not in "iu":
            raise ValueError(
                f"KernelPCAModule: labels of shape {y.shape} and {y.dtype} for {len(X)} rows; write one integer for "
                "each of the first rows"
            )
        told = mutual_information(replace(layer, chosen=np.arange(leading)).encode(X[: len(y)]), y)
        return replace(layer, chosen=np.argsort(-told, kind="stable")[:hidden])


def mutual_information(features: Any, y: Any, bins: int = 10) -> NDArray[np.float64]:
    """I(bin; class) of each of H features (T, H), cut into bins of nearly equal numbers, with classes y (T,): nats.

    Equal values are in one bin: that of the middle one among them.

    >>> mutual_information([[0.1, 5.0], [0.2, 6.0], [0.8, 5.1], [0.9, 6.1]], [0, 0, 1, 1], bins=2).round(4)
    array([0.6931, 0.    ])
    """
    X, (_, classes) = np.asarray(features, float), np.unique(y, return_inverse=True)
    found = np.empty(X.shape[1])
    for j, (column, ordered) in enumerate(zip(X.T, np.sort(X, axis=0).T, strict=True)):
        first, after = (np.searchsorted(ordered, column, side) for side in ("left", "right"))
        binned = (first + after - 1) * bins // (2 * len(X))
        joint = np.zeros((bins, classes.max() + 1))
        np.add.at(joint, (binned, classes), 1 / len(X))
        apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        there = joint > 0
        found[j] = (joint[there] * np.log(joint[there] / apart[there])).sum()
    return found


@dataclass(frozen=True, eq=False)
class KernelLayer(Shown):
    """Kernel principal components, with the examples that they are made of, and which are kept."""

    examples: Any
    degree: Literal[0, 1, 2]
    pca: Any
    chosen: Any

    @fixed_threads()
    def encode(self, X: Any) -> Any:
        """The components of X (T, D): (T, H)."""
        X = seen(X, self.examples.shape[1])
        everything = self.pca.transform(arc_cosine(X, self.examples, self.degree))
        return everything[:, self.chosen].astype(self.examples.dtype)

    @property
    def hidden(self) -> int:
        """H."""
        return len(self.chosen)

    @property
    def weights(self) -> tuple[Any, Any]:
        """Raises TypeError."""
        raise TypeError(
            "a layer of kernel PCA has no weights for a sigmoid layer: put a classifier on stack.encode(X), as the "
            "paper does, instead of fine-tuning a network"
        )
