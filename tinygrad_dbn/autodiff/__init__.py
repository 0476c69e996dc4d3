"""The engine: one graph, two walks.

Read it in this order: `kernels` (a scalar function becomes an array function), `floats` (exp and log that run on whole
vectors), `tensor` (an op applied inside a trace leaves a node, and the graph is walked backward and forward), `op` and
`ops` (the table: one row per op), `differentiate` (the transforms), `trees` (models as trees of arrays).

Around these: `protocols` and `operators` (what a Tensor does when Python or NumPy takes hold of it), `inputs` (what
comes into a trace from outside), `options` and `errors` (how an op is called, and what it says of a wrong call),
`strict` (modes that find mistakes), `check` (finite differences against the rules), `symbolic`, `rational` and `balls`
(the same functions on other numbers), `accuracy` (floats against balls), `jit` (machine code and where it is kept), and
`compile` (a function of arrays, traced and compiled whole).
"""
