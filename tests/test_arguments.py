"""What an op accepts is one thing, wherever it is called: eagerly, in both modes of differentiation, and compiled.

A table of calls, each with what becomes of it; and programs of integer and boolean arguments, eager and compiled.
"""

from functools import cache

import numpy as np
import pytest
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError

X = np.arange(1.0, 7.0).reshape(2, 3)
TWO = np.int64(2)

ACCEPTED = {
    "all axes": lambda x: ops.sum(x),
    "an axis by position": lambda x: ops.sum(x, 0),
    "axis and keepdims by position": lambda x: ops.mean(x, 1, True),
    "NumPy's integer as an axis": lambda x: ops.max(x, axis=np.int64(-1)),
    "a tuple of axes": lambda x: ops.min(x, axis=(np.int64(1), -2)),
    "no axes": lambda x: ops.sum(x, axis=()),
    "keepdims as an integer": lambda x: ops.logsumexp(x, axis=1, keepdims=1),
    "keepdims as NumPy's boolean": lambda x: ops.sum(x, axis=1, keepdims=np.True_),
    "the last axis of a number": lambda x: ops.softmax(ops.sum(x)),
    "the first axis of a number": lambda x: ops.sum(ops.sum(x), axis=0),
    "logsumexp of a number": lambda x: ops.logsumexp(ops.sum(x)),
    "softmax by position": lambda x: ops.softmax(x, 0),
    "log_softmax over all": lambda x: ops.log_softmax(x, axis=None),
    "a shape by position": lambda x: ops.reshape(x, (3, 2)),
    "a shape as a list": lambda x: ops.reshape(x, shape=[3, -1]),
    "a length as a shape": lambda x: ops.reshape(x, shape=6),
    "NumPy's integers as a shape": lambda x: ops.reshape(x, shape=(np.int64(3), np.int32(2))),
    "no elements": lambda x: ops.reshape(x[:0], shape=(3, 0)),
    "broadcast by position": lambda x: ops.broadcast_to(x, (TWO, 2, 3)),
    "axes by position": lambda x: ops.transpose(x, (1, 0)),
    "axes as a list, from the end": lambda x: ops.transpose(x, axes=[-1, 0]),
    "axes reversed": lambda x: ops.transpose(x, axes=None),
    "concatenate along NumPy's integer": lambda x: ops.concatenate([x, x], axis=np.int64(-1)),
    "stack along NumPy's integer": lambda x: ops.stack([x, x], axis=np.int64(-1)),
    "an index by position": lambda x: ops.index(x, (0, slice(None))),
    "NumPy's integer": lambda x: ops.index(x, at=np.s_[np.int64(-1)]),
    "a slice of NumPy's integers": lambda x: ops.index(x, at=np.s_[np.int64(0) : TWO : np.int8(1)]),
    "a list of integers": lambda x: ops.index(x, at=np.s_[[0, 1, 0]]),
    "an empty list": lambda x: ops.index(x, at=np.s_[[]]),
    "a list of booleans": lambda x: ops.index(x, at=np.s_[[False, True]]),
    "a mask": lambda x: ops.index(x, at=np.s_[:, np.array([True, False, True])]),
    "a mask of all axes": lambda x: ops.index(x, at=np.s_[X > 2]),
    "a mask after an ellipsis": lambda x: ops.index(x, at=np.s_[..., np.array([True, False, True])]),
    "a new axis and integers": lambda x: ops.index(x, at=np.s_[None, :, np.array([[2], [0]])]),
    "an array without axes": lambda x: ops.index(x, at=np.s_[np.array(1)]),
    "unsigned integers": lambda x: ops.index(x, at=np.s_[np.array([1, 0], np.uint8)]),
    "placed by position": lambda x: ops.place(x, np.array([0, 3]), (TWO * 2, 3)),
    "a number placed": lambda x: ops.place(ops.sum(x), at=np.array([0, 3]), shape=(4,)),
    "placed by a mask": lambda x: ops.place(x, at=np.array([True, False, True]), shape=[3, 3]),
    "positions along an axis": lambda x: ops.take_along(x, np.array([[0], [2]]), axis=np.int64(1)),
    "a constant of the other byte order": lambda x: x * np.ones(3, ">f8"),
    "indices of the other byte order": lambda x: ops.index(x, at=np.s_[np.array([1, 0], ">i8")]),
    "a list beside an array": lambda x: ops.add(x, [1.0, 2.0, 3.0]),
    "integers and booleans beside an array": lambda x: ops.multiply(ops.add(x, [1, 2, 3]), [True, False, True]),
}
REFUSED = {
    "an axis twice": (ValueError, "repeated axis", lambda x: ops.sum(x, axis=(0, 0))),
    "an axis from both ends": (ValueError, "repeated axis", lambda x: ops.softmax(x, axis=(0, -2))),
    "an axis that is not there": (ValueError, "axis 2 is out of bounds", lambda x: ops.mean(x, axis=2)),
    "a list of axes": (TypeError, "tuple", lambda x: ops.sum(x, axis=[0])),
    "True as an axis": (TypeError, "an axis is an integer", lambda x: ops.max(x, axis=True)),
    "half an axis": (TypeError, "an axis is an integer", lambda x: ops.logsumexp(x, axis=0.0)),
    "keepdims unclear": (TypeError, "neither True nor False", lambda x: ops.sum(x, axis=0, keepdims="no")),
    "no axis to join along": (TypeError, r"write ops\.reshape", lambda x: ops.concatenate([x, x], axis=None)),
    "no place for a new axis": (TypeError, r"write ops\.reshape", lambda x: ops.stack([x, x], axis=None)),
    "a new axis too far": (ValueError, "out of bounds", lambda x: ops.stack([x, x], axis=3)),
    "arrays not in a list": (TypeError, "the arrays are one list", lambda x: ops.concatenate(x, x)),
    "other elements": (ValueError, "cannot reshape", lambda x: ops.reshape(x, shape=(4, 2))),
    "two lengths open": (ValueError, "cannot reshape", lambda x: ops.reshape(x, shape=(-1, -1))),
    "half a length": (TypeError, "a length is an integer", lambda x: ops.reshape(x, shape=(3.0, 2))),
    "True as a length": (TypeError, "a length is an integer", lambda x: ops.broadcast_to(x, shape=(True, 2, 3))),
    "a negative length": (ValueError, "negative", lambda x: ops.broadcast_to(x, shape=(-1, 2, 3))),
    "an axis left out": (ValueError, "no order of 2 axes", lambda x: ops.transpose(x, axes=(0,))),
    "True as an index": (IndexError, r"write x\[None\]", lambda x: ops.index(x, at=np.s_[True])),
    "NumPy's False as an index": (IndexError, r"write x\[None\]", lambda x: ops.index(x, at=np.s_[np.False_, 0])),
    "floats as indices": (IndexError, "astype", lambda x: ops.index(x, at=np.s_[[0.0, 1.0]])),
    "a float as an index": (IndexError, "astype", lambda x: ops.index(x, at=np.s_[0.0])),
    "a string as an index": (IndexError, "astype", lambda x: ops.index(x, at=np.s_["0"])),
    "half a slice": (TypeError, "the end of a slice", lambda x: ops.index(x, at=np.s_[0.0:])),
    "a short mask": (IndexError, "boolean index", lambda x: ops.index(x, at=np.s_[np.array([True])])),
    "a mask of other axes": (IndexError, "boolean index", lambda x: ops.index(x, at=np.s_[np.ones((3, 2), bool)])),
    "a short mask to place by": (
        IndexError,
        "boolean index",
        lambda x: ops.place(x, at=np.ones(2, bool), shape=(3, 3)),
    ),
    "an index beyond": (IndexError, "index 2 is out of bounds for axis 0, of length", lambda x: ops.index(x, at=2)),
    "an index before": (IndexError, "index -3 is out of bounds for axis 0, of length", lambda x: ops.index(x, at=-3)),
    "an index beyond in an array": (IndexError, "out of bounds", lambda x: ops.index(x, at=np.s_[:, np.array([0, 3])])),
    "too many indices": (IndexError, "too many indices", lambda x: ops.index(x, at=np.s_[0, 0, 0])),
    "two ellipses": (IndexError, "Ellipsis", lambda x: ops.index(x, at=np.s_[..., ...])),
    "an option that is not there": (TypeError, "axis= is not known", lambda x: ops.exp(x, axis=0)),
    "an option twice": (TypeError, "given twice", lambda x: ops.sum(x, 0, axis=0)),
    "an option left out": (TypeError, "shape= is missing", lambda x: ops.reshape(x)),
    "an array too many": (TypeError, "takes 2 arrays, 3 were given", lambda x: ops.add(x, x, x)),
    "an array too few": (TypeError, "takes 2 arrays, 1 were given", lambda x: ops.add(x)),
    "no arrays": (TypeError, "one or more arrays", lambda x: ops.stack([])),
    "complex numbers": (TypeError, "not supported", lambda x: ops.multiply(x, np.ones(3, complex))),
}


