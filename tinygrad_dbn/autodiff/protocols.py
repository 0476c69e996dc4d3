"""Every way in which Python or NumPy can take hold of a Tensor, and what comes of it.

A function is to mean the same inside a trace as outside. So nothing here is left to Python's defaults: a protocol
either does on a Tensor what it does on an array, as an op that has a derivative, or it is refused, and the error says
what to write. `PROTOCOLS` is the whole list. The operators that it names are written in `operators`; the refusals are
made from the list itself, at the end of this file.

One rule is behind the refusals: a value leaves a trace only as `x.value`, `x.numpy()`, `x.item()` or a position,
`x.argmax()`, where a reader sees it. As a float or as an
array of NumPy's it would take no derivative with it, and the gradient would be wrong without a word.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .callers import callers_line
from .operators import COMPOSED, TABLE, Operators


class Runs(NamedTuple):
    """As on arrays, and with a derivative: it runs this row of the table."""

    written: str
    methods: str
    row: str


class Shape(NamedTuple):
    """As on arrays: it reads the shape, which every trace has."""

    written: str
    methods: str


class Branch(NamedTuple):
    """As on arrays: it reads the value, to choose or to show. While a function is compiled there is none."""

    written: str
    methods: str


class Own(NamedTuple):
    """What is true of a Tensor, where arrays differ."""

    written: str
    methods: str


class Refused(NamedTuple):
    """An error that says why, and what to write instead."""

    written: str
    methods: str
    why: str
    instead: str


class Absent(NamedTuple):
    """Methods that a Tensor must not have, and why."""

    methods: str
    why: str


_LEAVES = "the number would leave the trace, and its derivative would be lost"
_ARRAY = "an array of NumPy's would leave the trace, and its derivative would be lost"
_STEPS = "between its jumps it is constant, so its derivative is 0 or none"
_BITS = "a Tensor has no bits"
_WRITTEN = "a Tensor is not written in place: its rules will read the old values"
_CONSTANT = "a constant is computed from x.value, or outside td.compile and passed as an argument"
_DIVIDE = f"write x / y; {_CONSTANT}"
_ROUND = f"leave it out; {_CONSTANT}"
_FLOAT = f"write functions of td.ops, as td.ops.exp(x) for math.exp(x); {_CONSTANT}"
_STACK = f"write td.ops.stack([x, y]), and td.ops.where or td.ops.concatenate for an array that is filled; {_CONSTANT}"
_REBUILD = "write td.ops.where(mask, new, x), or td.ops.concatenate the parts"

PROTOCOLS: tuple[Runs | Shape | Branch | Own | Refused | Absent, ...] = (
    Runs("x + y", "__add__ __radd__", "add"),
    Runs("x - y", "__sub__ __rsub__", "subtract"),
    Runs("x * y", "__mul__ __rmul__", "multiply"),
    Runs("x / y", "__truediv__ __rtruediv__", "divide"),
    Runs("x ** y", "__pow__ __rpow__", "power"),
    Runs("x @ y", "__matmul__ __rmatmul__", "matmul"),
    Runs("-x * y", "__neg__", "negative"),
    Runs("+x * y", "__pos__", "multiply"),
    Runs("abs(x - y)", "__abs__", "abs"),
    Runs("np.multiply(x, y)", "__array_ufunc__", "multiply"),  # NumPy's arrays hand their operators over like this
    Runs("np.exp(x) * np.maximum(y, 1.6)", "", "exp"),  # every ufunc of NumPy's that has a row of its name
    Runs("np.mean(x * x) * np.linalg.norm(y)", "__array_function__", "mean"),  # the functions of `numpy_functions`
    # Nothing flows through a comparison, but it does through what is chosen.
    Runs("np.where(x > y, x * x, y)", "__gt__", "greater"),
    Runs("np.where(x >= y, x * x, y)", "__ge__", "greater_equal"),
    Runs("np.where(x < y, x * x, y)", "__lt__", "greater"),
    Runs("np.where(x <= y, x * x, y)", "__le__", "greater_equal"),
    Runs("np.where(x == y, x * x, y)", "__eq__", "equal"),
    Runs("np.where(x != y, x * x, y)", "__ne__", "equal"),
    Runs("np.where(~(x > y), x * x, y)", "__invert__", "equal"),
    Runs("np.where((x > y) & (y < 1.75), x * x, y)", "__and__ __rand__", "greater"),
    Runs("np.where((x > y) | (y < 1.75), x * x, y)", "__or__ __ror__", "greater_equal"),
    Runs("np.where((x > y) ^ (y < 1.75), x * x, y)", "__xor__ __rxor__", "equal"),
    # A sequence of its rows
    Runs("x[1:] * y[0]", "__getitem__", "index"),
    Runs("sum(a * b * b for a, b in zip(x, y))", "__iter__", "index"),
    Runs("next(reversed(x)) * y", "", "index"),
    Shape("len(x)", "__len__"),
    Shape("(np.shape(x), np.ndim(x), np.size(x), np.zeros_like(x).tolist())", ""),
    # The value chooses, or is shown.
    Branch("5.0 * x if y[0] == 1.5 else 7.0 * x", "__bool__"),
    Branch("5.0 * x if 2.0 in y else 7.0 * x", "__contains__"),
    Branch("x * float(format(y[0], '.3f'))", "__format__"),
    # An immutable value, known by its identity
    Own("{x: 1}[x] == 1 and len({x, x + y}) == 2", "__hash__"),
    Own("copy.copy(x) is x and copy.deepcopy([x])[0] is x", "__copy__ __deepcopy__"),
    Own("operator.iadd(x, y) is not x", ""),
    Own("(x == None) is False and (x != 'sigmoid') is True", ""),
    Own("repr(x).startswith('Tensor(') and str(x) == repr(x)", "__repr__ __str__"),
    Refused("x // y", "__floordiv__ __rfloordiv__", _STEPS, _DIVIDE),
    Refused("x % y", "__mod__ __rmod__", _STEPS, _DIVIDE),
    Refused("divmod(x, y)", "__divmod__ __rdivmod__", _STEPS, _DIVIDE),
    Refused("x << y", "__lshift__ __rlshift__", _BITS, "write x * 2.0**n"),
    Refused("x >> y", "__rshift__ __rrshift__", _BITS, "write x / 2.0**n"),
    Refused("round(x)", "__round__", _STEPS, _ROUND),
    Refused("math.trunc(x)", "__trunc__", _STEPS, _ROUND),
    Refused("math.floor(x)", "__floor__", _STEPS, _ROUND),
    Refused("math.ceil(x)", "__ceil__", _STEPS, _ROUND),
    Refused("float(x)", "__float__", _LEAVES, _FLOAT),
    Refused("complex(x)", "__complex__", _LEAVES, f"write the real and the imaginary part; {_CONSTANT}"),
    Refused("int(x)", "__int__", _LEAVES, _CONSTANT),
    Refused("operator.index(x)", "__index__", _LEAVES, _CONSTANT),
    Refused("np.asarray(x)", "__array__", _ARRAY, _STACK),
    Refused("np.from_dlpack(x)", "__dlpack__ __dlpack_device__", _ARRAY, _CONSTANT),
    Refused("operator.setitem(x, 0, 1.0)", "__setitem__", _WRITTEN, _REBUILD),
    Refused("operator.delitem(x, 0)", "__delitem__", _WRITTEN, "write td.ops.concatenate([x[:i], x[i + 1:]])"),
    Refused(
        "pickle.dumps(x)", "__reduce__ __reduce_ex__ __getstate__", "a Tensor belongs to its trace", "save x.value"
    ),
    Absent(
        "__iadd__ __isub__ __imul__ __itruediv__ __ipow__ __imatmul__ __ifloordiv__ __imod__ "
        "__iand__ __ior__ __ixor__ __ilshift__ __irshift__",
        "x += y gives x a new value, as it does for numbers; an array is not changed by x += y where y is a Tensor",
    ),
    Absent("__reversed__", "Python goes from the last row to the first by itself"),
    Absent("__buffer__ __release_buffer__ __array_interface__ __array_struct__", "NumPy goes on to __array__"),
    Absent("__array_priority__ __array_wrap__ __array_prepare__ __array_finalize__", "__array_ufunc__ decides"),
    Absent("__array_namespace__", "td.ops is not the array API's"),
    Absent("__setstate__ __getnewargs__", "nothing is pickled"),
)

_UFUNCS: dict[np.ufunc, tuple[str, str]] = {
    np.add: ("__add__", "__radd__"),
    np.subtract: ("__sub__", "__rsub__"),
    np.multiply: ("__mul__", "__rmul__"),
    np.divide: ("__truediv__", "__rtruediv__"),
    np.power: ("__pow__", "__rpow__"),
    np.matmul: ("__matmul__", "__rmatmul__"),
    np.floor_divide: ("__floordiv__", "__rfloordiv__"),
    np.remainder: ("__mod__", "__rmod__"),
    np.divmod: ("__divmod__", "__rdivmod__"),
    np.left_shift: ("__lshift__", "__rlshift__"),
    np.right_shift: ("__rshift__", "__rrshift__"),
    np.bitwise_and: ("__and__", "__rand__"),
    np.bitwise_or: ("__or__", "__ror__"),
    np.bitwise_xor: ("__xor__", "__rxor__"),
    np.greater: ("__gt__", "__lt__"),
    np.greater_equal: ("__ge__", "__le__"),
    np.less: ("__lt__", "__gt__"),
    np.less_equal: ("__le__", "__ge__"),
    np.equal: ("__eq__", "__eq__"),
    np.not_equal: ("__ne__", "__ne__"),
    np.negative: ("__neg__", ""),
    np.positive: ("__pos__", ""),
    np.absolute: ("__abs__", ""),
    np.invert: ("__invert__", ""),
}
"""The ufuncs that are operators of Python: the method that runs them, and the one where the Tensor is on the right."""

_OF_SHAPES: dict[Any, Callable[..., Any]] = {
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x, axis=None: x.size if axis is None else x.shape[axis],
    np.zeros_like: lambda x: np.zeros(x.shape, x.dtype),
    np.ones_like: lambda x: np.ones(x.shape, x.dtype),
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""NumPy's functions that Tensors take: what runs for each, with the arguments it knows. `ops.functions` adds them."""
_OTHER_NAMES = {"amax": "max", "amin": "min", "dot": "matmul", "inner": "matmul", "take_along_axis": "take_along"}


