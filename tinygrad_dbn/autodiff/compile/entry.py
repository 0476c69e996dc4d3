"""The way in and out of a compiled function: its arguments' tree taken apart, its results' tree put together.

`trees.flatten` asks every node of a tree for its type. Here the types are known from the first call, so the questions
become a few lines of Python, written once: every node has the type it had, every static value is equal, and the leaves
are read from the same places. `run` then checks shapes and dtypes. Where anything differs, `otherwise` is called.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..trees import LEAVES
from .specialise import Specialised


def make_entry(args: Any, result: Any, chosen: Specialised, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """A function of (*args) for trees like `args`, giving trees like `result`; anything else goes to `otherwise`."""
    module = chosen.module
    names: dict[str, Any] = {"run": module.run, "otherwise": otherwise, "empty": np.empty}
    names |= {"new": object.__new__, "put": object.__setattr__}
    lines, leaves = ["def entry(*args):"], list[str]()
    _take("args", args, lines, leaves, names)
    given = [leaves[i] for i in chosen.order] + [_name("c", names, c) for c in chosen.constants]
    for i, (shape, dtype) in enumerate(chosen.results):
        lines.append(f"    y{i} = empty({shape}, {_name('d', names, dtype)})")
        given.append(f"y{i}")
    lines += [f"    table = empty({module.SIZE}, {_name('d', names, np.dtype(np.int64))})", "    try:"]
    for take, first, size in module.TAKES:
        block, given = given[:size], given[size:]
        lines.append(f"        {_name('f', names, take)}(table, {first}, {', '.join(block)})")
    rest = ", ".join(["table", _name("c", names, module.PROGRAM), *given])
    lines += [f"        failed = run({rest})", "    except TypeError:", "        failed = 0"]
    lines += ["    if failed >= 0:", "        return otherwise(args)"]  # which explains, or compiles for other shapes
    count = 0

    def build(tree: Any) -> str:
        nonlocal count
        if isinstance(tree, LEAVES):
            count += 1
            return f"y{count - 1}"
        if is_dataclass(tree) and not isinstance(tree, type):
            kind, made = _name("m", names, type(tree)), _name("o", names, None)
            inner = [(f.name, build(getattr(tree, f.name))) for f in fields(tree)]
            lines.append(f"    {made} = new({kind})")
            if hasattr(tree, "__dict__") and not hasattr(type(tree), "__slots__"):
                lines.append(f"    fields = {made}.__dict__")  # frozen or not, and three times faster than setattr
                lines.extend(f"    fields[{name!r}] = {text}" for name, text in inner)
            else:
                lines.extend(f"    put({made}, {name!r}, {text})" for name, text in inner)
            return made
        if isinstance(tree, dict):
            return "{" + ", ".join(f"{_name('s', names, k)}: {build(v)}" for k, v in tree.items()) + "}"
        if isinstance(tree, list | tuple):
            parts = [build(child) for child in tree]
            if type(tree) is list:
                return f"[{', '.join(parts)}]"
            inner_text = "(" + "".join(f"{p}, " for p in parts) + ")"
            if type(tree) is tuple:
                return inner_text
            made = _name("m", names, type(tree))
            return f"{made}({', '.join(parts)})" if hasattr(tree, "_fields") else f"{made}({inner_text})"
        return _name("s", names, tree)

    text = build(result)
    lines.append(f"    return {text}")
    code = compile("\n".join(lines), f"{__file__}: entry", "exec")  # which no one takes for a line of the caller's
    exec(code, names)  # names, types and positions only: nothing of the user's is text here
    entry: Callable[..., Any] = names["entry"]
    return entry


def _name(letter: str, names: dict[str, Any], value: Any) -> str:
    name = f"{letter}{len(names)}"
    names[name] = value
    return name


def _take(text: str, tree: Any, lines: list[str], leaves: list[str], names: dict[str, Any]) -> None:
    """Lines that check that `text` is built like the tree, and the texts of its leaves."""

    def unless(condition: str) -> None:
        lines.append(f"    if not ({condition}):")
        lines.append("        return otherwise(args)")

    if isinstance(tree, LEAVES):
        if type(tree) is float:  # Numba would convert an integer in silence
            unless(f"type({text}) is float")
        leaves.append(text)
        return
    kind = _name("t", names, type(tree))
    parts: list[tuple[str, Any]] = []
    if is_dataclass(tree) and not isinstance(tree, type):
        unless(f"type({text}) is {kind}")
        for f in fields(tree):
            name = _name("v", names, None)
            lines.append(f"    {name} = {text}.{f.name}")
            parts.append((name, getattr(tree, f.name)))
    elif isinstance(tree, dict):
        keys = _name("k", names, list(tree))
        unless(f"type({text}) is {kind} and list({text}) == {keys}")
        for child in tree.values():
            name = _name("v", names, None)
            parts.append((name, child))
        if parts:
            lines.append(f"    {', '.join(name for name, _ in parts)}, = {text}.values()")
    elif isinstance(tree, list | tuple):
        unless(f"type({text}) is {kind} and len({text}) == {len(tree)}")
        parts = [(_name("v", names, None), child) for child in tree]
        if parts:
            lines.append(f"    {', '.join(name for name, _ in parts)}, = {text}")
    else:
        value = _name("s", names, tree)
        unless(f"{text} is {value} or type({text}) is {kind} and {text} == {value}")
    for name, child in parts:
        _take(name, child, lines, leaves, names)
