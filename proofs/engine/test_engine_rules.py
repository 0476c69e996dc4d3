"""The engine: every op of the table computes its meaning, and is differentiated as calculus would.

Each op runs on symbols, on every branch of its comparisons, through the same `vjp` and `jvp` that users call, on small
arrays that share, broadcast and reduce. SymPy differentiates the op's meaning.
"""

import numpy as np
import pytest
import sympy

from proofs.engine.table import (
    A_LITTLE_MORE,
    DIFFERENTIABLE,
    FLAT,
    KERNELS,
    NEIGHBOURS,
    SEALED,
    cases,
    computed_by,
    in_meanings,
    is_linear,
    leaking,
    looking_at,
    off_by,
    on_every_branch,
    the_neighbours,
)
from proofs.harness.formulas import derivatives, equal_formulas, on_branches
from proofs.harness.theorem import Spoiled, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import jvp, vjp
from tinygrad_dbn.autodiff.numbers.symbolic import symbols

looked_at = pytest.fixture(looking_at)


@pytest.mark.parametrize("name", NEIGHBOURS)
@theorem(
    "every kernel computes its op's meaning, on every branch",
    claim="ops",
    level="B",
    sizes="every op with a kernel, 2 to 4 elements",
    spoiled=[
        Spoiled("zero", computed_by(lambda f, _: lambda *x, **params: 0 * f(*x, **params))),
        Spoiled("off by 1.001", computed_by(lambda f, _: lambda *x, **params: f(*x, **params) * A_LITTLE_MORE)),
        Spoiled("2x − 1 for x", computed_by(lambda f, _: lambda x, *y, **params: f(2 * x - 1, *y, **params))),
        Spoiled("its neighbour's kernel", computed_by(the_neighbours)),
    ],
)
def test_kernels(looked_at):
    for f, arrays in cases(looked_at):
        for signs, got, wanted in on_every_branch(lambda f=f, arrays=arrays: f(*arrays)):
            equal_formulas(got, wanted, looked_at, signs)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "every vjp is the transpose of the meaning's derivative",
    claim="ops",
    level="B",
    sizes="every op, shared, broadcast and reduced, 2 to 8 elements",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("zero backward", off_by(0, "pull")),
        Spoiled("backward off by 1.001", off_by(A_LITTLE_MORE, "pull")),
        Spoiled("sign flipped", off_by(-1, "pull")),
    ],
)
def test_vjps(looked_at):
    for f, arrays in cases(looked_at):
        vjp_is_the_transpose(f, arrays, looked_at)


def vjp_is_the_transpose(f, arrays, name):
    def run():
        y, pullback = vjp(f, *arrays)
        g = symbols("g", np.shape(y))
        return np.sum(in_meanings(lambda: f(*arrays)) * g), pullback(g)

    for signs, (loss, gradients) in on_branches(run):
        for x, gradient in zip(arrays, gradients, strict=True):
            equal_formulas(gradient, derivatives(loss, x), name, signs)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "every jvp is the meaning's derivative",
    claim="ops",
    level="B",
    sizes="every op, shared, broadcast and reduced, 2 to 8 elements",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("zero forward", off_by(0, "push")),
        Spoiled("forward off by 1.001", off_by(A_LITTLE_MORE, "push")),
        Spoiled("sign flipped", off_by(-1, "push")),
    ],
)
def test_jvps(looked_at):
    for f, arrays in cases(looked_at):
        jvp_is_the_derivative(f, arrays, looked_at)


def jvp_is_the_derivative(f, arrays, name):
    tangents = along("d", arrays)

    def run():
        _, pushed = jvp(f, tuple(arrays), tangents)
        return in_meanings(lambda: f(*arrays)), pushed

    for signs, (y, pushed) in on_branches(run):
        wanted = np.empty(np.shape(y), object)
        for index in np.ndindex(wanted.shape):
            wanted[index] = slope(np.asarray(y)[index], arrays, tangents)
        equal_formulas(pushed, wanted, name, signs)


def along(prefix, arrays):
    """A direction: symbols in the shapes of the arrays."""
    return tuple(symbols(f"{prefix}{letter}", x.shape) for letter, x in zip("xyz", arrays, strict=False))


def slope(formula, arrays, directions):
    """The derivative of a formula along the directions."""
    return sum((derivatives(formula, x) * t).sum() for x, t in zip(arrays, directions, strict=True))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "⟨J v, w⟩ = ⟨v, Jᵀ w⟩: forward and reverse mode are transposes of each other",
    claim="ops",
    level="B",
    sizes="every op, on every branch, shared, broadcast and reduced, 2 to 8 elements",
    spoiled=[
        Spoiled("zero backward", off_by(0, "pull")),
        Spoiled("forward off by 1.001", off_by(A_LITTLE_MORE, "push")),
        Spoiled("the sign flipped backward", off_by(-1, "pull")),
        Spoiled("the sign flipped forward", off_by(-1, "push")),
    ],
)
def test_transposes(looked_at):
    for f, arrays in cases(looked_at):
        modes_are_transposes(f, arrays, looked_at)


