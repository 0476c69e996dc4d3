"""Theorems about the lecture and the shipped code, as tests: see `proofs.harness.theorem`.

Trusted, for level A, if Coq was asked: Coq, the definitions of `coq/Prelude.v`, and `coq/statement.py`; if not, of
`kernel`: `terms.py`, `substitution.py`, `growth.py` and `rules.py`. For level B: `decide/zero.py`. A mistake there
could let something false pass for proved. For what is traced from shipped code, the readings of `open`, and for the
theorems of the engine in ball arithmetic, `engine/rounding.py` are trusted too. Everything else is not: a mistake in it
can make a theorem fail, or state it of something else than its sentence says, and a reader can check that by reading
the theorem.
"""
