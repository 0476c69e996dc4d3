"""An op: one row of the table."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from .callers import callers_line
from .errors import explained, restated
from .operators import TABLE, Value
from .options import MISSING, normal
from .tensor import apply

Rule: TypeAlias = Callable[..., Value]
Edges: TypeAlias = Sequence[tuple[Any, Any]]


class Op:
    """One row of the table: what an op computes, what it means, how it is differentiated, where it is special.

    forward(*values, **params)
        computes on arrays of floats, and on arrays of objects in their own arithmetic.
    meaning
        the mathematical definition, a function of objects only. Proofs compare the forward computation with it.
    vjps[i](g, y, *inputs, **params)
        takes the cotangent g of the output y to that of input i. None: nothing flows through input i. One rule
        instead of a tuple serves any number of inputs, and is told which by `index`.
    jvps[i](t, y, *inputs, **params)
        takes the tangent t of input i to its share of the output's. "linear" stands for an op that is linear in all
        its inputs together, hence its own derivative.
    domain
        the open interval of each input in which the op is defined and finite.
    edges
        (argument, value) pairs where the value needs saying: at ±0, ±inf, NaN and ties. Several arguments are a tuple.
    options
        name → the function that brings it into its normal form (see `ops/arguments.py`), or (function, default).
    slopes
        (argument, partial derivatives) pairs where these have no limit: the convention at kinks and corners.
    ulp
        the largest error, in units in the last place, that the row promises.
    slope_ulp, curvature_ulp
        the same for the first and second derivatives of an elementwise op.
    bound(format, y, *inputs, **params)
        for an op that sums, whose terms may cancel, so that `ulp` is inf: the largest error of each element, in units
        of half of the spacing of floats at 1. They are written, and derived, in `ops/error_bounds.py`.

    Rules are made of ops, so they can be differentiated again.
    """

    def __init__(
        self,
        name: str,
        forward: Rule,
        *,
        meaning: Rule,
        vjps: tuple[Rule | None, ...] | Rule,
        jvps: tuple[Rule | None, ...] | Literal["linear"],
        domain: tuple[float, float],
        edges: Edges,
        ulp: float,
        options: dict[str, Rule | tuple[Rule, Any]] | None = None,
        slopes: Edges = (),
        slope_ulp: float = 4,
        curvature_ulp: float = 8,
        bound: Rule | None = None,
    ) -> None:
        if name in TABLE:
            raise ValueError(f"the table already has an op named {name!r}")
        if not forward.__doc__ and sys.flags.optimize < 2:  # python -OO leaves docstrings out
            raise ValueError(f"op {name!r} has no docstring: say in one line what it computes")
        self.name, self.forward, self.meaning, self.vjps, self.jvps = name, forward, meaning, vjps, jvps
        self.domain, self.edges, self.slopes, self.bound = domain, edges, slopes, bound
        self.ulp, self.slope_ulp, self.curvature_ulp = ulp, slope_ulp, curvature_ulp
        self.arity = len(vjps) if isinstance(vjps, tuple) else None  # None: any number of arrays
        self.options = {k: o if isinstance(o, tuple) else (o, MISSING) for k, o in (options or {}).items()}
        self.kernel: Rule | None = None  # the scalar kernel, where the op is elementwise
        self.aligned = False  # whether its inputs are matched axis by axis, and `strict` refuses to lend one
        self.__name__, self.__doc__ = name, forward.__doc__
        TABLE[name] = self

    def __call__(self, *inputs: Value, **params: Any) -> Value:
        if self.options or params or len(inputs) != self.arity:
            try:
                inputs, params = normal(self.options, self.arity, inputs, params)
            except (ValueError, TypeError, IndexError) as error:
                raise restated(error, explained(self.name, inputs, error)) from None
        return apply(self, inputs, params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def pull(self, index: int, g: Value, y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The cotangent of input `index` from the output's, or None where nothing flows."""
        if not isinstance(self.vjps, tuple):
            return self.vjps(g, y, *inputs, index=index, **params)
        if index >= len(self.vjps):
            raise NotImplementedError(
                f"{self.name} has no rule for its input {index}: nobody has written one, so this is not a zero; "
                f"add a vjp to its row, or write ops.stop_gradient(x) for that input\n  in {callers_line()}"
            )
        rule = self.vjps[index]
        return None if rule is None else rule(g, y, *inputs, **params)

    def push(self, ts: list[Value], y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The output's tangent from those of the inputs (None: constant), or None where nothing flows."""
        if self.jvps == "linear":
            given = zip(ts, inputs, strict=True)
            return self(
                *(np.zeros(np.shape(x), getattr(x, "dtype", float)) if t is None else t for t, x in given), **params
            )
        total: Value = None
        for rule, t in zip(self.jvps, ts, strict=True):
            if rule is not None and t is not None:
                share = rule(t, y, *inputs, **params)
                total = share if total is None else TABLE["add"](total, share)
        return total