class Protocols(Operators):
    """The rest of what a Tensor answers to; its subclasses choose the error that refuses."""

    __slots__ = ()

    refusal: ClassVar[type[Exception]] = TypeError

    def refused(self, what: str, why: str, instead: str) -> Exception:
        """The error: what was given, why it fails, what to write, and where."""
        given: Any = self
        return self.refusal(f"{what} meets a Tensor of {given.dtype}, shape {given.shape}: {why}; {instead}\n"
                            f"  in {callers_line()}")  # fmt: skip

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and not options and ufunc in _UFUNCS:
            name, reflected = _UFUNCS[ufunc]
            if isinstance(inputs[0], Protocols):
                return getattr(inputs[0], name)(*inputs[1:])
            return getattr(inputs[1], reflected)(inputs[0])
        row = TABLE.get(ufunc.__name__) or COMPOSED.get(ufunc.__name__)
        if method == "__call__" and not options and getattr(np, ufunc.__name__, None) is ufunc and row is not None:
            return row(*inputs)  # NumPy's function of that name
        what = f"np.{ufunc.__name__}" if hasattr(np, ufunc.__name__) else f"the ufunc {ufunc.__name__}"
        if "out" in options:
            raise self.refused(f"{what} with an array to write to", _ARRAY, "write a = a + x for a += x")
        why = f"it supports ufuncs that are operators or have a row of their name; {_ARRAY}"
        raise self.refused(what, why, _in_ops(ufunc.__name__))

    def __array_function__(self, function: Any, types: Any, args: Any, options: dict[str, Any]) -> Any:
        if function in _OF_SHAPES:
            return _OF_SHAPES[function](*args, **options)
        if function in FUNCTIONS and _takes(FUNCTIONS[function], args, options):
            return FUNCTIONS[function](*args, **options)
        what = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
        raise self.refused(what, _ARRAY, _in_ops(function.__name__))

    def __copy__(self) -> "Protocols":
        return self  # another Tensor would be another leaf, and what flows to it would be lost

    def __deepcopy__(self, memo: Any) -> "Protocols":
        return self


def _in_ops(name: str) -> str:
    """What to write for a function of NumPy's."""
    op = _OTHER_NAMES.get(name, name)
    if op in TABLE or op in COMPOSED:
        return f"write td.ops.{op}"
    return f"write it with td.ops, or declare a row {name} of your own with td.ops.row; {_CONSTANT}"


def _takes(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> bool:
    """Whether a function of ours can be called so: NumPy's has options that ours has not, as dtype and out."""
    try:
        signature(function).bind(*args, **options)
    except TypeError:
        return False
    return True


def _refuse(row: Refused, method: str) -> Callable[..., Any]:
    def refuse(self: Protocols, *_: Any, **__: Any) -> Any:
        raise self.refused(f"{row.written} ({method})", row.why, row.instead)

    refuse.__name__ = method
    return refuse


for _row in PROTOCOLS:
    if isinstance(_row, Refused):
        for _method in _row.methods.split():
            setattr(Protocols, _method, _refuse(_row, _method))
