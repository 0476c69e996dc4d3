"""A term for one more element of a set: what it unfolds to, as the induction rule `proofs.kernel.rules.grow` needs
it."""

from itertools import product

from proofs.kernel.substitution import put, rebuilt
from proofs.kernel.terms import ONE, ZERO, App, Bit, Cube, Family, Fold, Same, Sum, below, guard, plus


def grown(e, over, first=False):
    """A term with one more element in a set: the last. ``first``: it is the only one.

    A sum over the set becomes one over the elements before, and what is added for the last; a sum over its states one
    over the states in which the last bit is 0, and one over those in which it is 1; a fold takes one more step. What a
    family is at the last element, or in the states in which its bit is 1, is a new family: `part`.
    """
    return _grown(e, over, first, {})


def part(family, *marks):
    """The part of a family that `grown` gives a name of its own, by a mark for each of its sets.

    "": as it is; "n": at the last element; "on": at the states in which the last bit is 1; "0", "1": at the one
    element, or at its two states.
    """
    if not any(marks):
        return family
    sets = tuple(s for s, mark in zip(family.sets, marks, strict=True) if mark in ("", "on"))
    return Family(f"{family.name}@{','.join(marks)}", sets, family.sign)


def all_parts(family, over):
    """All that a family may be taken apart into."""
    kinds = {over: ("", "n", "0"), Cube(over): ("", "on", "0", "1")}
    return [part(family, *marks) for marks in product(*(kinds.get(s, ("",)) for s in family.sets)) if any(marks)]


def within(a_set):
    """A set, and those whose states, or states' states, it is made of."""
    return (a_set, *within(a_set.of)) if type(a_set) is Cube else (a_set,)


def _grown(e, over, first, marks):
    """marks: for each index over the set or its states that is bound around the term, which part it runs over."""

    def again(body, index=None, mark=""):
        return _grown(body, over, first, {**marks, index: mark} if index else marks)

    match e:
        case App(family, at):
            found = [marks.get(i, "") for i in at]
            return App(part(family, *found), tuple(i for i, mark in zip(at, found, strict=True) if mark in ("", "on")))
        case Bit(state, unit) if unit.set == over and marks.get(unit):
            return ONE if marks.get(state) in ("on", "1") else ZERO
        case Same(left, right) if left.set in (over, Cube(over)):
            here, there = marks.get(left, ""), marks.get(right, "")
            return ZERO if here != there else e if here in ("", "on") else ONE
        case Sum(body, index) if index.set == over:
            return again(body, index, "0") if first else plus(Sum(again(body, index), index), again(body, index, "n"))
        case Sum(body, index) if index.set == Cube(over):
            halves = [again(body, index, mark) for mark in (("0", "1") if first else ("", "on"))]
            return plus(*(halves if first else (Sum(half, index) for half in halves)))
        case Fold(state, params, init, step, element, at) if element.set == over:
            guard(
                all(over not in within(s) for s in state.sets), lambda: f"a fold over {over} of numbers that it numbers"
            )
            before = again(init) if first else Fold(state, params, again(init), again(step, element), element, params)
            after = put(again(step, element, "0" if first else "n"), {state: (params, before)})
            return put(after, {}, dict(zip(params, at, strict=True)))
    for _, _, bound in below(e):
        known = all(over not in within(index.set) for index in bound)
        guard(known, lambda: f"{e} is not known for one more element of {over}")
    return rebuilt(e, [again(body) for body, _, _ in below(e)])
