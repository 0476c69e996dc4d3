"""Shipped code, run once on arrays whose axes have names, and read op by op.

    found = opened(lambda a: RBM(a("W", H, D), a("b", D), a("c", H)).free_energy(a("x", T, D)))
    found(t)   # the term F(x_t), for all T, D and H

The code runs on plain lengths, and each op that it applies, also those of a gradient taken inside, is written down. A
length may enter only as itself, as in a mean. So the code runs at two assignments of lengths, between which any two
sets change places in size; and what is written down must be the same but for lengths. Code that branches on a length
is refused with the line where the two runs part. A branch that both runs take alike is not seen: `exact` sums states in
blocks of 4096, so what is read of it is the sum over one block. That more blocks add up to the same has theorems of its
own (`proofs/chapters/test_g_blocks_open.py`).
"""

import sys
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations_with_replacement, zip_longest

import numpy as np

from proofs.harness.record import TRACES, noted
from proofs.kernel.terms import REAL, Cube, Family
from proofs.open import arrays
from proofs.open.arrays import Item, NoReading, count
from proofs.open.readings import read
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.callers import PACKAGE
from tinygrad_dbn.autodiff.tensor import RECORDER, Tensor, new_level
from tinygrad_dbn.autodiff.trees import flatten

CROSSING = ((2, 7), (3, 6), (4, 5), (5, 4), (6, 3), (7, 2))
ASCENDING = ((2, 3), (4, 5), (6, 7))
"""The two lengths of each set."""


def opened(f, ascending=()):
    """What f returns, as an `Open` array, or a list of them.

    f is given a function that makes its arguments: `Given`. ascending: sets of which each is smaller than the next, for
    code that branches on which is. Raises NoReading for code that has no reading.
    """
    lengths = Lengths(dict(zip(ascending, ASCENDING, strict=False)))
    first, second = (Run.of(f, lengths, k) for k in (0, 1))
    found = Reading(lengths, first, second).outputs()
    return found if len(found) > 1 else found[0]


@dataclass(frozen=True)
class Lengths:
    """Two lengths for each set: no two sets have the same, nor one that of another's states."""

    assigned: dict

    def of(self, a_set):
        """The two lengths of a set, or of the states of units."""
        if type(a_set) is Cube:
            return tuple(2**n for n in self.of(a_set.of))
        if a_set not in self.assigned:
            self.assigned[a_set] = next(pair for pair in CROSSING if pair not in self.assigned.values())
        return self.assigned[a_set]

    def axis(self, first, second):
        """The set that has these two lengths; None for two ones, and `Places` for two equal lengths."""
        if first == second:
            return arrays.Places(first) if first > 1 else None
        for a_set in self.assigned:
            for one in (a_set, Cube(a_set)):
                if self.of(one) == (first, second):
                    return one
        raise NoReading(f"an axis of lengths {first} and {second} is over none of {list(self.assigned)}")

    def axes(self, first, second):
        return tuple(self.axis(a, b) for a, b in zip(first, second, strict=True))


# --- the runs -----------------------------------------------------------------------------------------------


def anything(rng, shape):
    """Numbers between 0 and 1."""
    return rng.uniform(0.1, 0.9, shape)


def bits(rng, shape):
    """Zeros and ones."""
    return rng.integers(0, 2, shape).astype(float)


def distributions(rng, shape):
    """Rows that sum to one."""
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


