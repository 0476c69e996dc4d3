"""What a trace keeps stays as it was: whatever is written to afterwards, the derivative is that of the run.

And the other way round: what a transform returns is nobody else's memory, and holds no Tensors.
"""

import threading
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inputs import kept, lent

X = np.array([1.0, 2.0, 3.0])


def test_a_buffer_that_is_filled_again():
    def f(x):
        buffer, total = np.zeros(3), 0.0
        for k in (1, 2, 3):
            buffer[:] = k
            total = total + (x * buffer).sum()
        return total

    np.testing.assert_array_equal(td.grad(f)(X), [6, 6, 6])
    np.testing.assert_array_equal(td.compile(td.grad(f))(X), [6, 6, 6])
    np.testing.assert_array_equal(td.jvp(f, (X,), (X,))[1], 36)
    np.testing.assert_array_equal(td.hvp(lambda x: f(x * x), X, np.ones(3)), [12, 12, 12])
    x = td.Tensor(X)
    f(x).backward()
    np.testing.assert_array_equal(x.grad, [6, 6, 6])


def memory(array):
    """Arrays that share their memory with a writable one, and that one: views, views of views, read-only views."""
    copy = array.copy()
    yield "itself", copy, copy
    copy = array.copy()
    yield "a view", copy[:], copy
    copy = array.copy()
    yield "a view of a view", copy[::-1][::-1], copy
    copy = array.copy()
    view = copy[:]
    view.flags.writeable = False
    yield "a read-only view", view, copy
    raw = bytearray(array.tobytes())
    view = np.frombuffer(raw, array.dtype)
    view.flags.writeable = False
    yield "a read-only view of what is not NumPy's", view, np.frombuffer(raw, array.dtype)
    listed = array.tolist()
    yield "a list", listed, listed


def spoil(home):
    home[:] = [0] * len(home) if isinstance(home, list) else 0


KEPT = {  # what a function of x keeps of another array: as an op's input, as an index, as a mask
    "multiply": (lambda x, w: x * w, [2.0, 3.0, 4.0]),
    "multiply from the left": (
        lambda x, w: w * x if isinstance(w, np.ndarray) else ops.multiply(w, x),
        [2.0, 3.0, 4.0],
    ),
    "matmul": (lambda x, w: ops.matmul(ops.reshape(x, shape=(1, 3)), ops.reshape(w, shape=(3, 1))), [2.0, 3.0, 4.0]),
    "power": (lambda x, w: ops.power(w, x), [2.0, 3.0, 4.0]),
    "maximum": (lambda x, w: ops.maximum(x * x, w), [2.0, 3.0, 4.0]),
    "stack": (lambda x, w: ops.stack([x, w]) * ops.stack([w, x]), [2.0, 3.0, 4.0]),
    "where": (lambda x, w: ops.where(w, x * x, 0), [True, False, True]),
    "index": (lambda x, w: x[w] ** 2, [1, 2, 2]),
    "index of an axis": (lambda x, w: ops.stack([x, x])[:, w] ** 2, [1, 2, 2]),
    "mask": (lambda x, w: x[w] ** 2, [True, False, True]),
    "place": (lambda x, w: ops.place(x, at=w, shape=(5,)) ** 2, [1, 2, 2]),
    "take_along": (lambda x, w: ops.take_along(x, w) ** 2, [1, 2, 2]),
    "classes": (lambda x, w: ops.softmax_nll(ops.stack([x, x, x]), w), [1, 2, 2]),
}


@pytest.mark.parametrize("f", KEPT)
def test_a_pullback_does_not_see_what_is_written_later(f):
    f, values = KEPT[f]

    def pulled(w, spoil):
        y, pullback = td.vjp(lambda x: f(x, w), X)
        spoil()
        return np.stack([y, pullback(np.ones(y.shape))[0]]) if y.shape == X.shape else pullback(np.ones(y.shape))[0]

    expected = pulled(np.array(values), lambda: None)
    for name, w, home in memory(np.array(values)):
        np.testing.assert_array_equal(pulled(w, partial(spoil, home)), expected, name)


