"""What the tests of `td.compile` share: a network's training step, comparisons, and the generated text run by Python.

Numba takes a second or two for each program. What a text computes – its loops, views, buffers and their order – shows
as well when Python runs it, in milliseconds; so whole tables and many drawn programs are `interpreted`, and a few of
each are compiled to machine code.
"""

import ctypes
import os
import re
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.compile import machine, specialise
from tinygrad_dbn.autodiff.kernels import floats, special
from tinygrad_dbn.autodiff.trees import flatten, tree_map


@pytest.fixture(autouse=True, scope="module")
def kept_apart(tmp_path_factory):
    """Generated files go to a folder of the test run's own."""
    before = os.environ.get("XDG_CACHE_HOME"), os.environ.pop("NUMBA_CACHE_DIR", None)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    for name, value in zip(("XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), before, strict=True):
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def in_python():
    """What a generated text is made with, for Python: `np` with its exp, log and tanh, and arrays at addresses."""

    def called(signature):
        kinds = re.findall(r"Array\((\w+), (\d)|(?:float64|int64)\b", signature)

        def checked(function):
            def call(*given):  # as Numba would: other dtypes are refused
                for x, (kind, axes) in zip(given, kinds, strict=True):
                    if kind and (x.dtype, x.ndim) != (kind.replace("boolean", "bool"), int(axes)):
                        raise TypeError(f"{x.dtype} is not {kind}")
                with np.errstate(all="ignore"):
                    return function(*(np.float64(x) if type(x) is float else x for x in given))

            return call

        return checked

    def at(pointer, shape):
        address, dtype = pointer
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memory, dtype).reshape(shape) if size else np.empty(shape, dtype)

    class Floats:
        """NumPy's functions, as far as the file `floats` has them."""

        inline = staticmethod(lambda f: f)

        def __getattr__(self, name):
            return getattr(np, name if hasattr(floats, name) else f"nothing named {name}")

    return {
        "numpy": np,
        "called": called,
        "np": Floats(),
        "special": special,
        "apart": lambda: None,
        "at": at,
        "pointer": lambda table, number, dtype: (int(table[number]), dtype),
        "address": lambda array: array.__array_interface__["data"][0],
        "keep": lambda array: None,
        "added": lambda total, x: total + x,
        "step": lambda f: f,
        "entries": machine.entries,
    }


@contextmanager
def interpreted():
    """Within this context `td.compile` makes the same text, and Python runs it, with NumPy's exp, log and tanh."""

    def load(text):
        rest = text[re.search("^(@|# The)", text, re.MULTILINE).start() :]  # without its imports
        assert "numba" not in rest
        module = ModuleType("interpreted")
        module.__dict__.update(in_python())
        exec(compile(rest, "interpreted", "exec"), module.__dict__)
        return module, Path()

    before, specialise.load = specialise.load, load
    try:
        yield
    finally:
        specialise.load = before


def close(compiled, eager, dtype=np.float64, scale=8, name=""):
    ours, theirs = flatten(compiled)[0], flatten(eager)[0]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        assert a.dtype == np.asarray(b).dtype, name
        tiny = np.finfo(dtype).eps
        np.testing.assert_allclose(a, b, rtol=scale * tiny * 10, atol=scale * tiny, err_msg=name)


def training_step(net, x, y):
    value, gradient = td.value_and_grad(lambda net: net.nll(x, y).mean())(net)
    return value, tree_map(lambda p, g: p - 0.1 * g, net, gradient)


def network(sizes=(5, 4, 3), batch=7, hidden="sigmoid"):
    rng = np.random.default_rng(0)
    net = td.FeedForward.init(sizes, rng, hidden=hidden)
    return net, rng.random((batch, sizes[0])), rng.integers(0, sizes[-1], batch)