@dataclass
class Run:
    """One run of the code: the ops in order, what it was given and what it returned."""

    lengths: Lengths
    which: int
    level: int = 0
    nodes: list = field(default_factory=list)
    variables: dict = field(default_factory=dict)
    positions: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    @classmethod
    def of(cls, f, lengths, which):
        with new_level() as level, noted(TRACES.get()):
            run = cls(lengths, which, level)
            token = RECORDER.set(run)
            try:
                run.outputs = flatten(f(run))[0]
            finally:
                RECORDER.reset(token)
        return run

    def __call__(self, name, *sets, sign=REAL, like=anything):
        """An argument: the members of a family of numbers, by name. An axis of length one is written None.

        like: what the numbers look like that the code is run on, for code that checks them.
        """
        shape = tuple(1 if s is None else self.lengths.of(s)[self.which] for s in sets)
        rng = np.random.default_rng([len(self.variables), self.which])
        leaf = Tensor.leaf(np.asarray(like(rng, shape)), self.level)
        self.variables[id(leaf)] = leaf, arrays.family(Family(name, tuple(s for s in sets if s), sign), sets)
        return leaf

    def places(self, name, over, among):
        """An argument: integers, one for each element of a set, that say a place in another. In terms it is a family
        over both, 1 at that place and 0 elsewhere."""
        many, most = (self.lengths.of(s)[self.which] for s in (over, among))
        rng = np.random.default_rng([99, len(self.positions), self.which])
        integers = rng.integers(0, most, many)
        self.positions.append((integers, arrays.family(Family(name, (over, among), REAL), (over, among))))
        return integers

    def record(self, op, inputs, params):
        """Run an op, and write it down: what a `Recorder` does."""
        values = [x.value if isinstance(x, Tensor) else x for x in inputs]
        # Whole inputs, not one level down: they are followed here, and no derivative is walked.
        node = Tensor.output(op.forward(*values, **params), self.level, op, inputs, [], params)
        node.line = shipped_line()
        if (traced := TRACES.get()) is not None:
            traced[id(op)] = op
        self.nodes.append(node)
        return node


def shipped_line():
    """The line that is being run of the package, but for its engine; of the caller's, if there is none."""
    frame = sys._getframe(1)
    found = None
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE) and not name.startswith(f"{PACKAGE}/autodiff/"):
            return f"{name.removeprefix(PACKAGE).lstrip('/')}:{frame.f_lineno}"
        if found is None and not name.startswith(PACKAGE) and name != __file__:
            found = f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return found


# --- what they have in common -------------------------------------------------------------------------------


