"""Derivatives against finite differences.

A check with an absolute tolerance passes a gradient of zero wherever the true one is small. Here the tolerance scales
with the derivative, and beside it stands only the rounding noise that the differences themselves can have. Every leaf
of the arguments is judged by itself, so that none hides behind a larger one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...randomness import Random, seed_of
from ..differentiate import grad, jvp, vjp
from ..trees import flatten

SMALL = 64  # leaves of so many elements are examined one by one
HIDDEN = 1e-8  # in a larger one an element shows whose derivative is no smaller a share of the largest

Scalar = Callable[..., Any]


class GradientError(AssertionError):
    """A derivative that finite differences contradict, or that they cannot see."""


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("vjp", "jvp"),
    *,
    rtol: float = 1e-5,
    seed: Random = 0,
) -> None:
    """Compare f's derivatives at args, of every order up to `order`, with finite differences.

    f takes and returns trees of float64 arrays. For each mode, order and leaf of the arguments, the derivative along a
    direction is compared with an extrapolated central difference of the derivative one order lower: |a − n| ≤
    rtol · max(|a|, |n|) + noise, where noise is what rounding can do to n. Steps are in proportion to the argument, or
    of one size where that shows more. The directions are random, and the coordinates of small leaves; in a larger leaf,
    one that moves least those elements whose derivative is large. From order 2, "vjp" is reverse over reverse, and
    "jvp" forward over reverse.

    Raises GradientError with mode, order, seed and the leaf where they disagree; where the difference is too noisy to
    decide, be it for one leaf; and where f is infinite or NaN. Raises TypeError for arguments that are not float64,
    ValueError for an unknown mode or order.

    >>> check_grads(lambda x: (x**3).sum(), [np.array([1.0, 2.0])])
    """
    seed = seed_of(seed)
    unknown = [mode for mode in modes if mode not in ("vjp", "jvp")]
    whole = isinstance(order, int | np.integer) and not isinstance(order, bool)
    if unknown or not modes or not whole or order < 1:
        raise ValueError(f"check_grads(order={order!r}, modes={modes!r}): an integer from 1, of 'vjp' and 'jvp' any")
    leaves, rebuild = flatten(tuple(args))
    for x in leaves:
        if np.asarray(x).dtype != np.float64:
            raise TypeError(f"check_grads: {np.asarray(x).dtype} is too coarse for finite differences; use float64")
    rng = np.random.default_rng(seed)
    weights: list[Any] = []

    def scalar(*new: Any) -> Any:
        """A fixed random combination of all outputs, so that each of them counts."""
        outputs, _ = flatten(f(*new))
        if not weights:
            weights.extend(rng.uniform(0.5, 1.5, np.shape(y)) for y in outputs)
        return sum((y * w).sum() for y, w in zip(outputs, weights, strict=True))

    value = float(scalar(*args))
    if not np.isfinite(value):
        raise GradientError(
            f"check_grads: f is {value} at these arguments, so it has no derivative; check it where it is finite"
        )
    point = _Point([np.asarray(x) for x in leaves], rebuild)
    for mode in modes:
        for k in range(1, order + 1):
            _check(scalar, point, k, mode, rtol, f"{mode}, order {k}, seed {seed}", rng)


class _Point:
    """The arguments as one long vector, in which each leaf has its place."""

    def __init__(self, leaves: list[Any], rebuild: Callable[[list[Any]], Any]) -> None:
        self.leaves, self.rebuild = leaves, rebuild
        self.flat = np.concatenate([np.ravel(x) for x in leaves]) if leaves else np.zeros(0)
        self.ends = [0, *np.cumsum([x.size for x in leaves])]
        typical = np.where(self.flat == 0, 1.0, np.abs(self.flat))
        self.scales = (typical, np.ones_like(typical)) if (typical != 1).any() else (typical,)

    def tree(self, v: Any) -> Any:
        """A vector as a tree like the arguments."""
        parts = np.split(v, self.ends[1:-1])
        return self.rebuild([part.reshape(x.shape) for part, x in zip(parts, self.leaves, strict=True)])

    def within(self, i: int, part: Any) -> Any:
        """A direction that moves leaf i alone."""
        v = np.zeros_like(self.flat)
        v[self.ends[i] : self.ends[i + 1]] = part
        return v


def _check(scalar: Scalar, point: _Point, order: int, mode: str, rtol: float, what: str, rng: Any) -> None:
    """Compare the derivatives of one order, leaf by leaf; the derivatives of lower order are right."""
    before = [rng.normal(size=point.flat.size) * point.scales[0] for _ in range(order - 1)]
    lower = scalar
    for direction in before:
        lower = _reverse(lower, point.tree(direction))

    def value(v: Any) -> float:
        return float(lower(*point.tree(v)))

    def derivative(direction: Any) -> float:
        outermost = _forward if mode == "jvp" else _reverse
        return float(outermost(lower, point.tree(direction))(*point.tree(point.flat)))

    for i, leaf in enumerate(point.leaves):
        largest, found = 0.0, []
        for where, part in _directions(leaf, order, rng):
            direction, numeric, noise = _seen(value, point, point.within(i, part), rtol)
            found.append((where, derivative(direction), numeric, noise))
            largest = max(largest, abs(numeric))
        for where, analytic, numeric, noise in found:
            _compare(f"{what}, leaf {i}, {where}", analytic, numeric, noise, largest, rtol)
        if order == 1 and leaf.size > SMALL:
            direction = point.within(i, rng.normal(size=leaf.size)) * point.scales[0] * _evening(scalar, point)
            numeric, noise = _difference(value, point.flat, direction, rtol)
            _compare(f"{what}, leaf {i}, its least", derivative(direction), numeric, noise, np.inf, rtol)


def _directions(leaf: Any, order: int, rng: Any) -> list[tuple[str, Any]]:
    """Directions within a leaf, each with its name."""
    directions = [(f"direction {i}", rng.normal(size=leaf.size)) for i in range(3)] if leaf.size else []
    if order == 1 and leaf.size <= SMALL:
        directions += [(f"coordinate {i}", axis) for i, axis in enumerate(np.eye(leaf.size))]
    return directions


def _evening(scalar: Scalar, point: _Point) -> Any:
    """For every element a factor, small where its derivative is large: so a wrong zero among them shows."""
    gradient = flatten(vjp(scalar, *point.tree(point.flat))[1](1.0))[0]
    sizes = np.abs(np.concatenate([np.ravel(g) for g in gradient])) * point.scales[0]
    floor = HIDDEN * max(sizes.max(), np.finfo(float).tiny)
    return floor / (sizes + floor)


def _reverse(f: Scalar, direction: Any) -> Scalar:
    """f's derivative along a direction, by reverse mode, as a function of the same arguments."""
    along = flatten(direction)[0]

    def derivative(*primals: Any) -> Any:
        gradient = flatten(grad(f, tuple(range(len(primals))))(*primals))[0]
        return sum((g * d).sum() for g, d in zip(gradient, along, strict=True))

    return derivative


