"""`td.compile` of integers and masks: positions, slices, one-hot rows and choices, as in eager mode."""

from contextlib import nullcontext

import numpy as np
import pytest
from compiling import close, interpreted

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError


@pytest.mark.parametrize("n", [1, 300])
def test_integer_arguments_index(n):
    f = lambda x, i: ops.index(x, at=(np.arange(len(i)), i)) * ops.index(x, at=(i, slice(None))).sum()
    run = lambda x, i: (f(x, i), td.grad(lambda x: f(x, i).sum())(x))
    rng = np.random.default_rng(0)
    compiled = td.compile(run)
    x = rng.normal(size=(n, n))
    for i in (rng.integers(0, n, n), rng.integers(-n, n, n)):
        with interpreted() if n == 1 else nullcontext():
            close(compiled(x, i), run(x, i), scale=100 * n)


def test_positions_along_an_axis():
    f = lambda x, y: td.value_and_grad(lambda x: (ops.take_along(x, y[:, None]) ** 2).sum())(x)
    x, compiled = np.arange(6.0).reshape(3, 2), td.compile(f)
    for y in (np.array([0, 1, 1]), np.array([1, 1, 0])):
        close(compiled(x, y), f(x, y))


def of_integers(x, y, mask):
    """What a reader writes with integers and masks: slices, new axes, positions, one-hot rows, choices."""
    one_hot = ops.where(y[:, None] == np.arange(3), 1.0, 0.0)
    return (
        ops.softmax_nll(x[:4], y[2:6]).mean(),
        ops.take_along(x, y[:, None]),
        (one_hot * x).sum(axis=0),
        ops.where(y != 1, 1.0, 0.0).mean(),
        ops.where((y > 0)[1:], x[1:, 0], 0.0) + ops.where(y[:-1] >= 2, x[1:, 1], 0.0),
        ops.where(y.reshape(2, 4) < 2, 1.0, 0.0),
        ops.where(mask[:, ::2].T, 1.0, 0.0),
        x[y[::-2]] * x[y[3:], y[:5]][:4, None],
        x[np.asarray(y)[None, :, None], np.broadcast_to(y, (2, 8))[:1, :, None]],
        y[::-1],
        mask[0],
    )


def test_integer_arguments_are_sliced_and_compared():
    rng = np.random.default_rng(0)
    x, mask, y = rng.normal(size=(8, 3)), rng.random((8, 4)) > 0.5, rng.integers(0, 3, 8)
    with interpreted():
        compiled = td.compile(of_integers)
        for other in (y, y[::-1].copy(), (y + 1) % 3, y.astype(np.uint8), np.repeat(y, 2)[::2]):
            theirs = of_integers(x, other, ~mask)
            for a, b in zip(compiled(x, other, ~mask), theirs, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13)
                assert a.dtype == b.dtype
    assert len(compiled.specialisations) == 2  # by dtype; no values


@pytest.mark.parametrize("steps", [(1, 1, 1), (2, -1, 1), (-1, 2, -2), (1, -3, 0)])
def test_every_view_of_an_integer_argument_is_read_where_it_is(steps):
    cut = lambda y: [
        y[:: steps[0], :: steps[1]],
        y.T[:: steps[1]],
        y[1:, None, ::-1, :2].transpose(3, 1, 0, 2),
        y[2][steps[2] :, 1],
        y.swapaxes(0, 2)[..., None, 1],
    ]
    y = np.random.default_rng(0).integers(0, 99, (3, 4, 5))
    with interpreted():
        for a, b in zip(td.compile(lambda y: cut(y))(y), cut(y), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(CompileError, match=r"(?s)not made of slices.*argument of its own"):
        td.compile(lambda y: np.diagonal(y))(y)


def test_an_index_out_of_range_is_found_on_every_call():
    compiled = td.compile(lambda x, i: ops.index(x, at=i))
    x = np.arange(3.0)
    assert compiled(x, np.array([2, -3])).tolist() == [2.0, 0.0]
    for wrong in ([0, 3], [-4, 0]):
        with pytest.raises(IndexError, match=r"index: .*length 3\n  in .*test_compile_integers.py:\d+"):
            compiled(x, np.array(wrong))