def everywhere(f):
    """f eagerly, in both modes, once and twice differentiated, and compiled: each gives f's value."""
    pulled = lambda x: td.vjp(f, x)[1](weights(f))[0]
    return {
        "eager": lambda: f(X),
        "vjp": lambda: td.vjp(f, X)[0],
        "jvp": lambda: td.jvp(f, (X,), (X,))[0],
        "compiled": lambda: td.compile(f)(X),
        "vjp of vjp": lambda: td.vjp(pulled, X)[1](X) and f(X),
        "compiled vjp": lambda: td.compile(pulled)(X) is not None and f(X),
    }


@cache
def weights(f):
    """A cotangent for f's result."""
    return np.cos(np.arange(np.size(f(X)))).reshape(np.shape(f(X)))


@pytest.mark.parametrize("call", ACCEPTED)
def test_what_is_accepted_once_is_accepted_everywhere(call):
    f = ACCEPTED[call]
    wanted, cotangent = f(X), weights(f)
    with interpreted():
        for run in everywhere(f).values():
            got = run()
            assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
            np.testing.assert_allclose(got, wanted, rtol=1e-14)
        pulled = lambda x: td.vjp(f, x)[1](cotangent)[0]
        np.testing.assert_allclose(td.compile(pulled)(X), pulled(X), rtol=1e-13, atol=1e-15)
    td.check_grads(f, [X], order=1)


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused_once_is_refused_everywhere(call):
    kind, message, f = REFUSED[call]
    with interpreted():
        for where in ("eager", "vjp", "jvp", "compiled"):
            with pytest.raises(kind, match=message):
                everywhere(f)[where]()


