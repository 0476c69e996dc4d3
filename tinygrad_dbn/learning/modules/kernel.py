"""Kernel PCA with the arc-cosine kernel, as a greedy module: a kernel machine of several layers (Cho & Saul 2009)."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...extras import needing


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


@dataclass(frozen=True)
class KernelPCAModule:
    """The leading principal components in the arc-cosine kernel's space, by scikit-learn's KernelPCA.

    Cho & Saul keep, between layers, the features that say most about the label; that needs labels, and is left out.
    Memory T² numbers.
    """

    degree: Literal[0, 1, 2] = 1

    def train(self, X: Any, hidden: int, seed: int) -> "KernelLayer":
        """`hidden` components of X (T, D). Nothing is drawn: the seed plays no part."""
        with needing("KernelPCAModule", "sklearn"):
            from sklearn.decomposition import KernelPCA

        X = np.asarray(X)
        pca = KernelPCA(hidden, kernel="precomputed", eigen_solver="dense")
        pca.fit(arc_cosine(X, X, self.degree))
        return KernelLayer(X, self.degree, pca)


@dataclass(frozen=True, eq=False)
class KernelLayer:
    """Kernel principal components, with the examples that they are made of."""

    examples: Any
    degree: Literal[0, 1, 2]
    pca: Any

    def encode(self, X: Any) -> Any:
        """The components of X (T, D): (T, H)."""
        return self.pca.transform(arc_cosine(X, self.examples, self.degree)).astype(self.examples.dtype)

    @property
    def weights(self) -> tuple[Any, Any]:
        raise TypeError(
            "a layer of kernel PCA has no weights for a sigmoid layer: put a classifier on stack.encode(X), as the "
            "paper does, instead of fine-tuning a network"
        )
