"""Shipped code on symbols: how the theorems of levels B and X meet it."""

from fractions import Fraction
from itertools import product

import numpy as np
import sympy

from proofs.decide.zero import is_zero
from proofs.harness.theorem import Refuted
from tinygrad_dbn.autodiff.numbers.rational import log_array
from tinygrad_dbn.autodiff.numbers.symbolic import expression, symbols
from tinygrad_dbn.models import RBM


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
    out = np.empty(np.shape(variables), object)
    for index in np.ndindex(out.shape):
        out[index] = sympy.diff(expression(formula), expression(variables[index]))
    return out


def sigm(a):
    """The lecture's sigm, of an expression."""
    return 1 / (1 + sympy.exp(-a))


def bits(n):
    """All states of n units in the order of `td.exact.states`, as tuples of integers."""
    return [state[::-1] for state in product((0, 1), repeat=n)]


def symbolic_rbm(visible, hidden, prefix=""):
    """An RBM whose every weight and bias is a symbol."""
    return RBM(
        symbols(f"{prefix}W", (hidden, visible)), symbols(f"{prefix}b", (visible,)), symbols(f"{prefix}c", (hidden,))
    )


def rational_rbm(visible, hidden, rng):
    """An RBM whose odds e^W, e^b, e^c are random rationals: all its probabilities are rational."""

    def odds(*shape):
        draw = lambda *_: Fraction(int(rng.integers(1, 20)), int(rng.integers(1, 20)))
        return log_array(np.frompyfunc(draw, 1, 1)(np.empty(shape, object)))

    return RBM(odds(hidden, visible), odds(visible), odds(hidden))


def lecture_energy(rbm, x, h):
    """E(x, h) = −hᵀWx − cᵀh − bᵀx, written out from the lecture (G0)."""
    W, b, c = (np.vectorize(expression, otypes=[object])(p) for p in (rbm.W, rbm.b, rbm.c))
    x, h = np.array(x, object), np.array(h, object)
    return -(h @ W @ x) - c @ h - b @ x
