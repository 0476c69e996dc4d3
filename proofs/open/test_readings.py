"""Every reading of an op is what the shipped op computes, at every shape up to 3; code that has none is refused."""

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy

from proofs.engine.table import LOOKED_AT, looking_at
from proofs.harness.formulas import equal_formulas, formulas
from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.terms import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    Add,
    App,
    Bit,
    Cube,
    Exp,
    Family,
    Log,
    Mul,
    Num,
    Pow,
    Same,
    Set,
    Sum,
    indices,
)
from proofs.open import arrays, readings
from proofs.open.arrays import NoReading
from proofs.open.readings import BY_MEANING, READINGS, REFUSED, SWITCHES
from proofs.open.trace import opened
from tinygrad_dbn import exact, ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic
from tinygrad_dbn.models import RBM

I, J, K = map(Set, "IJK")
looked_at = pytest.fixture(looking_at)


class Sized:
    """What gives a call its arguments at some sizes, in the place of `Run`: a symbol for each number.

    A number that is 0 or more is a positive symbol, or 0 at every second place.
    """

    def __init__(self, sizes):
        self.sizes, self.positions, self.used = sizes, {}, set()

    def length(self, a_set):
        if a_set is None:
            return 1
        if type(a_set) is arrays.Places:
            return a_set.number
        if type(a_set) is Cube:
            return 2 ** self.length(a_set.of)
        self.used.add(a_set)
        return self.sizes[a_set]

    def __call__(self, name, *sets, sign=REAL, like=None):
        found = np.empty([self.length(s) for s in sets], object)
        for at in np.ndindex(*found.shape):
            found[at] = Symbolic(self.symbol(name, [k for k, s in zip(at, sets, strict=True) if s], sign))
        return found

    @staticmethod
    def symbol(name, at, sign):
        """The symbol of one number."""
        if sign == NONNEGATIVE and sum(at) % 2:
            return sympy.Integer(0)
        return sympy.Symbol(f"{name}{at}", real=True, positive=True if sign else None)

    def places(self, name, over, among):
        self.positions[name] = [k * k % self.length(among) for k in range(self.length(over))]
        return np.array(self.positions[name])

    def formula(self, e, at):
        """The formula that a term is at indices. Written apart from what reads or derives terms."""
        again = lambda part: self.formula(part, at)
        match e:
            case Num(value):
                return sympy.Rational(value.numerator, value.denominator)
            case App(family, places) if family.name in self.positions:
                one, place = places
                return sympy.Integer(self.positions[family.name][at[one]] == at[place])
            case App(family, places) if family in SWITCHES:
                return sympy.Integer(bool(self.formula(SWITCHES[family](*places), at) > 0))
            case App(family, places):
                return self.symbol(family.name, [at[i] for i in places], family.sign)
            case Bit(state, unit):
                return sympy.Integer(at[state] >> at[unit] & 1)
            case Same(left, right):
                return sympy.Integer(at[left] == at[right])
            case Add(parts):
                return sympy.Add(*map(again, parts))
            case Mul(parts):
                return sympy.Mul(*map(again, parts))
            case Pow(base, exponent):
                return again(base) ** exponent
            case Exp(of):
                return sympy.exp(again(of))
            case Log(of):
                return sympy.log(again(of)) if again(of) != 0 else sympy.Integer(0)
            case Sum(body, index):
                return sympy.Add(*(self.formula(body, {**at, index: k}) for k in range(self.length(index.set))))
        raise AssertionError(e)

    def array(self, found):
        """The formulas that an `Open` array is of."""
        wanted = np.empty([self.length(s) for s in found.axes], object)
        for at in np.ndindex(*wanted.shape):
            axes = [(k, s) for k, s in zip(at, found.axes, strict=True) if s]
            places = [k if type(s) is arrays.Places else indices(f"at{n}", s)[0] for n, (k, s) in enumerate(axes)]
            wanted[at] = self.formula(found(*places), dict(zip(places, (k for k, _ in axes), strict=True)))
        return wanted


