"""The derivative of a term of a trace along one entry of an argument: what a gradient is to be."""

from proofs.kernel.derived import derive
from proofs.kernel.rules import differentiate
from proofs.kernel.substitution import put
from proofs.kernel.terms import Index, Same, numbers, times

X, = numbers("nudge")  # fmt: skip


def slope(e, variable, *at):
    """``d e / d v(at) == `` what the rules of calculus make of it: v(i, …) becomes v(i, …) + x [i = at] …, at x = 0."""
    params = tuple(Index(f"{i.name}'", i.set) for i in at)
    nudged = variable(*params) + X * times(*(Same(p, i) for p, i in zip(params, at, strict=True)))
    return differentiate(put(e, {variable: (params, nudged)}), X.family, 0)


def is_derivative(gradient, e, variable, *at):
    """``d e / d v(at) == gradient``."""
    found = slope(e, variable, *at)
    return derive(found.left, "==", gradient, (1, found))
