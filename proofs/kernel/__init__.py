"""The proof kernel: statements about sums and products of any size, and the rules that derive them.

`terms.py` is what can be said, `semantics.py` what it means, `rules.py` what follows. The search for derivations is
built on the rules: `normal.py` (normal forms), `derived.py` (consequences, induction) and `lemmas.py`. `model.py` shows
that a theorem's hypotheses can be satisfied.
"""
