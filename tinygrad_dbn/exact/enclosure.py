"""Any exact quantity with a rigorous error bound: the same function, run once more in ball arithmetic.

`log_partition`, `log_likelihood` and `gradient` bound the rounding of their compiled sums themselves, at no cost
(`with_error=True`). This is for everything else. A ball holds the exact value whatever is rounded on the way,
so its middle is the figure and its radius the bound; where that is too wide, more bits are taken.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autodiff.kernels.scalar import meanings
from ..autodiff.trees import flatten, tree_map
from ..extras import needing

BITS = (128, 256, 512, 1024, 2048, 4096, 16_384)


def certified(f: Callable[..., Any], model: Any, *arguments: Any, tolerance: float = 1e-12, **settings: Any) -> Any:
    """(value, error) of f(model, *arguments, **settings): trees of float64, each |value − exact| ≤ error.

    The model's arrays are taken as the exact numbers they are; arguments such as X as well. Every error is at most
    tolerance · (1 + |value|). f is a function of `td.exact` that is made of ops – all but samples, searches and
    expected updates – or one of your own made of those; a float that it computes on the side is taken for exact. It
    runs on the ops' meanings, since a stable kernel has nothing to protect a ball from. Each number costs
    microseconds, so this is for models of up to a dozen enumerated units. f refuses what is beyond its own budget,
    which max_seconds and max_bytes among the settings change.

    Raises ValueError where even the most bits do not suffice, as for a quantity that is not finite; ImportError
    without python-flint; and what f raises.

    >>> import tinygrad_dbn as td
    >>> rbm = td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2))
    >>> value, error = certified(td.exact.entropy, rbm)  # 3 ln 2
    >>> float(value), bool(error < 1e-15)
    (2.0794415416798357, True)
    """
    from ..autodiff.numbers.balls import Ball, balls, precision

    for bits in BITS:
        with precision(bits), meanings():
            result = f(tree_map(balls, model), *arguments, **settings)
            leaves, rebuild = flatten(np.asarray(result, object) if isinstance(result, Ball) else result)
            values, errors = zip(*(_floats(leaf) for leaf in leaves), strict=True)
        if all((e <= tolerance * (1 + np.abs(v))).all() for v, e in zip(values, errors, strict=True)):
            return rebuild(list(values)), rebuild(list(errors))
    raise ValueError(
        f"{getattr(f, '__name__', f)} is not known to {tolerance:g} with {BITS[-1]} bits: it is infinite or undefined "
        "there, or its terms cancel; look at its parts"
    )


def _floats(leaf: Any) -> tuple[Any, Any]:
    """The middles of an array of balls, and bounds on their distance from anything in the balls; inf for NaN."""
    with needing("ball arithmetic", "flint"):
        from flint import arb

    from ..autodiff.numbers.balls import Ball

    array = np.asarray(leaf, object)
    value, error = np.empty(array.shape), np.empty(array.shape)
    for index in np.ndindex(array.shape):
        number: Any = array[index]
        ball = number.arb if isinstance(number, Ball) else arb(float(number))
        value[index] = float(ball.mid())
        off = abs(ball - arb(float(value[index]))) if ball.is_finite() else None
        error[index] = np.inf if off is None else np.nextafter(float(off.upper()), np.inf)
    return value, error
