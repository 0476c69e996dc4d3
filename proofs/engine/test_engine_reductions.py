"""The engine's sums: each op that adds keeps the error bound of its row, relative to its largest terms.

The bounds are derived in `tinygrad_dbn/autodiff/ops/error_bounds.py`, for all inputs. Here arrays are drawn for which
errors are large, and |float − exact| ≤ u · bound is decided for each of them by balls: the same op on balls is exact.
"""

from functools import cache

import numpy as np
import pytest

from proofs.harness.evidence import require_at_most
from proofs.harness.theorem import Spoiled, require, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.numbers.balls import Ball, balls, precision
from tinygrad_dbn.autodiff.ops import error_bounds
from tinygrad_dbn.autodiff.ops.error_bounds import Format

WIDTHS = (np.float64, np.float32)
SUMS, SHIFTED = ("sum", "mean", "cumsum", "matmul", "place"), ("logsumexp", "softmax", "log_softmax")
BITS = {name: 4400 for name in (*SUMS, "max", "min")} | dict.fromkeys(SHIFTED, 300)  # sums of floats are then exact
LONG = 10**4


def terms(dtype, rng):
    """Rows to be added: of one size, of all sizes, cancelling, subnormal, and with small terms lost beside a large."""
    info = np.finfo(dtype)
    decades = 0.45 * np.log10(float(info.max))  # so that no product overflows
    big = rng.normal(size=40) * 10**decades
    yield from (rng.normal(size=n) for n in (1, 2, 3, 17))
    yield rng.choice([-1.0, 1.0], 50) * 10 ** rng.uniform(-decades, decades, 50)
    yield rng.permutation([*big, *-big, *rng.normal(size=20)])
    yield rng.integers(-1000, 1000, 60) * float(info.smallest_subnormal)
    yield rng.normal(size=30) * float(info.tiny) ** 0.5
    yield rng.normal(0, 1e4, 1000)
    yield np.append(1.0, np.full(LONG - 1, 0.45 * float(info.eps)))