def agree(name, call):
    """Refuse unless a call gives, on symbols, what is read of it: at all shapes up to 3."""
    found = opened(call)
    for sizes in itertools.product((1, 2, 3), repeat=len(sets_of(call))):
        sized = Sized(dict(zip(sets_of(call), sizes, strict=True)))
        with meanings():
            got = formulas(np.asarray(call(sized), object))
        equal_formulas(sized.array(found), got, f"{name} for {sized.sizes}")


def sets_of(call):
    """The sets that a call's arguments are over."""
    seen = Sized(dict.fromkeys((I, J, K), 2))
    with meanings():
        call(seen)
    return sorted(seen.used, key=repr)


# --- every op that has a reading --------------------------------------------------------------------------------


def of_elements(name, *sets):
    """A call of an op by the number of its arguments, over such sets."""
    op = ops.TABLE[name]
    sign = POSITIVE if name in ("log", "log1p", "divide", "reciprocal") else REAL
    return lambda a: op(*(a(letter, *s, sign=sign) for letter, s, _ in zip("xy", sets, op.vjps, strict=False)))


def logarithm(q):
    """log q, and 0 where q is 0."""
    return ops.where(ops.greater(q, 0), ops.log(q), 0)


CALLS = {
    name: [of_elements(name, (I, J), (J,)), of_elements(name, (I, None), (None, J))] for name in (*BY_MEANING, "tanh")
} | {
    "sum": [
        lambda a: ops.sum(a("x", I, I), axis=1),
        lambda a: ops.sum(a("x", I, J)),
        lambda a: ops.sum(a("x", I, J, K), axis=(0, -1)),
        lambda a: ops.sum(a("x", I, None, J), axis=(1, 2), keepdims=True),
    ],
    "mean": [lambda a: ops.mean(a("x", I, J), axis=1, keepdims=True), lambda a: ops.mean(a("x", I, J))],
    "matmul": [
        lambda a: ops.matmul(a("x", I, I), a("y", I, I)),
        lambda a: ops.matmul(a("x", I, K), a("y", K, J)),
        lambda a: ops.matmul(a("x", I, None, None, J), a("y", K, J, None)),
    ],
    "power": [lambda a: a("x", I) ** 3, lambda a: a("x", I, sign=POSITIVE) ** -2.0],
    "transpose": [
        lambda a: ops.transpose(a("x", I, I), axes=(1, 0)),
        lambda a: ops.transpose(a("x", I, J, K), axes=(2, 0, 1)),
    ],
    "reshape": [lambda a: ops.reshape(a("x", I, None, J), shape=(1, *a("y", I, J).shape))],
    "broadcast_to": [lambda a: ops.broadcast_to(a("x", I, None), shape=a("y", K, I, J).shape)],
    "index": [
        lambda a: ops.index(a("x", I), at=a.places("y", I, I)),
        lambda a: ops.index(a("x", I, J), at=(np.arange(a("x", I, J).shape[0]), a.places("y", I, J))),
        lambda a: ops.index(a("x", I, I), at=(np.arange(a("x", I, I).shape[0]),) * 2),
        lambda a: ops.index(a("x", K, J), at=(slice(None), a.places("y", I, J))),
        lambda a: ops.index(a("x", I, None, I), at=(slice(0, 99), 0, None)),
    ],
    "place": [
        lambda a: ops.place(a("x", I), at=a.places("y", I, I), shape=a("z", I).shape),
        lambda a: ops.place(
            a("x", I), at=(np.arange(a("x", I).shape[0]), a.places("y", I, J)), shape=a("z", I, J).shape
        ),
        lambda a: ops.place(a("x", I), at=(np.arange(a("x", I).shape[0]),) * 2, shape=a("z", I, I).shape),
        lambda a: ops.place(a("x", K, I), at=(slice(None), a.places("y", I, J)), shape=a("z", K, J).shape),
        lambda a: ops.place(a("x", None, I), at=(None, slice(None), 0), shape=a("z", I, None).shape),
    ],
    "stop_gradient": [lambda a: ops.stop_gradient(a("x", I))],
    "greater": [lambda a: logarithm(a("q", I, sign=NONNEGATIVE))],
    "where": [lambda a: logarithm(a("q", I, J, sign=NONNEGATIVE))],
    "relu": [
        lambda a: ops.relu(a("x", I, J, sign=POSITIVE)),
        lambda a: ops.relu(-a("x", I, J, sign=POSITIVE)),
        lambda a: ops.relu(a("x", I, None, sign=NONNEGATIVE)) + ops.relu(a("x", None, I, sign=NONNEGATIVE)),
    ],
    "step": [
        lambda a: ops.step(a("x", I, J, sign=NONNEGATIVE)),
        lambda a: ops.step(-a("x", I, J, sign=POSITIVE)) + ops.step(a("x", I, J, sign=POSITIVE)),
    ],
    "concatenate": [lambda a: ops.concatenate([a("x", I, J)], axis=1)],
    "stack": [
        lambda a: ops.stack([a("x", I, J), a("y", I, J)], axis=1),
        lambda a: ops.sum(ops.stack([a("x", I), a("y", I), a("z", I)], axis=-1) * a("z", I, None), axis=1),
        lambda a: ops.logsumexp(ops.stack([a("x", I), a("y", I)]), axis=0),
        lambda a: ops.mean(ops.matmul(a("x", J, I), ops.stack([a("y", I), a("z", I)], axis=-1)), axis=1),
        lambda a: ops.matmul(ops.stack([a("x", I), a("y", I)], axis=1), ops.stack([a("y", J), a("x", J)])),
    ],
}
"""Calls of each op. The first one shows a change of indices, where an axis has another's set."""


