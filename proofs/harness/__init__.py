"""What theorems are written with: the decorator, the ledger of what ran, and models of symbols and rational numbers.

Not in the list of what is trusted, but a theorem relies on two short pieces: `theorem.py` runs its body, and
`formulas.equal_formulas` compares with the decision procedure. `models.py` has the lecture's definitions written out,
for a reader to compare with the lecture.
"""
