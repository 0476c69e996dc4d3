"""Every op of the table, by loops over the table: a new row is tested the moment it is written."""

import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels.floats import TWO_OVER_PI
from tinygrad_dbn.autodiff.ops.row import calls
from tinygrad_dbn.autodiff.options import MISSING

TABLE = ops.TABLE
ELEMENTWISE = [name for name, op in TABLE.items() if op.kernel is not None]
WIDTHS = [np.float64, np.float32]

SEALED = [name for name, op in TABLE.items() if op.sealed]
EXAMPLES = {  # every example of every row: the op, a function of arrays, and their shapes
    name if i == 0 else f"{name} {i + 1}": (op, f, shapes)
    for name, op in TABLE.items()
    for i, (f, shapes) in enumerate(calls(op))
}
DIFFERENTIABLE = [key for key, (op, _, _) in EXAMPLES.items() if not op.sealed]


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_an_example_of_every_option(name):
    op = TABLE[name]
    assert op.examples
    given = {option for example in op.examples for option in example.options}
    assert given >= {name for name, (_, default) in op.options.items() if default is MISSING}


def inside(op, rng, shape):
    """Random arguments well inside an op's domain."""
    low, high = op.domain
    return rng.uniform(max(low, -3.0) + 0.05, min(high, 3.0) - 0.05, shape)


@pytest.mark.parametrize("key", DIFFERENTIABLE)
def test_derivatives_agree_with_finite_differences(key):
    rng = np.random.default_rng(1)
    op, f, shapes = EXAMPLES[key]
    args = [inside(op, rng, shape) for shape in shapes]
    td.check_grads(lambda *xs: f(*xs) ** 3, args, order=2)


@pytest.mark.parametrize("name", ["stop_gradient", *(name for name in SEALED if name in ELEMENTWISE)])
def test_nothing_flows_where_the_row_says_so(name):
    x = np.array([-1.0, 0.5])
    assert (td.grad(lambda x: TABLE[name](x).sum())(x) == 0).all()
    assert (td.jvp(TABLE[name], (x,), (x,))[1] == 0).all()


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("name", TABLE)
def test_edges(name, dtype):
    for argument, expected in TABLE[name].edges:
        args = argument if isinstance(argument, tuple) else (argument,)
        args = [np.asarray(a, None if isinstance(a, bool) else dtype) for a in args]
        value = TABLE[name](*args)
        np.testing.assert_array_equal(value, np.asarray(expected, value.dtype))
        if np.all(np.asarray(expected) == 0):
            np.testing.assert_array_equal(np.signbit(value), np.signbit(expected))


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("key", [key for key, (op, _, _) in EXAMPLES.items() if op.kernel or not op.sealed])
def test_width_is_kept_and_inputs_are_not_touched(key, dtype):
    rng = np.random.default_rng(2)
    op, f, shapes = EXAMPLES[key]
    args = [inside(op, rng, shape).astype(dtype) for shape in shapes]
    before = [a.copy() for a in args]
    y, pullback = td.vjp(f, *args)
    gradients = pullback(np.ones_like(y))
    assert y.dtype == dtype
    assert all(g.dtype == dtype and g.shape == a.shape for g, a in zip(gradients, args, strict=True))
    assert all((a == b).all() and a.flags.writeable for a, b in zip(args, before, strict=True))