class Reading:
    """Two runs of one function, read op by op."""

    def __init__(self, lengths, first, second):
        self.lengths, self.runs = lengths, (first, second)
        self.known = {key: variable for key, (_, variable) in first.variables.items()}
        self.partner = {id(a): b for a, b in zip(first.nodes, second.nodes, strict=False)}

    def outputs(self):
        """The results, as `Open` arrays."""
        for a, b in zip_longest(*(run.nodes for run in self.runs)):
            if a is None or b is None or a.op is not b.op:
                raise NoReading(f"the code branches on a length: it runs {_said(a)} at some, and {_said(b)} at others")
        needed = {id(node) for node in needed_by(self.runs[0].outputs)}
        for first, second in zip(*(run.nodes for run in self.runs), strict=True):
            if id(first) in needed:
                self.known[id(first)] = self.node(first, second)
        return [self.value(*pair) for pair in zip(*(run.outputs for run in self.runs), strict=True)]

    def node(self, first, second):
        """What an op's output is."""
        inputs = [self.value(*pair) for pair in zip(first.inputs, second.inputs, strict=True)]
        options = {
            name: self.option(name, value, second.params[name], second, first) for name, value in first.params.items()
        }
        try:
            return read(first.op, inputs, options)
        except NoReading as error:
            raise NoReading(f"{error}, at {first.line}") from None

    def option(self, name, first, second, *nodes):
        """An option: shapes as axes, positions as items, others as they are."""
        if name == "shape":
            return self.lengths.axes(first, second)
        if name == "at":
            shapes = [
                node.params["shape"] if "shape" in node.params else np.shape(_plain(node.inputs[0])) for node in nodes
            ]
            return self.items(first, second, *shapes[::-1])
        if first != second:
            raise NoReading(f"{nodes[1].op.name} with {name}={first} at some lengths and {second} at others")
        return first

    def value(self, first, second):
        """What an input of an op is: an earlier result, or a constant."""
        if id(first) in self.known:
            return self.known[id(first)]
        return self.constant(np.asarray(_plain(first)), np.asarray(_plain(second)))

    def constant(self, first, second):
        """An array that is the same everywhere, the states of some units, or an identity matrix."""
        axes = self.lengths.axes(first.shape, second.shape)
        if all((x == x.ravel()[0]).all() for x in (first, second)):
            return arrays.broadcast(arrays.constant(self.number(first.ravel()[0], second.ravel()[0])), axes)
        kept = [a for a in axes if a]
        if len(kept) == 2 and (found := _table(kept, first.squeeze(), second.squeeze())):
            return arrays.reshaped(found, axes)
        raise NoReading(f"an array over {axes} that varies and is no argument: pass it as one")

    def number(self, first, second):
        """A number that is the same at all lengths, or a product of lengths or its reciprocal."""
        if first == second:
            return Fraction(float(first))
        assigned = self.lengths.assigned
        for sets in (s for n in (1, 2) for s in combinations_with_replacement(assigned, n)):
            a, b = (int(np.prod([assigned[s][k] for s in sets])) for k in (0, 1))
            if (first, second) == (a, b):
                return count(*sets)
            if (first, second) == (1 / a, 1 / b):
                return 1 / count(*sets)
        raise NoReading(f"a number that is {first} at some lengths and {second} at others")

    def items(self, first, second, *shapes):
        """What stands in x[…], one item for each axis."""
        pair = [list(at) if isinstance(at, tuple) else [at] for at in (first, second)]
        if len(pair[0]) != len(pair[1]):
            raise NoReading("other axes are indexed at other lengths")
        axes = self.lengths.axes(*shapes)
        missing = len(axes) - sum(item is not None and item is not Ellipsis for item in pair[0])
        for items in pair:
            dots = items.index(Ellipsis) if any(item is Ellipsis for item in items) else len(items)
            items[dots : dots + 1] = [slice(None)] * missing
        found, k = [], 0
        for a, b in zip(*pair, strict=True):
            if a is None and b is None:
                found.append(Item.NEW)
                continue
            found.append(self.item(axes[k], a, b, shapes[0][k], shapes[1][k]))
            k += 1
        return found

    def item(self, axis, first, second, *lengths):
        if isinstance(first, slice) and [s.indices(n) for s, n in zip((first, second), lengths, strict=True)] == [
            (0, n, 1) for n in lengths
        ]:
            return Item.ALL
        if isinstance(first, int) and axis is None:
            return Item.ONLY
        if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and first.dtype.kind in "iu":
            if [x.tolist() for x in (first, second)] == [list(range(n)) for n in lengths]:
                return Item.EACH
            for (a, variable), (b, _) in zip(*(run.positions for run in self.runs), strict=True):
                if np.array_equal(a, first) and np.array_equal(b, second) and variable.axes[1] == axis:
                    return variable
        raise NoReading(
            f"{first!r} of an axis over {axis} is one place or part of it: the places of a set are not told apart"
        )


def _table(axes, *tables):
    """The states of some units, perhaps transposed, or an identity matrix; None for anything else."""
    rows, columns = axes
    if rows == Cube(columns) and all(np.array_equal(x, exact.states(x.shape[1])) for x in tables):
        return arrays.states(columns)
    if columns == Cube(rows) and all(np.array_equal(x.T, exact.states(x.shape[0])) for x in tables):
        return arrays.transposed(arrays.states(rows), (1, 0))
    if rows == columns and all(np.array_equal(x, np.eye(len(x))) for x in tables):
        return arrays.identity(rows)
    return None


def needed_by(outputs):
    """The nodes that outputs depend on."""
    found, ahead = {}, [y for y in outputs if isinstance(y, Tensor)]
    while ahead:
        node = ahead.pop()
        if id(node) not in found:
            found[id(node)] = node
            ahead += [x for x in node.inputs if isinstance(x, Tensor)]
    return found.values()


def _plain(x):
    while isinstance(x, Tensor):
        x = x.value
    return x


def _said(node):
    return f"{node.op.name} at {node.line}" if node is not None else "nothing more"
