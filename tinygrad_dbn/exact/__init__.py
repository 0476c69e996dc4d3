"""Exact quantities of small models, by enumeration of hidden states. Everything is in nats.

The functions are made of ops. So they can be differentiated, and run on symbols and rationals as well as on floats.
"""

from .bounds import Audit, audit, bound, posterior
from .budget import TooLarge
from .likelihood import gradient, log_likelihood, log_prior
from .partition import log_partition
from .states import states

__all__ = [
    "Audit",
    "TooLarge",
    "audit",
    "bound",
    "gradient",
    "log_likelihood",
    "log_partition",
    "log_prior",
    "posterior",
    "states",
]