BROADCAST = {
    **{name: (TABLE[name], len(TABLE[name].vjps)) for name in ELEMENTWISE if len(TABLE[name].vjps) > 1},
    "where": (lambda x, y: ops.where(np.array([[True], [False]]), x, y), 2),
    "place": (lambda x: ops.place(x, at=(np.array([[0], [1]]), np.array([0, 2, 2])), shape=(2, 3)), 1),
    "broadcast_to": (lambda x: ops.broadcast_to(x, shape=(2, 3)), 1),
}


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 1), (1, 3), (2, 1), (2, 3)])
@pytest.mark.parametrize("name", BROADCAST)
def test_a_broadcast_input_gets_a_cotangent_of_its_own_shape(name, shape):
    """It is the sum over what the input was broadcast to; and the tangent has the shape of the output."""
    f, arity = BROADCAST[name]
    rng = np.random.default_rng(0)
    for i in range(arity):
        args = [rng.uniform(0.3, 0.6, shape if i == j else (2, 3)) for j in range(arity)]
        full = [np.broadcast_to(x, (2, 3)) for x in args]
        y, pullback = td.vjp(f, *args)
        g = rng.normal(size=(2, 3))
        for x, got, wanted in zip(args, pullback(g), td.vjp(f, *full)[1](g), strict=True):
            extra = tuple(range(2 - x.ndim))
            kept = tuple(a for a in range(2) if a not in extra and x.shape[a - len(extra)] == 1)
            assert got.shape == x.shape
            np.testing.assert_allclose(got, wanted.sum(kept, keepdims=True).sum(extra), rtol=1e-12)
        assert y.shape == td.jvp(f, tuple(args), tuple(args))[1].shape == (2, 3)


def test_a_number_placed_at_several_indices_gets_the_sum_of_their_cotangents():
    f = lambda x: ops.place(x, at=np.array([0, 2, 2]), shape=(4,)).sum()
    assert td.grad(f)(2.0) == 3
    assert td.jvp(f, (2.0,), (1.0,))[1] == 3


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if len(TABLE[name].vjps) > 1])
def test_derivatives_beside_pythons_numbers_keep_the_width(name):
    """x / 2 in float32 has a derivative in float32, and so have its derivatives, in both modes."""
    op = TABLE[name]
    for i in range(len(op.vjps)):
        for number in (0.5, 2):
            f = lambda x, i=i, number=number: op(*(x if i == j else number for j in range(len(op.vjps))))
            x = np.full(3, 0.75, np.float32)
            for _ in range(3):
                y, pullback = td.vjp(f, x)
                assert {y.dtype, pullback(y)[0].dtype, td.jvp(f, (x,), (x,))[1].dtype} == {np.dtype(np.float32)}
                f = lambda x, f=f, y=y: td.vjp(f, x)[1](np.ones_like(y))[0]


REFERENCE = {  # what mpmath calls the ops whose meaning it does not know by NumPy's name
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "log1mexp": lambda x: mpmath.log1p(-mpmath.exp(x)),
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sqrt": mpmath.sqrt,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erf_slope": lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_errors_stay_within_the_budget_of_the_row(name):
    op = TABLE[name]
    rng = np.random.default_rng(3)
    low, high = op.domain
    x = np.concatenate([rng.uniform(-30, 30, 400), rng.normal(0, 1e-3, 200), rng.uniform(-700, 700, 100)])
    x = np.unique(x[(x > low) & (x < high)])
    y = op(x)
    with mpmath.workdps(60):
        exact = [REFERENCE[name](mpmath.mpf(float(v))) for v in x]
        errors = [abs(mpmath.mpf(float(a)) - b) / float(np.spacing(abs(a))) for a, b in zip(y, exact, strict=True)]
    normal = np.abs(y) > 1e-300  # subnormal results have no ulps to spare
    assert max(e for e, ok in zip(errors, normal, strict=True) if ok) <= op.ulp


def test_sines_of_huge_numbers_are_those_of_the_numbers():
    """The largest float, 10²², the float nearest of all to a multiple of π/2, and floats beside its small multiples."""
    with mpmath.workdps(400):
        digits = int(mpmath.floor(2 / mpmath.pi * mpmath.mpf(2) ** (64 * (len(TWO_OVER_PI) - 1))))
    assert digits == sum(int(word) << 64 * i for i, word in enumerate(TWO_OVER_PI[::-1]))
    x = np.array([1e22, np.finfo(float).max, 6381956970095103.0 * 2.0**797, -1e300, 2.0**-1074])
    x = np.append(x, np.arange(1, 10_000) * np.pi / 2)  # one in 2000 carries a bit from word to word
    for name in ("sin", "cos"):
        with mpmath.workdps(400):
            wanted = [float(getattr(mpmath, name)(mpmath.mpf(float(v)))) for v in x]
        np.testing.assert_allclose(TABLE[name](x), wanted, rtol=3e-16)


# ---- The promises that hold for all ops at once ---------------------------------------------------------------------


def test_a_branch_not_taken_sends_nothing_back():
    x = np.array([0.0, 1.0, -1.0])
    f = lambda x: ops.where(ops.greater(x, 0), ops.log(x), 0).sum()
    np.testing.assert_array_equal(td.grad(f)(x), [0, 1, 0])
    np.testing.assert_array_equal(td.hvp(f, x, np.ones(3)), [0, -1, 0])


@pytest.mark.parametrize("dtype", WIDTHS)
def test_losses_are_what_the_lecture_says(dtype):
    rng = np.random.default_rng(0)
    a, x, y = rng.normal(size=(4, 3)).astype(dtype), rng.random((4, 3)).astype(dtype), np.array([0, 2, 1, 2])
    p, f = 1 / (1 + np.exp(-a)), np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    for got, wanted in [
        (ops.bernoulli_cross_entropy(a, x), -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)),
        (ops.softmax_nll(a, y), -np.log(f[range(4), y])),
        (ops.squared_error(a, x), 0.5 * ((a - x) ** 2).sum(axis=1)),
    ]:
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("y", [[0, -1], [0, 4], [4, 0], [7, 0]])
def test_classes_that_are_not_there_are_refused(y):
    message = re.escape(f"classes run from {min(y)} to {max(y)}, the logits have 0 to 3")
    with pytest.raises(ValueError, match=message):
        ops.softmax_nll(np.zeros((2, 4)), np.array(y))
    with pytest.raises(ValueError, match=r"want 2 integers from 0 to 2"):
        ops.softmax_nll(np.zeros((2, 3)), np.array([0.0, 1.0]))


