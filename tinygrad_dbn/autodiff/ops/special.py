"""Elementwise ops beyond exponentials and logarithms: sine and cosine, the error function and its derivative."""

# Kernels are generic in their arithmetic, so they carry no types; and rules name ops that are defined further down.
# mypy: disable-error-code="no-untyped-def, has-type"

from math import inf, nan

import numpy as np

from ..kernels import special
from .elementwise import chain
from .row import row


@row(lambda y, x: cos(x), meaning=lambda x: np.sin(x), edges=[(-inf, nan), (inf, nan), (-0.0, -0.0)], ulp=1)
def sin(x):
    """sin x"""
    return np.sin(x)


@row(lambda y, x: -sin(x), meaning=lambda x: np.cos(x), edges=[(-inf, nan), (inf, nan), (0.0, 1.0)], ulp=1)
def cos(x):
    """cos x"""
    return np.cos(x)


@row(
    lambda y, x: erf_slope(x),
    meaning=lambda x: special.erf(x),
    edges=[(-inf, -1.0), (inf, 1.0), (-0.0, -0.0)],
    ulp=2,
)
def erf(x):
    """(2 / √π) ∫₀ˣ e^(−t²) dt, the error function"""
    return special.erf(x)


@row(
    lambda y, x: -erf_slope(x),
    meaning=lambda x: special.erfc(x),
    edges=[(-inf, 2.0), (inf, 0.0), (0.0, 1.0)],
    ulp=4,
)
def erfc(x):
    """1 − erf x, to all digits where erf x is nearly 1"""
    return special.erfc(x)


@row(
    lambda y, x: chain(-2 * x, y),
    meaning=lambda x: special.erf_slope(x),
    edges=[(-inf, 0.0), (inf, 0.0)],
    ulp=3,
    curvature_ulp=inf,  # the third derivative of erf has roots, beside which it cancels
)
def erf_slope(x):
    """(2 / √π) e^(−x²), the derivative of erf"""
    return special.erf_slope(x)
