"""The softmax family along any axes, in both widths, and at the edges of floats."""

from math import inf, nan

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels import jit, line

AXES = [((3,), -1), ((2, 3), 0), ((2, 3, 4), 1), ((2, 3, 4), (2, 0)), ((2, 3, 4), None), ((2, 3), ()), ((), -1)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("shape", "axis"), [*AXES, ((2, 0), 0), ((0, 3), 1)])
def test_the_softmax_family_agrees_with_numpy_along_any_axes(shape, axis, dtype):
    x = np.random.default_rng(0).normal(0, 3, shape).astype(dtype)
    total = np.log(np.exp(x.astype(float)).sum(axis=axis, keepdims=True))
    for got, wanted in [
        (ops.logsumexp(x, axis=axis, keepdims=True), total),
        (ops.logsumexp(x, axis=axis), total.reshape(np.sum(x, axis=axis).shape)),
        (ops.log_softmax(x, axis=axis), x - total),
        (ops.softmax(x, axis=axis), np.exp(x - total)),
    ]:
        assert got.dtype == dtype
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=30 * np.finfo(dtype).eps, atol=30 * np.finfo(dtype).eps)


def test_rows_do_not_disturb_each_other_and_a_row_may_be_a_view():
    x = np.array([[0.0, nan], [-inf, -inf], [inf, 0.0], [1e300, -1e300], [0.0, -nan]])
    for given in (x, x.T.copy().T, np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(ops.logsumexp(given), [nan, -inf, inf, 1e300, nan])
        np.testing.assert_array_equal(ops.softmax(given)[3], [1.0, 0.0])
    np.testing.assert_array_equal(ops.logsumexp(np.zeros((2, 0))), [-inf, -inf])


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(np.exceptions.AxisError, match=r"logsumexp\(\(3,\) float64\): axis 2"):
        ops.logsumexp(np.ones(3), axis=2)
    with pytest.raises(ValueError, match="repeated axis"):
        ops.softmax(np.ones((3, 2)), axis=(0, 0))


def test_machine_code_that_cannot_be_read_is_made_again_and_that_is_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(jit, "_said", set())
    assert jit._read(tmp_path / "none") is None
    assert not caplog.records
    (tmp_path / "folder").mkdir()
    assert jit._read(tmp_path / "folder") is None
    assert "folder is not used" in caplog.text


@pytest.mark.parametrize("off", [False, True])
def test_a_line_kernel_is_machine_code_unless_numba_is_switched_off(off, monkeypatch):
    def sums_so_far(x, y):
        total = 0.0
        for i in range(len(x)):
            total += x[i]
            y[i] = total

    monkeypatch.setattr(jit, "disabled", lambda: off)
    run, x = line.compiled(sums_so_far, np.dtype(np.float32)), np.arange(6, dtype=np.float32).reshape(2, 3)
    y = np.empty_like(x)
    run(x, y)
    np.testing.assert_array_equal(y, x.cumsum(axis=1))
    assert isinstance(run, Dispatcher) != off
