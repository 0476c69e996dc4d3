"""Whole programs, drawn by Hypothesis: graphs that share, broadcast and reduce, with empty axes and axes of length 1.

A program is a list of steps, each an op applied to earlier results. It is run on floats of both widths, on exact
rationals and on symbols, compiled, and differentiated, and the promises that hold for every op are checked on every
program.
"""

import gc
import weakref
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.numbers.rational import Exact

SMOOTH = {  # bounded or tame, so that a chain of them stays where finite differences can see
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "softplus": ops.softplus,
    "log_sigmoid": ops.log_sigmoid,
    "log_softmax": lambda x: x if not np.shape(x) else ops.log_softmax(x, axis=-1),
    "logsumexp": lambda x: ops.logsumexp(x, axis=None),
    "bounded exp": lambda x: ops.exp(-ops.softplus(x)),
}
RATIONAL = {  # these, and the steps of `any_step`, never leave the rationals
    "square": ops.square,
    "negative": ops.negative,
    "reciprocal": lambda x: ops.reciprocal(1 + ops.square(x)),
    "sum": lambda x: ops.sum(x, axis=None, keepdims=True),
    "copy": lambda x: x,
    "transpose": lambda x: ops.transpose(x, axes=tuple(reversed(range(len(np.shape(x)))))),
    "first": lambda x: x if 0 in np.shape(x) or not np.shape(x) else ops.index(x, at=0),
    "mean of the last": lambda x: x if not np.shape(x) or np.shape(x)[-1] == 0 else ops.mean(x, axis=-1),
    "stack": lambda x: ops.stack([x, x]),
    "reversed": lambda x: x if not np.shape(x) else ops.index(x, at=slice(None, None, -1)),
    "twice": lambda x: x if not np.shape(x) else ops.concatenate([x, 2 * x]),
    "gram": lambda x: x if len(np.shape(x)) != 2 else ops.matmul(x, ops.transpose(x, axes=(1, 0))) / 4,
    "flat": lambda x: ops.reshape(x, shape=(-1,)) if 0 not in np.shape(x) else x,
}
PAIRS = {"add": ops.add, "subtract": ops.subtract, "multiply": ops.multiply}


@dataclass(frozen=True)
class Program:
    """steps: (name, position) or (name, position, position), of results so far; the inputs are the first."""

    shapes: tuple
    steps: tuple

    def __call__(self, *inputs):
        results = list(inputs)
        for name, *positions in self.steps:
            xs = [results[p % len(results)] for p in positions]
            if len(xs) == 2 and not fits(*map(np.shape, xs)):
                xs[1] = ops.sum(xs[1], axis=None)
            results.append((PAIRS | RATIONAL | SMOOTH)[name](*xs))
        return results[-1]


def fits(a, b):
    try:
        return len(np.broadcast_shapes(a, b)) <= 4
    except ValueError:
        return False


@st.composite
def programs(draw, unary=(*SMOOTH, *RATIONAL), smallest=0, largest=3, longest=7):
    shapes = draw(st.lists(st.lists(st.integers(smallest, largest), max_size=2).map(tuple), min_size=1, max_size=3))
    one = st.tuples(st.sampled_from(sorted(unary)), st.integers(0, 9))
    two = st.tuples(st.sampled_from(sorted(PAIRS)), st.integers(0, 9), st.integers(0, 9))
    return Program(tuple(shapes), tuple(draw(st.lists(one | two, min_size=1, max_size=longest))))


def inputs(program, seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in program.shapes]


SEEDS = st.integers(0, 1000)


def everything(program):
    """The program's last result as one number."""
    return lambda *xs: ops.sum(ops.tanh(program(*xs)), axis=None)


@given(programs(smallest=1), SEEDS)
def test_derivatives_agree_with_finite_differences(program, seed):
    xs = inputs(program, seed)
    value, gradient = td.value_and_grad(everything(program), tuple(range(len(xs))))(*xs)
    assume(abs(np.max(program(*xs), initial=0)) < 5)  # beyond, tanh is flat and differences see only rounding
    assume(max(np.abs(g).max(initial=0) for g in gradient) > 1e-3 * max(1, abs(value)))
    td.check_grads(everything(program), xs, order=1, rtol=1e-4)


@given(programs(), SEEDS)
def test_the_two_modes_agree_and_nothing_is_mutated(program, seed):
    xs = inputs(program, seed)
    before = [x.copy() for x in xs]
    rng = np.random.default_rng(seed + 1)
    directions = tuple(rng.normal(size=x.shape) for x in xs)
    y, pullback = td.vjp(program, *xs)
    w = rng.normal(size=np.shape(y))
    gradient = pullback(w)
    pushed_y, pushed = td.jvp(program, tuple(xs), directions)
    np.testing.assert_array_equal(y, pushed_y)
    back, forth = sum((g * d).sum() for g, d in zip(gradient, directions, strict=True)), (pushed * w).sum()
    size = sum(np.abs(g * d).sum() for g, d in zip(gradient, directions, strict=True)) + np.abs(pushed * w).sum()
    assert abs(back - forth) <= 1e-9 * size + 1e-300
    assert all((x == b).all() and x.flags.writeable for x, b in zip(xs, before, strict=True))


