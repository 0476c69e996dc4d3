"""Derivatives at the edges: at 0, ±1, ±∞, at poles and ties, every rule of the table gives the limit from inside.

Inside its domain a rule is the derivative of the op's meaning: that is proved. So at an edge it is compared with its
own values beside the edge, on balls of many digits, along several ways to the edge. Where the ways end alike, the rule
must end there too; where they do not, the row's `slopes` say what it gives. All of this for orders 1 and 2, for every
pair of inputs, in every composition of the two modes, and for both widths of floats.
"""

from itertools import pairwise, product
from math import inf

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.numbers.symbolic import Ball, precision

ROWS = {  # ops over an axis, as functions of two numbers
    "logsumexp": lambda x, y: ops.logsumexp(ops.stack([x, y]), axis=0),
    "softmax": lambda x, y: ops.index(ops.softmax(ops.stack([x, y]), axis=0), at=0),
    "log_softmax": lambda x, y: ops.index(ops.log_softmax(ops.stack([x, y]), axis=0), at=0),
    "max": lambda x, y: ops.max(ops.stack([x, y]), axis=0),
    "min": lambda x, y: ops.min(ops.stack([x, y]), axis=0),
    "where": lambda x, y: ops.where(ops.greater(x, y), x, y),
}
ELEMENTWISE = [name for name, op in ops.TABLE.items() if op.kernel is not None and any(op.vjps)]
NAMES = [*ELEMENTWISE, *ROWS]
SCALES = (2.0**4, 2.0**7, 2.0**10)  # how near: 1 / scale beside a number, the scale itself on the way to infinity


def call(name):
    """An op as a function of numbers, and how many."""
    return (ROWS[name], 2) if name in ROWS else (ops.TABLE[name], len(ops.TABLE[name].vjps))


def edges(name):
    """The points examined: the combinations of numbers in the closure of the domain at which the op has a value."""
    f, arity = call(name)
    low, high = ops.TABLE[name].domain
    numbers = {1: [-inf, -1.0, -0.0, 0.0, 1.0, 2.0, inf], 2: [-inf, -1.0, 0.0, 1.0, 2.0, inf], 3: [0.0, 1.0]}[arity]
    if name in ("logsumexp", "softmax", "log_softmax"):
        numbers.remove(inf)  # ∞ / ∞: their rows say that a logit of ∞ has no share
    points = list(product([x for x in numbers if low <= x <= high], repeat=arity))
    return [point for point, y in zip(points, f(*columns(points, float)), strict=True) if not np.isnan(y)]


def ways(point, domain):
    """Ways from inside the domain to a point: for each a function of the scale. A zero is reached from its own side."""
    low, high = domain
    options = []
    for x in point:
        if np.isinf(x):
            options.append([lambda s, x=x: np.copysign(s, x), lambda s, x=x: np.copysign(s, x) / 2])
            continue
        signs = [1] if x == low else [-1] if x == high else [np.copysign(1, x)] if x == 0 else [1, -1]
        steps = [lambda s, x=x, d=d: x + Ball(d) / Ball(s) for d in signs]
        steps += [lambda s, x=x, d=d: x + Ball(d) / Ball(s) ** 3 for d in signs]
        options.append([*steps, lambda s, x=x: x] if len(point) > 1 and x and low < x < high else steps)
    for way in product(*options):
        if any(w(1.0) != w(2.0) for w in way):
            yield lambda s, way=way: tuple(Ball(w(s)) for w in way)


def first(f, arity):
    """The partial derivatives by reverse and by forward mode."""
    reverse = lambda *x: td.vjp(f, *x)[1](np.ones_like(x[0]))
    forward = lambda *x: tuple(
        td.jvp(f, x, tuple(np.ones_like(v) * (i == j) for j, v in enumerate(x)))[1] for i in range(arity)
    )
    return reverse, forward


def second(f, arity):
    """The second partial derivatives, row by row, in all four compositions of the modes."""
    return [gradients(inner, arity, arity, mode) for inner in first(f, arity) for mode in (0, 1)]


def gradients(f, count, arity, mode):
    """All partial derivatives of each of f's `count` results, by reverse (0) or forward (1) mode."""
    part = lambda i: lambda *x: f(*x)[i]
    return lambda *x: tuple(g for i in range(count) for g in first(part(i), arity)[mode](*x))


