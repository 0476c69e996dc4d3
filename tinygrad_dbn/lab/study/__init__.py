"""A study: every learning rule on every toy distribution, from the same starts, judged by exact figures alone.

Read it in this order: `courses` (what is trained, and what is measured on the way), `effects` (the bias of the rules,
annealed sampling against the truth, a bound that rises over a falling likelihood), `pictures` and `page`.
"""

from .courses import RULES, SUBJECTS, Moment, Subject, course
from .run import study

__all__ = ["RULES", "SUBJECTS", "Moment", "Subject", "course", "study"]
