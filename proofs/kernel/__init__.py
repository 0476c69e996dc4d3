"""The proof kernel: statements about sums and products of any size, and the rules that derive them.

Trusted: `terms.py` (what can be said) and `rules.py` (what follows). Not trusted: the attacks and `test_kernel.py`,
which try to derive something false, and `model.py`, which computes theorems at an example.
"""
