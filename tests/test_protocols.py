"""What a Tensor does when Python or NumPy takes hold of it: every row of `PROTOCOLS`, in every kind of trace.

A row's example is run on NumPy's own arrays too. Those say what the value is and, by differences, the gradient.
"""

import array
import copy
import ctypes
import math
import operator
import pickle
import re
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError
from tinygrad_dbn.autodiff.protocols import PROTOCOLS, Absent, Branch, Own, Refused, Runs, Shape

X, Y = np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.0, 1.25])  # one tie
APART = np.array([1.0, 2.5, 3.0])  # none: there a difference sees one side only
MODULES = {"copy": copy, "math": math, "operator": operator, "pickle": pickle, "np": np}
MODULES |= {"array": array, "ctypes": ctypes, "scipy": scipy}


def rows(kind):
    return [pytest.param(row, id=row.written) for row in PROTOCOLS if isinstance(row, kind)]


def on_arrays(row):
    return lambda x, y: eval(row.written, {"x": x, "y": y, **MODULES})


def on_tensors(row):
    """The same, with the op for NumPy's choice between values."""
    return lambda x, y: eval(row.written.replace("np.where", "where"), {"x": x, "y": y, "where": ops.where, **MODULES})


def differences(f, x):
    """The gradient of Σ f at x, by central differences."""
    return np.array([np.sum(f(x + e)) - np.sum(f(x - e)) for e in 1e-6 * np.eye(len(x))]) / 2e-6


@pytest.fixture(params=[nullcontext, td.strict], ids=["plain", "strict"], autouse=True)
def mode(request):
    with request.param():
        yield