def test_arrays_are_stacked_and_joined_along_the_first_axis_unless_said_otherwise():
    x, y = np.ones((2, 3)), np.full((2, 3), 2.0)
    for join, shape in ((ops.stack, (2, 2, 3)), (ops.concatenate, (4, 3))):
        weights = np.arange(12.0).reshape(shape)
        assert join([x, y]).shape == shape
        gradients = td.grad(lambda x, y, join=join, w=weights: (join([x, y]) * w).sum(), (0, 1))(x, y)
        np.testing.assert_array_equal(np.ravel(gradients), np.arange(12.0))


def test_ties_share_the_derivative():
    np.testing.assert_array_equal(td.grad(lambda x: ops.max(x))(np.array([2.0, 1.0, 2.0])), [0.5, 0, 0.5])
    np.testing.assert_array_equal(td.grad(lambda x: ops.maximum(x, x[::-1]).sum())(np.array([1.0, 1.0])), [1, 1])
    assert td.grad(lambda x: ops.maximum(x, 2.0))(2.0) == 0.5


def test_clip_agrees_with_numpy_and_gives_the_bound_its_share():
    x, low, high = np.array([-1.0, 0.5, 2.0, 0.0]), 0.0, 1.0
    np.testing.assert_array_equal(ops.clip(x, low, high), np.clip(x, low, high))
    gx, glow, ghigh = td.grad(lambda *a: ops.clip(*a).sum(), (0, 1, 2))(x, low, high)
    np.testing.assert_array_equal(gx, [0, 1, 0, 1])
    assert (glow, ghigh) == (1, 1)
    np.testing.assert_array_equal(ops.clip(x, 1.0, 0.0), np.clip(x, 1.0, 0.0))
    assert td.grad(lambda *a: ops.clip(*a).sum(), (1, 2))(x, 1.0, 0.0) == (0, 4)


@given(st.integers(1, 3), st.integers(1, 4), st.sampled_from([0, 1, -1, -2]), st.integers(0, 99))
def test_take_along_agrees_with_numpy(m, n, axis, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, n))
    at = rng.integers(-x.shape[axis], x.shape[axis], (m, n))
    np.testing.assert_array_equal(ops.take_along(x, at, axis), np.take_along_axis(x, at, axis))
    td.check_grads(lambda x: ops.take_along(x, at, axis) ** 2, [x])
    with pytest.raises(ValueError, match="same axes"):
        ops.take_along(x, at[0], axis)
    with pytest.raises(TypeError, match="astype"):
        ops.take_along(x, at * 1.0, axis)
    with pytest.raises(IndexError, match=r"test_ops\.py"):
        ops.take_along(x, at + 10, axis)


