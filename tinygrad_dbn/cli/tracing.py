"""The trace that `tinygrad-dbn explain --graph` prints and draws."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..autodiff.inspect.graph import graph
from ..autodiff.ops import TABLE
from ..files import write_atomically
from .examples import COMPOSITES, call
from .terminal import refuse, say


def trace(name: str, shapes: list[str], svg: Path | None) -> None:
    """Print the graph of an op, a composite, or MODULE:FUNCTION at random arguments; draw it where a file is named."""
    function, sizes, low = _function(name)
    if shapes:
        sizes = list(map(_shape, shapes))
    rng = np.random.default_rng(0)
    try:
        traced = graph(function, *(low + rng.random(size) for size in sizes))
    except (TypeError, ValueError, IndexError) as error:
        refuse(f"{name} at shapes {', '.join(map(str, sizes))}: {error}; other shapes are given with --shape")
    print(traced.text())
    if svg is not None:
        try:
            write_atomically(svg, traced.svg().encode())
        except OSError as error:
            refuse(error)
        say(f"drawn in {svg}")


def _function(name: str) -> tuple[Callable[..., Any], list[tuple[int, ...]], float]:
    """What is traced, the shapes unless said otherwise, and where its arguments, one unit wide, begin."""
    if ":" in name:
        function = imported(name)
        return function, [()] * _required(function), 0.0
    if name in TABLE:
        return (*call(name), -1.0 if TABLE[name].domain[1] <= 0 else 0.0)
    if name in COMPOSITES:
        return (*call(name), 0.0)
    refuse(f"there is no op {name!r}; known are {', '.join(sorted({*TABLE, *COMPOSITES}))}, or write MODULE:FUNCTION")


def imported(name: str) -> Callable[..., Any]:
    """MODULE:FUNCTION, from the current folder or from what is installed."""
    module, _, path = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        refuse(f"{name}: {error}; write MODULE:FUNCTION, the module as in an import, for example mine:loss")
    finally:
        sys.path.remove(str(Path.cwd()))
    if not callable(found):
        refuse(f"{name} is a {type(found).__name__}, not a function; write MODULE:FUNCTION")
    function: Callable[..., Any] = found
    return function


def _required(function: Callable[..., Any]) -> int:
    """How many arguments it cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _shape(text: str) -> tuple[int, ...]:
    if text == "scalar":
        return ()
    if not all(part.strip().isdecimal() for part in text.split(",")):
        refuse(f"--shape is {text!r}; write lengths joined by commas, as 3,2, or scalar")
    return tuple(int(part) for part in text.split(","))
