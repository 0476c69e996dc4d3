"""The two walks over the graph: nesting, sharing, trees, memory, and what they refuse."""

import gc
import itertools
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inspect.check import GradientError
from tinygrad_dbn.autodiff.ops.row import calls
from tinygrad_dbn.autodiff.trees import flatten, tree_map


@dataclass(frozen=True)
class Affine:
    W: np.ndarray
    b: np.ndarray
    name: str = "affine"


def test_the_gradient_of_a_model_is_a_model():
    model, x = Affine(np.ones((2, 3)), np.zeros(2)), np.arange(3.0)
    g = td.grad(lambda m, x: (x @ m.W.T + m.b).sum())(model, x)
    assert isinstance(g, Affine)
    assert g.name == "affine"
    np.testing.assert_array_equal(g.W, [[0, 1, 2], [0, 1, 2]])
    np.testing.assert_array_equal(g.b, [1, 1])


def test_backward_accumulates_into_leaves():
    x, y = td.Tensor([1.0, 2.0]), td.Tensor(3.0)
    (x * x * y).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 12])
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [8, 14])
    assert y.grad == 5
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        (x * y).backward()


def test_derivatives_nest_without_confusion():
    # d/dx [x · d/dy (x + y)] = 1, and 2 if the two levels were mixed up
    assert td.grad(lambda x: x * td.grad(lambda y: x + y)(1.0))(1.0) == 1
    assert td.jvp(lambda x: x * td.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1
    # An op belongs to the innermost of its inputs' transforms, whichever comes first: d/dx d/dy (x · y) = 1.
    assert td.grad(lambda x: td.grad(lambda y: x * y)(2.0))(3.0) == 1
    assert td.grad(lambda x: td.grad(lambda y: y * x)(2.0))(3.0) == 1
    # d/dx [x · d/dy (x · y)] = 2 x: the inner rule's factor x is still x to the outer walk
    assert td.grad(lambda x: x * td.grad(lambda y: x * y)(1.0))(3.0) == 6
    assert td.jvp(lambda x: x * td.grad(lambda y: x * y)(1.0), (3.0,), (1.0,))[1] == 6
    f = ops.exp
    for _ in range(5):
        f = td.grad(f)
    assert f(1.0) == np.e


@given(st.sampled_from(["vv", "vj", "jv", "jj"]), st.integers(0, 1000))
def test_the_four_ways_to_a_second_derivative_agree(way, seed):
    rng = np.random.default_rng(seed)
    x, u, v = rng.normal(size=(3, 4))
    A = rng.normal(size=(4, 4))
    f = lambda x: ops.logsumexp(A @ ops.tanh(x)) + ops.sum(ops.softplus(x) * x)
    first = {"v": lambda x: ops.sum(td.grad(f)(x) * u), "j": lambda x: td.jvp(f, (x,), (u,))[1]}[way[1]]
    second = {"v": lambda: (td.grad(first)(x) * v).sum(), "j": lambda: td.jvp(first, (x,), (v,))[1]}[way[0]]()
    step = 1e-5
    numeric = ((td.grad(f)(x + step * v) - td.grad(f)(x - step * v)) @ u) / (2 * step)
    assert second == pytest.approx(numeric, rel=1e-6, abs=1e-8)
    assert td.hvp(f, x, v) @ u == pytest.approx(second, rel=1e-12)


@given(st.integers(0, 10_000))
def test_pullback_is_the_transpose_of_the_pushforward(seed):
    rng = np.random.default_rng(seed)
    W, X, v = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(3, 4))
    f = lambda W: ops.log_softmax(ops.relu(X @ W.T) + ops.max(W, axis=1))
    y, pullback = td.vjp(f, W)
    w = rng.normal(size=y.shape)
    assert (td.jvp(f, (W,), (v,))[1] * w).sum() == pytest.approx((pullback(w)[0] * v).sum(), rel=1e-10)


def test_shared_nodes_are_visited_once():
    def doubled(x):
        for _ in range(60):
            x = x + x
        return x

    assert td.grad(doubled)(1.0) == 2.0**60  # a walk that visits every path would not return


def test_a_chain_of_100_000_ops():
    def chain(x):
        for _ in range(100_000):
            x = x + 1.0
        return x

    assert td.grad(chain)(1.0) == 1


def test_the_graph_goes_when_its_result_goes():
    gc.disable()
    try:
        x = td.Tensor([1.0, 2.0])
        y = ops.exp(x) * x
        (_, inner), _ = y.parents
        inner = weakref.ref(inner)
        del y
        assert inner() is None
    finally:
        gc.enable()


def test_values_that_rules_will_read_are_frozen():
    x = td.Tensor([1.0])
    with pytest.raises(ValueError, match="read-only"):
        (x * 2).value[0] = 5
    mine = np.ones(2)
    td.grad(lambda x: (x * x).sum())(mine)
    mine[0] = 3  # the caller's own array stays the caller's


def test_constants_and_unused_arguments_have_zero_gradients():
    x = np.ones(3)
    np.testing.assert_array_equal(td.grad(lambda x: 4.0)(x), np.zeros(3))
    _, gy = td.grad(lambda x, y: x.sum(), (0, 1))(x, np.ones(2))
    np.testing.assert_array_equal(gy, [0, 0])
    assert td.jvp(lambda x: 4.0, (x,), (x,))[1] == 0


