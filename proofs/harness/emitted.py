"""The text that `compile` emits, run as Python on symbols: what a compiled function computes, as formulas.

The text stands as it is, but for its imports: what it imports is replaced by what means the same on symbols. The block
of buffers is an array of objects, one for each byte, of which a number takes the first; so buffers lie where the text
has them, beside one another or in a place used before. Trusted: these stand-ins, and that Numba and LLVM compile the
text as Python means it.
"""

import ast
from importlib import import_module
from math import prod
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from tinygrad_dbn.autodiff.kernels import special
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic
from tinygrad_dbn.autodiff.trees import flatten

TRUSTED = "Numba and LLVM compile the emitted text as Python means it, but for rounding"
specialise = import_module("tinygrad_dbn.autodiff.compile.specialise")


class Infinity(Symbolic):
    """±∞ beside symbols, which are finite. A subclass, so that Python asks it whichever side it is on."""

    __slots__ = ("positive",)

    def __init__(self, positive=True):
        super().__init__(0)
        self.positive = positive

    def __neg__(self):
        return Infinity(not self.positive)

    def __lt__(self, other):
        return not self.positive

    def __gt__(self, other):
        return self.positive

    __le__, __ge__ = __lt__, __gt__

    def __eq__(self, other):
        return isinstance(other, Infinity) and other.positive == self.positive

    __hash__ = None


class Address:
    """A number of bytes into some memory: the table, the block of buffers, or an array that was given."""

    def __init__(self, memory, offset=0):
        self.memory, self.offset = memory, offset

    def __add__(self, bytes_):
        return Address(self.memory, self.offset + bytes_)

    def __floordiv__(self, by):
        return Address(self.memory, self.offset // by)

    def __mul__(self, by):
        return Address(self.memory, self.offset * by)


class Table(list):
    """The table of addresses, and of numbers that are given from Python."""


def unwritten(shape):
    """An array in which nothing was written yet: a symbol of its own stands everywhere."""
    return np.full(shape, Symbolic(sympy.Symbol("unwritten")), object)


class Block:
    """The block of buffers: one object for each byte."""

    def __init__(self, size, dtype):
        self.objects = unwritten(size)


class Float64:
    """float64 as a dtype; as a conversion it changes nothing, for symbols have no width."""

    itemsize = 8

    def __new__(cls, value):
        return SimpleNamespace(view=lambda dtype: value) if isinstance(value, np.ndarray) else value


def at(pointer, shape):
    """The array of a shape that lies where a pointer says, as a view of its memory."""
    place, size = pointer
    memory = place.memory
    if isinstance(memory, Table):  # a number that stands in the table itself
        return np.asarray(memory[place.offset // 8], object)
    if isinstance(memory, Block):
        return memory.objects[place.offset : place.offset + size * prod(shape) : size].reshape(shape)
    return memory.reshape(shape)


def entries(program):
    """A program as one array of integers: shorter entries are filled up with zeros."""
    longest = max(map(len, program), default=1)
    return np.array([(*entry, *[0] * (longest - len(entry))) for entry in program]).reshape(len(program), longest)


def _numpy(**other):
    """NumPy, but for some of its names."""
    return SimpleNamespace(**{**vars(np), **other})


def _dot(a, b, out):
    out[...] = a @ b


STAND_INS = {
    "numpy": _numpy(inf=Infinity(), float64=Float64, empty=Block, dot=_dot),
    "np": _numpy(inline=lambda function: function),
    "special": special,
    "called": lambda signature: lambda function: function,
    "step": lambda function: function,
    "apart": lambda: None,
    "keep": lambda block: None,
    "added": lambda total, x: total + x,
    "address": Address,
    "pointer": lambda table, number, dtype: (table[number], np.dtype(dtype).itemsize if dtype is not Float64 else 8),
    "at": at,
    "entries": entries,
}


def emitted(f, *like):
    """The text that `compile` emits of f, for float64 arrays of the shapes of `like`, as a function of symbols.

    An array () of symbols stands for a float. Integers are given as they are.
    """
    leaves, rebuild = flatten(like)
    floats = [leaf if leaf.dtype != object else np.zeros(leaf.shape) if leaf.shape else 0.5 for leaf in leaves]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialise, "disabled", lambda: True)  # the text is enough
        made = specialise.specialise(lambda args: f(*args), floats, lambda new: ((rebuild(new),), {}))
    text = ast.parse(made.text)
    text.body = [node for node in text.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    module = dict(STAND_INS)
    exec(compile(text, "<emitted>", "exec"), module)
    constants = [c.astype(object) if c.dtype.kind == "f" else c for c in made.constants]

    def run(*given):
        leaves, results = list(map(np.array, flatten(given)[0])), [unwritten(shape) for shape, _ in made.results]
        for leaf in leaves:
            leaf.flags.writeable = False  # a text that writes to what it was given fails
        arrays, first = [*(leaves[i] for i in made.order), *constants, *results], 0
        table = Table([None] * module["SIZE"])
        for take, begin, count in module["TAKES"]:
            take(table, begin, *arrays[first : first + count])
            first += count
        failed = module["run"](table, module["PROGRAM"], *arrays[first:])
        assert failed < 0, made.complaints[failed]
        return made.rebuild(results)

    return run