def columns(points, dtype):
    return tuple(np.array(column, dtype) for column in zip(*points, strict=True))


def limit(values):
    """Where a sequence goes: ±∞, a number, or None where that does not show."""
    if not all(v.arb.is_finite() for v in values):
        return None
    a, b, c = (Ball(v.arb.mid()) for v in values)
    for sign in (1, -1):
        if sign * a > 1 and sign * b > 1.3 * sign * a and sign * c > 1.3 * sign * b:
            return sign * inf
    if abs(c - b) * 5 <= abs(b - a) or abs(c - b) < Ball(2) ** -90:
        return float(c.arb.mid())
    return None


def ended(got, wanted):
    return got == wanted or (np.isfinite(wanted) and abs(got - wanted) <= 1e-2 * abs(wanted) + 1e-2)


def same(limits):
    """The one place where all ways end, or None."""
    one = limits[0]
    return one if None not in limits and all(ended(x, one) for x in limits) else None


def limits(name, derivatives):
    """For every edge point, the common limit of each derivative, or None."""
    points, starts = [], []
    with precision(4000):
        for point in edges(name):
            starts.append(len(points) // len(SCALES))
            points += [way(s) for way in ways(point, ops.TABLE[name].domain) for s in SCALES]
        starts.append(len(points) // len(SCALES))
        found = derivatives(*columns(points, object))
        ends = [[limit([Ball(v) for v in part[i : i + 3]]) for i in range(0, len(part), 3)] for part in found]
    return [[same(part[i:j]) for part in ends] for i, j in pairwise(starts)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_slopes(name, dtype):
    f, arity = call(name)
    stated = {tuple(np.atleast_1d(x)): np.atleast_1d(d) for x, d in ops.TABLE[name].slopes}
    reverse, forward = (derivatives(*columns(edges(name), dtype)) for derivatives in first(f, arity))
    np.testing.assert_array_equal(reverse, forward)
    for k, (point, wanted) in enumerate(zip(edges(name), limits(name, first(f, arity)[0]), strict=True)):
        for i in range(arity):
            got = reverse[i][k]
            if point in stated:
                assert got == stated[point][i], f"{name}{point}, input {i}: {got}, stated {stated[point][i]}"
            elif wanted[i] is not None:
                assert ended(got, wanted[i]), f"{name}{point}, input {i}: {got}, but beside it {wanted[i]}"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_slopes_of_slopes(name, dtype):
    f, arity = call(name)
    found = [derivatives(*columns(edges(name), dtype)) for derivatives in second(f, arity)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=20 * np.finfo(dtype).eps)
    for k, (point, wanted) in enumerate(zip(edges(name), limits(name, second(f, arity)[0]), strict=True)):
        hessian = np.reshape([part[k] for part in found[0]], (arity, arity))
        np.testing.assert_allclose(hessian, hessian.T, rtol=20 * np.finfo(dtype).eps, err_msg=f"{name}{point}")
        for got, end in zip(hessian.flat, wanted, strict=True):
            assert end is None or ended(got, end), f"{name}{point}: {hessian}, but beside it {wanted}"


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if call(name)[1] < 3])
def test_slopes_of_slopes_of_slopes(name):
    f, arity = call(name)
    derivatives = gradients(second(f, arity)[0], arity**2, arity, 0)  # reverse over reverse over reverse
    found = derivatives(*columns(edges(name), float))
    for k, (point, wanted) in enumerate(zip(edges(name), limits(name, derivatives), strict=True)):
        tensor = np.reshape([part[k] for part in found], (arity,) * 3)
        for i, j in ((0, 1), (1, 2)):
            turned = np.swapaxes(tensor, i, j)
            said = ~(np.isnan(tensor) | np.isnan(turned))  # ∞ − ∞, of which one order of the rules may know more
            np.testing.assert_allclose(tensor[said], turned[said], rtol=1e-14, err_msg=f"{name}{point}")
        for got, end in zip(tensor.flat, wanted, strict=True):
            if np.isnan(got) and end is not None and np.isinf(end):
                continue
            assert end is None or ended(got, end), f"{name}{point}: {tensor}, but beside it {wanted}"
