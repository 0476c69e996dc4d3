"""`compile`: a function traced once per shapes and dtypes, and run by machine code.

Read it in this order: `trace` (the function is run on Tensors without values; every op becomes a node), `views` (what
only moves elements is never computed), `plan` (loops, their order, their buffers), `emit` (the text: a function for
every distinct step, written by `loops` and `moves`, and the program that calls them; `arrays` numbers what they work
on, `machine` is what they are made with), `cache` (the text becomes a file and a module), `specialise` (all of these in
turn), `calls` (what happens on each call).
"""

from .compiled import Compiled, compile
from .node import CompileError

__all__ = ["CompileError", "Compiled", "compile"]
