"""The nodes of a trace, and their kinds."""

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..operators import TABLE

GIVEN = ("argument", "constant")
VIEWS = ("broadcast_to", "reshape", "transpose", "stop_gradient", "slice")
COMPARISONS = {"greater": ">", "greater_equal": ">=", "equal": "=="}
INTEGERS = {
    "integer add": "+",
    "integer subtract": "-",
    "integer multiply": "*",
    "integer bitwise_and": "&",
    "integer bitwise_or": "|",
    "integer bitwise_xor": "^",
}
"""What is computed from integer and boolean arguments, in their own dtype."""
REDUCTIONS = {"sum": 0.0, "max": -inf, "min": inf}
"""Each with the value that it starts from."""
LOOPED = {"where", "cast", "copy", "position", *COMPARISONS, *INTEGERS, *REDUCTIONS}
"""What loops compute, besides the scalar kernels of the table."""


class CompileError(TypeError):
    """A function that cannot be compiled: it is not pure, or it needs a value where only shapes are known."""


@dataclass(frozen=True, eq=False)
class Node:
    """One value of the trace: what computes it, from which nodes, its shape and dtype, and the caller's line.

    kind: "argument", "constant", or the name of an op of the table; "slice" is `index` without arrays.
    weak: a Python number, which adopts the width of what it meets. literal: the value where it is known and uniform.
    """

    kind: str
    inputs: tuple["Node", ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    number: int
    line: str
    weak: bool = False
    literal: Any = None

    def sample(self) -> Any:
        """Something of this node's dtype for NumPy's promotion to look at."""
        return 0.0 if self.weak else np.zeros((), self.dtype)


def in_loops(n: Node) -> bool:
    """Whether a node may be computed in a loop with others. What is neither that, given nor a view is a step of its own
    (see `movement`): what it reads must be complete."""
    op = TABLE.get(n.kind)
    return (op is not None and op.kernel is not None) or n.kind in LOOPED


def enumerates(n: Node) -> bool:
    """Whether a constant is 0, 1, 2, …: as an index it is the loop's own variable."""
    value = n.params.get("value", np.zeros(()))
    return value.ndim == 1 and value.dtype.kind == "i" and bool((value == np.arange(len(value))).all())