def _forward(f: Scalar, direction: Any) -> Scalar:
    """The same by forward mode."""
    return lambda *primals: jvp(f, primals, direction)[1]


def _compare(what: str, analytic: float, numeric: float, noise: float, largest: float, rtol: float) -> None:
    """Noise may hide a coordinate, never the whole derivative of a leaf."""
    if not np.isfinite(noise):
        raise GradientError(f"{what}: f is infinite or NaN beside the arguments; check it inside its domain")
    if not abs(analytic - numeric) <= rtol * max(abs(analytic), abs(numeric)) + noise:
        raise GradientError(f"{what}: the rules give {analytic!r}, finite differences {numeric!r} ± {noise:.1e}")
    if noise > 1e-3 * largest and (analytic or numeric):
        raise GradientError(f"{what}: {numeric!r} ± {noise:.1e} is too noisy to decide; rescale f, or check it alone")


def _seen(f: Callable[[Any], float], point: _Point, part: Any, rtol: float) -> tuple[Any, float, float]:
    """The direction in the scale in which the difference shows most, with the difference and its noise."""
    found: list[tuple[Any, float, float]] = []
    for scale in point.scales:
        numeric, noise = _difference(f, point.flat, part * scale, rtol)
        found.append((part * scale, numeric, noise))
        if noise <= rtol * abs(numeric):
            break
    return min(found, key=lambda seen: seen[2] / max(abs(seen[1]), 1e-300))


def _difference(f: Callable[[Any], float], x: Any, direction: Any, rtol: float) -> tuple[float, float]:
    """df/dt at x + t · direction by central differences with Ridders' extrapolation, and how far off it may be.

    Steps are halved eight times, or until that is small beside rtol, or no more than rounding alone at the next step.
    """
    step, best, error, eps = 1e-2, 0.0, np.inf, np.finfo(float).eps
    size = max(abs(f(x)), np.finfo(float).tiny)
    moved = direction != 0
    reach = np.max(np.abs(x[moved]), initial=0) / np.max(np.abs(direction[moved]), initial=np.finfo(float).tiny)
    previous: list[float] = []
    for _ in range(8):
        row = [(f(x + step * direction) - f(x - step * direction)) / (2 * step)]
        rounding = 4 * eps * (size + reach * abs(row[0])) / step
        for j, coarse in enumerate(previous):
            factor = 4.0 ** (j + 1)
            row.append((row[j] * factor - coarse) / (factor - 1))
            wrong = max(abs(row[-1] - row[-2]), abs(row[-1] - coarse)) + rounding
            if wrong < error:
                best, error = row[-1], wrong
        if error <= max(0.1 * rtol * abs(best), 2 * rounding):
            break
        previous, step = row, step / 2
    return float(best), float(error)
