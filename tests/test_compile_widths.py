"""Compiled programs in mixed widths: float32 beside float64, integers and booleans, as arguments and closed over."""

from unittest import mock

import numpy as np
import pytest
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ops import ELEMENTWISE
from test_programs import RATIONAL, SEEDS, SMOOTH, everything, programs

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import emit
from tinygrad_dbn.autodiff.trees import flatten

DTYPES = (np.float64, np.float32, np.int64, np.int8, np.uint8, np.bool_)
FLOATS = (np.float64, np.float32)
UNARY = sorted((*SMOOTH, *RATIONAL.keys() - {"twice"}))  # 2 * x is NumPy's for integers, and so no op


def drawn(shape, dtype, rng):
    """Zeros and ones, or floats in [−1, 1]."""
    if dtype in FLOATS:
        return rng.uniform(-1, 1, shape).astype(dtype)
    return rng.integers(0, 2, shape).astype(dtype)


def agree(program, dtypes, closed, seed):
    """Value and gradients, compiled and eager, of a program of which some inputs are closed over."""
    rng = np.random.default_rng(seed)
    xs = [drawn(s, d, rng) for s, d in zip(program.shapes, dtypes, strict=False)]
    arguments = [i for i in range(len(xs)) if not closed[i]]
    watched = tuple(k for k, i in enumerate(arguments) if xs[i].dtype in FLOATS)

    def f(*given):
        put = dict(zip(arguments, given, strict=True))
        return everything(program)(*(put.get(i, x) for i, x in enumerate(xs)))

    run = td.value_and_grad(f, watched) if watched else f
    given_arrays = [xs[i] for i in arguments]
    theirs, ours = run(*given_arrays), td.compile(run)(*given_arrays)
    flat = lambda result: [result[0], *result[1]] if watched else [result]
    narrow = any(x.dtype == np.float32 for x in xs)
    for got, wanted in zip(flat(ours), flat(theirs), strict=True):
        wanted = np.asarray(wanted)
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        tolerance = 1e-4 if narrow else 1e-11
        np.testing.assert_allclose(
            got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max(initial=1e-3), equal_nan=True
        )


PROGRAMS = programs(unary=UNARY)
THREE = st.tuples(*[st.sampled_from(DTYPES)] * 3)
CLOSED = st.tuples(*[st.booleans()] * 3)


@given(PROGRAMS, THREE, CLOSED, SEEDS, st.sampled_from([1, emit.MANY]))
@settings(max_examples=300)
def test_programs_of_all_dtypes_agree(program, dtypes, closed, seed, many):
    """The generated text, run by Python: with constants in it, and with constants as parameters."""
    with interpreted(), mock.patch.object(emit, "MANY", many):
        agree(program, dtypes, closed, seed)


@given(PROGRAMS, THREE, CLOSED, SEEDS)
@settings(max_examples=4)  # each takes Numba a second
def test_machine_code_of_all_dtypes_agrees(program, dtypes, closed, seed):
    agree(program, dtypes, closed, seed)


BINARY = [ops.TABLE[name] for name in ELEMENTWISE if len(ops.TABLE[name].vjps) == 2]
BINARY += [
    ops.greater,
    ops.equal,
    lambda x, y: ops.where(ops.greater_equal(x, y), x, y),
    lambda x, y: ops.clip(x, y, 2),
    lambda x, y: ops.matmul(ops.reshape(x, shape=(1, 3)), ops.reshape(y, shape=(3, 1))),
    lambda x, y: ops.concatenate([x, y]),
    lambda x, y: ops.stack([x, y]),
    lambda x, y: ops.sum(x) * ops.logsumexp(y) + ops.max(y),
]


# Numba takes seconds for each program: three dtypes, all ops in one.
@pytest.mark.parametrize(
    ("other", "by"),
    [*((other, "Python") for other in DTYPES), *((other, "Numba") for other in (np.float32, np.int8, np.bool_))],
)
def test_every_op_of_two_meets_every_dtype(other, by):
    """The second array is an argument, and again closed over."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.5, 1, 3), np.ones(3, other)
    f = lambda x, y: [op(*pair) for op in BINARY for pair in ((x, y), (y, x))]
    if by == "Numba":
        both = lambda x, z, y: (f(x, y), f(z, np.ones(3, other)))
        with mock.patch.object(emit, "MANY", 1):
            compare(both, x, x.astype(np.float32), y)
        return
    with interpreted():
        for dtype in FLOATS:
            compare(f, x.astype(dtype), y)
            compare(lambda x: f(x, y), x.astype(dtype))


def compare(f, *args):
    for got, wanted in zip(flatten(td.compile(f)(*args))[0], flatten(f(*args))[0], strict=True):
        assert got.dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7)
