"""The book: what a run of the proofs decided, as THEOREMS.md, as the table in the README, and as a static site."""

from .record import Record, checkout, load, prove
from .site import write_site
from .summary import accepted, read_me, theorems

__all__ = ["Record", "accepted", "checkout", "load", "prove", "read_me", "theorems", "write_site"]
