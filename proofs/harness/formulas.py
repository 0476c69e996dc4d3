"""Arrays of formulas, as shipped code computes them on symbols, and their comparison by the decision procedure."""

import numpy as np
import sympy

from proofs.decide.zero import is_zero
from proofs.harness.theorem import Refuted
from tinygrad_dbn.autodiff.numbers.symbolic import expression

formulas = np.vectorize(expression, otypes=[object])
"""An array of SymPy expressions, from one of symbols as shipped code computes with them."""


def over(f, a):
    """f of every entry of an array of formulas."""
    return np.vectorize(f, otypes=[object])(a)


def equal_formulas(got, wanted, what):
    """Refuse unless two arrays of formulas are identically equal, entry by entry."""
    got, wanted = np.asarray(got, object), np.asarray(wanted, object)
    if got.shape != wanted.shape:
        raise Refuted(f"{what}: shape {got.shape}, not {wanted.shape}")
    for index in np.ndindex(got.shape):
        difference = expression(got[index]) - expression(wanted[index])
        if not is_zero(
            difference.replace(_symbolic_power, lambda e: sympy.exp(sympy.expand(e.exp * sympy.log(e.base))))
        ):
            raise Refuted(f"{what}{list(index)}: {got[index]} is not {wanted[index]}")


def _symbolic_power(e):
    """x^y, which is by definition e^(y log x)."""
    return e.is_Pow and not e.exp.is_number


def derivatives(formula, variables):
    """∂ formula / ∂ v for an array of symbols v, in its shape."""
    return over(lambda v: sympy.diff(expression(formula), expression(v)), variables)


def sigm(a):
    """The lecture's sigm, of an expression."""
    return 1 / (1 + sympy.exp(-a))
