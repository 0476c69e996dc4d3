"""What happens on a call: the arguments' tree is taken apart, checked, and handed to the function made for it."""

import functools
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..callers import warn
from ..tensor import RECORDER, Tensor
from ..trees import Rebuild, flatten, tree_map
from .entry import make_entry
from .specialise import Memory, Report, Specialised, name, specialise


def compile(f: Callable[..., Any], *, specialisations: int = 16) -> "Compiled":
    """f as a compiled function: the same arguments and results (trees of arrays), the same values up to rounding.

    f is traced once for each combination of shapes, dtypes and static values (strings, integers, booleans) that it is
    called with, and what it does – gradients and updates included – is compiled whole. It must be pure: no branches on
    values, no random draws, no counters. Arrays that it closes over are constants, taken as they are when it is traced.
    Inputs are never changed, and results never share memory with them.

    At most `specialisations` combinations are kept; one more drops the least recently used, with a RuntimeWarning.
    Integer and boolean arguments may be sliced, compared, combined and converted: `net.nll(x[:n], y[:n])`,
    `y[:, None] == np.arange(10)`, `x[i + 1]`, `x * (m & ~k)`, `m.astype(float)`. Raises CompileError (a TypeError)
    where f is not pure or needs a value; it says where, and what to write instead.

    Where Numba is switched off (NUMBA_DISABLE_JIT) nothing is compiled: f is traced, and so found to be pure, and then
    just runs.

    >>> import numpy as np
    >>> compile(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    array(5.)
    """
    if specialisations < 1:
        raise ValueError(f"compile(specialisations={specialisations}): keep at least one")
    return Compiled(f, specialisations)


class Compiled:
    """A compiled function. `.source(*args)` is the text that it runs, `.memory(*args)` what a call needs, and
    `.specialisations` what has been compiled so far; the logger "tinygrad_dbn.compile" tells of each at INFO."""

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
        if chosen.module is None:  # Numba is switched off
            return tree_map(np.array, self._f(*args, **kwargs))
        result = chosen(leaves)
        if not kwargs and chosen.entry is None:
            chosen.entry = make_entry(args, result, chosen, self._general)
        self._entry = None if kwargs else chosen.entry  # or it would not be known which was used last
        return result

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The generated text for these arguments: what `compile` made of the function, to be read."""
        leaves, rebuild = flatten((args, kwargs))
        return self._specialised(leaves, rebuild, (args, kwargs)).text

    def memory(self, *args: Any, **kwargs: Any) -> Memory:
        """The bytes that a call with these arguments takes: `.arguments`, `.results`, `.buffers`, and their `.peak`."""
        leaves, rebuild = flatten((args, kwargs))
        return self._specialised(leaves, rebuild, (args, kwargs)).report.memory

    @property
    def specialisations(self) -> tuple[Report, ...]:
        """What has been compiled and is kept, the least recently used first."""
        return tuple(known.report for known in self._known.values())

    def _specialised(self, leaves: list[Any], rebuild: Rebuild, tree: Any) -> Specialised:
        key = (_structure(tree), tuple(_kind(x) for x in leaves))
        known = self._known.get(key)
        if known is None:
            known = specialise(self._f, leaves, rebuild)
            if len(self._known) >= self._limit:
                shapes = ", ".join(str(np.shape(x)) for x in leaves)
                warn(
                    f"{name(self._f)} was compiled for more than {self._limit} combinations of shapes, dtypes and "
                    f"static values, now for {shapes}: the least recently used is dropped; pad to fewer shapes, pass "
                    "numbers that vary as floats, or raise td.compile(f, specialisations=…)",
                    RuntimeWarning,
                )
                del self._known[next(iter(self._known))]
        else:
            del self._known[key]
        self._known[key] = known  # the last is the one most recently used
        return known


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


def _kind(leaf: Any) -> Any:
    return float if type(leaf) is float else (leaf.dtype, leaf.shape)
