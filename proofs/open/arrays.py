"""Arrays whose axes have names instead of lengths.

An `Open` array is a function of indices. Its elements are terms of the kernel, one for all lengths of its axes. It
knows NumPy's arithmetic, so the *meaning* of an op, which the table gives, runs on it as it stands. The functions below
say the same for ops that move or add elements.
"""

import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache

import numpy as np

from proofs.kernel.substitution import put, rebuilt
from proofs.kernel.terms import ONE, Bit, Cube, Index, Num, Same, Set, Sum, Term, below, exp, log, plus, sum_over, times


class NoReading(Exception):
    """This code has no reading at open sizes."""


@dataclass(frozen=True)
class Places:
    """An axis of so many places, as `stack` makes it: its index is a number, and a sum over it is written out."""

    number: int


@dataclass(frozen=True, eq=False)
class Open:
    """An array: the set of each axis (None for an axis of length one), and the element at given indices.

    entry takes one index for each axis, and gets None at an axis of length one.
    """

    axes: tuple
    entry: Callable[..., Term]

    def __post_init__(self):
        object.__setattr__(self, "entry", cache(self.entry))  # so that an element is one term, wherever it is used

    def __call__(self, *indices):
        """The element at indices, one for each axis that has a set."""
        given = iter(indices)
        return numbered(self.entry(*(axis and next(given) for axis in self.axes)))

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options or ufunc.__name__ not in ELEMENTS:
            raise NoReading(f"np.{ufunc.__name__} is not read at open sizes")
        return elementwise(ELEMENTS[ufunc.__name__], *inputs)

    def __pow__(self, exponent):
        return elementwise(lambda x: x ** int(exponent), self)

    def sum(self, axis=None, keepdims=False):
        """Σ over axes."""
        return summed(self, axis, keepdims)


for _name, _ufunc in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide}.items():
    setattr(Open, f"__{_name}__", lambda self, other, f=_ufunc: f(self, other))
    setattr(Open, f"__r{_name}__", lambda self, other, f=_ufunc: f(other, self))
Open.__neg__ = lambda self: np.negative(self)

ELEMENTS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "exp": exp,
    "log": log,
}
"""NumPy's functions on terms."""


def constant(number):
    """A number, or a term without free indices, as an array without axes."""
    return Open((), lambda: number if isinstance(number, Term) else Num(Fraction(number)))


def family(variable, axes):
    """The array of a family's members; its axes are the family's sets, and axes of length one besides."""
    return Open(axes, lambda *at: variable(*(i for i in at if i is not None)))


_NUMBERS = itertools.count()


def fresh(a_set):
    """An index that nothing else has."""
    return Index(f"{_letter(a_set)}{next(_NUMBERS)}", a_set)


def _letter(a_set):
    return (a_set.of if type(a_set) is Cube else a_set).name.lower()


def numbered(e, depth=0):
    """The term, the indices of its sums named by how many sums are around: the same, whatever was read before it."""
    if type(e) is not Sum:
        return rebuilt(e, [numbered(part, depth) for part, _, _ in below(e)])
    index = Index(f"{_letter(e.index.set)}{depth}", e.index.set)
    while index in e.free:
        index = Index(f"{index.name}'", index.set)
    return Sum(numbered(put(e.body, {}, {e.index: index}), depth + 1), index)


def count(*sets):
    """The number of elements of sets, as a term."""
    return times(*(added_up(lambda _: ONE, [one]) for one in sets))


# --- elements by elements -----------------------------------------------------------------------------------


def elementwise(f, *arrays):
    """f of the elements, axes of length one being lent."""
    arrays = [x if isinstance(x, Open) else constant(x) for x in arrays]
    axes = lent(*(x.axes for x in arrays))
    return Open(axes, lambda *at: f(*(x.entry(*own(x.axes, at)) for x in arrays)))


def lent(*shapes):
    """The axes that arrays have together."""
    rank = max(map(len, shapes))
    return tuple(
        _common(along) for along in zip(*((None,) * (rank - len(axes)) + axes for axes in shapes), strict=True)
    )


def _common(along):
    found = {axis for axis in along if axis is not None}
    if len(found) > 1:
        raise NoReading(f"axes over {' and '.join(sorted(map(repr, found)))} meet: no two sets have one length")
    return found.pop() if found else None


def own(axes, at):
    """Of the indices at which an array is wanted that was lent, those at which it is read."""
    return [axis and i for axis, i in zip(axes, at[len(at) - len(axes) :], strict=True)]


def broadcast(x, axes):
    """Lent along axes."""
    return Open(lent(x.axes, axes), lambda *at: x.entry(*own(x.axes, at)))


# --- sums ---------------------------------------------------------------------------------------------------


def summed(x, axis=None, keepdims=False):
    """Σ over some axes, or all."""
    gone = gone_of(x, axis)
    axes = tuple(None if k in gone else a for k, a in enumerate(x.axes) if keepdims or k not in gone)

    def entry(*at):
        left = (i for k, i in enumerate(at) if not keepdims or k not in gone)
        return added_up(x.entry, [x.axes[k] if k in gone else next(left) for k in range(len(x.axes))])

    return Open(axes, entry)


