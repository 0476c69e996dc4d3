"""The kernels of the op table as text: the very lines of the table, so that what is proved is what is compiled."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from typing import Any


def inlined(kernel: Any, operands: list[str]) -> str | None:
    """The kernel applied to operands (names and numbers) where it is a single expression: that expression.

    As in `kernels.compiled`, `np` in a kernel means the file `floats`. A kernel of several lines gives None: it stays
    a function, as `kernel_sources` writes it. Fewer functions are sooner compiled, and easier to read.
    """
    names, expression = _expression(kernel)
    if expression is None:
        return None
    put_in = dict(zip(names, operands, strict=True))

    class PutIn(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.parse(put_in.get(node.id, node.id), mode="eval").body

    text = ast.unparse(PutIn().visit(ast.parse(expression, mode="eval")))
    return re.sub(r"\bnp\.(?!float|u?int|bool|inf|nan)", "floats.", text)


def kernel_sources(kernels: dict[str, Any], calls_floats: bool) -> str:
    """The definitions that the compiled function calls, and the import of the elementary functions beneath them.

    The version of `floats` is part of the text, so that an edit there makes a new file.
    """
    if not kernels and not calls_floats:
        return ""
    from .. import floats  # here: it brings Numba

    head = f"from tinygrad_dbn.autodiff import floats  # version {floats.VERSION}\n"
    return "\n\n".join([head, *(_function(name, kernel) for name, kernel in kernels.items())])


@cache
def _source(kernel: Any) -> str:
    text = textwrap.dedent(inspect.getsource(kernel))
    return text[re.search(r"^def ", text, re.MULTILINE).start() :]  # type: ignore[union-attr]


@cache
def _expression(kernel: Any) -> tuple[list[str], str | None]:
    """A kernel's parameters, and what it returns if that is all it does."""
    definition: Any = ast.parse(_source(kernel)).body[0]
    statements = [s for s in definition.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    single = len(statements) == 1 and isinstance(statements[0], ast.Return)
    return [a.arg for a in definition.args.args], ast.unparse(statements[0].value) if single else None


def _function(name: str, kernel: Any) -> str:
    body = re.sub(r"^def \w+", f"def op_{name}", _source(kernel))
    return "@floats.inline\n" + re.sub(r"\bnp\.", "floats.", body)
