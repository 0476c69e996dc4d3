"""The library's functions run on SymPy symbols: formulas from code.

A `Symbolic` scalar answers to the operations kernels use, so an object array of them goes through any function of the
library, gradients included. Comparisons are the one difficulty: `branches` reruns a function for every sign that a
compared difference can have, and `express` starts from the ops' meanings, most of which compare nothing.
"""

from collections.abc import Callable
from contextvars import ContextVar
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from ..kernels.scalar import meanings
from ..trees import tree_map

__all__ = ["Symbolic", "branches", "express", "expression", "expressions", "latex", "sign", "symbols"]


def __getattr__(name: str) -> Any:
    """The other exact numbers, from their own files: `Ball` needs python-flint, so it comes when it is asked for."""
    source = {"Exact": "rational", "log_array": "rational", "Ball": "balls", "balls": "balls", "precision": "balls"}
    if name not in source:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{source[name]}", __package__), name)


Signs = dict[sympy.Expr, int]
_ORACLE: ContextVar[Callable[[sympy.Expr], int] | None] = ContextVar("oracle", default=None)


class Symbolic:
    """A SymPy expression that behaves like a scalar. Floats become the dyadic rationals they are."""

    __slots__ = ("expr",)

    def __init__(self, value: Any) -> None:
        self.expr = expression(value)

    def __repr__(self) -> str:
        return str(self.expr)

    def __add__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Symbolic(self.expr + expression(other))

    __radd__ = __add__

    def __neg__(self) -> "Symbolic":
        return Symbolic(-self.expr)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Symbolic(self.expr - expression(other))

    def __rsub__(self, other: Any) -> "Symbolic":
        return Symbolic(expression(other) - self.expr)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Symbolic(self.expr * expression(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else Symbolic(self.expr / expression(other))

    def __rtruediv__(self, other: Any) -> "Symbolic":
        return Symbolic(expression(other) / self.expr)

    def __pow__(self, other: Any) -> "Symbolic":
        return Symbolic(self.expr ** expression(other))

    def __rpow__(self, other: Any) -> "Symbolic":
        return Symbolic(expression(other) ** self.expr)

    def exp(self) -> "Symbolic":
        return Symbolic(sympy.exp(self.expr))

    def expm1(self) -> "Symbolic":
        return Symbolic(sympy.exp(self.expr) - 1)

    def log(self) -> "Symbolic":
        return Symbolic(sympy.log(self.expr))

    def log1p(self) -> "Symbolic":
        return Symbolic(sympy.log(1 + self.expr))

    def sqrt(self) -> "Symbolic":
        return Symbolic(sympy.sqrt(self.expr))

    def tanh(self) -> "Symbolic":
        return Symbolic(sympy.tanh(self.expr))

    def sin(self) -> "Symbolic":
        return Symbolic(sympy.sin(self.expr))

    def cos(self) -> "Symbolic":
        return Symbolic(sympy.cos(self.expr))

    def erf(self) -> "Symbolic":
        return Symbolic(sympy.erf(self.expr))

    def erfc(self) -> "Symbolic":
        return Symbolic(1 - sympy.erf(self.expr))

    def erf_slope(self) -> "Symbolic":
        return Symbolic(2 * sympy.exp(-(self.expr**2)) / sympy.sqrt(sympy.pi))

    def __abs__(self) -> "Symbolic":
        return self if sign(self.expr) >= 0 else -self

    def __eq__(self, other: object) -> bool:
        # Two formulas are equal here only if they are identically so: `branches` looks at open regions.
        return bool(sympy.expand(self.expr - expression(other)) == 0)

    def __hash__(self) -> int:
        return hash(self.expr)

    def __gt__(self, other: Any) -> bool:
        return sign(self.expr - expression(other)) > 0

    def __ge__(self, other: Any) -> bool:
        return sign(self.expr - expression(other)) >= 0

    def __lt__(self, other: Any) -> bool:
        return sign(self.expr - expression(other)) < 0

    def __le__(self, other: Any) -> bool:
        return sign(self.expr - expression(other)) <= 0


def expression(value: Any) -> sympy.Expr:
    """The SymPy expression of a scalar, exactly: a float is a dyadic rational."""
    if isinstance(value, Symbolic):
        return value.expr
    if isinstance(value, bool | int | np.integer | np.bool_):
        return sympy.Integer(int(value))
    if isinstance(value, float | np.floating | Fraction):
        return sympy.Rational(*value.as_integer_ratio())
    if isinstance(value, sympy.Expr):
        return value
    raise TypeError(f"no symbolic expression for {value!r} of type {type(value).__name__}")


def sign(difference: sympy.Expr) -> int:
    """−1, 0 or 1: known to SymPy, or chosen by the `branches` around."""
    difference = sympy.expand(difference)
    for value, known in ((0, difference.is_zero), (1, difference.is_positive), (-1, difference.is_negative)):
        if known:
            return value
    oracle = _ORACLE.get()
    if oracle is None:
        raise ValueError(f"the sign of {difference} decides a branch: use `branches`, which takes each in turn")
    if difference.could_extract_minus_sign():
        return -oracle(-difference)
    return oracle(difference)


def branches(f: Callable[[], Any]) -> list[tuple[Signs, Any]]:
    """f's result for every choice of signs of the differences that it compares, each with those signs.

    Only + and − are taken: each choice describes an open region, and together these are dense. Regions may be empty.
    """
    results: list[tuple[Signs, Any]] = []
    ahead: list[tuple[int, ...]] = [()]
    while ahead:
        prefix = ahead.pop()
        signs: Signs = {}

        def choose(difference: sympy.Expr, prefix: tuple[int, ...] = prefix, signs: Signs = signs) -> int:
            if difference not in signs:
                if len(signs) < len(prefix):
                    signs[difference] = prefix[len(signs)]
                else:
                    ahead.append((*signs.values(), -1))
                    signs[difference] = 1
            return signs[difference]

        token = _ORACLE.set(choose)
        try:
            results.append((signs, f()))
        finally:
            _ORACLE.reset(token)
    return results


def symbols(name: str, shape: tuple[int, ...] = (), **assumptions: bool) -> NDArray[np.object_]:
    """An array of symbols name_i_j of the given shape, real unless assumed otherwise.

    >>> symbols("x", (2,))
    array([x_0, x_1], dtype=object)
    """
    out = np.empty(shape, object)
    for i in np.ndindex(shape):
        out[i] = Symbolic(sympy.Symbol("_".join([name, *map(str, i)]), **{"real": True, **assumptions}))
    return out


def expressions(values: Any) -> Any:
    """The SymPy expressions in an array of symbolic scalars: an expression for a scalar, else an object array."""
    array = np.asarray(values, object)
    out = np.asarray(np.frompyfunc(expression, 1, 1)(array), object)
    return out[()] if out.shape == () else out


def express(f: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    """The formula of f: f run on arrays of real symbols x, y, z … of the given shapes.

    f may be any function of the library, a gradient included. The result has the structure of f's: an expression for
    a scalar, an object array of expressions for an array. Raises ValueError where f branches on the sign of a symbol.

    >>> from tinygrad_dbn import grad, ops
    >>> express(ops.softplus, ())
    log(exp(x) + 1)
    >>> express(grad(ops.softplus), ())
    1/(1 + exp(-x))
    """
    names = "xyzuvw" if len(shapes) <= 6 else [f"x{i}" for i in range(len(shapes))]
    with meanings():
        result = f(*(symbols(name, shape) for name, shape in zip(names, shapes, strict=False)))
    return tree_map(expressions, result) if not isinstance(result, Symbolic) else result.expr


def latex(f: Callable[..., Any], *shapes: tuple[int, ...]) -> str:
    """The formula of a scalar-valued f in LaTeX."""
    return str(sympy.latex(express(f, *shapes)))
