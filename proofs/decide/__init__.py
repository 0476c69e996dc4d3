"""The decision procedure: is an expression of exp, log and tanh zero for all values of its symbols?

Trusted: `zero.py`, which decides every theorem of level B. Not trusted: its tests.
"""
