"""Data to learn from: complete toy distributions, real digits, classification problems, and a user's own files.

Recipes for density models return a `Dataset` of zeros and ones; `load("bars-and-stripes:3")` finds one by its name on
a command line. Recipes for classifiers return a `Labelled` problem in three parts.
"""

from .convex import convex
from .dataset import Dataset
from .digits import digits
from .documents import Documents, documents, documents_from
from .files import from_file
from .labelled import Labelled, Part
from .mnist import idx, mnist5k, mnist_from_idx
from .names import load
from .rectangles import rectangles, rectangles_image
from .toy import bars_and_stripes, colourings, labelled_shifter, parity
from .variations import mnist_variation

__all__ = [
    "Dataset", "Documents", "Labelled", "Part", "bars_and_stripes", "colourings", "convex", "digits", "documents",
    "documents_from", "from_file", "idx", "labelled_shifter", "load", "mnist5k", "mnist_from_idx", "mnist_variation",
    "parity", "rectangles", "rectangles_image",
]  # fmt: skip