def logits(dtype, rng):
    """Rows to be shifted: near, far, equal, extreme, and with small terms lost beside a large one."""
    info = np.finfo(dtype)
    yield from (rng.normal(size=n) for n in (1, 2, 3, 17))
    yield rng.normal(0, 1e4, 200)
    yield rng.uniform(-760, 0, 200)
    yield rng.uniform(-0.49, 0.49, 50) * float(info.max)
    yield rng.integers(-1000, 1000, 60) * float(info.smallest_subnormal)
    yield -500 + 1e-3 * rng.normal(size=LONG // 10)
    yield np.append(0.0, np.full(LONG - 1, np.log(0.45 * np.finfo(np.float64).eps)))


@cache
def cases(name, dtype):
    """(inputs, parameters, exact result) for an op, the result in balls."""
    rng = np.random.default_rng(0)
    rows = [x.astype(dtype) for x in (logits if name in SHIFTED else terms)(dtype, rng)]
    found = []
    for x in rows:
        if name == "matmul":
            found.append(((x[None, :], np.ones((x.size, 1), dtype)), {}))
            found.append(((np.stack([x, -x]), rng.permutation(x)[:, None]), {}))
        elif name == "place":
            for at in (np.zeros(x.size, int), rng.integers(0, 3, x.size)):
                found.append(((x,), {"at": at, "shape": (3,)}))
        else:
            found.append(((x,), {"axis": -1}))
    if name not in ("matmul", "place"):
        found.append(((np.stack([rows[-1][:500], rows[-1][500::-1][:500]], axis=1),), {"axis": 0}))
    with precision(BITS[name]):
        return [(x, params, ops.TABLE[name](*map(balls, x), **params)) for x, params in found]


def within(name, forward=None):
    """Refuse unless every element of every result is within the bound of the op's row."""
    op = ops.TABLE[name]
    for dtype in WIDTHS:
        form = Format.of(dtype)
        for x, params, exact in cases(name, dtype):
            with np.errstate(all="ignore"):
                got = np.asarray((forward or op)(*x, **params))
            require(np.isfinite(got).all(), f"{name} is finite", found=got, of=x)
            with precision(BITS[name]):
                allowed = form.u * op.bound(form, exact, *map(balls, x), **params)
                for y, true, most in zip(got.flat, np.ravel(exact), np.ravel(allowed), strict=True):
                    error = abs(Ball(y) - true)
                    require_at_most(
                        error.arb, Ball(most).arb, f"{name} {dtype.__name__}, error of {np.size(x[0])} terms"
                    )


def times(factor):
    return lambda op: lambda *x, **params: op(*x, **params) * factor


def without_first(nothing):
    """The op without the first term of each row."""

    def spoil(op):
        def forward(x, *others, **params):
            axis = params.get("axis", -1)
            first = np.take(np.arange(x.shape[axis]) == 0, np.indices(x.shape)[axis])
            return op(np.where(first, x.dtype.type(nothing), x), *others, **params)

        return forward

    return spoil


def in_float16(op):
    return lambda *x, **params: op(*(v.astype(np.float16).astype(v.dtype) for v in x), **params)


def as_if_rounded_once(monkeypatch):
    monkeypatch.setattr(Format, "gamma", lambda self, k: 1)


def as_if_of_one_term(monkeypatch):
    monkeypatch.setattr(error_bounds, "_terms", lambda y, x: 1)


OFF = Spoiled("off by 1 + 2⁻²⁰", spoil=times(1 + 2.0**-20))


@pytest.mark.parametrize("name", SUMS)
@theorem(
    "sum, mean, cumsum, matmul and place are within γₙ Σ|terms| of the exact value, whatever cancels",
    claim="ops",
    level="E",
    sizes="the arrays drawn, 1 to 10⁴ terms, 10^±138 and subnormal, float64 and float32",
    spoiled=[
        OFF,
        Spoiled("a term lost", spoil=without_first(0)),
        Spoiled("the bound without its n", as_if_rounded_once),
        Spoiled("arguments rounded to float16", spoil=in_float16),
    ],
)
def test_sums(name, spoil=None):
    within(name, spoil and spoil(ops.TABLE[name]))


NAIVE = {
    "logsumexp": lambda x, axis: np.log(np.exp(x).sum(axis=axis)),
    "softmax": lambda x, axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True),
    "log_softmax": lambda x, axis: x - np.log(np.exp(x).sum(axis=axis, keepdims=True)),
}


@pytest.mark.parametrize("name", SHIFTED)
@theorem(
    "logsumexp, softmax and log_softmax are within the bounds of their rows",
    claim="ops",
    level="E",
    sizes="the arrays drawn, 1 to 10⁴ terms, from ±10³⁰⁷ to subnormal, float64 and float32",
    uses=("exp and expm1 are within one ulp", "log and log1p are within one ulp"),
    spoiled=[
        OFF,
        Spoiled("exp without the shift", spoil=lambda op: NAIVE[op.name]),
        Spoiled("a term lost", spoil=without_first(-np.inf)),
        Spoiled("the bound without its n", as_if_of_one_term),
    ],
)
def test_softmax_family(name, spoil=None):
    within(name, spoil and spoil(ops.TABLE[name]))


@pytest.mark.parametrize("name", ["max", "min"])
@theorem(
    "max and min are exact",
    claim="ops",
    level="E",
    sizes="the arrays drawn, 1 to 10⁴ terms, float64 and float32",
    spoiled=[
        OFF,
        Spoiled("sign turned", spoil=times(-1)),
        Spoiled("a term lost", spoil=without_first(0)),
        Spoiled("arguments rounded to float16", spoil=in_float16),
    ],
)
def test_extremes(name, spoil=None):
    within(name, spoil and spoil(ops.TABLE[name]))


def test_every_op_that_adds_has_a_bound():
    assert {n for n, op in ops.TABLE.items() if op.bound} == set(BITS)
    assert all(op.bound.__doc__ for op in ops.TABLE.values() if op.bound)