# ---- The rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows(Runs | Branch))
def test_a_value_and_its_gradient_are_those_on_arrays(row):
    f, expected = on_tensors(row), on_arrays(row)(X, Y)
    for x, y in ((td.Tensor(X), td.Tensor(Y)), (td.Tensor(X), Y), (X, td.Tensor(Y))):
        y_of = f(x, y)
        np.testing.assert_allclose(y_of.value if isinstance(y_of, td.Tensor) else y_of, expected)
    np.testing.assert_allclose(td.vjp(f, X, Y)[0], expected)
    total = lambda x, y: ops.sum(f(x, y))
    of_x = td.grad(total)(APART, Y)
    np.testing.assert_allclose(of_x, differences(lambda x: on_arrays(row)(x, Y), APART), rtol=1e-7, atol=1e-8)
    if isinstance(row, Runs):
        of_y = td.grad(total, 1)(APART, Y)
        np.testing.assert_allclose(of_y, differences(lambda y: on_arrays(row)(APART, y), Y), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("row", rows(Runs))
def test_compiled_it_is_the_same(row):
    with interpreted():
        for x, y in ((X, Y), (APART, Y)):
            np.testing.assert_allclose(td.compile(on_tensors(row))(x, y), on_arrays(row)(x, y))
            step = td.value_and_grad(lambda x: ops.sum(on_tensors(row)(x, Y)))
            for one, other in zip(td.compile(step)(x), step(x), strict=True):
                np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("row", rows(Branch))
def test_while_a_function_is_compiled_there_is_no_value(row):
    f = on_tensors(row)
    for g in (f, lambda x, y: td.grad(lambda x: ops.sum(f(x, y)))(x), lambda x, y: td.jvp(f, (x, y), (x, y))):
        with pytest.raises(CompileError, match=r"needs a value.*only shapes.*td\.ops\.where\(condition(.|\n)*:\d+"):
            td.compile(g)(X, Y)


@pytest.mark.parametrize("row", rows(Shape | Own))
def test_what_reads_no_value_is_the_same_in_every_trace(row):
    expected = on_arrays(row)(X, Y) if isinstance(row, Shape) else True
    found = []

    def f(x, y):
        found.append(on_tensors(row)(x, y))
        return x.sum() + y.sum()

    f(td.Tensor(X), td.Tensor(Y))
    td.grad(f)(X, Y)
    td.hvp(lambda x: f(x, x * x), X, Y)
    with interpreted():
        td.compile(f)(X, Y)
        td.compile(td.grad(f))(X, Y)
    assert len(found) >= 5
    assert all(result == expected for result in found)


def refuses(f, *words):
    """f is refused in every trace, with these words and the caller's line."""
    traces = (
        lambda: f(td.Tensor(X), td.Tensor(Y)),
        lambda: td.grad(lambda x, y: ops.sum(f(x, y)))(X, Y),
        lambda: td.jvp(f, (X, Y), (X, Y)),
        lambda: td.hvp(lambda x: ops.sum(f(x, Y)), X, X),
        lambda: td.compile(f)(X, Y),
        lambda: td.compile(td.grad(lambda x, y: ops.sum(f(x, y))))(X, Y),
    )
    for trace in traces:
        with pytest.raises((TypeError, ValueError)) as caught:
            trace()
        # where NumPy says something of its own, it names our error as the cause
        text = f"{caught.value} {caught.value.__cause__ or ''}"
        assert re.search(r"\n  in (.*test_protocols\.py|<string>):\d+", text), text
        for word in (" Tensor of ", ", shape (", *words):
            assert word in text, text


@pytest.mark.parametrize("row", rows(Refused))
def test_what_is_refused_says_what_to_write(row):
    refuses(on_tensors(row), row.why, row.instead)


def test_every_method_of_numbers_lists_and_arrays_is_in_the_list():
    """So that nothing is left to Python's default: a row says what it is."""
    listed = [method for row in PROTOCOLS for method in row.methods.split()]
    assert len(listed) == len(set(listed))
    of_arrays = {method for kind in (int, float, complex, list, np.ndarray, np.float64) for method in dir(kind)}
    own = {method for method in vars(type("Plain", (), {})) | vars(object) if method not in listed}
    missing = {m for m in of_arrays if m.startswith("__")} - set(listed) - own - {"__getformat__", "__class_getitem__"}
    assert not missing
    absent = {method for row in PROTOCOLS if isinstance(row, Absent) for method in row.methods.split()}
    assert not [method for method in absent if hasattr(td.Tensor, method)]
    for method in set(listed) - absent:  # Python's own would be `object`'s
        assert getattr(td.Tensor, method) is not getattr(object, method, None) or method in ("__hash__", "__str__")


# ---- Others of their kind -------------------------------------------------------------------------------------------

NUMPY = {
    "np.sum(x, dtype=float)": "write td.ops.sum",
    "np.max(x, 0, np.zeros(()))": "write td.ops.max",
    "np.linalg.norm(x, 1)": "np.linalg.norm meets a Tensor",
    "np.linalg.svd(x)": "np.linalg.svd meets a Tensor",
    "np.cbrt(x)": "a row cbrt of your own with td.ops.row",
    "np.where(x > 0)": "write td.ops.where",
    "np.cumprod(x)": "a row cumprod of your own with td.ops.row",
    "np.add(x, y, out=np.zeros(3))": "write a = a + x",
    "np.add(x, y, where=[True, False, True])": "write td.ops.add",
    "np.add.reduce(x)": "write td.ops.add",
    "np.full_like(x, y)": "write it with td.ops",
    "np.array(x)": "td.ops.stack",
    "np.array(x, object)": "td.ops.stack",
    "np.asarray(x, float)": "td.ops.stack",
    "np.array([x[0], x[1]])": "td.ops.stack",
    "np.r_[x, x]": "td.ops.stack",
    "np.array([[x[0]], [1.0]])": "td.ops.stack",
    "np.float64(x[0])": "td.ops",
    "np.full(3, x[0])": "td.ops",
    "np.arange(x[0])": "td.ops",
    "np.linspace(0, x[0])": "td.ops",
    "np.vectorize(math.exp)(x)": "td.ops",
    "np.frompyfunc(math.exp, 1, 1)(x)": "write it with td.ops",
    "np.einsum('i,i', x, y, optimize=True)": "write td.ops.einsum",
    "np.prod(x, dtype=float)": "write td.ops.prod",
    "np.prod(x, where=[True, False, True])": "write td.ops.prod",
    "np.cumsum(x, out=np.zeros(3))": "write td.ops.cumsum",
    "np.var(x, ddof=1)": "write td.ops.var",
    "np.sin(x, where=[True, False, True])": "write td.ops.sin",
    "np.cos(x, dtype=np.float32)": "write td.ops.cos",
    "np.multiply.accumulate(x)": "write td.ops.multiply",
    "scipy.special.erf(x)": "write td.ops.erf",
    "math.fsum(x)": "td.ops",
    "array.array('d', [x[0]])": "td.ops",
    "ctypes.c_double(x[0])": "td.ops",
    "slice(x[0]).indices(3)": "x.value",
    "np.random.default_rng(0).normal(x)": "td.ops",
    "np.fromiter((v for v in x), float)": "td.ops",
    "operator.setitem(np.zeros(3), 0, x[0])": "td.ops",
    "operator.setitem(np.zeros(3), slice(None), x)": "td.ops.concatenate",
    "operator.iadd(np.zeros(3), x)": "write a = a + x",
    "np.arange(3.0)[x > 1.5]": "td.ops",
    "np.arange(3.0)[x[0]]": "x.value",
    "math.exp(x[0])": "td.ops.exp",
    "'%.2f' % x[0]": "x.value",
    "[0, 1, 2][x[0]]": "x.value",
    "operator.getitem(x, x)": "x[x > 0]",
    "pow(2, x[0]) ** x // 2": "write x / y",
}


WORKS = [
    "np.exp(x) + np.log(x) + np.sqrt(y) + np.tanh(x) + np.square(y) + np.log1p(x) + np.expm1(y) + np.reciprocal(x)",
    "np.maximum(x, 1.7) * np.minimum(y, x) + np.sign(x) * y",
    "np.sum(x) * np.mean(y) + np.max(x) - np.min(y) + np.amax(x) * np.amin(y)",
    "np.sum(np.reshape(x, (3, 1)) * np.reshape(y, (1, 3)), axis=0, keepdims=True)",
    "np.var(x) + np.std(y) + np.var(np.stack([x, y]), axis=0)",
    "np.logaddexp(x, 2.0) + np.logaddexp(x, y)",
    "np.sin(x * y) + np.cos(x)",
    "np.prod(x) * np.prod(np.stack([x, y]), axis=0, keepdims=True) + x.prod() * y.prod(0)",
    "np.cumsum(x) * np.cumsum(np.stack([x, y]), axis=1)[0] + np.cumsum(np.stack([y, x]))[:3]",
    "np.einsum('i,i', x, y) + np.einsum('i,j->ji', x, y) * np.einsum('i->', x)",
    "np.linalg.norm(x) * np.linalg.norm(np.stack([x, y]), axis=1)",
    "np.concatenate([x, x * y]) * np.ravel(np.stack([y, x], axis=1))",
    "np.where(x > 1.5, x * y, y)",
    "np.clip(x, 1.2, 2.7) * np.dot(x, y) + np.dot(x, 2.0)",
    "np.transpose(np.stack([x, y])) @ np.array([1.0, 2.0])",
    "np.expand_dims(x, 1) * np.broadcast_to(y, (2, 3)).T",
    "x.var() + y.std() + x.min() + np.stack([x, y]).std(axis=0)",
]  # fmt: skip


@pytest.mark.parametrize("written", WORKS)
def test_numpys_functions_run_our_rows(written):
    f = lambda x, y: eval(written, {"x": x, "y": y, **MODULES})
    for x, y in ((td.Tensor(APART), td.Tensor(Y)), (td.Tensor(APART), Y), (APART, td.Tensor(Y))):
        np.testing.assert_allclose(f(x, y).value, f(APART, Y), rtol=1e-14)
    total = lambda x, y: ops.sum(f(x, y))
    np.testing.assert_allclose(td.grad(total)(APART, Y), differences(lambda x: f(x, Y), APART), rtol=1e-6, atol=1e-8)
    with interpreted():
        np.testing.assert_allclose(td.compile(td.grad(total))(APART, Y), td.grad(total)(APART, Y), rtol=1e-12)


def test_a_length_is_right_at_every_scale_and_has_a_slope_at_nothing():
    for scale in (2.0**-1070, 1e-200, 1.0, 1e200):
        assert td.ops.norm(scale * np.array([3.0, 4.0])) == pytest.approx(5 * scale, rel=1e-15)
    np.testing.assert_array_equal(td.grad(ops.norm)(np.zeros(2)), [0, 0])
    np.testing.assert_array_equal(td.grad(ops.std)(np.ones(2)), [0, 0])
    np.testing.assert_array_equal(ops.norm(np.array([[np.inf, 1.0], [np.nan, 1.0]]), axis=1), [np.inf, np.nan])
    assert ops.norm(np.ones(2, np.float32)).dtype == np.float32


def test_a_value_leaves_a_trace_where_a_reader_sees_it():
    seen = []

    def f(x):
        seen.append((x.numpy(), x[0].item(), int(x.argmax()), f"{x[0]:.2f}"))
        return (x * x.detach()).sum()

    np.testing.assert_array_equal(td.grad(f)(X), X)
    np.testing.assert_array_equal(td.hvp(f, X, Y), [0, 0, 0])
    for value, number, place, shown in seen:
        np.testing.assert_array_equal(value, X)
        value[0] = 7.0  # the caller's own
        assert (type(number), number, place, shown) == (float, 1.0, 2, "1.00")
    with pytest.raises(ValueError, match=r"item\(\) is of one element"):
        td.Tensor(X).item()
    for g in (lambda x: x.numpy(), lambda x: x[0].item(), lambda x: x[: x.argmax()]):
        with pytest.raises(CompileError, match="only shapes"):
            td.compile(lambda x, g=g: x * 0 + g(x))(X)


@pytest.mark.parametrize("written", NUMPY)
def test_numpys_and_pythons_functions_name_the_op(written):
    refuses(lambda x, y: eval(written, {"x": x, "y": y, **MODULES}), NUMPY[written])


def inside(*parts):
    """An array of objects with Tensors in it, which NumPy makes only if it is told to item by item."""
    array = np.empty(len(parts), object)
    for i, part in enumerate(parts):
        array[i] = part
    return array


ENTRANCES = {
    "an op": lambda x: ops.sum(x),
    "an op beside a Tensor": lambda x: x[0] * x,
    "matmul": lambda x: ops.matmul(np.ones(2), x),
    "an op of lists": lambda x: ops.stack([x, x]),
    "td.Tensor": lambda x: td.Tensor(x),
    "a result": lambda x: x,
    "a result in a tree": lambda x: {"a": [x]},
    "a primal": lambda x: td.grad(lambda z: 1.0)(x),
    "a primal of vjp": lambda x: td.vjp(lambda z: 1.0, x),
    "a tangent": lambda x: td.jvp(ops.exp, (np.ones(2),), (x,)),
    "a cotangent": lambda x: td.vjp(ops.exp, np.ones(2))[1](x),
    "a loss of a pair": lambda x: td.value_and_grad(lambda z: (z, x), has_aux=True)(1.0)[0][1],
}


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_tensors_in_lists_and_arrays_of_objects_are_refused_wherever_they_enter(entrance):
    enter = ENTRANCES[entrance]
    for trace in (td.vjp, lambda f, x: td.jvp(f, (x,), (x,)), lambda f, x: td.compile(f)(x)):
        with pytest.raises(TypeError, match=r"td\.ops\.stack(.|\n)*test_protocols\.py"):
            trace(lambda x: enter(inside(x[0], 2 * x[1])), X)


@pytest.mark.parametrize("f", [lambda x: ops.sum([x[0], x[1]]), lambda x: (x[:2] * [x[0], x[1]]).sum(),
                               lambda x: x @ [x[0], x[1], x[2]], lambda x: td.Tensor([x[0], x[1]]).sum(),
                               lambda x: x[[x[0]]].sum(), lambda x: ops.where([x[0] > 0], x, 0).sum()])  # fmt: skip
def test_lists_of_tensors_are_not_stacked_in_silence(f):
    for g in (td.grad(f), td.compile(f)):
        with pytest.raises(TypeError, match=r"write td\.ops\.stack\(\[x, y\]\)(.|\n)*test_protocols\.py"):
            g(X)


def test_a_tuple_is_a_tree_and_comes_back_as_one():
    value, pullback = td.vjp(lambda x: [x[0], (x[1],)], X)
    assert value == [1.0, (2.0,)]
    np.testing.assert_array_equal(pullback([np.ones(()), (np.ones(()),)])[0], [1, 1, 0])


@pytest.mark.parametrize("left", [2, 2.0, np.float64(2), np.array(2.0), np.full(3, 2.0), np.int64(2), True])
@pytest.mark.parametrize("operate", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_numbers_and_arrays_of_any_type_stand_on_the_left(left, operate):
    value, (of_x,) = (lambda v: (v[0], v[1](np.ones(3))))(td.vjp(lambda x: operate(left, x), X))
    np.testing.assert_allclose(value, operate(np.asarray(left, float), X))
    np.testing.assert_allclose(of_x, differences(lambda x: operate(np.asarray(left, float), x), X), rtol=1e-7)


def test_comparisons_on_either_side():
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        for x, y in ((td.Tensor(X), Y), (X, td.Tensor(Y)), (np.float64(2.0), td.Tensor(Y)), (2, td.Tensor(Y))):
            found = compare(x, y)
            assert isinstance(found, td.Tensor)
            plain = [v.value if isinstance(v, td.Tensor) else v for v in (x, y)]
            np.testing.assert_array_equal(found.value, compare(*plain))
    assert (td.Tensor(math.nan) != td.Tensor(math.nan)).value
    assert not (td.Tensor(math.nan) == math.nan).value


def test_equal_chooses_the_same_inside_and_outside():
    f = lambda x: ops.where(x == 1.0, 2 * x, 3 * x).sum()
    x = np.array([1.0, 2.0])
    with interpreted():
        for value, g in (td.value_and_grad(f)(x), td.compile(td.value_and_grad(f))(x)):
            assert f(x) == value == 8
            np.testing.assert_array_equal(g, [2, 3])
    branch = lambda x: 5 * x if x == 0 else 7 * x
    assert td.value_and_grad(branch)(0.0) == (0, 5)
    assert td.value_and_grad(branch)(1.0) == (7, 7)
    with pytest.raises(CompileError, match="a branch"):
        td.compile(branch)(0.0)


def test_methods_take_what_those_of_arrays_take():
    x = np.arange(6.0).reshape(2, 3)
    for call in (
        lambda x: x.sum(0),
        lambda x: x.mean(axis=(0, 1), keepdims=True),
        lambda x: x.max(-1, keepdims=True),
        lambda x: [getattr(x, name)(axis=1) for name in ("sum", "mean", "max", "min", "var", "std", "prod")],
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((3, -1)),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.T,
    ):
        np.testing.assert_array_equal(td.vjp(call, x)[0], call(x))
    for reduce in (lambda x: x.sum(0, float), lambda x: x.max(0, None), lambda x: x.mean(0, float)):
        with pytest.raises(TypeError):
            td.vjp(reduce, x)


def test_a_branch_needs_one_value():
    with pytest.raises(ValueError, match=r"needs one truth value.*shape \(3,\).*td\.ops\.where"):
        td.grad(lambda x: x.sum() if x > 0 else -x.sum())(X)


def test_masks_choose_elements_where_their_values_are_known():
    np.testing.assert_array_equal(td.grad(lambda x: (x[x > 1.5] ** 2).sum())(X), [0, 4, 6])
    np.testing.assert_array_equal(td.hvp(lambda x: (x[x > 1.5] ** 2).sum(), X, np.ones(3)), [0, 2, 2])
    for f in (lambda x: x[x > 1.5].sum(), td.grad(lambda x: x[x > 1.5].sum())):
        with pytest.raises(CompileError, match=r"depends on values.*td\.ops\.where"):
            td.compile(f)(X)


def test_masks_are_booleans():
    for operate in (operator.and_, operator.or_, operator.xor):
        for x, y in ((td.Tensor(X), td.Tensor(X) > 2), (td.Tensor(X) > 2, np.arange(3)), (td.Tensor(X) > 2, 1)):
            with pytest.raises(TypeError, match=r"masks of booleans.*compare first(.|\n)*test_protocols\.py"):
                operate(x, y)
    m, k = np.array([True, True, False, False]), np.array([True, False, True, False])
    for operate in (operator.and_, operator.or_, operator.xor):
        for x, y in ((td.Tensor(1.0 * m) > 0, k), (k, td.Tensor(1.0 * m) > 0), (td.Tensor(1.0 * m) > 0, True)):
            found = operate(x, y).value
            assert found.dtype == bool
            np.testing.assert_array_equal(found, operate(m, True if y is True else k))


def test_numbers_of_other_kinds_have_their_own_arithmetic():
    x = td.Tensor(np.array([Fraction(1, 3), Fraction(2)], object))
    assert (Fraction(1, 2) * x).value.tolist() == [Fraction(1, 6), Fraction(1)]
    assert (np.array([Fraction(2), Fraction(3)], object) * x).value.tolist() == [Fraction(2, 3), Fraction(6)]
    with pytest.raises(TypeError, match="complex128"):
        1j * td.Tensor(X)


@pytest.mark.parametrize("other", [np.ma.masked_array(X, X > 1), X[None].view(np.matrix)], ids=["masked", "matrix"])
def test_arrays_that_mean_something_else_are_refused(other):
    for f in (lambda: ops.exp(other), lambda: td.Tensor(other), lambda: td.grad(lambda x: x.sum())(other),
              lambda: td.grad(lambda x: (x * other).sum())(X), lambda: td.compile(lambda x: x * other)(X)):  # fmt: skip
        with pytest.raises(TypeError, match=r"would be ignored; write (.|\n)*test_protocols\.py"):
            f()
