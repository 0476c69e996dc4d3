"""The engine's floats: how far rounding takes every elementwise op, and its derivatives, from their exact values.

The exact values are balls of at least 100 accurate bits, computed by the same kernels and rules: that these mean what
the rows say is proved in `test_engine_rules.py`.
"""

from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

from proofs.theorem import Spoiled, require, theorem
from tinygrad_dbn import ops, vjp
from tinygrad_dbn.autodiff import floats
from tinygrad_dbn.autodiff.accuracy import worst_derivative, worst_value
from tinygrad_dbn.autodiff.kernels import compiled

ELEMENTWISE = [name for name, op in ops.TABLE.items() if op.kernel is not None]
SLOPES = [name for name in ELEMENTWISE if np.isfinite(ops.TABLE[name].slope_ulp) and any(ops.TABLE[name].vjps)]
WIDTHS = [np.float64, np.float32]
A_LITTLE = 1 + 2.0**-48  # 16 ulp of float64


def within(worst, budget, what):
    require(worst.ulps <= budget, f"{what}: {worst.ulps:.3g} ulp at {worst.at}, promised {budget}")


def scaled(f, factor):
    @np.errstate(all="ignore")
    def by(*x):
        y = f(*x)
        return tuple(part * factor for part in y) if isinstance(y, tuple) else y * factor

    return by


@pytest.mark.parametrize("name", ELEMENTWISE)
@theorem(
    "every elementwise op keeps the ulps of its row",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 250 points each, against balls",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[Spoiled("off by 1 + 2⁻⁴⁸", factor=A_LITTLE), Spoiled("zero", factor=0.0)],
)
def test_values(name, factor=1.0):
    op = ops.TABLE[name]
    for dtype in WIDTHS:
        within(worst_value(op, dtype, 40, forward=op if factor == 1 else scaled(op, factor)), op.ulp, f"{name} {dtype}")


def slopes(op):
    """The op's derivatives as `grad` computes them, one array for each argument."""

    def of(*x):
        y, pullback = vjp(op, *x)
        return pullback(np.ones_like(y))

    return of


@pytest.mark.parametrize("name", SLOPES)
@theorem(
    "every derivative of an elementwise op keeps the ulps of its row",
    claim="ops",
    level="S",
    sizes="the whole range of float64 and float32, some 80 points each, against balls",
    uses=("every vjp is the transpose of the meaning's derivative",),
    spoiled=[Spoiled("off by 1 + 2⁻⁴⁰", factor=1 + 2.0**-40), Spoiled("zero", factor=0.0)],
)
def test_slopes(name, factor=1.0):
    op = ops.TABLE[name]
    for dtype in WIDTHS:
        worst = worst_derivative(op, dtype, 12, forward=scaled(slopes(op), factor))
        within(worst, op.slope_ulp, f"the derivative of {name} {dtype}")


def kernel(f):
    """A scalar function compiled as kernels are."""
    return compiled(f, 1, np.dtype(np.float64))


def rewritten(name, old, new):
    """One of the functions in `floats`, compiled from a source in which one passage is changed."""
    source = Path(floats.__file__).read_text()
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in floats.py"
    module = ModuleType("spoiled")
    module.__file__ = floats.__file__
    exec(source.replace(old, new), module.__dict__)
    function = getattr(module, name)
    return np.errstate(all="ignore")(numba.vectorize(["float64(float64)"])(lambda x: function(x)))


def one_ulp(name, change):
    forward = ops.TABLE[name] if change is None else rewritten(name, *change)
    within(worst_value(ops.TABLE[name], np.float64, 200, forward=forward), 1, name)


@pytest.mark.parametrize("name", ["exp", "expm1"])
@theorem(
    "exp and expm1 are within one ulp",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1200 points each, against balls",
    spoiled=[
        Spoiled("a coefficient off by 10⁻⁹", change=("1 / 120 +", "1 / 119.9999999 +")),
        Spoiled("the last term left out", change=(" + z * (1 / 6227020800)", "")),
        Spoiled("log 2 to 53 bits", change=("1.9082149292705877e-10", "1.9082e-10")),
    ],
)
def test_exponentials(name, change=None):
    one_ulp(name, change)


@pytest.mark.parametrize("name", ["log", "log1p"])
@theorem(
    "log and log1p are within one ulp",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1000 points each, against balls",
    spoiled=[
        Spoiled("a coefficient off by 10⁻⁹", change=("0.28571428626253836", "0.28571428726253836")),
        Spoiled("the last term left out", change=(" + w * 0.15331611722055008", "")),
        Spoiled("log 2 to 53 bits", change=("1.9082149292705877e-10", "1.9082e-10")),
    ],
)
def test_logarithms(name, change=None):
    one_ulp(name, change)


@pytest.mark.parametrize("name", ["expm1", "log1p", "sigmoid", "softplus", "log_sigmoid", "log1mexp", "tanh"])
@theorem(
    "the stable kernels keep their ulps where the textbook's formulas do not",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 1000 points each, against balls",
    uses=("every elementwise op keeps the ulps of its row",),
    spoiled=[Spoiled("the textbook's formula", textbook=True)],
)
def test_stable_kernels(name, textbook=False):
    formulas = {
        "expm1": lambda x: np.exp(x) - 1,
        "log1p": lambda x: np.log(1 + x),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softplus": lambda x: np.log(1 + np.exp(x)),
        "log_sigmoid": lambda x: np.log(1 / (1 + np.exp(-x))),
        "log1mexp": lambda x: np.log(1 - np.exp(x)),
        "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    }
    op = ops.TABLE[name]
    forward = np.errstate(all="ignore")(kernel(formulas[name])) if textbook else op
    within(worst_value(op, np.float64, 200, forward=forward), op.ulp, name)


@theorem(
    "sigmoid' = σ(x) σ(−x) keeps its ulps, y (1 − y) does not",
    claim="ops",
    level="S",
    sizes="the whole range of float64, some 130 points, against balls",
    spoiled=[
        Spoiled("y (1 − y)", slope=lambda x: (ops.sigmoid(x) * (1 - ops.sigmoid(x)),)),
        Spoiled("e⁻ˣ / (1 + e⁻ˣ)²", slope=np.errstate(all="ignore")(lambda x: (np.exp(-x) / (1 + np.exp(-x)) ** 2,))),
        Spoiled("the derivative of tanh", slope=lambda x: (1 - ops.tanh(x) ** 2,)),
    ],
)
def test_the_derivative_of_sigmoid(slope=None):
    op = ops.sigmoid
    within(worst_derivative(op, np.float64, 20, forward=slope or slopes(op)), op.slope_ulp, "sigmoid'")
