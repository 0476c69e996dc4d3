"""Errors of floats that are met: at arguments drawn from the whole range, against balls."""

from functools import cache

import numba
import numpy as np

from proofs.engine.rounding import floats_with
from proofs.harness.theorem import require
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inspect.accuracy import worst_value

WIDTHS = (np.float64, np.float32)


def within(measure, name, budget, widths=WIDTHS, points=40, forward=None):
    """Refuse unless the worst error that is met, in each width, is within the budget."""
    for dtype in widths:
        worst = measure(ops.TABLE[name], dtype, points, forward=forward)
        promised = f"{name} in {dtype.__name__} is within {budget} ulp"
        require(worst.ulps <= budget, promised, ulps=f"{worst.ulps:.3g}", at=worst.at)


def quiet(f):
    """f without NumPy's warnings: what it does beyond its range is what is examined."""
    return np.errstate(all="ignore")(f)


@cache
def rewritten(name, old, new):
    """One of the functions in `floats`, compiled from a source in which one passage is changed."""
    function = getattr(floats_with((old, new)), name)
    return quiet(numba.vectorize(["float64(float64)"])(lambda x: function(x)))


def met_within(name, budget, change=None):
    """Refuse if a float64 is met at which a function of `floats`, shipped or with a passage changed, errs by more."""
    within(worst_value, name, budget, (np.float64,), 200, forward=change and rewritten(name, *change))
