"""Theorems about the engine: what its ops compute, how they are differentiated, and how far floats are from the truth.

Trusted: `rounding.py`, which follows rounding errors through the source of the exponentials and logarithms; and
python-flint's balls, for the theorems of level E. Not trusted: `table.py` (examples of every op, and how each is
spoiled), `sampled.py` (errors at arguments drawn), `exact_sums.py` (models of floats, and the truth about them in
balls) and the theorems themselves.
"""
