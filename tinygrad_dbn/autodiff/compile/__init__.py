"""`compile`: a function traced once per shapes and dtypes, and run as one Numba function.

Read it in this order: `trace` (the function is run on Tensors without values; every op becomes a node), `views` (what
only moves elements is never computed), `plan` (loops, their order, their buffers), `emit` (the text; its parts are
written by `loops` and `moves`), `cache` (the text becomes a file and a function), `specialise` (all of these in turn),
`calls` (what happens on each call).
"""

from .calls import Compiled, compile
from .node import CompileError

__all__ = ["CompileError", "Compiled", "compile"]