@pytest.mark.parametrize("f", KEPT)
def test_nor_does_an_outer_transform(f):
    f, values = KEPT[f]

    def outer(w, spoil):
        def of_gradient(x):
            g = td.grad(lambda z: ops.sum(f(z, w)))(x)
            spoil()
            return ops.sum(g * x)

        return td.grad(of_gradient)(X)

    expected = outer(np.array(values), lambda: None)
    for name, w, home in memory(np.array(values)):
        np.testing.assert_array_equal(outer(w, partial(spoil, home)), expected, name)


def test_what_is_frozen_is_not_copied():
    frozen = np.ones((4, 3))
    frozen.flags.writeable = False
    for x in (frozen, frozen.T, frozen[1:]):
        assert kept(x) is x
    value = (td.Tensor(X) * 2).value
    assert kept(value) is value
    assert kept(2.0) == 2.0
    rbm = td.RBM(np.ones((2, 3)), np.zeros(3), np.zeros(2))
    assert kept(rbm.W) is rbm.W


def test_a_function_cannot_write_to_its_own_arguments():
    x = X.copy()

    def f(t):
        y = t * t
        x[:] = 0
        return y.sum()

    for transform in (td.grad(f), lambda x: td.jvp(f, (x,), (X,)), lambda x: td.jvp(f, (X,), (x,))):
        with pytest.raises(ValueError, match="read-only"):
            transform(x)
        assert x.flags.writeable
        np.testing.assert_array_equal(x, X)
    _, pullback = td.vjp(f, x)  # which has copied it
    np.testing.assert_array_equal(pullback(np.ones(()))[0], [2, 4, 6])


@pytest.mark.parametrize("case", range(1, 5))
def test_of_an_argument_with_other_names_it_takes_a_copy(case):
    _, x, home = list(memory(X))[case]

    def f(t):
        y = t * t
        spoil(home)
        return y.sum()

    np.testing.assert_array_equal(td.grad(f)(x), [2, 4, 6])
    _, x, home = list(memory(X))[case]
    np.testing.assert_array_equal(td.jvp(f, (x,), (X,)), [14, 28])
    _, x, home = list(memory(X))[case]
    np.testing.assert_array_equal(td.jvp(f, (X,), (x,)), [14, 28])


def test_arguments_are_given_back_as_they_were():
    x, frozen = np.zeros(4), np.ones(2)
    frozen.flags.writeable = False
    arrays = (x[:2], x, x[2:], x, frozen)
    for f in (lambda *xs: sum(ops.sum(v) for v in xs), lambda *xs: 1 / 0):
        with suppress(ZeroDivisionError):
            td.grad(f, (0, 1, 2, 3, 4))(*arrays)
        assert [v.flags.writeable for v in arrays] == [True, True, True, True, False]
    with lent([x]):
        assert kept(x) is not x


def test_results_are_nobody_elses_memory():
    x, c = np.array(2.0), np.array(3.0)
    results = [
        td.value_and_grad(lambda x: x)(x)[0],
        td.value_and_grad(lambda x: (x, (x, c)), has_aux=True)(x)[0],
        td.jvp(lambda x: (x, c), (x,), (x,))[0],
        td.vjp(lambda x: (x, c), x)[0],
    ]
    x[...], c[...] = 0, 0
    for leaf in td.autodiff.trees.flatten(results)[0]:
        assert leaf in (2, 3)


def test_gradients_of_hand_made_leaves_are_their_own():
    a, b = td.Tensor(X), td.Tensor(X)
    ((a + b) * X).sum().backward()
    a.grad[:] = 0
    np.testing.assert_array_equal(b.grad, X)
    c = td.Tensor(X)
    c.sum().backward()
    c.grad *= 0.5
    np.testing.assert_array_equal(c.grad, [0.5, 0.5, 0.5])


def test_threads_share_arguments():
    x, found = np.full(50, 2.0), []
    worker = lambda: [found.append(td.grad(lambda x: (x * x).sum())(x)) for _ in range(50)]
    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.flags.writeable
    assert len(found) == 200
    assert all((g == 4).all() for g in found)


# ---- Tensors that outlive their transform ---------------------------------------------------------------------------


def failing(f, x):
    with pytest.raises(ZeroDivisionError):
        f(x)