def added_up(f, places):
    """Σ f over those of the places that are an axis and not an index, the first outermost."""
    for k, axis in enumerate(places):
        if isinstance(axis, Places):
            return plus(*(added_up(f, [*places[:k], n, *places[k + 1 :]]) for n in range(axis.number)))
        if isinstance(axis, Set | Cube):
            index = fresh(axis)
            return Sum(added_up(f, [*places[:k], index, *places[k + 1 :]]), index)
    return f(*places)


def gone_of(x, axis):
    """The numbers of the axes that a reduction takes away."""
    rank = len(x.axes)
    return (
        list(range(rank)) if axis is None else sorted(a % rank for a in (axis if isinstance(axis, tuple) else (axis,)))
    )


def matmul(x, y):
    """Σ over the last axis of x and the one before the last of y; the axes before those are lent."""
    shared = _common((x.axes[-1], y.axes[-2]))
    axes = (*lent(x.axes[:-2], y.axes[:-2]), x.axes[-2], y.axes[-1])

    def entry(*at):
        *stack, i, j = at

        def product(k):
            left = own(x.axes, [*stack, i, x.axes[-1] and k])
            right = own(y.axes, [*stack, y.axes[-2] and k, j])
            return x.entry(*left) * y.entry(*right)

        return added_up(product, [shared])

    return Open(axes, entry)


# --- places -------------------------------------------------------------------------------------------------


def transposed(x, axes):
    """Axes in another order."""
    return Open(tuple(x.axes[k] for k in axes), lambda *at: x.entry(*(at[axes.index(k)] for k in range(len(axes)))))


def reshaped(x, axes):
    """Axes of length one dropped or added."""
    if [a for a in x.axes if a] != [a for a in axes if a]:
        raise NoReading(f"axes {x.axes} reshaped to {axes}: only axes of length one come and go")

    def entry(*at):
        rest = (i for i in at if i is not None)
        return x.entry(*(axis and next(rest) for axis in x.axes))

    return Open(tuple(axes), entry)


def stacked(*xs, axis):
    """Arrays side by side along a new axis of as many places."""
    axes = list(lent(*(x.axes for x in xs)))
    axis %= len(axes) + 1

    def entry(*at):
        x, rest = xs[at[axis]], [*at[:axis], *at[axis + 1 :]]
        return x.entry(*own(x.axes, rest))

    return Open((*axes[:axis], Places(len(xs)), *axes[axis:]), entry)


class Item(Enum):
    """What stands in x[…] besides `Open` positions."""

    ALL = "a whole axis"
    ONLY = "the one place of an axis of length one"
    NEW = "a new axis of length one"
    EACH = "each place of an axis in turn, beside positions along others"


def indexed(x, items):
    """x[…]. Positions are over (their axis, x's axis): 1 at the one position, and 0 elsewhere.

    Several of them, and `EACH`, go along one axis, which is in the result where the first of them is.
    """
    rest, axes, together = iter(x.axes), [], False
    for item in items:
        axis = None if item is Item.NEW else next(rest)
        if isinstance(item, Open) or item is Item.EACH:
            axes += [] if together else [axis if item is Item.EACH else item.axes[0]]
            together = True
        elif item is not Item.ONLY:
            axes.append(axis)

    def entry(*at):
        given, places, weights, bound = iter(at), [], [], []
        position = None
        for item in items:
            if isinstance(item, Open):
                position = position or next(given)
                bound.append(fresh(item.axes[1]))
                places.append(bound[-1])
                weights.append(item(position, bound[-1]))
            elif item is Item.EACH:
                position = position or next(given)
                places.append(position)
            else:
                index = None if item is Item.ONLY else next(given)
                places += [] if item is Item.NEW else [index]
        return sum_over(*bound, of=times(*weights, x.entry(*places)))

    return Open(tuple(axes), entry)


def placed(g, items, axes):
    """Zeros over axes, with g added at […]: the transpose of `indexed`."""

    def entry(*at):
        own_axes = iter(at)
        inside = [None if item is Item.NEW else next(own_axes) for item in items]
        each = [i for item, i in zip(items, inside, strict=True) if item is Item.EACH]
        over = [item.axes[0] for item in items if isinstance(item, Open)]
        position = each[0] if each else fresh(over[0]) if over else None
        weights = [Same(i, position) for i in each[1:]]
        weights += [item(position, i) for item, i in zip(items, inside, strict=True) if isinstance(item, Open)]
        places, shown = [], False
        for item, i in zip(items, inside, strict=True):
            if isinstance(item, Open) or item is Item.EACH:
                places += [] if shown else [position]
                shown = True
            elif item is not Item.ONLY:
                places.append(i)
        return sum_over(*([position] if over and not each else []), of=times(*weights, g.entry(*places)))

    return Open(tuple(axes), entry)


# --- constants ----------------------------------------------------------------------------------------------


def states(a_set):
    """All states of units: row s holds the bits of s."""
    return Open((Cube(a_set), a_set), lambda s, j: Bit(s, j))


def identity(a_set):
    """The identity matrix."""
    return Open((a_set, a_set), lambda i, j: Same(i, j))
