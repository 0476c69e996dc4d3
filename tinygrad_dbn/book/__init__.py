"""The book: what a run of the proofs decided, as THEOREMS.md, as the table in the README, and as a static
site, which holds the engine's tutorial and the library's docstrings too."""

from .record import Record, checkout, claims, load, prove
from .site import write_site
from .summary import accepted, read_me, theorems

__all__ = ["Record", "accepted", "checkout", "claims", "load", "prove", "read_me", "theorems", "write_site"]