@given(programs(), SEEDS)
def test_derivatives_are_the_callers_own_memory(program, seed):
    xs = inputs(program, seed)
    y, pullback = td.vjp(program, *xs)
    w, directions = np.ones_like(y), tuple(x.copy() for x in xs)
    for results, given_arrays in [(pullback(w), [w, *xs]), ([td.jvp(program, tuple(xs), directions)[1]], directions)]:
        arrays = [r for r in results if isinstance(r, np.ndarray)]
        others = [*arrays, y, *given_arrays]
        for i, r in enumerate(arrays):
            assert r.flags.writeable
            assert not any(np.shares_memory(r, other) for j, other in enumerate(others) if j != i)
    again = pullback(w)
    for g in pullback(w):
        g += 1  # changes nobody else's
    for g, before in zip(pullback(w), again, strict=True):
        np.testing.assert_array_equal(g, before)


@given(programs(), SEEDS)
def test_float32_is_kept_and_near_float64(program, seed):
    xs = inputs(program, seed, np.float32)
    y, pullback = td.vjp(program, *xs)
    assert y.dtype == np.float32
    assert all(g.dtype == np.float32 and g.shape == x.shape for g, x in zip(pullback(np.ones_like(y)), xs, strict=True))
    wide = program(*(x.astype(np.float64) for x in xs))
    np.testing.assert_allclose(y, wide, rtol=1e-3, atol=1e-3 * np.abs(wide).max(initial=1))


@given(programs(unary=tuple(RATIONAL)), SEEDS)
def test_floats_agree_with_exact_rationals(program, seed):
    rng = np.random.default_rng(seed)
    exact = [np.empty(shape, object) for shape in program.shapes]
    for x in exact:
        for at in np.ndindex(x.shape):
            x[at] = Exact(Fraction(int(rng.integers(-8, 9)), 8))
    rounded = [np.vectorize(lambda e: float(e.p), otypes=[float])(x) for x in exact]
    y, pullback = td.vjp(program, *exact)
    y_float, pullback_float = td.vjp(program, *rounded)
    g, g_float = pullback(np.ones(np.shape(y), object)), pullback_float(np.ones_like(y_float))
    for true, near in zip((y, *g), (y_float, *g_float), strict=True):
        true = np.vectorize(lambda e: float(e.p if isinstance(e, Exact) else e), otypes=[float])(true)
        np.testing.assert_allclose(near, true, rtol=1e-9, atol=1e-9 * np.abs(true).max(initial=0))


def agree(compiled, program, xs):
    """A compiled value and gradient against the eager ones; the inputs stay as they were."""
    before = [x.copy() for x in xs]
    both = td.value_and_grad(everything(program), tuple(range(len(xs))))
    (value, gradient), (ours, our_gradient) = both(*xs), compiled(*xs)
    precise = xs[0].dtype == np.float64
    assert ours.dtype == value.dtype
    np.testing.assert_allclose(ours, value, rtol=1e-12 if precise else 1e-4, atol=1e-14 if precise else 1e-5)
    largest = max(np.abs(g).max(initial=0) for g in gradient)
    for got, wanted in zip(our_gradient, gradient, strict=True):
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        np.testing.assert_allclose(
            got, wanted, rtol=1e-9 if precise else 1e-3, atol=(1e-12 if precise else 1e-4) * largest
        )
    assert all((x == b).all() for x, b in zip(xs, before, strict=True))
    results = [ours, *our_gradient, *xs]
    assert not any(np.shares_memory(a, b) for k, a in enumerate(results) for b in results[:k])


@given(programs(), SEEDS, st.sampled_from([np.float64, np.float32]))
def test_compiled_programs_agree_with_eager_ones(program, seed, dtype):
    """The generated text, run by Python."""
    xs = inputs(program, seed, dtype)
    with interpreted():
        compiled = td.compile(td.value_and_grad(everything(program), tuple(range(len(xs)))))
        agree(compiled, program, xs)


@settings(max_examples=5)  # each takes Numba a second
@given(programs(), SEEDS, st.sampled_from([np.float64, np.float32]))
def test_machine_code_agrees_with_eager_programs(program, seed, dtype):
    xs = inputs(program, seed, dtype)
    agree(td.compile(td.value_and_grad(everything(program), tuple(range(len(xs))))), program, xs)


@settings(max_examples=40)
@given(programs(longest=4, largest=2), SEEDS)
def test_symbols_agree_with_floats(program, seed):
    """Value and gradient as formulas of the meanings, evaluated to 30 digits at the very floats."""
    xs = inputs(program, seed)
    both = td.value_and_grad(everything(program), tuple(range(len(xs))))
    value, gradient = td.symbolic.express(both, *program.shapes)
    names = [np.asarray(td.symbolic.symbols(name, shape)) for name, shape in zip("xyz", program.shapes, strict=False)]
    point = {
        s.expr: sympy.Rational(*float(v).as_integer_ratio())
        for name, x in zip(names, xs, strict=True)
        for s, v in zip(name.flat, x.flat, strict=True)
    }
    exactly = lambda e: float(sympy.sympify(e).xreplace(point).evalf(30))
    floats_value, floats_gradient = both(*xs)
    np.testing.assert_allclose(floats_value, exactly(value), rtol=1e-13, atol=1e-15)
    for got, wanted in zip(floats_gradient, gradient, strict=True):
        wanted = np.vectorize(exactly, otypes=[float])(np.asarray(wanted, object)) if got.size else np.zeros(got.shape)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14 * np.abs(wanted).max(initial=1))


@given(programs(), SEEDS)
def test_the_graph_goes_with_its_result(program, seed):
    gc.disable()
    try:
        leaves = [td.Tensor(x) for x in inputs(program, seed)]
        result = everything(program)(*leaves)
        inner = weakref.ref(result)
        result.backward()
        del result
        assert inner() is None
        assert all(leaf.grad is None or leaf.grad.shape == leaf.shape for leaf in leaves)
    finally:
        gc.enable()
