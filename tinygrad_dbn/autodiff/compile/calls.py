"""What happens on a call: the arguments' tree is taken apart, checked, and handed to the function made for it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from ..tensor import RECORDER, Tensor
from ..trees import Rebuild, flatten
from .cache import load
from .emit import emit
from .entry import make_entry
from .node import GIVEN, CompileError, Node
from .plan import make_plan
from .trace import Trace
from .views import view


def compile(f: Callable[..., Any], *, specialisations: int = 16) -> Compiled:
    """f as a compiled function: the same arguments and results (trees of arrays), the same values up to rounding.

    f is traced once for each combination of shapes, dtypes and static values (strings, integers, booleans) that it is
    called with, and what it does – gradients and updates included – becomes one Numba function. It must be pure: no
    branches on values, no random draws, no counters. Arrays that it closes over are constants, taken as they are when
    it is traced. Inputs are never changed, and results never share memory with them.

    At most `specialisations` combinations are kept; one more drops the oldest, with a RuntimeWarning. Raises
    CompileError (a TypeError) where f is not pure or needs a value; it says where, and what to write instead.

    >>> import numpy as np
    >>> compile(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    array(5.)
    """
    if specialisations < 1:
        raise ValueError(f"compile(specialisations={specialisations}): keep at least one")
    return Compiled(f, specialisations)


@dataclass(eq=False)
class Specialised:
    """f for one combination of shapes, dtypes and static values."""

    text: str
    run: Callable[..., None]
    order: tuple[int, ...]
    """Which leaves `run` takes, in this order; after them come the constants, and arrays for the results."""
    constants: tuple[Any, ...]
    results: list[tuple[tuple[int, ...], np.dtype[Any]]]
    rebuild: Rebuild
    lines: dict[int, str]
    entry: Callable[..., Any] | None = None

    def __call__(self, leaves: list[Any]) -> Any:
        given = [leaves[i] if type(leaves[i]) is float else _plain(leaves[i]) for i in self.order]
        results = [np.empty(shape, dtype) for shape, dtype in self.results]
        try:
            self.run(*given, *self.constants, *results)
        except IndexError as error:
            raise IndexError(f"{error.args[0]}\n  in {self.lines[error.args[1]]}") from None
        return self.rebuild(list(results))


class Compiled:
    """A compiled function; `.source(*args)` is the text that it runs."""

    def __init__(self, f: Callable[..., Any], limit: int) -> None:
        functools.update_wrapper(self, f)
        self._f, self._limit = f, limit
        self._known: dict[Any, Specialised] = {}
        self._entry: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._entry is None or kwargs or RECORDER.get() is not None:
            return self._general(args, kwargs)
        return self._entry(*args)

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """The call that takes nothing for granted. It leaves the entry to what was called last."""
        kwargs = kwargs or {}
        leaves, rebuild = flatten((args, kwargs))
        if any(isinstance(x, Tensor) for x in leaves) or RECORDER.get() is not None:
            return self._f(*args, **kwargs)  # inside another transform: its ops are watched, so it just runs
        chosen = self._specialised(leaves, rebuild, (args, kwargs))
        result = chosen(leaves)
        if not kwargs:
            if chosen.entry is None:
                chosen.entry = make_entry(args, result, chosen, self._general)
            self._entry = chosen.entry
        return result

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The generated text for these arguments: what `compile` made of the function, to be read."""
        leaves, rebuild = flatten((args, kwargs))
        return self._specialised(leaves, rebuild, (args, kwargs)).text

    def _specialised(self, leaves: list[Any], rebuild: Rebuild, tree: Any) -> Specialised:
        key = (_structure(tree), tuple(_kind(x) for x in leaves))
        known = self._known.get(key)
        if known is None:
            known = specialise(self._f, leaves, rebuild)
            if len(self._known) >= self._limit:
                shapes = ", ".join(str(np.shape(x)) for x in leaves)
                warnings.warn(
                    f"{_name(self._f)} was compiled for more than {self._limit} combinations of shapes, dtypes and "
                    f"static values, now for {shapes}: the oldest is dropped; pad to fewer shapes, pass numbers that "
                    "vary as floats, or raise td.compile(f, specialisations=…)",
                    RuntimeWarning,
                    stacklevel=3,
                )
                del self._known[next(iter(self._known))]
            self._known[key] = known
        return known


def specialise(f: Callable[..., Any], leaves: list[Any], rebuild: Rebuild) -> Specialised:
    trace, outputs, rebuild_outputs = run_traced(f, leaves, rebuild, 0.0)
    for choose in (np.min, np.max):
        try:
            again, outputs_again, _ = run_traced(f, [_other(x, choose) for x in leaves], rebuild, 1.0)
        except (ValueError, IndexError):
            continue  # an integer that f does not accept
        _compare(f, trace, again, [n.number for n in outputs] == [n.number for n in outputs_again])
    results: list[Node] = []
    for y in outputs:  # each a fresh array
        if view(y, trace.refs).base is not y or y.kind in GIVEN or y in results:
            y = trace.apply("copy", (y,), y.dtype, {"output": len(results)}, y.shape)
        results.append(y)
    plan = make_plan(results)
    text, lengths = emit(plan, _name(f))
    return Specialised(
        text,
        load(text),
        tuple(n.params["position"] for n in plan.arguments),
        (*(n.params["value"] for n in plan.constants), *lengths),
        [(n.shape, n.dtype) for n in plan.outputs],
        rebuild_outputs,
        {n.number: n.line for n in trace.nodes},
    )


def run_traced(
    f: Callable[..., Any], leaves: list[Any], rebuild: Rebuild, fill: float
) -> tuple[Trace, list[Node], Rebuild]:
    """f run once without values: the trace and the nodes of its outputs."""
    trace = Trace(leaves, fill)
    token = RECORDER.set(trace)
    try:
        args, kwargs = rebuild(list(trace.tensors))
        outputs, rebuild_outputs = flatten(f(*args, **kwargs))
        return trace, [trace.node(y) for y in outputs], rebuild_outputs
    finally:
        RECORDER.reset(token)


def _compare(f: Callable[..., Any], one: Trace, two: Trace, same_outputs: bool) -> None:
    """A pure function leaves the same trace whatever the values. The first difference is reported."""
    for a, b in zip(one.nodes, two.nodes, strict=False):
        if _identity(a) != _identity(b):
            raise CompileError(_impure(f, a, b))
    if len(one.nodes) != len(two.nodes) or not same_outputs:
        longer = max(one.nodes, two.nodes, key=len)
        extra = longer[min(len(one.nodes), len(two.nodes), len(longer) - 1)]
        raise CompileError(_impure(f, extra, extra))


def _identity(n: Node) -> Any:
    params = {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in n.params.items()}
    return n.kind, tuple(x.number for x in n.inputs), params, n.shape, n.dtype, n.weak


def _impure(f: Callable[..., Any], a: Node, b: Node) -> str:
    what = "a constant" if a.kind == b.kind == "constant" else f"{a.kind} {a.shape}"
    return (
        f"compile: {_name(f)} is not pure: run twice, it did different things, first at {what}. Randomness, counters "
        "and integers computed from integer arrays must be made outside and passed as arguments; a choice that "
        f"depends on values is written td.ops.where(condition, x, y)\n  in {b.line}"
    )


def _other(leaf: Any, choose: Callable[[Any], Any]) -> Any:
    """Integers replaced by the least or greatest of them, which f will accept; where all are equal, by a neighbour."""
    array = np.asarray(leaf)
    if array.dtype.kind not in "biu" or not array.size:
        return leaf
    if array.dtype.kind == "b":
        return np.full_like(array, choose is np.max)
    value = int(choose(array))
    if array.min() == array.max():
        value += 1 if choose is np.max or value == 0 else -1
    return np.full_like(array, value)


def _structure(tree: Any) -> Any:
    """Everything about a tree except its leaves: hashable, equal where a trace would be the same."""
    if isinstance(tree, np.ndarray | np.floating | float | Tensor):
        return None
    if is_dataclass(tree) and not isinstance(tree, type):
        return type(tree), *(_structure(getattr(tree, field.name)) for field in fields(tree))
    if isinstance(tree, dict):
        return dict, tuple((k, _structure(v)) for k, v in tree.items())
    if isinstance(tree, list | tuple):
        return type(tree), *(_structure(child) for child in tree)
    return type(tree), tree


def _plain(leaf: Any) -> Any:
    """An array as compiled code wants it: row by row in memory, in the machine's byte order."""
    array = np.asarray(leaf)
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _kind(leaf: Any) -> Any:
    return float if type(leaf) is float else (leaf.dtype, leaf.shape)


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__qualname__", None) or type(f).__name__
