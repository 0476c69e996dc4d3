"""MNIST made harder: rotated digits, noise and photographs behind them (Larochelle et al. 2007)."""

from typing import Literal

import numpy as np

from ..randomness import Random, seed_of
from .labelled import Labelled, Part, Pictures
from .photographs import patches

Kind = Literal["basic", "rot", "bg-rand", "bg-img", "rot-bg-img"]
KINDS: tuple[Kind, ...] = ("basic", "rot", "bg-rand", "bg-img", "rot-bg-img")


def mnist_variation(digits: Labelled, kind: Kind, seed: Random = 0) -> Labelled:
    """The pictures of a digits problem, varied; classes and parts stay as they are.

    "rot": turned about the centre by an angle uniform in [0, 2π), with linear interpolation. "bg-rand": uniform noise
    behind the digit. "bg-img": a patch of a photograph behind it, none of them plain. "rot-bg-img": both. "Behind"
    means the larger of the two grey levels. "basic" is the digits unchanged. The interpolation and the limit for
    plain patches are not published, and the paper's photographs were others.
    Raises ValueError for another kind. Source: Larochelle, Erhan, Courville, Bergstra & Bengio (ICML 2007).
    """
    seed = seed_of(seed)
    if kind not in KINDS:
        raise ValueError(f"mnist_variation: kind is {kind!r}; write one of {', '.join(KINDS)}")
    rng = np.random.default_rng(seed)

    def vary(part: Part) -> Part:
        X = part.X.reshape(-1, *digits.shape)
        if "rot" in kind:
            X = rotated(X, rng)
        if kind == "bg-rand":
            X = np.maximum(X, rng.random(X.shape, dtype=np.float32))
        if "bg-img" in kind:
            X = np.maximum(X, patches(len(X), digits.shape[0], rng))
        return Part(X.reshape(part.X.shape), part.y)

    if "bg-img" in kind and digits.shape[0] != digits.shape[1]:
        raise ValueError(f"mnist_variation: patches are square, the digits {digits.shape}; choose another kind")
    train, valid, test = vary(digits.train), vary(digits.valid), vary(digits.test)
    source = f"{digits.source} Varied as {kind} after Larochelle et al. (2007) with seed {seed}."
    return Labelled(f"{digits.name} {kind}", train, valid, test, digits.shape, digits.classes, source)


def rotated(X: Pictures, rng: np.random.Generator) -> Pictures:
    """Each of (T, height, width) turned about its centre by a uniform angle. What comes from outside is black."""
    from scipy.ndimage import affine_transform  # here, for it would slow every import of the package

    centre = (np.array(X.shape[1:]) - 1) / 2
    out = np.empty_like(X)
    for picture, angle, turned in zip(X, rng.uniform(0, 2 * np.pi, len(X)), out, strict=True):
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        affine_transform(picture, turn, centre - turn @ centre, output=turned, order=1)
    return out
