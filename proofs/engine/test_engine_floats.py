"""The engine's floats: how far rounding takes every elementwise op, and its derivatives, from their exact values.

The exact values are balls of at least 100 accurate bits, computed by the same kernels and rules: that these mean what
the rows say is proved in `test_engine_rules.py`.
"""

import numpy as np
import pytest
from scipy import special

from proofs.engine.rounding import EXPONENTIALS, LOGARITHMS
from proofs.engine.sampled import met_within, quiet, within
from proofs.engine.table import KERNELS, is_linear
from proofs.harness.theorem import Spoiled, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inspect.accuracy import curvatures, slopes, worst_curvature, worst_derivative, worst_value

SLOPES = [name for name in KERNELS if np.isfinite(ops.TABLE[name].slope_ulp) and any(ops.TABLE[name].vjps)]
CURVED = [name for name in SLOPES if np.isfinite(ops.TABLE[name].curvature_ulp) and not is_linear(name)]
A_LITTLE = 1 + 2.0**-48  # 16 ulp of float64


def in_float32(f):
    """f on arguments of half the digits."""
    return lambda *x: np.asarray(f(*(np.asarray(v).astype(np.float32) for v in x))).astype(x[0].dtype)


@pytest.mark.parametrize("name", KERNELS)
@theorem(
    "every elementwise op keeps the ulps of its row",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 320 points each, against balls",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("off by 1 + 2⁻⁴⁸", spoil=lambda f: lambda *x: f(*x) * A_LITTLE),
        Spoiled("zero", spoil=lambda f: lambda *x: f(*x) * 0.0),
        Spoiled("sign turned", spoil=lambda f: lambda *x: -f(*x)),
        Spoiled("in float32", spoil=in_float32),
    ],
)
def test_values(name, spoil=None):
    op = ops.TABLE[name]
    within(worst_value, name, op.ulp, forward=spoil and quiet(spoil(op)))


FACTORS = [
    Spoiled("off by 1 + 2⁻⁴⁰", factor=1 + 2.0**-40),
    Spoiled("zero", factor=0.0),
    Spoiled("sign turned", factor=-1.0),
]


def times(factor, derivatives):
    """A function's results, each times a factor."""
    return quiet(lambda *x: tuple(part * factor for part in derivatives(*x)))


@pytest.mark.parametrize("name", SLOPES)
@theorem(
    "every derivative of an elementwise op keeps the ulps of its row",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 150 points each, against balls",
    uses=("every vjp is the transpose of the meaning's derivative",),
    spoiled=FACTORS,
)
def test_slopes(name, factor=1.0):
    op = ops.TABLE[name]
    within(worst_derivative, name, op.slope_ulp, points=12, forward=times(factor, slopes(op)))


@pytest.mark.parametrize("name", CURVED)
@theorem(
    "every second derivative of an elementwise op keeps the ulps of its row",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 150 points each, against balls",
    uses=("second derivatives, in all four compositions of vjp and jvp, are the meaning's",),
    spoiled=FACTORS,
)
def test_curvatures(name, factor=1.0):
    op = ops.TABLE[name]
    within(worst_curvature, name, op.curvature_ulp, points=12, forward=times(factor, curvatures(op)))


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@theorem(
    "σ″ and tanh″ keep their ulps beside 0, where the product rule's two terms cancel",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 150 points each, against balls",
    spoiled=[
        Spoiled("the product rule", slope=lambda s: s(1) * s(-1)),
        Spoiled("1 − tanh²", slope=lambda s: 1 - ops.square(2 * s(1) - 1)),
        Spoiled("σ − σ²", slope=lambda s: s(1) - ops.square(s(1))),
    ],
)
def test_curvatures_beside_zero(name, slope=None):
    op, wide = ops.TABLE[name], 2 if name == "tanh" else 1
    forward = None
    if slope is not None:  # of σ, of which tanh is 2 σ(2x) − 1
        forward = quiet(slopes(lambda x: wide**2 * slope(lambda turn: ops.sigmoid(wide * turn * x))))
    within(worst_curvature, name, op.curvature_ulp, points=12, forward=forward)


@pytest.mark.parametrize("name", ["exp", "expm1"])
@theorem(
    "exp and expm1 are within one ulp",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1400 points each, against balls",
    spoiled=EXPONENTIALS,
)
def test_exponentials(name, change=None):
    met_within(name, 1, change)


