"""The engine: one graph, two walks.

Read it in this order: `kernels` (a scalar function becomes an array function), `tensor` (an op applied inside a
trace leaves a node), `ops` (the table: one row per op), `differentiate` (the graph walked backward and forward),
`trees` (models as trees of arrays), `check` (finite differences against the rules), and `symbolic` and `rational`
(the same functions on other numbers).
"""
