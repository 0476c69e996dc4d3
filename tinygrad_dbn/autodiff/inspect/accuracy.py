"""How far an op's floats are from the truth, in units in the last place.

The truth is the op's own kernel, and its own rules, run on balls of at least 100 accurate bits: that kernel and rules
mean what the row says is a theorem about formulas; what is measured here is what rounding does to them. Arguments are
drawn from the whole range of the format: random bit patterns, both extremes, subnormals, beside roots and poles, and
where functions turn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..differentiate import vjp
from ..numbers.balls import Ball, UndecidedError, precision
from ..op import Op, Rule

ACCURATE_BITS = 100
PRECISIONS = (160, 400, 1300, 4000)


@dataclass(frozen=True)
class Worst:
    """The largest error found, in ulps, and the arguments where."""

    ulps: float
    at: tuple[float, ...]


def arguments(op: Op, dtype: Any, points: int, rng: np.random.Generator) -> list[NDArray[Any]]:
    """Arrays of arguments inside the op's domain, a little more than six times `points` long."""
    arity = len(op.vjps) if isinstance(op.vjps, tuple) else 1
    columns = [_sample(dtype, points, rng) for _ in range(arity)]
    columns[1:] = [rng.permutation(x) for x in columns[1:]]
    low, high = op.domain
    inside = np.logical_and.reduce([np.isfinite(x) & (x > low) & (x < high) for x in columns])
    for at, value in op.edges:
        if np.isnan(value):  # as 0 / 0, which has no truth to compare with
            inside &= ~np.logical_and.reduce([x == a for x, a in zip(columns, np.atleast_1d(at), strict=True)])
    return [x[inside] for x in columns]


