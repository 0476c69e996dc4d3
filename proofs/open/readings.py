"""What each op of the table is read as, at open sizes.

An elementwise op, and the softmax family, by their meanings, which run on `Open` arrays as they stand; the ops that
move or add elements by the rows of `READINGS`. The others are refused, each with a sentence that says why.
"""

from dataclasses import dataclass
from hashlib import sha1

import numpy as np

from proofs.kernel.terms import NONNEGATIVE, ZERO, Family, Index, Num, log, variables
from proofs.open import arrays
from proofs.open.arrays import NoReading, Open, count, elementwise, fresh, gone_of, indexed, matmul, placed, summed
from tinygrad_dbn.autodiff.operators import TABLE

BY_MEANING = (
    "add", "subtract", "multiply", "divide", "negative", "reciprocal", "square", "chain", "exp", "expm1", "log",
    "log1p", "sigmoid", "sigmoid_slope", "softplus", "log_sigmoid", "logsumexp", "softmax", "log_softmax",
)  # fmt: skip

CHOOSES = "chooses by the value of its arguments, and a term has no cases"
REFUSED = {
    **dict.fromkeys(("abs", "sign", "maximum", "minimum", "clip", "max", "min"), CHOOSES),
    **dict.fromkeys(("greater_equal", "equal"), "gives truth values, which no term has"),
    **dict.fromkeys(("sin", "cos", "erf", "erfc", "erf_slope"), "has no term, which knows exp and log alone"),
    "cumsum": "adds up to a place: the places of a set have no order",
    "sqrt": "takes a root, and a term has whole powers only",
    "log1mexp": "takes the logarithm of 1 − e^x, whose sign is not evident",
}


@dataclass(frozen=True, eq=False)
class Positive:
    """The truth values of x > 0."""

    of: Open


def tanh(x):
    """1 − 2 / (1 + e^2x), which has one exponential: sums of quotients have more than one normal form."""
    return 1 - 2 / (1 + np.exp(2 * x))


def mean(x, axis, keepdims):
    """The sum over the number of elements."""
    return summed(x, axis, keepdims) / arrays.constant(count(*(x.axes[k] for k in gone_of(x, axis) if x.axes[k])))


SWITCHES = {}
"""The arrays that `on` was asked for: family → array."""


def on(x):
    """1 where x > 0 and 0 elsewhere: a family of numbers >= 0, the same wherever it is asked for x.

    A term has no cases, so what is proved holds for any such numbers, and so for those that tell which side of its
    branch an element is on. That they are those, and do not change as x moves a little, the terms do not say.
    """
    places = [Index(f"at{k}", a_set) for k, a_set in enumerate(x.axes) if a_set]
    of = x(*places).key
    named = sorted((v.name, repr(v.sets), v.sign) for v in variables(x(*places)) if type(v) is Family)
    name = f"on_{sha1(repr((x.axes, of, named)).encode()).hexdigest()[:6]}"
    family = Family(name, tuple(a_set for a_set in x.axes if a_set), NONNEGATIVE)
    if SWITCHES.setdefault(family, x)(*places).key != of:
        raise NoReading(f"two arrays whose signs are asked for, and one name for both: {name}")
    return arrays.family(family, x.axes)


def power(x, y):
    """A whole power."""
    number = y.entry() if not y.axes else None
    if type(number) is not Num or number.value.denominator != 1:
        raise NoReading("power is read with a whole number as its exponent only")
    return x**number.value


def greater(x, y):
    """x > 0."""
    if y.axes or y.entry() != ZERO:
        raise NoReading("greater gives truth values, which no term has, but for q > 0 as the condition of `where`")
    return Positive(x)


def where(condition, x, y):
    """log q where q > 0 and 0 elsewhere, for q >= 0: as the logarithm of the kernel, which is 0 at 0."""

    def logarithm(q, x, y):
        if q.sign < NONNEGATIVE or x != log(q) or y != ZERO:
            raise NoReading(f"where {CHOOSES}, but for where(q > 0, log q, 0)")
        return x

    if not isinstance(condition, Positive):
        raise NoReading(f"where {CHOOSES}")
    found = elementwise(logarithm, condition.of, x, y)
    found(*(fresh(a_set) for a_set in found.axes if a_set))
    return found


def concatenate(*xs, axis):
    """One array is itself."""
    if len(xs) > 1:
        raise NoReading("concatenate joins axes: the places of a set are not told apart")
    return xs[0]


READINGS = {
    "relu": lambda x: on(x) * x,
    "step": on,
    "tanh": tanh,
    "sum": summed,
    "mean": mean,
    "matmul": matmul,
    "power": power,
    "transpose": arrays.transposed,
    "reshape": lambda x, shape: arrays.reshaped(x, shape),
    "broadcast_to": lambda x, shape: arrays.broadcast(x, shape),
    "index": lambda x, at: indexed(x, at),
    "place": lambda x, at, shape: placed(x, at, shape),
    "stop_gradient": lambda x: x,
    "greater": greater,
    "where": where,
    "concatenate": concatenate,
    "stack": arrays.stacked,
}
"""How an op is read: a function of `Open` arrays and of its options, in which shapes are axes, and positions `Open`."""


def read(op, inputs, options):
    """What an op makes of `Open` arrays. Raises NoReading where it has no reading."""
    if op.name in READINGS:
        return READINGS[op.name](*inputs, **options)
    if op.name in BY_MEANING:
        return TABLE[op.name].meaning(*inputs, **options)
    raise NoReading(f"{op.name} {REFUSED.get(op.name, 'has no reading')}")
