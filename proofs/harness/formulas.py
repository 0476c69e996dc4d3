"""Arrays of formulas, as shipped code computes them on symbols, and their comparison by the decision procedure."""

import numpy as np
import sympy

from proofs.decide.zero import counterexample, has_a_point
from proofs.harness.evidence import Refuted, alike, entry
from proofs.harness.record import unnoted
from tinygrad_dbn.autodiff.numbers.symbolic import branches, expression

formulas = np.vectorize(expression, otypes=[object])
"""An array of SymPy expressions, from one of symbols as shipped code computes with them."""


def over(f, a):
    """f of every entry of an array of formulas."""
    return np.vectorize(f, otypes=[object])(a)


def on_branches(f):
    """The `branches` of f, those first at which a point is found: a refusal on one that may be empty shows nothing."""
    perhaps_empty = []
    for signs, result in branches(f):
        if has_a_point(signs):
            yield signs, result
        else:
            perhaps_empty.append((signs, result))
    yield from perhaps_empty


def equal_formulas(got, wanted, what, where=None):
    """Refuse unless two arrays of formulas are identically equal, entry by entry.

    On a branch, ``where`` has the signs that hold there: of two formulas that differ, a point on it is shown.
    """
    got, wanted = alike(got, wanted, what)
    for index in np.ndindex(got.shape):
        if found := _difference(got[index], wanted[index], where):
            raise Refuted("formula", entry(what, index), f"the two differ by {found}")


def different_formulas(got, other, what):
    """Refuse if two arrays of formulas are identically equal in every entry."""
    got, other = alike(got, other, what)
    if all(_difference(a, b) is None for a, b in zip(got.flat, other.flat, strict=True)):
        raise Refuted("agreement", what, f"all {got.size} entries agree identically, the first with {other.flat[0]}")


def _difference(a, b, where=None):
    """None for two formulas that are identically equal, else a point at which they differ."""
    with unnoted():
        difference = expression(a) - expression(b)
        return counterexample(
            difference.replace(_symbolic_power, lambda e: sympy.exp(sympy.expand(e.exp * sympy.log(e.base)))), where
        )


def _symbolic_power(e):
    """x^y, which is by definition e^(y log x)."""
    return e.is_Pow and not e.exp.is_number


def derivatives(formula, variables):
    """∂ formula / ∂ v for an array of symbols v, in its shape."""
    with unnoted():
        return over(lambda v: sympy.diff(expression(formula), expression(v)), variables)


def sigm(a):
    """The lecture's sigm, of an expression."""
    return 1 / (1 + sympy.exp(-a))
