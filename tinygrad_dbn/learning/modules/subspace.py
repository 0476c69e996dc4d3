"""Independent subspace analysis as a greedy module (claim C2; Hyvärinen & Hoyer 2000; stacked by Le et al. 2011)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import ops
from ...autodiff.differentiate import value_and_grad
from ...autodiff.kernels.blas import one_thread
from ...models.validation import whole
from ...randomness import Random, seed_of
from ...showing import Shown
from ..descent import compiled_unless_told
from .protocol import asked, seen


@dataclass(frozen=True)
class SubspaceModule:
    """Features √(Σ_k (w_k·x)²), the lengths of projections on subspaces of `size` dimensions, made sparse.

    X is centred and whitened by PCA. Then the sum of all features is descended with W W ᵀ = I, by gradient steps that
    are halved until they help, each followed by W ← (W Wᵀ)^−½ W. At most `steps`; full batches, as in the paper.
    Raises ValueError unless size is at least 1 and steps at least 0.
    """

    size: int = 2
    steps: int = 100

    def __post_init__(self) -> None:
        whole("size", self.size, 1)
        whole("steps", self.steps, 0)

    @one_thread()
    def train(self, X: Any, hidden: int, seed: Random) -> "SubspaceLayer":
        """`hidden` features of X (T, D). Raises ValueError where X has fewer than hidden · size dimensions."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden)
        mean = X.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(X, rowvar=False, dtype=float))
        rows = hidden * self.size
        alive = int((variances > 1e-8 * variances[-1]).sum())
        if rows > alive:
            raise ValueError(
                f"{hidden} subspaces of {self.size} dimensions in data that has {alive}: ask for at most "
                f"{alive // self.size} features"
            )
        whiten = (directions[:, -rows:] / np.sqrt(variances[-rows:])).T
        Z = ((X - mean) @ whiten.T).astype(X.dtype)
        W = _orthonormal(np.random.default_rng(seed).normal(size=(rows, rows)))
        objective = compiled_unless_told(
            value_and_grad(lambda W, Z: ops.mean(ops.sum(lengths(ops.matmul(Z, W.T), self.size), axis=-1)))
        )
        value, slope = objective(W.astype(X.dtype), Z)
        step = 1.0
        for _ in range(self.steps):
            while step > 1e-6:
                new = _orthonormal(W - step * np.asarray(slope, float))
                new_value, new_slope = objective(new.astype(X.dtype), Z)
                if new_value < value:
                    break
                step /= 2
            else:
                break
            W, value, slope, step = new, new_value, new_slope, 1.5 * step
        return SubspaceLayer((W @ whiten).astype(X.dtype), mean.astype(X.dtype), self.size)


@dataclass(frozen=True, eq=False)
class SubspaceLayer(Shown):
    """Lengths of projections: W (H · size, D) after the mean (D,) is taken away."""

    W: Any
    mean: Any
    size: int

    @one_thread()
    def encode(self, X: Any) -> Any:
        """The features of X (T, D): (T, H)."""
        X = seen(X, len(self.mean), self.W.dtype)
        return np.asarray(lengths((X - self.mean) @ self.W.T, self.size))

    @property
    def hidden(self) -> int:
        """H."""
        return len(self.W) // self.size

    @property
    def weights(self) -> tuple[Any, Any]:
        """Raises TypeError."""
        raise TypeError(
            "a layer of subspaces has no weights for a sigmoid layer: its features are lengths; put a classifier on "
            "stack.encode(X) instead of fine-tuning a network"
        )


def lengths(projections: Any, size: int) -> Any:
    """√(Σ …²) over each `size` neighbouring columns: (T, H · size) → (T, H)."""
    T, rows = projections.shape
    groups = ops.reshape(ops.square(projections), shape=(T, rows // size, size))
    return ops.sqrt(ops.sum(groups, axis=-1) + 1e-8)


def _orthonormal(W: Any) -> Any:
    """The nearest matrix of orthonormal rows: (W Wᵀ)^−½ W."""
    u, _, v = np.linalg.svd(W, full_matrices=False)
    return u @ v