def misread(change):
    """A patch that changes what is read of the op that is looked at, and of no other."""

    def patch(monkeypatch):
        wrong = lambda op, *given: change(readings.read(op, *given))
        there = lambda op, *given: (wrong if op.name == LOOKED_AT[-1] else readings.read)(op, *given)
        monkeypatch.setattr("proofs.open.trace.read", there)

    return patch


@pytest.mark.parametrize("name", [name for name in CALLS if name != "greater"])  # what `where` is read of
@theorem(
    "every reading of an op at open sizes is what the shipped op computes",
    claim="ops",
    level="B",
    sizes="every op that is read, every shape up to 3, shared, lent and reduced axes",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("zero", misread(lambda found: 0 * found)),
        Spoiled("off by 1.001", misread(lambda found: found * Fraction(1001, 1000))),
    ],
)
def test_readings(looked_at):
    for call in CALLS[looked_at]:
        agree(looked_at, call)


@theorem(
    "the ops that move and add elements are read at the right indices",
    claim="ops",
    level="B",
    sizes="every shape up to 3",
    spoiled=[
        Spoiled("not transposed", mutated(arrays, "transposed", "at[axes.index(k)]", "at[k]")),
        Spoiled("a factor transposed", mutated(arrays, "matmul", "[*stack, i, x.axes[-1] and k]", "[*stack, k, i]")),
        Spoiled("a sum over the other axis", mutated(arrays, "gone_of", "a % rank", "(1 - a) % rank")),
        Spoiled("a mean over more elements", mutated(readings, "mean", "gone_of(x, axis)", "range(len(x.axes))")),
        Spoiled("another power", mutated(readings, "power", "x**number.value", "x ** (number.value + 1)")),
        Spoiled(
            "positions exchanged",
            mutated(arrays, "indexed", "item(position, bound[-1])", "item(bound[-1], position)"),
        ),
        Spoiled("stacked in another order", mutated(arrays, "stacked", "xs[at[axis]]", "xs[~at[axis]]")),
        Spoiled(
            "added at other places",
            mutated(arrays, "placed", "[item(position, i) for", "[item(i, position) for"),
        ),
    ],
)
def test_indices():
    for name in ("transpose", "matmul", "sum", "mean", "power", "index", "place", "stack"):
        agree(name, CALLS[name][0])


