"""Theorems about the lecture, one file or more for each of its chapters A to I.

The kernel derives `test_…_all_sizes.py`, `test_h_bound.py`, `test_i_bound.py` and `test_i_tied.py`, for all sizes
(level A); the other files run the shipped code on symbols and on rational numbers. Nothing here is trusted.
"""
