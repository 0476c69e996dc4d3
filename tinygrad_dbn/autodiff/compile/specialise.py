"""A function for one combination of shapes, dtypes and static values: traced, found to be pure, planned, compiled."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..kernels.jit import LOG, disabled
from ..tensor import RECORDER, new_level
from ..trees import Rebuild, flatten
from .cache import load
from .emit import emit
from .node import GIVEN, CompileError, Node
from .plan import make_plan
from .trace import Trace
from .views import view


@dataclass(frozen=True)
class Memory:
    """Bytes of a call: the arrays that it is given (and closes over), those that it returns, and those in between.

    The last are counted as if they all lived to the end. Where a buffer is used again, it counts once.
    """

    arguments: int
    results: int
    buffers: int

    @property
    def peak(self) -> int:
        return self.arguments + self.results + self.buffers


@dataclass(frozen=True)
class Report:
    """What was compiled: the arguments' dtypes and shapes, the seconds it took, the file, the memory of a call."""

    shapes: str
    seconds: float
    file: Path | None
    """None where no files are kept."""
    memory: Memory


@dataclass(eq=False)
class Specialised:
    """f for one combination of shapes, dtypes and static values."""

    module: Any
    """The generated text, run: see `emit.Emitted`. None where Numba is switched off."""
    text: str
    order: tuple[int, ...]
    """Which leaves are taken, in this order; after them come the constants, and arrays for the results."""
    constants: tuple[Any, ...]
    results: list[tuple[tuple[int, ...], np.dtype[Any]]]
    rebuild: Rebuild
    complaints: list[str]
    report: Report
    entry: Callable[..., Any] | None = None

    def __call__(self, leaves: list[Any]) -> Any:
        given = [leaves[i] if type(leaves[i]) is float else _plain(leaves[i]) for i in self.order]
        results = [np.empty(shape, dtype) for shape, dtype in self.results]
        arrays, table, module = [*given, *self.constants, *results], np.empty(self.module.SIZE, np.int64), self.module
        at = 0
        for take, first, count in module.TAKES:
            take(table, first, *arrays[at : at + count])
            at += count
        failed = module.run(table, module.PROGRAM, *arrays[at:])
        if failed >= 0:
            raise IndexError(self.complaints[failed])
        return self.rebuild(list(results))


def specialise(f: Callable[..., Any], leaves: list[Any], rebuild: Rebuild) -> Specialised:
    """Trace f, see that it is pure, plan, write, compile: the whole way from a function to `run`."""
    start = time.perf_counter()
    trace, outputs, rebuild_outputs = run_traced(f, leaves, rebuild)
    integers = any(np.asarray(x).dtype.kind in "iu" for x in leaves)
    choices: list[Callable[[Any], Any]] = [np.min, np.max]
    for choose in [*choices, _beyond] if integers else choices:
        try:
            again, outputs_again, _ = run_traced(f, [_other(x, choose) for x in leaves], rebuild)
        except (ValueError, IndexError):
            continue  # an integer that f does not accept
        _compare(f, trace, again, [n.number for n in outputs] == [n.number for n in outputs_again])
    results: list[Node] = []
    for y in outputs:  # each a fresh array
        if view(y, trace.refs).base is not y or y.kind in GIVEN or y in results:
            y = trace.apply("copy", (y,), y.dtype, {"output": len(results)}, y.shape)
        results.append(y)
    plan = make_plan(results)
    emitted = emit(plan, name(f))
    module, path = (None, None) if disabled() else load(emitted.text)
    given = sum(map(_bytes, [*trace.arguments, *plan.constants]))
    memory = Memory(given, sum(map(_bytes, plan.outputs)), emitted.room)
    shapes = ", ".join(f"{n.dtype}{list(n.shape)}" for n in trace.arguments)
    report = Report(shapes, time.perf_counter() - start, path, memory)
    if module is not None:
        LOG.info("compiled %s for (%s) in %.2f s: %s", name(f), shapes, report.seconds, path)
    return Specialised(
        module,
        emitted.text,
        tuple(n.params["position"] for n in plan.arguments),
        tuple(n.params["value"] for n in plan.constants),
        [(n.shape, n.dtype) for n in plan.outputs],
        rebuild_outputs,
        [f"{n.kind}: an index is out of bounds for an axis of length {m}\n  in {n.line}" for n, m in emitted.checked],
        report,
    )


def run_traced(f: Callable[..., Any], leaves: list[Any], rebuild: Rebuild) -> tuple[Trace, list[Node], Rebuild]:
    """f run once without values: the trace and the nodes of its outputs."""
    with new_level() as level:
        trace = Trace(leaves, level)
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
        f"compile: {name(f)} is not pure: run twice, it did different things, first at {what}. Randomness and counters "
        "must be made outside and passed as arguments; so must integers computed from integer arrays, of which only "
        "slices (y[:n], y[:, None]), comparisons (y == c), y + 1, 1 - y, 2 * y, y & z, y | z, ~y and y.astype(float) "
        "are followed; a choice that depends on values is written "
        f"td.ops.where(condition, x, y)\n  in {b.line}"
    )


def _other(leaf: Any, choose: Callable[[Any], Any]) -> Any:
    """Integers replaced by the least or greatest of them, which f will accept; where all are equal, by a neighbour.

    One beyond the greatest shows what is the same for those two, as y // 2 is for 0 and 1; f may refuse it.
    """
    array = np.asarray(leaf)
    if array.dtype.kind not in "biu" or not array.size:
        return leaf
    if array.dtype.kind == "b":
        return np.full_like(array, choose is np.max)
    value = int(choose(array))
    if array.min() == array.max():
        value += (choose is np.max) - (choose is np.min) if value else 1
    return np.full_like(array, min(value, np.iinfo(array.dtype).max))


def _beyond(array: Any) -> int:
    return int(array.max()) + 1


def _plain(leaf: Any) -> Any:
    """An array as compiled code wants it: row by row in memory, in the machine's byte order."""
    array = np.asarray(leaf)
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _bytes(n: Node) -> int:
    return prod(n.shape) * n.dtype.itemsize


def name(f: Callable[..., Any]) -> str:
    """What a function is called in messages and in its generated text."""
    return getattr(f, "__qualname__", None) or type(f).__name__