def test_a_tangent_keeps_its_width_beside_a_constant():
    x = np.ones(2, np.float32)
    value, tangent = td.jvp(lambda x: ops.concatenate([x, np.zeros(2, np.float32)]), (x,), (x,))
    assert value.dtype == tangent.dtype == np.float32
    np.testing.assert_array_equal(tangent, [1, 1, 0, 0])


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 1), (2, 3)])
def test_a_tangent_has_the_shape_of_its_value(shape):
    for op in (ops.add, ops.multiply, ops.maximum):
        value, tangent = td.jvp(lambda x, op=op: op(x, np.full((2, 3), 0.5)), (np.ones(shape),), (np.ones(shape),))
        assert value.shape == tangent.shape == (2, 3)


def test_auxiliary_values_come_along():
    (value, aux), g = td.value_and_grad(lambda x: (x * x, "note"), has_aux=True)(3.0)
    assert (value, aux, g) == (9, "note", 6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: td.grad(lambda x: x)(np.ones(2)), TypeError, "returned shape"),
        (lambda: td.grad(lambda x: x)(3), TypeError, "write 3.0"),
        (lambda: td.grad(lambda x: x.sum())(np.arange(3)), TypeError, "int64"),
        (lambda: td.vjp(ops.exp, np.ones(2))[1](np.ones(3)), ValueError, "do not match"),
        (lambda: td.jvp(ops.exp, (np.ones(2),), (np.ones(3),)), ValueError, "do not match"),
        (lambda: td.grad(lambda x: 1.0)({1, 2}), TypeError, "a tree holds"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_trees_round_trip():
    @dataclass(frozen=True)
    class Bare:
        """Without fields: a kind, and nothing else."""

    tree = {"a": (1.0, [np.ones(2), None]), "b": Affine(np.ones(1), np.zeros(1)), "c": (len, Bare())}
    leaves, rebuild = flatten(tree)
    assert len(leaves) == 4
    again = rebuild(leaves)
    assert again["a"][1][1] is None
    assert again["c"] == (len, Bare())
    assert again["b"].name == "affine"
    with pytest.raises(ValueError, match="do not correspond"):
        tree_map(lambda a, b: a, (1.0, 2.0), (1.0,))


# ---- check_grads is itself checked: it refuses each planted bug ------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("factor", [0.0, 1.001, -1.0])
@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_check_grads_refuses_planted_bugs_at_any_scale(monkeypatch, mode, factor, scale):
    x = np.array([0.3, -1.2])
    f = lambda x: scale * ops.sum(ops.tanh(x) * x)
    td.check_grads(f, [x], modes=[mode])
    rules = f"{mode}s"
    honest = getattr(ops.tanh, rules)
    monkeypatch.setattr(ops.tanh, rules, tuple(lambda *a, rule=rule: rule(*a) * factor for rule in honest))
    with pytest.raises(GradientError, match=f"{mode}, order 1, seed 0"):
        td.check_grads(f, [x], modes=[mode])


def test_check_grads_refuses_a_wrong_second_derivative(monkeypatch):
    honest = ops.exp.vjps[0]
    detached = lambda g, y, x: g * ops.stop_gradient(y) if honest else None
    monkeypatch.setattr(ops.exp, "vjps", (detached,))
    with pytest.raises(GradientError, match="order 2"):
        td.check_grads(lambda x: ops.exp(x).sum(), [np.array([0.3])])


def test_check_grads_sees_what_a_plain_sum_of_the_outputs_would_not(monkeypatch):
    monkeypatch.setattr(ops.tanh, "vjps", (lambda g, y, x: g[::-1] * (1 - y * y),))
    same = np.array([0.3, 0.3])
    td.check_grads(lambda x: ops.tanh(x).sum(), [same], order=1)
    with pytest.raises(GradientError, match="vjp, order 1"):
        td.check_grads(ops.tanh, [same], order=1)


def test_check_grads_says_when_it_cannot_see():
    with pytest.raises(GradientError, match="too noisy"):
        td.check_grads(lambda x: 1e12 + 1e-9 * ops.sum(x), [np.ones(2)])
    with pytest.raises(TypeError, match="float32"):
        td.check_grads(ops.exp, [np.ones(2, np.float32)])


@pytest.mark.parametrize("name", [name for name, op in ops.TABLE.items() if not op.sealed])
def test_a_tangent_inside_a_gradient_whatever_the_other_inputs_are(name):
    """d/dy of the derivative along x is the same, walked forward or back: also where y is of the transform around."""
    rng = np.random.default_rng(0)
    for f, shapes in calls(ops.TABLE[name]):
        if len(shapes) < 2:
            continue
        arrays = [rng.uniform(0.2, 0.8, shape) for shape in shapes]
        for i, j in itertools.permutations(range(len(shapes)), 2):
            t = rng.normal(size=shapes[i])

            def loss(x, y, i=i, j=j, f=f, arrays=arrays):
                return (f(*({i: x, j: y}.get(k, a) for k, a in enumerate(arrays))) ** 2).sum()

            forward = td.grad(lambda y: td.jvp(lambda x: loss(x, y), (arrays[i],), (t,))[1])(arrays[j])  # noqa: B023
            back = td.grad(lambda y: (td.grad(lambda x: loss(x, y))(arrays[i]) * t).sum())(arrays[j])  # noqa: B023
            np.testing.assert_allclose(forward, back, rtol=1e-9, atol=1e-9)
