"""The kernel's theorems as Coq files: what they mean (`statement`), why they hold (`steps`), and Coq's answer
(`check`).

Trusted: `statement.py`, which writes what a theorem means in Coq's reals; the four definitions at the head of
`Prelude.v`; and Coq. All else only has to convince Coq.
"""
