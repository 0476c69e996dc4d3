"""`vmap`, `jacobian`, `hessian`, and models as vectors: held against loops, over every row of the table."""

import operator

import numpy as np
import pytest
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.ops.mapped import everywhere
from tinygrad_dbn.autodiff.ops.row import calls
from tinygrad_dbn.autodiff.trees import flatten

T = 3
EXAMPLES = [
    pytest.param(op, f, shapes, id=f"{name}-{i}")
    for name, op in ops.TABLE.items()
    for i, (f, shapes) in enumerate(calls(op))
]
X, Y = np.random.default_rng(0).normal(size=(5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
NET = td.FeedForward.init((3, 4, 2), np.random.default_rng(1), hidden="tanh")


def loss(net, x, y):
    """−log f(x)_y of one example, the class as a row of the identity."""
    return -(ops.log_softmax(net.logits(x[None])[0]) * y).sum()


def leaves(tree):
    found = []
    td.tree_map(found.append, tree)
    return found


@pytest.mark.parametrize(("op", "f", "shapes"), EXAMPLES)
def test_every_row_does_for_many_what_it_does_for_one(op, f, shapes):
    rng = np.random.default_rng(0)
    xs = [rng.random((T, *shape)) * (-1 if op.domain[1] <= 0 else 1) for shape in shapes]
    one_by_one = np.stack([np.asarray(f(*(x[i] for x in xs))) for i in range(T)])
    np.testing.assert_allclose(td.vmap(f)(*xs), one_by_one, rtol=1e-13)
    for same in range(len(xs)) if len(xs) > 1 else ():  # one input for all examples
        axes = tuple(None if i == same else 0 for i in range(len(xs)))
        given = [x[0] if i == same else x for i, x in enumerate(xs)]
        expected = np.stack([np.asarray(f(*(x[0] if i == same else x[t] for i, x in enumerate(xs)))) for t in range(T)])
        np.testing.assert_allclose(td.vmap(f, axes)(*given), expected, rtol=1e-13)
    if one_by_one.dtype == bool or op.sealed:
        return
    slope = td.grad(lambda *x: ops.sum(f(*x) * f(*x)))
    np.testing.assert_allclose(
        td.vmap(slope)(*xs), np.stack([slope(*(x[i] for x in xs)) for i in range(T)]), rtol=1e-11, atol=1e-13
    )


INDICES = [
    np.s_[1], np.s_[:, 2], np.s_[..., 0], np.s_[None, 1:], np.s_[[0, 2, 2]], np.s_[:, [1, 0]], np.s_[[0, 1], :, [2, 0]],
    np.s_[0, :, [1, 2]], np.s_[[[0], [1]], :, [1, 2]], np.s_[np.array([True, False, True])],
    np.s_[np.array([True, False, True]), :, 1], np.s_[1, ..., [0, 1]], np.s_[[0, 1], None, [1, 1]],
]  # fmt: skip


@pytest.mark.parametrize("at", INDICES, ids=str)
def test_every_index_of_one_is_that_of_each(at):
    x = np.random.default_rng(0).normal(size=(T, 3, 4, 5))
    np.testing.assert_array_equal(td.vmap(lambda x: ops.index(x, at=at))(x), np.stack([one[at] for one in x]))
    slope = td.grad(lambda x: (ops.index(x, at=at) ** 2).sum())  # by way of `place`
    np.testing.assert_allclose(td.vmap(slope)(x), np.stack([slope(one) for one in x]))


def test_an_index_without_arrays_gets_a_slice_in_front():
    assert everywhere(1, (3,), 4) == (slice(None), 1)


PICKS = {  # of x (3, 4, 5), with positions that each example has of its own: i (), j (2,), k (2, 3)
    "x[i]": lambda x, i, j, k: x[i],
    "x[:, i]": lambda x, i, j, k: x[:, i],
    "x[..., i]": lambda x, i, j, k: x[..., i],
    "x[j]": lambda x, i, j, k: x[j],
    "x[:, j, None]": lambda x, i, j, k: x[:, j, None],
    "x[k]": lambda x, i, j, k: x[k],
    "x[i, :, j]": lambda x, i, j, k: x[i, :, j],
    "x[1, j]": lambda x, i, j, k: x[1, j],
    "x[j, [0, 1]]": lambda x, i, j, k: x[j, [0, 1]],
    "x[[2, 0], ..., j]": lambda x, i, j, k: x[[2, 0], ..., j],
    "x[None, :, k, ::2]": lambda x, i, j, k: x[None, :, k, ::2],
    "x[1:, ..., j]": lambda x, i, j, k: x[1:, ..., j],
    "x[j[:, None], k[1]]": lambda x, i, j, k: x[j[:, None], k[1]],
    "x[j[i]]": lambda x, i, j, k: x[j[i]],
    "take_along": lambda x, i, j, k: ops.take_along(x[0, :2, :3], k, 1),
}


@pytest.mark.parametrize("written", PICKS)
def test_positions_that_differ_from_example_to_example(written):
    rng, f = np.random.default_rng(0), PICKS[written]
    x, i = rng.normal(size=(T, 3, 4, 5)), rng.integers(0, 2, T)
    j, k = rng.integers(-3, 3, (T, 2)), rng.integers(-3, 3, (T, 2, 3))
    square = lambda *args: (f(*args) ** 2).sum()
    alone = lambda g, x: np.stack([g(x if x.ndim == 3 else x[t], int(i[t]), j[t], k[t]) for t in range(T)])
    np.testing.assert_array_equal(td.vmap(f)(x, i, j, k), alone(f, x))
    slope = td.grad(square)
    np.testing.assert_allclose(td.vmap(slope)(x, i, j, k), alone(slope, x), rtol=1e-13)
    np.testing.assert_allclose(td.vmap(slope, (None, 0, 0, 0))(x[0], i, j, k), alone(slope, x[0]), rtol=1e-13)
    whole = td.grad(lambda x: td.vmap(square, (None, 0, 0, 0))(x, i, j, k).sum())
    np.testing.assert_allclose(whole(x[0]), alone(slope, x[0]).sum(axis=0), rtol=1e-13)
    if written == "x[j[i]]":  # integers picked by integers: `compile` follows slices of them only
        return
    with interpreted():
        compiled = td.compile(td.vmap(slope))
        for _ in range(2):
            np.testing.assert_allclose(compiled(x, i, j, k), alone(slope, x), rtol=1e-13)
            j = j[::-1].copy()


def test_positions_and_maps_nest():
    rng = np.random.default_rng(0)
    x, i, j = rng.normal(size=(T, 2, 4)), rng.integers(0, 4, (T, 2)), rng.integers(-2, 2, (T, 3))
    np.testing.assert_array_equal(
        td.vmap(td.vmap(lambda x, i: x[i]))(x, i), np.take_along_axis(x, i[..., None], axis=2)[..., 0]
    )
    inner = td.vmap(lambda x, j: td.vmap(lambda column: column[None, :][:, j])(x.T))(x, j)
    np.testing.assert_array_equal(inner, np.stack([x[t].T[:, None, j[t]] for t in range(T)]))
    squares = lambda x, j: td.jacobian(lambda x: x[j] * x[j])(x)
    np.testing.assert_array_equal(td.vmap(squares)(x, j), np.stack([squares(x[t], j[t]) for t in range(T)]))


def test_masks_of_every_example():
    x, mask = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[True, False], [True, True]])
    for f in (lambda x, m: ops.where(m, x, 0), lambda x, m: ops.where(~m[None], x * x, 0), lambda x, m: x * m):
        np.testing.assert_array_equal(td.vmap(f)(x, mask), np.stack([f(*one) for one in zip(x, mask, strict=True)]))
    assert td.vmap(lambda m: m)(mask).dtype == bool
    assert td.vmap(lambda i: i[::-1])(np.arange(4).reshape(2, 2)).tolist() == [[1, 0], [3, 2]]


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_gradients_of_every_example_by_their_classes(dtype):
    nll, y = lambda net, x, y: net.nll(x[None], y[None]).sum(), np.array([0, 1, 1, 0, 1], dtype)
    each = td.vmap(td.grad(nll), (None, 0, 0))(NET, X, y)
    for i in range(len(X)):
        for found, expected in zip(leaves(each), leaves(td.grad(nll)(NET, X[i], y[i])), strict=True):
            np.testing.assert_allclose(found[i], expected, rtol=1e-12)
    mean = lambda net, y: td.vmap(nll, (None, 0, 0))(net, X, y).mean()
    with interpreted():
        compiled = td.compile(td.grad(mean))
        for classes in (y, 1 - y):
            expected = leaves(td.grad(lambda net, y=classes: net.nll(X, y).mean())(NET))
            for gradient in (td.grad(mean)(NET, classes), compiled(NET, classes)):
                for found, wanted in zip(leaves(gradient), expected, strict=True):
                    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)
    for wrong in (y + 1, y.astype(int) - 1):
        with pytest.raises(ValueError, match="classes run from"):
            td.vmap(nll, (None, 0, 0))(NET, X, wrong)


