"""The lecture's empirical claims, measured: over seeds, all of which are shown, also where a claim does not come out.

Read `experiment` first, then any of the others: each is one claim, from its data to its picture.
"""

from .experiment import Experiment, Results, run
from .registry import EXPERIMENTS
from .report import as_text, write_all

__all__ = ["EXPERIMENTS", "Experiment", "Results", "as_text", "run", "write_all"]
