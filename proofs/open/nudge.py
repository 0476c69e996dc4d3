"""The derivative of a term of a trace along what it depends on: what a gradient is to be.

A family v is moved by a number x: v(i, …) becomes v(i, …) + x d(i, …), and the derivative is that by x at 0. For a
gradient the direction d is 1 at one place and 0 elsewhere; for the chain rule it is any family.
"""

from proofs.kernel.derived import derive
from proofs.kernel.rules import combine, differentiate, inst, rewrite
from proofs.kernel.substitution import put
from proofs.kernel.terms import Add, App, Index, Mul, Num, Same, below, numbers, times

X, = numbers("nudge")  # fmt: skip
NUDGE = X.family


def moved(variable, direction):
    """What takes the family's place: its parameters, and v + x d. direction: a function of indices."""
    params = tuple(Index(f"{letter}'", a_set) for letter, a_set in zip("ijkl", variable.sets, strict=False))
    return params, variable(*params) + X * direction(*params)


def place(*at):
    """The direction that is 1 at one place and 0 elsewhere."""
    return lambda *params: times(*(Same(p, i) for p, i in zip(params, at, strict=True)))


def slope(e, variable, direction):
    """``d e(v + x d) / dx at 0 == `` what the rules of calculus make of it, v for v + 0 d and d for 1 d."""
    found = differentiate(put(e, {variable: moved(variable, direction)}), NUDGE, 0)
    tidy = rewrite(found.right, *_tidied(found.right, variable, direction))
    return combine(found.left, "==", tidy.right, (1, found), (1, tidy))


def is_derivative(gradient, e, variable, *at):
    """``d e / d v(at) == gradient``."""
    return is_slope(gradient, e, variable, place(*at))


def is_slope(wanted, e, variable, direction):
    """``d e(v + x d) / dx at 0 == wanted``."""
    found = slope(e, variable, direction)
    return derive(found.left, "==", wanted, (1, found))


def by_calculus(thm, e, variable, direction):
    """From ``d e(v + x d) / dx at 0 == r``: r is what the rules of calculus make of it, as `slope` has it."""
    found = slope(e, variable, direction)
    return combine(found.right, "==", thm.right, (-1, found), (1, thm))


def chain(outer, e, variable, direction, inner, moving, along):
    """The chain rule: from ``d e(v + x d) / dx at 0 == r``, for any v and any d, that of e at an inner term.

    variable, direction: the families v and d, over sets; inner: what v is there, a pair (params, term), in which the
    family `moving` moves along a direction of its own. The right side is r at the inner term and its derivative.
    """
    params, term = inner
    rate = slope(term, moving, along).right
    there = inst(by_calculus(outer, e, variable, direction), {variable: (params, term), direction: (params, rate)})
    whole = slope(put(e, {variable: (params, term)}), moving, along)
    return combine(whole.left, "==", there.right, (1, whole), (1, there))


def _tidied(e, variable, direction):
    """``v + 0 d == v`` and ``1 d == d``, wherever they stand in a term."""
    equations, ahead = {}, [e]
    while ahead:
        part = ahead.pop()
        ahead += [inside for inside, _, _ in below(part)]
        match part:
            case Add((App(family, at) as v, Mul((Num(0), d)))) if family == variable and d == direction(*at):
                equations[part] = combine(part, "==", v)
            case Mul((Num(1), d)) if _like(d, direction(*moved(variable, direction)[0])):
                equations[part] = combine(part, "==", d)
    return equations.values()


def _like(e, direction):
    """Is a term the direction at some indices?"""
    if type(direction) is App:
        return type(e) is App and e.family == direction.family
    return all(type(factor) is Same for factor in (e.parts if type(e) is Mul else (e,)))
