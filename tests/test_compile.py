"""`td.compile`: the same values as eager, one function per shapes and dtypes, errors that say what to write."""

import linecache
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from compiling import close, interpreted, kept_apart, network, training_step  # noqa: F401 – a fixture
from test_ops import DIFFERENTIABLE, ELEMENTWISE, EXAMPLES, WIDTHS, inside

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError
from tinygrad_dbn.autodiff.trees import tree_map


def everything(f):
    """Value, gradient, and a second derivative of a scalar made of f's output, in one function."""

    def scalar(*xs):
        return (f(*xs) ** 2).sum()

    def run(*xs):
        value, gradient = td.value_and_grad(scalar, tuple(range(len(xs))))(*xs)
        second = td.hvp(lambda xs: scalar(*xs), xs, xs)
        return f(*xs), value, gradient, second

    return run


OF_ARRAYS = [key for key in DIFFERENTIABLE if EXAMPLES[key][0].kernel is None]


def every_op(transform, keys, dtype):
    """A transform of every row's examples in one function, and arguments for it."""
    rng = np.random.default_rng(3)
    runs = [transform(EXAMPLES[key][1]) for key in keys]
    args = [[inside(EXAMPLES[key][0], rng, shape).astype(dtype) for shape in EXAMPLES[key][2]] for key in keys]
    return lambda args: [run(*some) for run, some in zip(runs, args, strict=True)], args


@pytest.mark.parametrize("dtype", WIDTHS)
def test_compiled_is_eager(dtype):
    """Every row with its first and second derivatives, by the text."""
    f, args = every_op(everything, DIFFERENTIABLE, dtype)
    before = [[a.copy() for a in some] for some in args]
    with interpreted():
        ours = td.compile(f)(args)
    for name, got, wanted in zip(DIFFERENTIABLE, ours, f(args), strict=True):
        close(got, wanted, dtype, 100, name)
    assert all((a == b).all() for one, two in zip(args, before, strict=True) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("dtype", WIDTHS)
def test_machine_code_is_eager(dtype):
    """Ops of whole arrays by machine code; their derivatives are among them. `test_edges` has the kernels."""
    f, args = every_op(lambda f: f, OF_ARRAYS, dtype)
    for name, got, wanted in zip(OF_ARRAYS, td.compile(f)(args), f(args), strict=True):
        close(got, wanted, dtype, scale=100, name=name)


def test_every_op_without_a_derivative():
    def f(x, y):
        chosen = ops.greater(x, y), ops.greater_equal(x, y), ops.equal(x, y)
        return ops.step(x), ops.sign(x), ops.stop_gradient(x), *(ops.where(c, x, y) for c in chosen), *chosen

    x, y = np.array([-1.0, 0.0, 2.0, np.nan]), np.array([-1.0, 1.0, 1.0, 1.0])
    for ours, theirs in zip(td.compile(f)(x, y), f(x, y), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", WIDTHS)
def test_edges(dtype):
    """Every edge of every elementwise row, all in one compiled function."""
    rows = [(name, argument) for name in ELEMENTWISE for argument, _ in ops.TABLE[name].edges]
    args = [
        tuple(np.asarray(a, dtype) for a in (argument if isinstance(argument, tuple) else (argument,)))
        for _, argument in rows
    ]
    f = lambda args: [ops.TABLE[name](*a) for (name, _), a in zip(rows, args, strict=True)]
    for (name, argument), ours, theirs in zip(rows, td.compile(f)(args), f(args), strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{name}({argument})")
        assert ours.dtype == dtype


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 3), (3, 1), (1, 1), (2, 1, 3)])
def test_axes_of_length_zero_and_one(shape):
    def f(x):
        return (
            (x + x.sum(axis=0, keepdims=True)) * 2,
            x.sum(),
            x.mean(axis=-1),
            ops.log_softmax(x),
            ops.softmax(x, axis=0),
            ops.logsumexp(x, axis=-1),
            ops.matmul(x, ops.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))),
            ops.reshape(x, shape=(-1, 1)) if x.size else x,
            td.grad(lambda x: (ops.softplus(x) ** 2).mean())(x),
        )

    x = np.random.default_rng(0).normal(size=shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with interpreted():
            close(td.compile(f)(x), f(x))
        if shape == (0, 3):
            close(td.compile(f)(x), f(x))


@pytest.fixture(scope="module")
def compiled_step(kept_apart):  # noqa: F811
    return td.compile(training_step)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
def test_a_training_step(hidden):
    compiled, (net, x, y) = td.compile(training_step), network((5, 4, 4, 3), hidden=hidden)
    ours = theirs = net
    with interpreted():
        for _ in range(3):
            value, ours = compiled(ours, x, y)
            eager, theirs = training_step(theirs, x, y)
            assert value == pytest.approx(float(eager), rel=1e-14)
    assert isinstance(ours, td.FeedForward)
    assert ours.hidden == hidden
    close(ours, theirs)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: ops.tanh(a) * a.T,  # read here and across
        lambda a: (a * 2, a + a.sum(axis=1, keepdims=True)),  # read again in a later pass over the row
        lambda a: (a * 2)[::-1] + a[:, ::-1],
        lambda a: (a - a[:1], a * a[:, 2:]),  # one row, one column of it
        lambda a: ops.softmax(a) @ a,
    ],
)
def test_an_array_is_written_over_only_when_it_has_been_read(f):
    x = np.random.default_rng(0).normal(size=(3, 3))
    g = lambda x: f(x @ x)  # a buffer of the function's own, which its last reader may take
    with interpreted():
        close(td.compile(g)(x), g(x), scale=100)


