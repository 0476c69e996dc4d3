"""Theorems about the shipped code, as tests: see `proofs.harness.theorem`.

Trusted: `kernel/terms.py`, `kernel/rules.py` and `decide/zero.py`. A mistake there could let something false pass for
proved. For the theorems of the engine in ball arithmetic, `engine/rounding.py` is trusted too. Everything else is not:
a mistake in it can make a theorem fail, or state it of something else than its sentence says, and a reader can check
that by reading the theorem.
"""
