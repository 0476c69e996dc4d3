"""The engine: one graph, two walks.

Read it in this order: `tensor` (an op applied inside a trace leaves a node, and the graph is walked backward and
forward), `op` (what an op is), `ops` (the table: one row per op), `kernels` (how a function of scalars becomes one of
arrays: for floats, machine code), `differentiate` (the transforms).

Around these: `trees` (models as trees of arrays), `operators` and `protocols` (what a Tensor does when Python or NumPy
takes hold of it), `inputs` and `accepts` (what comes into a trace, and what a transform takes), `options` and `errors`
(how an op is called, and what it says of a wrong call), `strict` (modes that find mistakes).

Upon these: `numbers` (the same functions on symbols, rationals and balls), `inspect` (traces as text and pictures,
finite differences against the rules, floats against balls), and `compile` (a function of arrays, traced and compiled
whole).
"""