def test_integers_are_promoted_and_other_types_refused():
    assert ops.exp(np.array([1, 2])).dtype == np.float64
    assert ops.add(np.ones(2, np.float32), 1).dtype == np.float32
    assert ops.add(np.ones(2, np.float32), 0.5).dtype == np.float32
    for bad in (np.array([1j]), np.array(["a"]), np.ones(1, np.float16)):
        with pytest.raises(TypeError, match="not supported"):
            ops.exp(bad)


def test_errors_name_the_op_the_shapes_and_the_line():
    with pytest.raises(ValueError, match=r"add\(\(3,\) float64, \(4,\) float64\)(.|\n)*test_ops\.py:\d+"):
        ops.add(np.ones(3), np.ones(4))
    with pytest.raises(TypeError, match=r"greater\((.|\n)*test_ops\.py"):
        ops.greater(np.array(["a"]), 1.0)
    with pytest.raises(ValueError, match=r"matmul\((.|\n)*test_ops\.py"):
        td.grad(lambda W: (W @ np.ones(3)).sum())(np.ones((3, 4)))


shapes = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@given(shapes, st.sampled_from([None, 0, -1, (0, 2), (-1, 1)]), st.booleans())
def test_reductions_agree_with_numpy_on_every_shape(shape, axis, keepdims):
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(ops.sum(x, axis=axis, keepdims=keepdims), x.sum(axis, keepdims=keepdims))
    expected = np.log(np.exp(x).sum(axis, keepdims=keepdims), where=True, out=None) if x.size else None
    y = ops.logsumexp(x, axis=axis, keepdims=keepdims)
    assert y.shape == x.sum(axis, keepdims=keepdims).shape
    if expected is not None:
        np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-14)
    gradient = td.grad(lambda x: ops.sum(ops.logsumexp(x, axis=axis, keepdims=keepdims)))(x)
    assert gradient.shape == shape
    if x.size:
        np.testing.assert_allclose(gradient.sum(axis), 1, rtol=1e-13)


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_matmul_with_vectors_agrees_with_numpy(m, k, n):
    rng = np.random.default_rng(0)
    for a, b in [((m, k), (k, n)), ((k,), (k, n)), ((m, k), (k,)), ((k,), (k,)), ((2, m, k), (k,))]:
        x, y = rng.normal(size=a), rng.normal(size=b)
        np.testing.assert_allclose(ops.matmul(x, y), x @ y, atol=1e-14)
        gx, gy = td.grad(lambda x, y: ops.sum(ops.matmul(x, y)), (0, 1))(x, y)
        assert gx.shape == a
        assert gy.shape == b


@pytest.mark.parametrize("name", [name for name, op in ops.TABLE.items() if op.ulp == 0])
def test_a_row_that_promises_no_error_makes_none(name):
    """Its floats are what it makes of the same numbers as fractions, where nothing is rounded."""
    rng, fractions = np.random.default_rng(0), np.frompyfunc(lambda x: Fraction(float(x)), 1, 1)
    for f, shapes in calls(ops.TABLE[name]):
        for dtype in 5 * (np.float64, np.float32):
            arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
            wanted = np.asarray(f(*(np.asarray(fractions(x), object) for x in arrays)))
            assert [Fraction(float(y)) for y in f(*arrays).flat] == [
                Fraction(int(y) if isinstance(y, bool | np.bool_) else y) for y in wanted.flat
            ]


@pytest.mark.parametrize("name", [name for name, op in ops.TABLE.items() if op.kernel])
def test_an_op_of_numbers_gives_an_array_of_no_axes(name):
    """Not NumPy's scalar, which is another type."""
    for arguments in ([0.5, 0.5, 0.5], [np.float32(0.5)] * 3, [np.array(0.5)] * 3):
        op = ops.TABLE[name]
        y = op(*arguments[: op.arity])
        assert type(y) is np.ndarray
        assert y.shape == ()
