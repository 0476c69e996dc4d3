"""Any module, learned on small windows and applied at every place of its input (claim C2; Le et al. 2011)."""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...models.validation import whole
from ...randomness import Random, seed_of
from ...showing import Shown
from .protocol import Layer, Module, asked, seen


@dataclass(frozen=True)
class Convolution:
    """A module for windows of a picture (height, width), or of a moving one (time, height, width).

    `shape` is that of an input, `window` that of what the module sees, `stride` how far apart windows are, one number
    for every axis. The module is trained on `windows` of them, drawn at random places of random inputs, and its layer
    encodes the windows at every stride of an input, whose features stand one place after another. A second module
    upon it sees them all. Stacked subspaces of Le, Zou, Yeung & Ng (CVPR 2011) are
    `pretrain((40, 30), (Convolution(SubspaceModule(), (14, 14), (10, 10), (4, 4)), SubspaceModule()), X, seed)`:
    the subspaces of the second reduce what is below them by PCA, as the paper does between its layers.
    Raises ValueError for shapes that do not fit one another.
    """

    module: Module
    shape: tuple[int, ...]
    window: tuple[int, ...]
    stride: tuple[int, ...]
    windows: int = 10_000

    def __post_init__(self) -> None:
        for name in ("shape", "window", "stride"):
            for axis, n in enumerate(getattr(self, name)):
                whole(f"{name}[{axis}]", n, 1)
        whole("windows", self.windows, 1)
        alike = len(self.shape) == len(self.window) == len(self.stride) > 0
        if not alike or any(w > n for w, n in zip(self.window, self.shape, strict=True)):
            raise ValueError(
                f"Convolution: windows of {self.window}, {self.stride} apart, in {self.shape}; write as many numbers "
                "of each, and windows that fit"
            )

    def train(self, X: Any, hidden: int, seed: Random) -> "ConvolvedLayer":
        """`hidden` features of every window of X (T, product of the shape)."""
        seed = seed_of(seed)
        X, hidden = asked(X, hidden)
        if X.shape[1] != prod(self.shape):
            raise ValueError(f"Convolution: X has shape {X.shape}; inputs of {self.shape} are (T, {prod(self.shape)})")
        rng = np.random.default_rng([seed, 0])
        views = sliding_window_view(X.reshape(-1, *self.shape), self.window, axis=self._axes)
        places = tuple(rng.integers(0, n, self.windows) for n in views.shape[: 1 + len(self.shape)])
        layer = self.module.train(views[places].reshape(self.windows, -1), hidden, seed)
        return ConvolvedLayer(layer, self)

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(1, 1 + len(self.shape)))

    def cut(self, X: Any) -> Any:
        """The windows of X (T, product of the shape) at every stride: (T, places, numbers in a window)."""
        pictures = seen(X, prod(self.shape)).reshape(-1, *self.shape)
        starts = [range(0, n - w + 1, s) for n, w, s in zip(self.shape, self.window, self.stride, strict=True)]
        cut = [
            pictures[(slice(None), *(slice(a, a + w) for a, w in zip(at, self.window, strict=True)))]
            for at in product(*starts)
        ]
        return np.stack(cut, axis=1).reshape(len(pictures), len(cut), -1)


@dataclass(frozen=True, eq=False)
class ConvolvedLayer(Shown):
    """The same layer at every place."""

    layer: Layer
    convolution: Convolution

    def encode(self, X: Any) -> Any:
        """The features of X (T, D), those of one place after those of another: (T, places · H)."""
        windows = self.convolution.cut(X)
        return self.layer.encode(windows.reshape(-1, windows.shape[2])).reshape(len(windows), -1)

    @property
    def hidden(self) -> int:
        """H, of every place."""
        return self.layer.hidden

    @property
    def weights(self) -> tuple[Any, Any]:
        """Raises TypeError."""
        raise TypeError(
            "a convolved layer has no weights for a layer that sees the whole input: put a classifier on "
            "stack.encode(X) instead of fine-tuning a network"
        )