LEAKS = {
    "grad": td.grad,
    "value_and_grad": td.value_and_grad,
    "vjp": lambda f: lambda x: td.vjp(f, x),
    "jvp": lambda f: lambda x: td.jvp(f, (x,), (x,)),
    "hvp": lambda f: lambda x: td.hvp(f, x, x),
    "compile": td.compile,
    "grad in compile": lambda f: td.compile(td.grad(f)),
    "one that failed": lambda f: lambda x: failing(td.grad(lambda x: (f(x), 1 / 0)), x),
}
USES = {
    "an op": lambda t: ops.exp(t),
    "an operator": lambda t: t + 1.0,
    "a comparison": lambda t: t == 1.0,
    "a branch": lambda t: t if t else -t,
    "a sum of two": lambda t: ops.add(np.ones(()), t),
    "in grad": lambda t: td.grad(lambda x: x * t)(3.0),
    "in vjp, as a result": lambda t: td.vjp(lambda x: (x, t), 3.0),
    "as a primal": lambda t: td.jvp(lambda x: x, (t,), (1.0,)),
    "as a tangent": lambda t: td.jvp(lambda x: x, (1.0,), (t,)),
    "as a cotangent": lambda t: td.vjp(lambda x: x, 1.0)[1](t),
    "in compile": lambda t: td.compile(lambda x: x * t)(3.0),
    "in compile, as a result": lambda t: td.compile(lambda x: (x, t))(3.0),
    "in grad in compile": lambda t: td.compile(td.grad(lambda x: x * t))(3.0),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("leak", LEAKS)
def test_a_tensor_is_refused_once_its_transform_has_ended(leak, use):
    found = []

    def f(x):
        found.append(x * 2.0)
        return x * x

    LEAKS[leak](f)(1.0)
    with pytest.raises(TypeError, match=r"(outlived its transform|another transform|a branch)(.|\n)*test_kept\.py:\d+"):
        USES[use](found[-1])


def test_an_outer_tensor_lives_on_in_an_inner_transform():
    f = lambda x: td.grad(lambda y: x * y * y)(x) + td.vjp(lambda y: y * x, x)[1](1.0)[0]
    assert td.grad(f)(3.0) == 4 * 3 + 1


def test_a_transform_that_has_ended_leaves_nothing_behind():
    from tinygrad_dbn.autodiff import inputs, tensor

    td.grad(lambda x: td.grad(lambda y: x * y)(x))(1.0)
    failing(td.grad(lambda x: 1 / 0), np.ones(2))
    assert {0} == tensor._running
    assert not inputs._LENT


def test_backward_is_for_tensors_made_by_hand():
    with pytest.raises(TypeError, match=r"backward\(\).*made by a transform.*return it"):
        td.grad(lambda x: ((x * x).backward(), x)[1])(1.0)


@pytest.mark.parametrize("wrap", [lambda f: f, td.compile], ids=["eager", "compiled"])
def test_auxiliary_values_are_arrays(wrap):
    def f(x):
        y = x * 2.0
        return (y * y).sum(), {"y": y, "parts": [y[0], (x, "note", None)], "same": 3, "constant": np.ones(2)}

    (loss, aux), g = wrap(td.value_and_grad(f, has_aux=True))(X)
    assert (loss, list(g)) == (56, [8, 16, 24])
    np.testing.assert_array_equal(aux["y"], [2, 4, 6])
    assert (aux["parts"][0], aux["parts"][1][1:], aux["same"]) == (2, ("note", None), 3)
    assert all(type(leaf) is np.ndarray for leaf in td.autodiff.trees.flatten(aux)[0])


def test_auxiliary_values_of_an_outer_trace_stay_in_it():
    def outer(x):
        (loss, aux), _ = td.value_and_grad(lambda y: (y * x, (x * 3.0, y * x)), has_aux=True)(2.0)
        return aux[0] + 10 * aux[1] + 100 * loss

    assert td.grad(outer)(5.0) == 3 + 20 + 200


def test_auxiliary_values_may_be_anything():
    (_, aux), _ = td.value_and_grad(lambda x: (x, ({1, 2}, np.int64(3), object)), has_aux=True)(1.0)
    assert aux == ({1, 2}, 3, object)
