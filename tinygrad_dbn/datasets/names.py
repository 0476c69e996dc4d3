"""From the word on a command line to a data set."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from ..files import shown
from .dataset import Dataset
from .digits import digits
from .files import from_file
from .toy import bars_and_stripes, colourings, labelled_shifter, parity

# Each toy recipe with the size it has when none is written.
_TOYS: dict[str, tuple[Callable[[int], Dataset], int]] = {
    "bars-and-stripes": (bars_and_stripes, 4),
    "shifter": (labelled_shifter, 4),
    "parity": (parity, 8),
    "colourings": (colourings, 5),
}
NAMES = ("digits", *_TOYS)


def load(name: str) -> Dataset:
    """The data set called `name`: "digits", "bars-and-stripes", "shifter", "parity" or "colourings" (the last
    four with an optional size, as in "bars-and-stripes:3"), or a path to a .npy or .csv file.

    Raises ValueError for an unknown name (naming the nearest known one) or a size that is no positive
    integer, and whatever `from_file` raises.
    """
    if Path(name).suffix.lower() in (".npy", ".csv") or os.sep in name:
        return from_file(name)
    word, colon, size = name.partition(":")
    if word in _TOYS:
        recipe, usual = _TOYS[word]
        if colon and not (size.isascii() and size.isdigit()):
            raise ValueError(f"data {name!r}: the size is {size!r}; write a positive integer, as in {word}:{usual}")
        return recipe(int(size) if colon else usual)
    if name == "digits":
        return digits()
    if word == "digits":
        raise ValueError(f"data {name!r}: digits has one size only; write digits")
    near = get_close_matches(word, NAMES, n=1, cutoff=0.4)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"unknown data {shown(name)!r}{meant} Known: {', '.join(NAMES)}, or a path ending in .npy or .csv")