@pytest.mark.parametrize("dtype", [">f8", ">f4"])
def test_arguments_of_the_other_byte_order_are_read_as_numbers(dtype):
    x = X.astype(dtype)
    f = lambda x: ops.sum(ops.square(x))
    ours = np.dtype(dtype).newbyteorder("=")
    with interpreted():
        for g in (td.grad(f), lambda x: td.jvp(ops.square, (x,), (x,))[1], td.compile(td.grad(f)), ops.square):
            got, wanted = g(x), g(X.astype(ours))
            assert got.dtype == ours
            np.testing.assert_array_equal(got, wanted)


# ---- Integers and booleans among the arguments of a compiled function ------------------------------------------------

INTEGERS = {
    "not": lambda x, i, m, k: ops.where(~m, x, 0),
    "and, or, xor": lambda x, i, m, k: ops.where((m & k) | (m ^ ~k), x, 0),
    "logical not": lambda x, i, m, k: ops.where(np.logical_not(m), x, i),
    "one minus a mask": lambda x, i, m, k: x * (1 - m),
    "a mask minus one": lambda x, i, m, k: x * (m - 1) * (2 * m),
    "masks added and multiplied": lambda x, i, m, k: x * (m + k) * (m * k),
    "plus one": lambda x, i, m, k: x * (i + 1),
    "minus, times, negative": lambda x, i, m, k: x * (3 - i) + (2 * i * i) - (-i) + i**2,
    "bits": lambda x, i, m, k: x * (i & 1) + (i | 4) + (i ^ 3) + ~i,
    "halves": lambda x, i, m, k: x * (i / 2) + i * 0.5 + (i + 0.5) - (0.25 - m),
    "as floats": lambda x, i, m, k: m.astype(float) * x + i.astype(np.float32) + i.astype("f8"),
    "as integers": lambda x, i, m, k: x * m.astype(int) + i.astype(bool) + (i - 1).astype(np.int8),
    "compared": lambda x, i, m, k: ops.where((i + 1 > 1) & (i != 2), x, i == 1),
    "an index": lambda x, i, m, k: x[(i + 1) % 1 + i - 1] + x[np.asarray(i) * 0],
    "parts of what was computed": lambda x, i, m, k: x[:2] * (i + 1)[:2] + (1 - m)[None, 1:][0],
    "a gradient": lambda x, i, m, k: td.grad(lambda x: (x * x * (i - 1) * ~m).sum())(x),
    "what is returned": lambda x, i, m, k: (x, i + 1, m & k, ~m, 1 - m),
}


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_and_masks_compiled_are_what_they_are_eagerly(name, dtype):
    f, rng = INTEGERS[name], np.random.default_rng(0)
    x = rng.normal(size=3)
    draw = lambda: (rng.integers(0, 3, 3).astype(dtype), *(rng.random((2, 3)) > 0.5))
    with interpreted(), np.errstate(all="ignore"):
        try:
            f(x, *draw())
        except (TypeError, IndexError) as error:
            with pytest.raises(type(error)):
                td.compile(f)(x, *draw())
            return
        compiled = td.compile(f)
        for _ in range(3):
            args = draw()
            wanted, got = f(x, *args), compiled(x, *args)
            for a, b in zip(wanted, got, strict=True) if isinstance(wanted, tuple) else [(wanted, got)]:
                assert (b.shape, b.dtype) == (a.shape, a.dtype)
                np.testing.assert_allclose(b, a, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_integers_and_masks_in_machine_code(dtype):
    """Sums of small integers wrap around as NumPy's do."""
    several = ("and, or, xor", "one minus a mask", "minus, times, negative", "bits", "as floats", "what is returned")

    def f(x, i, m, k):
        *rest, last = (INTEGERS[name](x, i, m, k) for name in several)
        return *rest, *last

    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.integers(0, 200, 3).astype(dtype), *(rng.random((2, 3)) > 0.5)
    for a, b in zip(f(*args), td.compile(f)(*args), strict=True):
        assert (b.shape, b.dtype) == (a.shape, a.dtype)
        np.testing.assert_allclose(b, a, rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: x * i.sum(),
        lambda x, i: x * (i // 2),
        lambda x, i: x * (i % 2),
        lambda x, i: x * np.where(i, 1.0, 0.0),
        lambda x, i: x * np.maximum(i, 1),
        lambda x, i: x * np.sqrt(i),
        lambda x, i: x[i.max()],
    ],
)
def test_what_is_not_followed_is_refused(f):
    with interpreted(), pytest.raises(CompileError, match="y & z"):
        td.compile(f)(np.ones(3), np.array([0, 1, 2]))
