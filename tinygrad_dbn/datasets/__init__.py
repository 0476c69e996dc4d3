"""Binary data to learn from: complete toy distributions, real digits, and a user's own file.

Every recipe returns a `Dataset`. `load("bars-and-stripes:3")` is the door of the command line.
"""

from .dataset import Dataset
from .digits import digits
from .files import from_file
from .names import load
from .toy import bars_and_stripes, labelled_shifter, parity

__all__ = ["Dataset", "bars_and_stripes", "digits", "from_file", "labelled_shifter", "load", "parity"]