def modes_are_transposes(f, arrays, name):
    v = along("v", arrays)

    def run():
        y, pushed = jvp(f, tuple(arrays), v)
        w = symbols("w", np.shape(y))
        _, pullback = vjp(f, *arrays)
        return np.sum(pushed * w), sum(np.sum(t * g) for t, g in zip(v, pullback(w), strict=True))

    for signs, (forward, backward) in on_branches(run):
        equal_formulas(forward, backward, name, signs)


COMPOSITIONS = {
    "vjp of vjp": lambda h, x, g, v, w: vjp(lambda *x: vjp(h, *x)[1](g), *x)[1](v),
    "jvp of vjp": lambda h, x, g, v, w: jvp(lambda *x: vjp(h, *x)[1](g), x, v)[1],
    "vjp of jvp": lambda h, x, g, v, w: vjp(lambda *x: jvp(h, x, v)[1], *x)[1](g),
    "jvp of jvp": lambda h, x, g, v, w: (np.sum(g * jvp(lambda *x: jvp(h, x, v)[1], x, w)[1]),),
}


def in_the_rules(factor, level, of_every_op=False):
    """Spoil the op's share in both modes. What the outer transform meets are the ops of which the rule is made."""

    def patch(monkeypatch):
        for method in ("pull", "push"):
            off_by(factor, method, level, of_every_op)(monkeypatch)

    return patch


@pytest.mark.parametrize("composition", COMPOSITIONS)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "second derivatives, in all four compositions of vjp and jvp, are the meaning's",
    claim="ops",
    level="B",
    sizes="every op, and the squares of the linear ones, on every branch, 2 to 8 elements",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("the inner share zero", in_the_rules(0, "inner")),
        Spoiled("the inner share off by 1.001", in_the_rules(A_LITTLE_MORE, "inner")),
        Spoiled("the sign flipped at the inner level only", in_the_rules(-1, "inner")),
        Spoiled("every outer share off by 1.001", in_the_rules(A_LITTLE_MORE, "outer", of_every_op=True)),
    ],
)
def test_second_order(looked_at, composition):
    f, arrays = next(cases(looked_at))
    h = (lambda *x: ops.square(f(*x))) if is_linear(looked_at) else f
    arrays, v, w = tuple(arrays), along("v", arrays), along("w", arrays)

    def run():
        y = in_meanings(lambda: h(*arrays))
        g = symbols("g", np.shape(y))
        return np.sum(y * g), COMPOSITIONS[composition](h, arrays, g, v, w)

    for signs, (loss, got) in on_branches(run):
        along_v = slope(loss, arrays, v)
        wanted = [derivatives(along_v, x) for x in arrays]
        if composition == "jvp of jvp":
            wanted = [sum((part * t).sum() for part, t in zip(wanted, w, strict=True))]
        for one, other in zip(got, wanted, strict=True):
            equal_formulas(one, other, f"{composition} of {looked_at}", signs)


@pytest.mark.parametrize("name", FLAT)
@theorem(
    "ops without a derivative are constant on every branch",
    claim="ops",
    level="B",
    sizes="step, sign",
    spoiled=[
        Spoiled("a slope added", slope=1),
        Spoiled("a slope of a thousandth", slope=sympy.Rational(1, 1000)),
        Spoiled("relu in its place", other=ops.relu),
        Spoiled("abs in its place", other=ops.abs),
    ],
)
def test_flat_ops(name, slope=0, other=None):
    f, (x,) = next(cases(name))
    for signs, y in on_branches(lambda: (other or f)(x)):
        equal_formulas(derivatives(np.sum(y + slope * x), x), np.zeros(x.shape, int).astype(object), name, signs)


@pytest.mark.parametrize("name", SEALED)
@theorem(
    "nothing flows through comparisons, step, sign and stop_gradient",
    claim="ops",
    level="B",
    sizes="x · f(x), or x · f(x, y), of 2 elements, on every branch",
    spoiled=[
        Spoiled("a cotangent handed on", leaking(1, "pull")),
        Spoiled("a thousandth of a cotangent handed on", leaking(sympy.Rational(1, 1000), "pull")),
        Spoiled("a tangent handed on", leaking(1, "push")),
        Spoiled("a tangent handed on with its sign turned", leaking(-1, "push")),
    ],
)
def test_sealed_ops(looked_at):
    op = ops.TABLE[looked_at]
    arrays = tuple(symbols(letter, (2,)) for letter in "xy"[: len(op.vjps)])
    g, v = symbols("g", (2,)), along("v", arrays)

    def h(*x):
        return ops.multiply(x[0], op(*x))

    for signs, (y, got, pushed) in on_branches(lambda: (op(*arrays), vjp(h, *arrays)[1](g), jvp(h, arrays, v)[1])):
        equal_formulas(got[0], g * y, looked_at, signs)
        for other in got[1:]:
            equal_formulas(other, np.zeros(2, object), looked_at, signs)
        equal_formulas(pushed, v[0] * y, looked_at, signs)


def test_every_kernel_has_a_neighbour_that_it_might_be_confused_with():
    assert set(NEIGHBOURS) == {*KERNELS, "logsumexp", "softmax", "log_softmax"}
