"""`row`: the one way to declare an op. It makes a function into a row of the table."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from math import inf
from typing import Any, Literal, TypeAlias

import numpy as np

from ..kernels.line import along
from ..kernels.scalar import elementwise, names_read, promoted, quietly, using_meanings
from ..op import Edges, Example, Op, Rule, Rules
from ..operators import TABLE, Value
from ..options import MISSING
from ..tensor import apply
from .mapped import in_line, next_axis

Options: TypeAlias = dict[str, Rule | tuple[Rule, Any]]
"""name → the function that brings an option into its normal form; or (function, default)."""
Partial: TypeAlias = Rule | int | None

_READ = {"scalars": {"np", "special"}, "lines": {"np", "peak"}}
"""What a compiled function may read from outside: names that mean the functions of `floats` there."""

REALS = (-inf, inf)
_NUMBERS = {bool, int, float}


def example(*arrays: Any, **options: Any) -> Example:
    """A call of an op: the shape of each array that is differentiated, or a constant array; and options."""
    return Example(arrays, options)


def calls(op: Op) -> list[tuple[Rule, list[tuple[int, ...]]]]:
    """Each example of an op, as a function of the arrays that are differentiated, and the shapes of these."""

    def call(given: Example) -> Rule:
        def f(*xs: Value) -> Value:
            rest = iter(xs)
            return op(*(next(rest) if isinstance(a, tuple) else a for a in given.arrays), **given.options)

        return f

    return [(call(e), [a for a in e.arrays if isinstance(a, tuple)]) for e in op.examples]


USUAL = ((1, 2), (2, 1), (1,))
"""The shapes in the example of an elementwise op whose row names none: they are broadcast to one another."""


def row(
    *partials: Partial,
    of: Literal["scalars", "lines", "arrays"] = "scalars",
    meaning: Rule | None = None,
    vjps: Rules | Rule = (),
    jvps: Rules | Literal["linear"] = (),
    domain: tuple[float, float] = REALS,
    edges: Edges = (),
    examples: Sequence[Example] = (),
    options: Options | None = None,
    slopes: Edges = (),
    ulp: float,
    slope_ulp: float = 4,
    curvature_ulp: float = 8,
    bound: Rule | None = None,
    mapped: Rule | None = None,
    promotes: bool = True,
) -> Callable[[Rule], Op]:
    """A row of the table from a function, which is written in one of three ways. `Op` says what the arguments are.

    of="scalars"
        y = f(x, …) for numbers: a scalar kernel. Its partial derivatives ∂y/∂x_i come first, `lambda y, *x: …`; vjp and
        jvp follow from them. A partial derivative may be the number 1 or −1; None says that nothing flows.
    of="lines"
        f(x, y) reads a line x of an array and fills the line y, as long as x, or of one number where the row has an
        option `keepdims`. It runs along the option `axis`.
    of="arrays"
        y = f(*arrays, **options), written with NumPy. The arrays come as floats of one width, unless promotes is False.

    A function of scalars or lines is compiled, and its machine code kept. From outside it may read `np`; one of scalars
    `special` too, one of lines `peak`. Anything else could change, and the machine code would not.

    mapped says how `td.vmap` runs a row of arrays, with a function of `ops/mapped.py`; scalars and lines need none.

    Without a meaning the function is its own. A partial derivative must not choose by the value of an argument through
    which something flows: such a choice is a constant, and what depends on it is lost from the next derivative. `chain`
    and the ops with `slopes` are the only ones that know cases.

    Raises TypeError where rules are missing and where some are given that would not be used; ValueError for a function
    without a docstring, one that reads other names, and for a name that is in the table already.

    >>> @row(lambda y, x: 3 * TABLE["square"](x), meaning=lambda x: x**3, ulp=1)
    ... def cube(x):
    ...     "x³"
    ...     return x * x * x
    >>> cube(2.0)
    array(8.)
    >>> del TABLE["cube"]
    """
    if of not in ("scalars", "lines", "arrays"):
        raise TypeError(f'of={of!r} is none of "scalars", "lines" and "arrays"')
    if of == "scalars" and not (partials and meaning and not (vjps or jvps or options)):
        raise TypeError("a row of scalars has partial derivatives and a meaning, and neither vjps, jvps nor options")
    if of != "scalars" and not (vjps and jvps and not partials):
        raise TypeError('a row of lines or arrays has vjps and jvps, and no partial derivatives; "linear" is a jvp too')
    if of != "arrays" and not promotes:
        raise TypeError("promotes=False is for rows of arrays: scalars and lines are floats of one width")
    if of == "scalars":
        vjps = tuple(None if d is None else _vjp(i, d) for i, d in enumerate(partials))
        jvps = tuple(None if d is None else _jvp(d) for d in partials)

    def make(function: Rule) -> Op:
        if of != "arrays" and (others := names_read(function) - _READ[of]):
            raise ValueError(
                f"op {function.__name__!r} reads {', '.join(sorted(others))} from outside its function, and its "
                "machine code, which is kept, would not follow when that changes: write numbers into the function, and "
                "of functions call np's and Python's own alone; a row of=\"arrays\" may read anything"
            )
        forward = function
        if of == "scalars":
            forward = elementwise(function, meaning or function)
        elif promotes:
            run = _of_lines(function, collapses="keepdims" in (options or {})) if of == "lines" else function
            forward = _of_arrays(run, meaning)
        op = Op(
            name=function.__name__,
            forward=forward,
            vjps=vjps,
            jvps=jvps,
            options={k: o if isinstance(o, tuple) else (o, MISSING) for k, o in (options or {}).items()},
            meaning=meaning or function,
            domain=domain,
            edges=edges,
            slopes=slopes,
            ulp=ulp,
            slope_ulp=slope_ulp,
            curvature_ulp=curvature_ulp,
            bound=bound,
            examples=examples or [example(*USUAL[: len(vjps) if isinstance(vjps, tuple) else 1])],
            kernel=function if of == "scalars" else None,
            mapped=mapped or (in_line if of == "scalars" else next_axis if of == "lines" else None),
            aligned=of == "scalars" or not promotes,
        )
        return _added(op)

    return make


def _added(op: Op) -> Op:
    """The op, in the table. Raises ValueError where its name is taken or it does not say what it computes."""
    if op.name in TABLE:
        raise ValueError(f"the table already has an op named {op.name!r}; give the function another name")
    if not op.__doc__ and sys.flags.optimize < 2:  # python -OO leaves docstrings out
        raise ValueError(f"op {op.name!r} has no docstring: say in one line what it computes")
    TABLE[op.name] = op
    return op


# ---- Forward: from what is written to a function of arrays ----------------------------------------------------------


def _of_lines(kernel: Rule, collapses: bool) -> Rule:
    @wraps(kernel)
    def forward(x: Value, **options: Any) -> Value:
        return along(kernel, x, collapses=collapses, **options)

    return forward


def _of_arrays(function: Rule, meaning: Rule | None) -> Rule:
    @wraps(function)
    def forward(*values: Value, **options: Any) -> Value:
        dtype, arrays = promoted(values)
        run = meaning if meaning is not None and dtype.hasobject and using_meanings() else function
        return np.asarray(quietly(run, arrays, options), dtype)

    return forward


# ---- Rules of an elementwise op, from its partial derivatives -------------------------------------------------------


def _vjp(i: int, partial: Rule | int) -> Rule:
    return lambda g, y, *x: unbroadcast(_scaled(g, partial, y, x), x[i].shape)


def _jvp(partial: Rule | int) -> Rule:
    return lambda t, y, *x: stretched(_scaled(t, partial, y, x), y.shape)


def _scaled(g: Value, partial: Rule | int, y: Value, x: tuple[Value, ...]) -> Value:
    """g times the partial derivative. The Jacobian is diagonal, so cotangents and tangents are scaled alike.

    By way of `chain`, for which zero times anything is zero: a branch that was not taken sends nothing back, whatever
    its derivative.
    """
    if isinstance(partial, int):
        return g if partial == 1 else TABLE["negative"](g)
    return TABLE["chain"](g, partial(y, *_in_the_width_of(y, x)))


def _in_the_width_of(y: Value, x: tuple[Value, ...]) -> tuple[Value, ...]:
    """Python's numbers among the inputs as floats of y's width: a rule that looks at one alone, as x / 2 does at 2,
    would compute in float64."""
    if y.dtype.hasobject or _NUMBERS.isdisjoint(map(type, x)):
        return x
    return tuple([np.asarray(v, y.dtype) if type(v) in _NUMBERS else v for v in x])


def unbroadcast(g: Value, shape: tuple[int, ...]) -> Value:
    """Sum a cotangent over the axes along which its input was broadcast: the one place where that is undone."""
    given = g.shape
    if given == shape:
        return g
    extra = len(given) - len(shape)
    lent = tuple([i for i, n in enumerate(given) if i < extra or n != shape[i - extra]])
    g = apply(TABLE["sum"], (g,), {"axis": lent, "keepdims": False})
    return g if g.shape == shape else apply(TABLE["reshape"], (g,), {"shape": shape})


def stretched(t: Value, shape: tuple[int, ...]) -> Value:
    """The other way round: a tangent broadcast to the shape of the output, where its input was smaller."""
    return t if t.shape == shape else apply(TABLE["broadcast_to"], (t,), {"shape": shape})
