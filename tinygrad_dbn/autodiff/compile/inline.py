"""The scalar kernels of the op table as text: their very lines, so that what is proved is what is compiled.

Ops whose kernels take whole lines are spelled out in simpler ones instead: see `composites.py`.
"""

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from .node import CompileError


def inlined(kernel: Any, operands: list[str]) -> str | None:
    """The kernel applied to operands (names, numbers, casts) where it is a single expression: that expression.

    A kernel of several lines gives None: it stays a function, as `kernel_sources` writes it. Fewer functions are
    sooner compiled, and easier to read.
    """
    names, expression = _expression(kernel)
    if expression is None:
        return None
    put_in = dict(zip(names, operands, strict=True))

    class PutIn(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.parse(put_in.get(node.id, node.id), mode="eval").body

    return ast.unparse(PutIn().visit(ast.parse(expression, mode="eval")))


def kernel_sources(kernels: dict[str, Any]) -> str:
    """The definitions that the steps call, and the import of the elementary functions beneath them.

    A kernel says `np` or `special` and means the file `floats`, as in `kernels.compiled`. So that its lines can stay as
    they are, both mean that in the whole text, where NumPy itself is called `numpy`. The version of `floats` is part of
    the text, so that an edit there makes a new file.
    """
    from ..kernels import floats  # here: it brings Numba

    head = f"import {floats.__name__} as np  # version {floats.VERSION}\nimport {floats.__name__} as special\n"
    return "\n\n".join([head, *(_function(name, kernel) for name, kernel in kernels.items())])


@cache
def _source(kernel: Any) -> str:
    """The lines of a kernel from its `def` on. Raises CompileError where they are in no file, or are a lambda's."""
    try:
        text = textwrap.dedent(inspect.getsource(kernel))
        return text[f"\n{text}".index("\ndef ") :]
    except (OSError, ValueError):
        raise CompileError(
            f"compile: the lines of the op {kernel.__name__!r} are not to be had; write it with def, in a file"
        ) from None


@cache
def _expression(kernel: Any) -> tuple[list[str], str | None]:
    """A kernel's parameters, and what it returns if that is all it does."""
    definition: Any
    (definition,) = ast.parse(_source(kernel)).body
    names = [a.arg for a in definition.args.args]
    match [s for s in definition.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]:
        case [ast.Return(value=ast.expr() as value)]:
            return names, ast.unparse(value)
    return names, None


def _function(name: str, kernel: Any) -> str:
    return f"@np.inline\ndef op_{name}({_source(kernel).partition('(')[2]}"