@pytest.mark.parametrize("stack", [(), (2,), (2, 3)])
def test_the_transpose_of_a_product(stack):
    """It becomes the product of the transposes, stack by stack."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(*stack, 4, 3)), rng.normal(size=(*stack, 3, 5))
    axes = (*range(len(stack)), len(stack) + 1, len(stack))
    f = lambda a, b: ops.transpose(ops.matmul(a, b), axes=axes) * 2
    with interpreted():
        close(td.compile(f)(a, b), 2 * np.swapaxes(a @ b, -1, -2), scale=10)


def test_a_product_reads_its_factors_as_they_are_seen():
    """A square one looks like its transpose, whichever way it is read."""
    a, b = np.random.default_rng(0).normal(size=(2, 3, 3))
    f = lambda a, b: [x @ b for x in (a, a.T, a[::-1], a[:, ::-1], a.T[::-1], a[:, :1] * np.ones(3), a[[0, 0, 2]])]
    with interpreted():
        close(td.compile(f)(a, b), f(a, b), scale=10)


def test_inputs_of_every_memory_layout(compiled_step):
    net, x, y = network()
    expected = compiled_step(net, x, y)
    close(expected, training_step(net, x, y))
    frozen = x.copy()
    frozen.flags.writeable = False
    fortran = np.asfortranarray(x)
    spaced = np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
    for other in (frozen, fortran, spaced, x[::-1].copy()[::-1]):
        close(compiled_step(net, other, np.repeat(y, 2)[::2]), expected)


def test_results_are_the_callers_own():
    f = td.compile(lambda x, y: (x, x, x + 1, x.T, y, 2.0, ops.broadcast_to(x, shape=(2, 2, 2))))
    x, y = np.ones((2, 2)), np.arange(3)
    results = [*f(x, y), *f(x, y)]
    arrays = [x, y, *results]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    for result in results:
        result[...] = 7
    np.testing.assert_array_equal(f(x, y)[0], 1)
    assert (x == 1).all()


@dataclass(frozen=True, slots=True)
class Slotted:
    a: object
    b: object


class Pair(NamedTuple):
    first: object
    second: object


def test_trees_of_every_kind_come_back():
    def f(tree):
        doubled = tree_map(lambda x: x * 2, tree)
        return {"same": doubled, 3: [doubled, None, "name"], "pair": Pair(doubled.a, 1)}

    compiled, tree = td.compile(f), Slotted(np.ones(2), (Pair(np.ones(1), 2.5), {"k": np.ones(()), "s": "text"}))
    for _ in range(2):  # the first call takes the general road, the second the short one
        result = compiled(tree)
        close(result, f(tree))
        assert repr(result["same"].b[1]["s"]) == "'text'"
        assert isinstance(result["pair"], Pair)
        assert result[3][1:] == [None, "name"]
    other = Slotted(np.ones(2), (Pair(np.ones(1), 2.5), {"k": np.ones(()), "s": "other"}))
    assert compiled(other)["same"].b[1]["s"] == "other"


def test_static_values_shapes_and_dtypes_choose_the_code():
    runs = []

    def f(x, power, name):
        runs.append(name)
        return x**power if name == "power" else -x

    compiled = td.compile(f)
    x = np.array([1.0, 2.0])
    for _ in range(2):
        np.testing.assert_allclose(compiled(x, 3, "power"), x * x * x, rtol=1e-14)
        np.testing.assert_array_equal(compiled(x, 2, "power"), x**2)
        np.testing.assert_array_equal(compiled(x, 2, name="other"), -x)
        assert compiled(x.astype(np.float32), 2, "power").dtype == np.float32
        assert compiled(x[:1], 2, "power").shape == (1,)
    assert len(runs) == 3 * 5  # each combination is traced when it is new, three times to see that it is pure


def test_too_many_specialisations_are_reported():
    def doubled(x):
        return x + x

    compiled = td.compile(doubled, specialisations=2)
    for n in (1, 2):
        compiled(np.ones(n))
    with pytest.warns(RuntimeWarning, match=r"doubled .* more than 2 .*now for \(3,\).*pad"):
        compiled(np.ones(3))
    with pytest.raises(ValueError, match="at least one"):
        td.compile(doubled, specialisations=0)


def test_the_least_recently_used_specialisation_is_dropped():
    compiled = td.compile(lambda x, shift=0.0: x + x + shift, specialisations=2)
    with interpreted():
        one, two, three = np.ones(1), np.ones(2), np.ones(3)
        for x in (one, two, one, one):
            compiled(x)
        with pytest.warns(RuntimeWarning, match="least recently used is dropped"):
            compiled(three)
        kept = lambda: [report.shapes for report in compiled.specialisations]
        assert kept() == ["float64[1]", "float64[3]"]
        compiled(one)
        with pytest.warns(RuntimeWarning, match="least recently used is dropped"):
            compiled(one, shift=1.0)
        assert kept() == ["float64[1]", "float64[1], float64[]"]
        compiled(one)
        assert kept() == ["float64[1], float64[]", "float64[1]"]


@pytest.mark.parametrize("call", ["first", "again", "by keyword", "source"])
def test_the_warning_points_at_the_caller(call):
    compiled = td.compile(lambda x: x + x, specialisations=1)
    with interpreted(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled(np.ones(1))
        if call == "again":
            compiled(np.ones(1))
        calls = {"by keyword": lambda: compiled(x=np.ones(2)), "source": lambda: compiled.source(np.ones(2))}
        calls.get(call, lambda: compiled(np.ones(2)))()
    (warning,) = caught
    assert warning.filename == __file__
    assert "np.ones(2)" in linecache.getline(__file__, warning.lineno)


def test_python_floats_adopt_the_width_beside_them():
    f = lambda x, rate: (x * rate, x + 0.1, rate + 1)
    x = np.array([1.5, 2.5], np.float32)
    close(td.compile(f)(x, 0.3), f(x, 0.3), np.float32)
    compiled = td.compile(f)
    np.testing.assert_array_equal(compiled(x, 0.3)[0], x * np.float32(0.3))
    np.testing.assert_array_equal(compiled(x, 0.7)[0], x * np.float32(0.7))


def test_constants_are_of_the_width_beside_them():
    """In float64 the constants would carry the middle of this over without rounding, and its last bits would differ."""
    f = lambda x: ((x * 0.1 + 0.3) * 0.7 - 0.2) * 1.1
    x = np.random.default_rng(0).random(1000, np.float32)
    with interpreted():
        result, eager = td.compile(f)(x), f(x)
    assert result.dtype == eager.dtype == np.float32
    text = td.compile(f).source(x)
    assert "numpy.float32(0.1)" in text
    close(result, eager, np.float32)


def test_an_array_of_positions_between_slices():
    at = lambda x, i: (
        x[:, i],
        x[:, i, 1:],
        x[:, :, i],
        x[1:, i[:, None], i],
        x[i, :, 1],
        x[None, :, i, ::-1],
        x[..., i],
        x[i, ..., 0],
        x[0, ..., i],
        x[..., i, 1:],
    )
    x, i = np.random.default_rng(0).normal(size=(4, 4, 4)), np.array([2, 0, 3])
    with interpreted():
        for got, wanted in zip(td.compile(at)(x, i), at(x, i), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_call_by_keyword_does_not_decide_the_next():
    compiled = td.compile(lambda x, rate=1.0: x * rate)
    x = np.arange(3.0)
    with interpreted():
        for _ in range(2):
            np.testing.assert_array_equal(compiled(x, rate=2.0), 2 * x)
            np.testing.assert_array_equal(compiled(x), x)
            np.testing.assert_array_equal(compiled(x, 3.0), 3 * x)


def test_the_softmax_family_without_an_axis_is_that_of_the_last():
    f = lambda x: (ops.logsumexp(x), ops.softmax(x), ops.log_softmax(x))
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    with interpreted():
        for got, wanted in zip(td.compile(f)(x), f(x), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-13)


def test_an_array_that_meets_itself_crosswise():
    """One axis of the loop over exp(x) cannot be both axes of the table."""
    tables = lambda x: (
        ops.exp(x)[:, None] * ops.exp(x)[None, :],
        (ops.tanh(x)[:, None] - ops.tanh(x)[None, :]).sum(axis=0),
    )
    x = np.random.default_rng(0).normal(size=5)
    with interpreted():
        for got, wanted in zip(td.compile(tables)(x), tables(x), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)


def test_what_a_row_came_to_meets_another_axis_of_the_same_length():
    x = np.random.default_rng(0).normal(size=(3, 3, 3))
    f = lambda x: (x + ops.exp(x).sum(-1), x * ops.exp(x).max(0))
    with interpreted():
        close(td.compile(f)(x), f(x), scale=10)


def test_what_is_returned_as_it_came():
    x = np.arange(3.0)
    with interpreted():
        same, number = td.compile(lambda x: (x, 2.0))(x)
    np.testing.assert_array_equal(same, x)
    assert number == 2.0
    nothing = td.compile(lambda x: ())
    assert nothing(x) == ()
    assert "PROGRAM = entries([\n])" in nothing.source(x)


# ---- What cannot be compiled ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: x if x.sum() > 0 else -x, r"a branch .*td\.ops\.where\(condition, x, y\)"),
        (lambda x: x * float(x.sum()), r"float\(x\) .*argument"),
        (lambda x: np.frexp(x)[0], "supports ufuncs that are operators or have a row of their name"),
        (lambda x: td.grad(lambda x: (x if x > 0 else -x).sum())(x.sum()), r"a branch .*td\.ops\.where"),
    ],
)
def test_values_that_are_not_there(f, what):
    with pytest.raises(TypeError, match=rf"(?s){what}"):
        td.compile(f)(np.array([1.0, 2.0]))


def test_a_branch_is_located():
    def branching(x):
        if x.sum() > 0:
            return x
        return -x

    line = branching.__code__.co_firstlineno + 1
    with pytest.raises(CompileError, match=rf"test_compile\.py:{line}"):
        td.compile(branching)(np.ones(2))


counter = iter(range(10**6))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x + np.random.default_rng().normal(size=2),
        lambda x, y: x * next(counter),
        lambda x, y: x if next(counter) % 2 else x * x,
        lambda x, y: x + np.eye(2)[y],  # would be right for these integers only
        lambda x, y: x + x.value,
        lambda x, y: x + int(y.max()),
        lambda x, y: x * (y // 2),
        lambda x, y: x[y[0]],
    ],
)
def test_functions_that_are_not_pure(f):
    with pytest.raises(CompileError, match=r"(?s)not pure.*passed as arguments.*test_compile\.py:\d+"):
        td.compile(f)(np.ones((2, 2)), np.array([0, 1]))


@pytest.mark.parametrize("only", [0, 1])
def test_a_constant_made_of_equal_integers_is_found(only):
    with pytest.raises(CompileError, match="not pure"):
        td.compile(lambda x, y: x + np.eye(2)[y])(np.ones((3, 2)), np.full(3, only))


def test_other_refusals():
    with pytest.raises(CompileError, match=r"(?s)x\[mask\].*td\.ops\.where"):
        td.compile(lambda x, m: x[m])(np.ones(3), np.array([True, False, True]))
    with pytest.raises(CompileError, match=r"(?s)x\[mask\].*td\.ops\.where"):
        td.compile(lambda x, i: x[i == 1])(np.ones(3), np.array([0, 1, 2]))
    with pytest.raises(CompileError, match="own arithmetic"):
        td.compile(lambda x: x + 1)(np.array([1, 2], object))
    with pytest.raises(CompileError, match="another transform"):
        td.grad(lambda z: td.compile(lambda x: x * z)(2.0))(3.0)
    with pytest.raises(ValueError, match=r"(?s)add\(.*\(2,\).*\(3,\).*test_compile\.py"):
        td.compile(lambda x: x + np.ones(3))(np.ones(2))


def test_masks_are_arguments():
    f = lambda x, mask: ops.where(mask, x, 0)
    x = np.arange(4.0)
    for mask in (x > 1, x < 1):
        np.testing.assert_array_equal(td.compile(f)(x, mask), f(x, mask))


def test_inside_other_transforms_it_is_the_function_itself():
    f = td.compile(lambda x: (x**3).sum())
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(td.grad(f)(x), 3 * x**2)
    np.testing.assert_array_equal(td.hvp(f, x, x), 6 * x**2)
    np.testing.assert_array_equal(td.compile(td.grad(f))(x), 3 * x**2)