def test_gradients_of_every_example_without_a_loop():
    each = td.vmap(td.grad(loss), (None, 0, 0))(NET, X, Y)
    assert isinstance(each, td.FeedForward)
    for i, (x, y) in enumerate(zip(X, Y, strict=True)):
        for found, expected in zip(leaves(each), leaves(td.grad(loss)(NET, x, y)), strict=True):
            np.testing.assert_allclose(found[i], expected, rtol=1e-12)


def test_transforms_nest_in_any_order():
    mean = lambda net: td.vmap(loss, (None, 0, 0))(net, X, Y).mean()
    expected = td.grad(lambda net: -(ops.log_softmax(net.logits(X)) * Y).sum() / len(X))(NET)
    for found, wanted in zip(leaves(td.grad(mean)(NET)), leaves(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    with interpreted():
        for found, wanted in zip(leaves(td.compile(td.grad(mean))(NET)), leaves(expected), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
    products = td.vmap(lambda x: td.vmap(lambda y: (x * y).sum())(X))(X)
    np.testing.assert_allclose(products, X @ X.T)
    curved = td.vmap(lambda x: td.hvp(lambda x: (x**3).sum(), x, x))(X)
    np.testing.assert_allclose(curved, 6 * X * X)
    one = lambda x: td.jacobian(lambda x: ops.softmax(x))(x)
    np.testing.assert_allclose(td.vmap(one)(X), np.stack([one(x) for x in X]))


def test_what_cannot_be_mapped_is_refused():
    for f, said in [
        (lambda x: x if x.sum() > 0 else -x, "td.ops.where"),
        (lambda x: x[x > 0].sum(), "td.ops.where"),
        (lambda x: x.numpy().sum(), "return it"),
        (lambda x: x.sum().item(), "return it"),
        (lambda x: 3, "no floats"),
    ]:
        with pytest.raises((TypeError, ValueError), match=said):
            td.vmap(f)(X)
    for f, said in [
        (lambda i: X[i], r"write td\.ops\.index\(a, at=x\)"),
        (lambda i: ops.index(X, at=i + 1), "what ops compute is floats"),
        (lambda i: ops.index(X, at=i + 1 > 1), "differs between the examples"),
        (lambda i: ops.index(X, at=(0, i)), "out of bounds"),
        (lambda i: td.grad(lambda i: i * i)(i), r"x\.astype\(float\)"),
        (lambda i: X[0] if i > 0 else X[1], r"td\.ops\.where"),
    ]:
        with pytest.raises((TypeError, IndexError), match=said):
            td.vmap(f)(np.arange(4))
    for args, axes, said in [
        ((X, X[:2]), 0, "no common first axis"),
        ((X, 1.0), 0, "in_axes=None"),
        ((X,), (0, 0), "write 0 or None for each"),
        ((X,), 1, "write 0 or None"),
        ((X,), None, "no common first axis"),
        ((np.arange(3) * 1j,), 0, r"x\.astype\(float\)"),
    ]:
        with pytest.raises((TypeError, ValueError), match=said):
            td.vmap(lambda *x: x[0].sum(), axes)(*args)
    kept = []
    td.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(TypeError, match="outlived"):
        kept[0] + 1


def test_jacobians_are_rows_of_pullbacks():
    A = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(td.jacobian(lambda x: A @ x)(np.ones(3)), A)
    full = td.jacobian(lambda W, x: ops.matmul(W, x), 0)(A, np.ones(3))
    np.testing.assert_array_equal(full, np.einsum("ij,k->ijk", np.eye(2), np.ones(3)))
    of_net = td.jacobian(lambda net: net(X[0][None])[0])(NET)
    assert of_net.weights[0].shape == (2, 4, 3)
    by_hand = td.grad(lambda net: net(X[0][None])[0, 1])(NET)
    np.testing.assert_allclose(of_net.weights[0][1], by_hand.weights[0], rtol=1e-12)
    pair = td.jacobian(lambda x: {"a": x * x, "b": x.sum()})(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(pair["a"], np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(pair["b"], [1, 1])
    np.testing.assert_array_equal(td.jacobian(lambda x, y: x * y, -1)(2.0, np.ones(2)), 2 * np.eye(2))


def test_hessians_are_symmetric_and_agree_with_products():
    f = lambda x: ops.logsumexp(x * x) * x[0]
    H = td.hessian(f)(X[0])
    np.testing.assert_allclose(H, H.T, rtol=1e-12)
    for e, row in zip(np.eye(3), H, strict=True):
        np.testing.assert_allclose(td.hvp(f, X[0], e), row, rtol=1e-12, atol=1e-15)
    third = td.jacobian(td.hessian(lambda x: (x**3).sum()))(np.array([1.0, 2.0]))
    assert third[0, 0, 0] == third[1, 1, 1] == 6
    assert np.count_nonzero(third) == 2


MODELS = [
    NET,
    td.Autoencoder.init((3, 2), np.random.default_rng(0), True),
    td.RBM.init(3, 2, np.random.default_rng(0)),
    td.DBN.from_tied(td.RBM.init(3, 2, np.random.default_rng(0))),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_models_are_vectors(model):
    for found in (model + model - model, 2 * model / 2, -1.0 * (-model), np.float64(2) * model * 0.5,
                  np.array(2.0) * model - model):  # fmt: skip
        assert type(found) is type(model)
        for one, other in zip(leaves(found), leaves(model), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-15, atol=1e-17)
    for operate, other in [
        (operator.add, 1.0), (operator.mul, model), (operator.mul, np.ones(2)), (operator.sub, "x"),
        (operator.add, MODELS[MODELS.index(model) - 1]), (operator.mul, True),
    ]:  # fmt: skip
        with pytest.raises(TypeError):
            operate(model, other)
    with pytest.raises(ValueError, match="both must be of one size"):
        td.RBM.init(3, 2, np.random.default_rng(0)) + td.RBM.init(2, 2, np.random.default_rng(0))


def test_a_step_by_hand_is_compiled_and_differentiated():
    step = lambda net, rate: net - rate * td.grad(lambda net: loss(net, X[0], Y[0]))(net)
    with interpreted():
        for one, other in zip(leaves(td.compile(step)(NET, 0.1)), leaves(step(NET, 0.1)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    after = lambda rate: loss(step(NET, rate), X[0], Y[0])
    td.check_grads(after, [0.1])


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x * x, lambda x: np.zeros(2), lambda x: (x, x, x[::-1])])
def test_results_are_the_callers_to_change(f):
    X = np.ones((3, 2))
    results = [X, *flatten(td.vmap(f)(X))[0]]
    for k, result in enumerate(results):
        result[:] = k
    assert all((result == k).all() for k, result in enumerate(results))