@np.errstate(all="ignore")
def _sample(dtype: Any, points: int, rng: np.random.Generator) -> NDArray[Any]:
    """Numbers of the format: of every exponent, of every size that functions care about, subnormal, beside the roots
    and poles 0, 1 and −1, and the extremes and turning points with their neighbours."""
    info = np.finfo(dtype)
    unsigned = np.dtype(f"u{info.bits // 8}")
    signs = rng.choice([-1.0, 1.0], points)
    landmarks = [0.0, info.smallest_subnormal, info.tiny, info.eps, 1.0, 2.0, info.max]
    landmarks += [
        np.log(2) / 2,
        np.log(2),
        22.0,
        np.log(info.max),
        -np.log(info.tiny),
        -np.log(info.smallest_subnormal),
    ]
    landmarks += [np.pi / 2, np.pi, 6381956970095103.0 * 2.0**797]  # of all floats the nearest to a multiple of π/2
    marks = np.array(landmarks).astype(dtype)
    marks = np.concatenate([marks, np.nextafter(marks, dtype(0)), np.nextafter(marks, dtype(np.inf))])
    subnormal = rng.integers(1, 2**info.nmant, points // 2 + 1, dtype=unsigned) >> rng.integers(
        0, info.nmant, points // 2 + 1, dtype=unsigned
    )
    parts = [
        rng.integers(0, np.iinfo(unsigned).max, points, dtype=unsigned, endpoint=True).view(dtype),
        rng.uniform(-1, 1, points),
        rng.normal(0, 30, points),
        rng.uniform(np.log(info.smallest_subnormal), np.log(info.max), points),
        np.exp(rng.uniform(-40, 3, points)) * signs,
        signs * (1 + rng.normal(size=points) * 2.0 ** -rng.integers(1, info.nmant + 1, points)),
        subnormal.view(dtype) * signs[: points // 2 + 1],
        marks,
        -marks,
    ]
    return np.concatenate([np.asarray(part).astype(dtype) for part in parts])


def worst_value(op: Op, dtype: Any, points: int = 100, seed: int = 0, forward: Rule | None = None) -> Worst:
    """The largest error of an elementwise op's value, or of another function's in its place."""
    if op.kernel is None:
        raise ValueError(f"{op.name} is not elementwise: its error is relative to its largest terms, not to its value")
    columns = arguments(op, dtype, points, np.random.default_rng(seed))
    return _worst((forward or op)(*columns), op.kernel, columns)


def worst_derivative(op: Op, dtype: Any, points: int = 20, seed: int = 0, forward: Rule | None = None) -> Worst:
    """The largest error of an elementwise op's derivatives by the rules that `grad` uses, or by another function,
    which returns one array for each argument."""
    return _worst_partial(forward or slopes(op), slopes(op), op, dtype, points, seed)


def worst_curvature(op: Op, dtype: Any, points: int = 20, seed: int = 0, forward: Rule | None = None) -> Worst:
    """The same for the second derivatives: for the rules of those ops of which the rules are made."""
    return _worst_partial(forward or curvatures(op), curvatures(op), op, dtype, points, seed)


def slopes(f: Rule) -> Rule:
    """The partial derivatives of an elementwise function, one array for each argument, as `grad` computes them."""

    def of(*x: Any) -> Any:
        y, pullback = vjp(f, *x)
        return pullback(np.ones(np.shape(y), y.dtype))

    return of


def curvatures(f: Rule) -> Rule:
    """The second partial derivatives, row by row."""

    def of(*x: Any) -> Any:
        rows = [slopes(lambda *x, i=i: slopes(f)(*x)[i])(*x) for i in range(len(x))]
        return tuple(part for row in rows for part in row)

    return of


def _worst_partial(forward: Rule, partials: Rule, op: Op, dtype: Any, points: int, seed: int) -> Worst:
    """The largest error among the arrays that a function returns, against those of `partials` on balls."""
    columns = arguments(op, dtype, points, np.random.default_rng(seed))

    def exact(i: int) -> Rule:
        return lambda *x: partials(*(np.array(v, object) for v in x))[i][()]

    found = [_worst(got, exact(i), columns) for i, got in enumerate(forward(*columns))]
    return max(found, key=lambda worst: worst.ulps, default=Worst(0.0, ()))


def _worst(got: NDArray[Any], exact: Any, columns: list[NDArray[Any]]) -> Worst:
    info = np.finfo(got.dtype)
    worst = Worst(0.0, ())
    for y, *x in zip(got.tolist(), *(column.tolist() for column in columns), strict=True):
        error = _error(y, _truth(exact, x), info)
        if error is not None and not error <= worst.ulps:
            worst = Worst(error, tuple(x))
    return worst


def _truth(exact: Any, x: list[float]) -> Ball | None:
    """The exact value as a ball of enough accurate bits, or None where none of the precisions gives one."""
    for bits in PRECISIONS:
        with precision(bits):
            try:
                ball = Ball(exact(*map(Ball, x)))
            except UndecidedError:
                continue
            if ball.accuracy >= ACCURATE_BITS:
                return ball
    return None


def _error(y: float, truth: Ball | None, info: Any) -> float | None:
    """|y − truth| in ulps of the format at the truth. Overflow counts as the next power of two."""
    if truth is None:  # too large or too small for Arb, and therefore for y
        return None if y in (0.0, 1.0, -1.0) or np.isinf(y) else np.inf
    if np.isnan(y):
        return np.inf
    with precision(200):
        beyond = Ball(2) ** int(info.maxexp)
        value = y if np.isfinite(y) else beyond if y > 0 else -beyond
        size = min(abs(truth), beyond)
        exact = size if truth >= 0 else -size
        exponent = info.minexp if size == 0 else max(_exponent(size), int(info.minexp))
        unit = Ball(2) ** min(exponent, int(info.maxexp) - 1) / Ball(2) ** int(info.nmant)
        return float((abs(value - exact) / unit).arb.mid())


def _exponent(size: Ball) -> int:
    """⌊log₂ size⌋"""
    mantissa, exponent = size.arb.mid().man_exp()
    return int(mantissa).bit_length() - 1 + int(exponent)
