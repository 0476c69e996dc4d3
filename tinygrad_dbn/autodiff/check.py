"""Derivatives against finite differences.

A check with an absolute tolerance passes a gradient of zero wherever the true one is small. Here the tolerance scales
with the derivative, and beside it stands only the rounding noise that the differences themselves can have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .differentiate import grad, jvp, vjp
from .trees import flatten


class GradientError(AssertionError):
    """A derivative that finite differences contradict, or that they cannot see."""


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("vjp", "jvp"),
    *,
    rtol: float = 1e-5,
    seed: int = 0,
) -> None:
    """Compare f's derivatives at args, up to `order`, with finite differences along random directions.

    f takes and returns trees of float64 arrays. For each mode and order the derivative along a direction is compared
    with an extrapolated central difference: |a − n| ≤ rtol · max(|a|, |n|) + noise, where noise is what rounding can
    do to n. Raises GradientError with mode, order, seed and the coordinate that is worst where they disagree, and
    also where the difference is too noisy to decide; TypeError for arguments that are not float64, ValueError for an
    unknown mode or order.

    >>> check_grads(lambda x: (x**3).sum(), [np.array([1.0, 2.0])])
    """
    unknown = [mode for mode in modes if mode not in ("vjp", "jvp")]
    if unknown or order < 1:
        raise ValueError(f"check_grads(order={order}, modes={modes}): order from 1, modes 'vjp' and 'jvp'")
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

    for mode in modes:
        _check(scalar, rebuild, [np.asarray(x) for x in leaves], order, mode, rtol, seed, rng)


def _check(
    scalar: Callable[..., Any],
    rebuild: Callable[[list[Any]], Any],
    leaves: list[Any],
    order: int,
    mode: str,
    rtol: float,
    seed: int,
    rng: np.random.Generator,
) -> None:
    flat = np.concatenate([np.ravel(x) for x in leaves]) if leaves else np.zeros(0)
    ends = np.cumsum([x.size for x in leaves])[:-1]

    def unflatten(v: Any) -> Any:
        return rebuild([part.reshape(x.shape) for part, x in zip(np.split(v, ends), leaves, strict=True)])

    def value(v: Any) -> float:
        return float(scalar(*unflatten(v)))

    def derivative(v: Any, direction: Any) -> float:
        primals, along = unflatten(v), unflatten(direction)
        if mode == "jvp":
            return float(jvp(scalar, primals, along)[1])
        gradient = flatten(vjp(scalar, *primals)[1](1.0))[0]
        return float(sum((g * d).sum() for g, d in zip(gradient, flatten(along)[0], strict=True)))

    def second(v: Any, one: Any, two: Any) -> float:
        """Derivative along `two` of the derivative along `one`: reverse over reverse, or forward over reverse."""
        primals, along, beyond = unflatten(v), unflatten(one), unflatten(two)

        def inner(*new: Any) -> Any:
            g = flatten(grad(scalar, tuple(range(len(new))))(*new))[0]
            return sum((a * d).sum() for a, d in zip(g, flatten(along)[0], strict=True))

        if mode == "jvp":
            return float(jvp(inner, primals, beyond)[1])
        gradient = flatten(vjp(inner, *primals)[1](1.0))[0]
        return float(sum((g * d).sum() for g, d in zip(gradient, flatten(beyond)[0], strict=True)))

    directions = [(f"direction {i}", rng.normal(size=flat.size)) for i in range(3)]
    if flat.size <= 64:
        directions += [(f"coordinate {i}", axis) for i, axis in enumerate(np.eye(flat.size))]
    found = [(where, derivative(flat, d), *_difference(value, flat, d)) for where, d in directions]
    _compare(found, rtol, f"{mode}, order 1, seed {seed}")
    if order > 1:
        found = []
        for i in range(3):
            one, two = rng.normal(size=flat.size), rng.normal(size=flat.size)
            numeric = _difference(partial(derivative, direction=one), flat, two)
            found.append((f"direction {i}", second(flat, one, two), *numeric))
        _compare(found, rtol, f"{mode}, order 2, seed {seed}")


def _compare(found: list[tuple[str, float, float, float]], rtol: float, what: str) -> None:
    """Each (where, by the rules, by differences, noise). Noise may hide a coordinate, never the whole derivative."""
    largest = max(abs(numeric) for _, _, numeric, _ in found)
    for where, analytic, numeric, noise in found:
        if not abs(analytic - numeric) <= rtol * max(abs(analytic), abs(numeric)) + noise:
            raise GradientError(
                f"{what}, {where}: the rules give {analytic!r}, finite differences {numeric!r} ± {noise:.1e}"
            )
        if noise > 1e-3 * largest and (analytic or numeric):
            raise GradientError(f"{what}, {where}: {numeric!r} ± {noise:.1e} is too noisy to decide; rescale f")


def _difference(f: Callable[[Any], float], x: Any, direction: Any) -> tuple[float, float]:
    """df/dt at x + t · direction by central differences with Ridders' extrapolation, and how far off it may be."""
    step, best, error = 1e-2, 0.0, np.inf
    size = max(abs(f(x)), np.finfo(float).tiny)
    previous: list[float] = []
    for _ in range(8):
        row = [(f(x + step * direction) - f(x - step * direction)) / (2 * step)]
        rounding = 4 * np.finfo(float).eps * size / step
        for j, coarse in enumerate(previous):
            factor = 4.0 ** (j + 1)
            row.append((row[j] * factor - coarse) / (factor - 1))
            wrong = max(abs(row[-1] - row[-2]), abs(row[-1] - coarse)) + rounding
            if wrong < error:
                best, error = row[-1], wrong
        previous, step = row, step / 2
    return best, error