CONSTANTS = {
    "the states of units": lambda a: ops.matmul(exact.states(a("x", I).shape[0]), a("x", I, J)),
    "the states of units, transposed": lambda a: ops.matmul(a("x", J, I), exact.states(a("x", I).shape[0]).T),
    "the states of units, and an axis more": lambda a: exact.states(a("x", I).shape[0])[:, None] * a("x", J, I),
    "an identity matrix": lambda a: a("x", I, I) * np.eye(a("x", I).shape[0]),
    "a number of elements": lambda a: a("x", I) * (a("x", I).shape[0] * a("x", I).shape[0]),
    "a number": lambda a: a("x", I) * np.full(a("x", I).shape, 0.5),
}


@theorem(
    "constants of any size are read as what they are",
    claim="ops",
    level="B",
    sizes="every shape up to 3",
    spoiled=[
        Spoiled("other states", mutated(arrays, "states", "Bit(s, j)", "1 - Bit(s, j)")),
        Spoiled("ones for an identity matrix", mutated(arrays, "identity", "Same(i, j)", "ONE")),
        Spoiled("another number of elements", mutated(arrays, "count", "for one in sets", "for one in sets[:1]")),
    ],
)
def test_constants():
    for name, call in CONSTANTS.items():
        agree(name, call)


# --- what is refused --------------------------------------------------------------------------------------------


def test_names_do_not_depend_on_what_was_read_before():
    """Else the file that Coq is given for a theorem would depend on which theorems ran before it."""
    t, = indices("t", I)  # fmt: skip
    read = lambda: opened(lambda a: (a("x", I, J) @ a("W", J, J) @ a("w", J, None)).sum(axis=1))(t)
    assert repr(read()) == repr(read()) == "Σ_j0 (Σ_j1 x[t, j1] W[j1, j0]) w[j0]"


def test_numbering_captures_nothing():
    bound, free = indices("k j0", J)
    v = Family("v", (J,), REAL)
    term = Sum(v(bound) * v(free), bound)
    assert arrays.numbered(term) == term
    assert repr(arrays.numbered(term)) == "Σ_j0' v[j0'] v[j0]"


def test_every_op_is_read_or_refused():
    assert sorted([*BY_MEANING, *READINGS, *REFUSED]) == sorted(ops.TABLE)
    assert CALLS.keys() == {*BY_MEANING, *READINGS}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_ops_say_why(name):
    op = ops.TABLE[name]
    arguments = "xyz"[: op.arity or 1]
    with pytest.raises(NoReading, match=f"{name} {re.escape(REFUSED[name])}, at .*test_readings.py"):
        opened(lambda a: op(*(a(letter, I) for letter in arguments)))


REFUSED_CODE = {
    "one array after another": (lambda a: ops.concatenate([a("x", I), a("y", J)]), "joins axes"),
    "one place of an axis": (lambda a: a("x", I)[0], "not told apart"),
    "part of an axis": (lambda a: a("x", I)[1:], "not told apart"),
    "two axes as one": (lambda a: a("x", I, J).reshape(-1), "over none of"),
    "a constant that varies": (lambda a: a("x", I) * np.arange(float(a("x", I).shape[0])), "pass it as one"),
    "a choice": (lambda a: ops.where(ops.greater(a("x", I), 1), 1.0, 0.0), "truth values"),
    "another choice": (lambda a: ops.where(ops.greater(a("x", I), 0), a("x", I), 0), "where chooses"),
    "a power of an array": (lambda a: a("x", I) ** a("y", I), "whole number"),
    "a number that follows no length": (lambda a: a("x", I) * float(2 ** a("x", I).shape[0] + 1), "at some lengths"),
}


@pytest.mark.parametrize("name", REFUSED_CODE)
def test_refused_code_says_why(name):
    call, why = REFUSED_CODE[name]
    with pytest.raises(NoReading, match=why):
        opened(call)


def test_a_branch_on_a_length_is_refused_with_its_line():
    """log Z sums over the states of the smaller side."""
    rbm = lambda a: RBM(a("W", J, I), a("b", I), a("c", J))
    with pytest.raises(NoReading, match=r"branches on a length: it runs \w+ at models/rbm.py:\d+ at some"):
        opened(lambda a: exact.log_partition(rbm(a)))
    for smaller_first in ((I, J), (J, I)):
        assert opened(lambda a: exact.log_partition(rbm(a)), ascending=smaller_first).axes == ()
