"""The engine's ops as the theorems meet them: each on arrays of symbols, on every branch, and spoiled."""

from functools import cache
from math import prod

import numpy as np
import sympy

from proofs.harness.formulas import on_branches
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels.scalar import meanings, using_meanings
from tinygrad_dbn.autodiff.numbers.symbolic import branches, expression, symbols
from tinygrad_dbn.autodiff.op import Op
from tinygrad_dbn.autodiff.ops.row import calls
from tinygrad_dbn.autodiff.tensor import Tensor

SEALED = [name for name, op in ops.TABLE.items() if op.sealed]  # nothing flows through these
FLAT = [name for name in SEALED if ops.TABLE[name].kernel]  # constant on every branch
DIFFERENTIABLE = [name for name in ops.TABLE if name not in SEALED]
KERNELS = [name for name, op in ops.TABLE.items() if op.kernel is not None]
A_LITTLE_MORE = sympy.Rational(1001, 1000)


@cache
def is_linear(name):
    """Whether an op's meaning is linear on every branch, so that its second derivatives are zero."""
    f, arrays = next(cases(name))
    variables = [x.expr for array in arrays for x in array.flat]
    values = [y for _, y in branches(lambda: in_meanings(lambda: f(*arrays)))]
    formulas = [expression(entry) for y in values for entry in np.ravel(y)]
    return not any(sympy.diff(e, a, b).expand() for e in formulas for a in variables for b in variables)


def cases(name):
    """The examples of an op, smallest first: each as a function of arrays, and arrays of symbols from its domain."""
    op = ops.TABLE[name]
    low, high = op.domain
    positive = np.isfinite(low) or np.isfinite(high)
    for f, shapes in sorted(calls(op), key=lambda call: sum(map(prod, call[1]))):
        if (low, high) == (-np.inf, 0):
            f = lambda x, below_zero=f: below_zero(-x)  # a positive symbol with its sign turned
        yield (
            f,
            [symbols(letter, shape, positive=positive or None) for letter, shape in zip("xyz", shapes, strict=False)],
        )


def in_meanings(f):
    with meanings():
        return f()


def on_every_branch(f):
    """The signs that hold on a branch, f's result there, and what the ops' meanings give."""
    for signs, (by_kernels, by_meanings) in on_branches(lambda: (f(), in_meanings(f))):
        yield signs, by_kernels, by_meanings


# ---- Spoiled: the op that a theorem is looking at, and no other -----------------------------------------------------

LOOKED_AT = [""]  # a stack: the fixture `looked_at` of each theorem file puts a name here


def looking_at(name):
    """The body of a fixture that tells the patches below which op to spoil."""
    LOOKED_AT.append(name)
    yield name
    LOOKED_AT.pop()


def off_by(factor, method, level=None, of_every_op=False):
    """Spoil the op's share in `pull` or `push` by a factor: at the inner or outer `level` only of two, or at both.

    Two transforms nest. The rules of the inner one work on Tensors of the outer, those of the outer on arrays.
    """

    def patch(monkeypatch):
        honest = getattr(Op, method)

        def wrong(self, *args):
            result = honest(self, *args)
            here = level is None or level == ("inner" if _inside_a_trace(args) else "outer")
            here = here and (of_every_op or self.name == LOOKED_AT[-1])
            return result * factor if here and result is not None else result

        monkeypatch.setattr(Op, method, wrong)

    return patch


def _inside_a_trace(args):
    return any(isinstance(x, Tensor) or (isinstance(x, list | tuple) and _inside_a_trace(x)) for x in args)


def leaking(factor, method):
    """Spoil an op through which nothing flows: it hands on its cotangent or tangent, times a factor."""

    def patch(monkeypatch):
        honest = getattr(Op, method)

        def wrong(self, *args):
            if self.name != LOOKED_AT[-1]:
                return honest(self, *args)
            return (args[1] if method == "pull" else next(iter(args[0].values()))) * factor

        monkeypatch.setattr(Op, method, wrong)

    return patch


def neighbours(names):
    """Each op with the next one in the list that takes no more arguments: whose kernel might be confused with its."""
    arity = lambda name: len(ops.TABLE[name].vjps)
    for i, name in enumerate(names):
        yield name, next(other for other in [*names[i + 1 :], *names[:i]] if arity(other) <= arity(name))


NEIGHBOURS = dict(neighbours([n for n in KERNELS if n != "chain"]))
NEIGHBOURS |= {"logsumexp": "max", "softmax": "log_softmax", "log_softmax": "softmax"}  # whose results have its shape
NEIGHBOURS |= {"chain": "maximum", "log1p": "exp"}  # `multiply` means the same, `log1mexp` lives elsewhere


def computed_by(change):
    """Spoil the op's computation, and leave its meaning: `change(forward, neighbour)` returns the wrong one."""

    def patch(monkeypatch):
        op = ops.TABLE[LOOKED_AT[-1]]
        honest, wrong = op.forward, change(op.forward, ops.TABLE[NEIGHBOURS[op.name]])
        monkeypatch.setattr(op, "forward", lambda *x, **params: (honest if using_meanings() else wrong)(*x, **params))

    return patch


def the_neighbours(forward, neighbour):
    """The neighbour's kernel, on as many of the arguments as it takes, in the shape that all of them have together."""
    return lambda *x, **params: neighbour.forward(*np.broadcast_arrays(*x)[: len(neighbour.vjps)], **params)
