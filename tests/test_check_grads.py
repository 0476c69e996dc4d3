"""`check_grads` is itself checked: right derivatives pass wherever the argument lies, planted bugs never do."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inspect.check import GradientError

THREE = np.array([0.3, 0.2, -0.5])
BIG = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (ops.log, [np.array([1e-3])]),
        (ops.log, [np.array([1e9, 1e-9, 1.0])]),
        (ops.sqrt, [np.array([1e-12, 1e12])]),
        (ops.tanh, [np.array([0.0, 1e-6, -3.0])]),
        (lambda x, unused: ops.exp(x), [THREE, np.ones(2)]),
        (lambda x, y: ops.sum(ops.tanh(x)) + 1e6 * ops.sum(y**2), [THREE, BIG]),
        (lambda x: ops.sum(ops.tanh(x[:3])) + 1e6 * ops.sum(x[3:] ** 2), [np.concatenate([THREE, BIG])]),
    ],
)
def test_right_derivatives_pass(f, args):
    td.check_grads(f, args, order=3)


def planted(monkeypatch, op, derivative):
    """The op with another derivative in both modes."""
    for rules in ("vjps", "jvps"):
        monkeypatch.setattr(op, rules, (lambda g, y, x: ops.chain(g, derivative(y, x)),))


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_a_zero_does_not_hide_beside_a_large_derivative(monkeypatch, mode, size):
    planted(monkeypatch, ops.tanh, lambda y, x: 0 * x)
    in_two = lambda x, y: ops.sum(ops.tanh(x)) + size * ops.sum(ops.square(y))
    in_one = lambda x: ops.sum(ops.tanh(x[:3])) + size * ops.sum(ops.square(x[3:]))
    for f, args in [
        (in_two, [THREE, BIG]),
        (in_two, [THREE, BIG[:3]]),
        (in_one, [np.concatenate([THREE, BIG[:3]])]),
        (in_one, [np.concatenate([THREE, BIG])]),
    ]:
        with pytest.raises(GradientError, match=f"{mode}, order 1, seed 0, leaf 0"):
            td.check_grads(f, args, order=1, modes=[mode])


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
@pytest.mark.parametrize("wrong", [2, 3, 4])
def test_every_order_asked_for_is_checked(monkeypatch, mode, wrong):
    """A copy of exp whose derivative is right until the one before `wrong`, and from there on constant."""

    def exp(depth):
        rule = lambda y, x: exp(depth - 1)(x) if depth > 1 else ops.stop_gradient(ops.exp(x))
        return lambda x: Copy(x, rule)

    class Row(type(ops.exp)):
        """A row outside the table."""

        def __init__(self, rule):
            vars(self).update(vars(ops.exp))
            self.vjps = self.jvps = (lambda g, y, x: ops.chain(g, rule(y, x)),)

    Copy = lambda x, rule: Row(rule)(x)
    f = exp(wrong - 1)
    if wrong > 2:
        td.check_grads(f, [THREE], order=wrong - 1, modes=[mode])
    with pytest.raises(GradientError, match=f"{mode}, order {wrong}"):
        td.check_grads(f, [THREE], order=4, modes=[mode])


def test_a_leaf_whose_derivative_is_lost_in_rounding_is_refused():
    with pytest.raises(GradientError, match=r"leaf 0, direction 0.*too noisy.*rescale"):
        td.check_grads(lambda x, y: ops.sum(x) + 1e15 * ops.sum(ops.square(y)), [THREE, BIG])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_function_without_a_value_is_refused(value):
    with pytest.raises(GradientError, match=f"f is {value} at these arguments.*where it is finite"):
        td.check_grads(lambda x: ops.sum(x) + value, [THREE])
    with pytest.raises(GradientError, match=r"infinite or NaN beside the arguments.*inside its domain"):
        td.check_grads(lambda x: ops.where(ops.equal(x, 0), 1.0, value), [0.0])


@pytest.mark.parametrize("order", [0, -1, 2.5, 1.0, True, "2", None])
def test_an_order_is_an_integer_from_1(order):
    with pytest.raises(ValueError, match=r"an integer from 1"):
        td.check_grads(ops.exp, [THREE], order=order)


@pytest.mark.parametrize("modes", [(), ["vjp", "both"], "vjp"])
def test_modes_are_named(modes):
    with pytest.raises(ValueError, match=r"of 'vjp' and 'jvp'"):
        td.check_grads(ops.exp, [THREE], modes=modes)
