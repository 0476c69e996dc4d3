"""Which code a result is of: a digest of a function's file, and of every file of this package that it imports."""

import ast
import inspect
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_of(function: Callable[..., Any]) -> str:
    """A digest of all that a function, whatever wraps it, is made of in this package, without comments and docstrings.

    Constants there decide results as much as seeds do: what is kept with this digest is not taken for a result of other
    code. Raises OSError where a file is not to be had.
    """
    function = inspect.unwrap(function)
    lines, _ = inspect.findsource(function)
    package = function.__module__.rpartition(".")[0] if function.__module__ else ""
    own, left = _read("".join(lines), package)
    found: dict[str, str] = {}
    while left:
        name = left.pop()
        if name not in found:
            found[name], imported = _module(name)
            left |= imported
    return sha256("\0".join([own, *(f"{name}\0{found[name]}" for name in sorted(found))]).encode()).hexdigest()[:12]


@cache
def _module(name: str) -> tuple[str, frozenset[str]]:
    file = _file(name)
    assert file is not None
    code, imported = _read(file.read_text(), name if file.name == "__init__.py" else name.rpartition(".")[0])
    return code, frozenset(imported)


def _read(text: str, package: str) -> tuple[str, set[str]]:
    """A file's code without comments and docstrings, and the modules of this package that it imports, anywhere."""
    tree, imported = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names if _file(alias.name)}
        if isinstance(node, ast.ImportFrom):
            of = resolve_name("." * node.level + (node.module or ""), package)
            inner = (f"{of}.{alias.name}" for alias in node.names)
            imported |= {name if _file(name) else of for name in inner if _file(of)}
    return ast.unparse(tree), imported


def _file(name: str) -> Path | None:
    """Where a module of this package is; None for any other name."""
    first, *rest = name.split(".")
    place = PACKAGE.joinpath(*rest)
    files = (place.with_suffix(".py"), place / "__init__.py") if first == PACKAGE.name else ()
    return next((file for file in files if file.is_file()), None)


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
