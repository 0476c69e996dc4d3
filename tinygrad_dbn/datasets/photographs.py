"""Patches of the two photographs that come with scikit-learn: a temple in China and a flower, 427 × 640 each."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..extras import needing
from .labelled import Pictures

PLAINEST = 0.08  # the smallest standard deviation of a patch's grey levels, so that no patch is bare sky


Part = tuple[float, float]
"""From where to where in a photograph, in shares of its width."""


def patches(count: int, side: int, rng: np.random.Generator, part: Part = (0, 1)) -> Pictures:
    """`count` square patches at random places, (count, side, side), grey levels in [0, 1].

    A patch whose grey levels have a standard deviation below 0.08 is drawn again. part: where they come from; patches
    of parts that do not overlap have no pixel in common. Raises ImportError where scikit-learn or Pillow is missing,
    ValueError for a part that is none, and for a side that it does not have.
    """
    if not 0 <= part[0] < part[1] <= 1:
        raise ValueError(f"patches: the part is from {part[0]} to {part[1]}; write shares of the width, as (0, 0.75)")
    pictures = [p[:, round(part[0] * p.shape[1]) : round(part[1] * p.shape[1])] for p in photographs()]
    most = min(length for p in pictures for length in p.shape)
    if not 1 <= side <= most:
        raise ValueError(f"patches: side is {side}; write 1 to {most} pixels")
    windows = [sliding_window_view(picture, (side, side)) for picture in pictures]
    found = np.empty((count, side, side), np.float32)
    missing = np.arange(count)
    while len(missing):
        which = rng.integers(0, len(windows), len(missing))
        for i, window in enumerate(windows):
            here = missing[which == i]
            found[here] = window[
                rng.integers(0, window.shape[0], len(here)), rng.integers(0, window.shape[1], len(here))
            ]
        if side == 1:
            break  # a single pixel has no variance
        missing = missing[found[missing].std(axis=(1, 2)) < PLAINEST]
    return found


def moving_patches(
    count: int, frames: int, side: int, rng: np.random.Generator, fastest: float = 2.0, part: Part = (0, 1)
) -> Pictures:
    """`count` square windows that move over a photograph, (count, frames, side, side), grey levels in [0, 1].

    Each is a patch of `patches` that is wide enough, in which a window goes on straight at a constant speed, uniform
    from 0 to `fastest` pixels a frame in any direction, to the nearest pixel; all of it within the part. Raises
    ImportError as `patches` does, ValueError for a way that is longer than the part, and for numbers that make no
    sense.
    """
    if frames < 1 or not fastest >= 0:
        raise ValueError(f"moving_patches: {frames} frames, at most {fastest} pixels a frame; write 1 and 0 or more")
    reach = int(np.ceil(fastest * (frames - 1) / 2)) if frames > 1 else 0
    wide = patches(count, side + 2 * reach, rng, part)
    angle, speed = rng.uniform(0, 2 * np.pi, count), rng.uniform(0, fastest, count)
    times = np.arange(frames) - (frames - 1) / 2
    steps = (speed * np.array([np.sin(angle), np.cos(angle)]))[..., None] * times  # down and to the right
    rows, columns = np.rint(steps).astype(int) + reach
    windows = sliding_window_view(wide, (side, side), axis=(1, 2))
    return np.array(windows[np.arange(count)[:, None], rows, columns])


def photographs() -> list[NDArray[np.float32]]:
    """The photographs as grey levels in [0, 1]: the mean of red, green and blue."""
    with needing("a patch of a photograph", "sklearn", "PIL"):
        from sklearn.datasets import load_sample_images
    return [np.asarray(image, np.float32).mean(axis=2) / 255 for image in load_sample_images().images]
