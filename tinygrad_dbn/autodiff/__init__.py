"""The engine: one graph, two walks.

Read it in this order: `kernels` (a scalar function becomes an array function), `floats` (exp and log that run on whole
vectors), `tensor` (an op applied inside a trace leaves a node), `protocols` and `operators` (what a Tensor does when
Python or NumPy takes hold of it), `inputs` (what comes into a trace from outside), `ops` (the table: one row per op),
`differentiate` (the graph walked backward and forward), `trees` (models as trees of arrays), `strict` (modes that find
mistakes), `check` (finite differences against the rules), `symbolic`, `rational` and `balls` (the same functions on
other numbers), `accuracy` (floats against balls), and `compile` (a function of arrays becomes one Numba function).
"""
