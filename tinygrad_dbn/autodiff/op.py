"""An op: what it computes, what it means, how it is differentiated. `ops/row.py` makes one of a function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from .errors import RESTATED, restated
from .operators import TABLE, Value
from .options import Options, normal, signature_of
from .tensor import apply, zeros_like

Rule: TypeAlias = Callable[..., Value]
Rules: TypeAlias = tuple[Rule | None, ...]
Edges: TypeAlias = Sequence[tuple[Any, Any]]


class Example(NamedTuple):
    """A call of an op: the shape of each array that is differentiated, or an array that is a constant; and options."""

    arrays: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(eq=False)
class Op:
    """A row of the table. Its rules are made of ops, so they can be differentiated again."""

    name: str
    forward: Rule
    """forward(*values, **params) computes on arrays of floats, and on arrays of objects in their own arithmetic."""
    vjps: Rules | Rule
    """vjps[i](g, y, *inputs, **params) takes the cotangent g of the output y to that of input i. None: nothing flows
    through input i. One rule instead of a tuple serves any number of inputs, and is told which by `index`."""
    jvps: Rules | Literal["linear"]
    """jvps[i](t, y, *inputs, **params) takes the tangent t of input i to its share of the output's. "linear": the op is
    linear in all its inputs together, hence its own derivative."""
    options: Options
    """The params: name → the function that brings it into its normal form (see `ops/arguments.py`), and its default."""
    meaning: Rule
    """The mathematical definition, a function of objects only. Proofs compare the forward computation with it."""
    domain: tuple[float, float]
    """The open interval of each input in which the op is defined and finite."""
    edges: Edges
    """(argument, value) pairs where the value needs saying: at ±0, ±inf, NaN and ties. Several arguments: a tuple."""
    slopes: Edges
    """(argument, partial derivatives) pairs where these have no limit: the convention at kinks and corners."""
    ulp: float
    """The largest error of the value that the row promises, in units in the last place."""
    slope_ulp: float
    """The same for the derivative of an elementwise op."""
    curvature_ulp: float
    """The same for its second derivative."""
    bound: Rule | None
    """bound(format, y, *inputs, **params), for an op that sums, whose terms may cancel, so that `ulp` is inf: the
    largest error of each element, in units of half of the spacing of floats at 1. See `ops/error_bounds.py`."""
    examples: Sequence[Example]
    """Calls for tests, proofs and `tinygrad-dbn explain`."""
    kernel: Rule | None
    """The scalar function of an elementwise op, else None."""
    mapped: Rule | None
    """mapped(params, T, shapes) for `vmap`: the params for T examples at once, each of which has one of the shapes, and
    how many axes an example is to have. See `mapping.py`. None: the op cannot be mapped."""
    aligned: bool
    """Whether inputs are matched axis by axis, so that `strict` refuses to lend one."""

    def __post_init__(self) -> None:
        self.__name__, self.__doc__ = self.name, self.forward.__doc__
        self.arity = len(self.vjps) if isinstance(self.vjps, tuple) else None  # None: any number of arrays
        self.__signature__ = signature_of(self.forward, self.arity, self.options)  # for `help` and editors

    def __call__(self, *inputs: Value, **params: Any) -> Value:
        try:
            if self.options or params or len(inputs) != self.arity:
                inputs, params = normal(self.options, self.arity, inputs, params)
            return apply(self, inputs, params)
        except RESTATED as error:
            raise restated(self.name, inputs, error) from None

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    @property
    def sealed(self) -> bool:
        """Whether nothing flows through any of its inputs."""
        return isinstance(self.vjps, tuple) and not any(self.vjps)

    def pull(self, index: int, g: Value, y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The cotangent of input `index` from the output's, or None where nothing flows."""
        if not isinstance(self.vjps, tuple):
            return self.vjps(g, y, *inputs, index=index, **params)
        rule = self.vjps[index]
        return None if rule is None else rule(g, y, *inputs, **params)

    def push(self, ts: dict[int, Value], y: Value, inputs: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """The output's tangent from those of the inputs that have one, or None where nothing flows."""
        if self.jvps == "linear":
            arrays = [x if hasattr(x, "dtype") else np.asarray(x) for x in inputs]  # or Tensors of a transform around
            return self(*(ts[i] if i in ts else zeros_like(x) for i, x in enumerate(arrays)), **params)
        total: Value = None
        for i, t in ts.items():
            if (rule := self.jvps[i]) is not None:
                share = rule(t, y, *inputs, **params)
                total = share if total is None else TABLE["add"](total, share)
        return total