@pytest.mark.parametrize("name", ["log", "log1p"])
@theorem(
    "log and log1p are within one ulp",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1200 points each, against balls",
    spoiled=LOGARITHMS,
)
def test_logarithms(name, change=None):
    met_within(name, 1, change)


# Formulas that are true of numbers and false of floats. They cancel, or overflow on the way to a result that does not.
TEMPTING = {
    "expm1": (
        lambda x: np.exp(x) - 1,
        lambda x: 2 * np.sinh(x / 2) * np.exp(x / 2),
        lambda x: np.where(np.abs(x) < 1e-5, x, np.exp(x) - 1),
    ),
    "log1p": (
        lambda x: np.log(1 + x),
        lambda x: 2 * np.arctanh(x / (2 + x)),
        lambda x: np.where(np.abs(x) < 1e-8, x, np.log(1 + x)),
    ),
    "sigmoid": (
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: np.exp(x) / (1 + np.exp(x)),
        lambda x: (1 + np.tanh(x / 2)) / 2,
    ),
    "softplus": (
        lambda x: np.log(1 + np.exp(x)),
        lambda x: x + np.log1p(np.exp(-x)),
        lambda x: np.log1p(np.exp(x)),
    ),
    "log_sigmoid": (
        lambda x: np.log(1 / (1 + np.exp(-x))),
        lambda x: x - np.log1p(np.exp(x)),
        lambda x: -np.log1p(np.exp(-x)),
    ),
    "log1mexp": (
        lambda x: np.log(1 - np.exp(x)),
        lambda x: np.log1p(-np.exp(x)),
        lambda x: np.log(-np.expm1(x)),
    ),
    "tanh": (
        lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
        lambda x: 1 - 2 / (np.exp(2 * x) + 1),
        lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
    ),
    "sin": (
        lambda x: np.sin(np.remainder(x, 2 * np.pi)),
        lambda x: np.cos(x - np.pi / 2),
        lambda x: 2 * np.sin(x / 2) * np.sqrt(1 - np.sin(x / 2) ** 2) * np.sign(np.cos(x / 2)),
    ),
    "cos": (
        lambda x: np.cos(np.remainder(x, 2 * np.pi)),
        lambda x: np.sin(x + np.pi / 2),
        lambda x: 1 - 2 * np.sin(x / 2) ** 2,
    ),
    "erf": (
        lambda x: 1 - special.erfc(x),
        lambda x: 2 * special.ndtr(np.sqrt(2) * x) - 1,
        lambda x: 2 / np.sqrt(np.pi) * x * special.hyp1f1(0.5, 1.5, -x * x),
    ),
    "erfc": (
        lambda x: 1 - special.erf(x),
        lambda x: np.exp(-x * x) * special.erfcx(x),
        lambda x: 2 * special.ndtr(-np.sqrt(2) * x),
    ),
    "erf_slope": (
        lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
        lambda x: 2 / np.sqrt(np.pi) / np.exp(x * x),
        lambda x: 2 * special.wofz(x).real / np.sqrt(np.pi),
    ),
}


@pytest.mark.parametrize("name", TEMPTING)
@theorem(
    "the stable kernels keep their ulps where the textbook's formulas do not",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1400 points each, against balls",
    uses=("every elementwise op keeps the ulps of its row",),
    spoiled=[
        Spoiled("the textbook's formula", formula=0),
        Spoiled("another that is as tempting", formula=1),
        Spoiled("a third", formula=2),
    ],
)
def test_stable_kernels(name, formula=None):
    forward = None if formula is None else quiet(TEMPTING[name][formula])
    within(worst_value, name, ops.TABLE[name].ulp, (np.float64,), 200, forward=forward)


@theorem(
    "sigmoid' = σ(x) σ(−x) keeps its ulps, y (1 − y) does not",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 200 points, against balls",
    spoiled=[
        Spoiled("y (1 − y)", slope=lambda x: (ops.sigmoid(x) * (1 - ops.sigmoid(x)),)),
        Spoiled("e⁻ˣ / (1 + e⁻ˣ)²", slope=quiet(lambda x: (np.exp(-x) / (1 + np.exp(-x)) ** 2,))),
        Spoiled("the derivative of tanh", slope=lambda x: (1 - ops.tanh(x) ** 2,)),
    ],
)
def test_the_derivative_of_sigmoid(slope=None):
    within(worst_derivative, "sigmoid", ops.sigmoid.slope_ulp, (np.float64,), 20, forward=slope)
