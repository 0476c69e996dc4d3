"""Search: derivations found by a program. Nothing here is trusted: what it returns was made by the rules.

`derive` and `ring` bring both sides of a statement, and the equations given, to normal form (`proofs.kernel.normal`),
and look for the combination.
"""

import sympy
from sympy import Integer, Matrix, Poly, cancel, expand, fraction, reduced, together

from proofs.kernel.normal import Normaliser, Parts
from proofs.kernel.rules import assume, cases, combine, grow, grown, pick, says, tangent, total, touches, vanish
from proofs.kernel.terms import ONE, POSITIVE, ZERO, Family, Same, plus, term, times

# --- consequences -------------------------------------------------------------------------------------------


def ring(left, right, *given):
    """``left == right`` from the given equations, by arithmetic and normal forms."""
    return derive(left, "==", right, given=given)


def derive(left, rel, right, *weighted, given=()):
    """``left rel right`` by adding up the pairs (weight, inequality) and multiples of the given equations, as many as
    the search finds to need; it sees through sums, exp and log by normal forms."""
    normal, parts = Normaliser(), Parts()
    left, right = term(left), term(right)
    used = []

    def simplified(e, weight):
        thm = normal(e)
        if thm.left != thm.right:
            used.append((weight, thm))
        return parts.expression(thm.right)

    goal = simplified(left, ONE) - simplified(right, -ONE)
    for weight, thm in weighted:
        used.append((term(weight), thm))
        goal -= simplified(times(weight, thm.left - thm.right), -ONE)
    known = []
    for thm in given:
        at = len(used)
        known.append((thm, simplified(thm.left, ONE) - simplified(thm.right, -ONE), used[at:]))
        del used[at:]
    for cofactor, (thm, _, forms) in zip(_cofactors(goal, [k for _, k, _ in known]), known, strict=True):
        if cofactor != 0:
            c = parts.term(cofactor)
            used += [(c, thm), *((times(-1, c, w), t) for w, t in forms)]
    return combine(left, rel, right, *_gathered(used))


def _gathered(pairs):
    out = {}
    for weight, thm in pairs:
        out.setdefault(id(thm), [thm, []])[1].append(weight)
    return [(plus(*weights), thm) for thm, weights in out.values()]


def _cofactors(goal, known):
    """c with goal == Σ c · known, if division finds them."""
    if goal == 0 or not known:
        return [0] * len(known)
    over, denominator = fraction(together(goal))
    tops, bottoms = zip(*(fraction(together(k)) for k in known), strict=True)
    found = _polynomial_cofactors(expand(over), [expand(top) for top in tops])
    return [cancel(c * bottom / denominator) for c, bottom in zip(found, bottoms, strict=True)]


def _polynomial_cofactors(goal, known):
    generators = sorted({*goal.free_symbols, *(s for k in known for s in k.free_symbols)}, key=lambda s: s.sort_key())
    used = [k for k in known if k != 0]
    if not generators:
        return [goal / k if k is used[0] else Integer(0) for k in known] if used else [0] * len(known)
    rows = _echelon([(k, [Integer(m == n) for m in range(len(used))]) for n, k in enumerate(used)], generators)
    rows = _echelon(_reduced_by_each_other(rows, generators), generators)
    quotients = _divided(goal, [row for row, _ in rows], generators)[0]
    found = [sum(q * made_of[n] for q, (_, made_of) in zip(quotients, rows, strict=True)) for n in range(len(used))]
    return [found.pop(0) if k != 0 else Integer(0) for k in known]


def _divided(polynomial, by, generators):
    return reduced(polynomial, by, *generators, order="lex") if by else ([], polynomial)


def _reduced_by_each_other(rows, generators):
    """The pairs (polynomial, what it is made of), each the remainder of its division by the others."""
    rows = list(rows)
    for n in [*range(len(rows)), *range(len(rows))]:
        others = rows[:n] + rows[n + 1 :]
        polynomial, made_of = rows[n]
        quotients, rest = _divided(polynomial, [row for row, _ in others if row != 0], generators)
        for q, (_, parts) in zip(quotients, [row for row in others if row[0] != 0], strict=True):
            made_of = [expand(a - q * b) for a, b in zip(made_of, parts, strict=True)]
        rows[n] = rest, made_of
    return [row for row in rows if row[0] != 0]


def _echelon(rows, generators):
    """Combinations of the pairs (polynomial, what it is made of) of which no two have the same leading monomial."""
    if not rows:
        return []
    vectors = [Poly(polynomial, *generators).as_dict() for polynomial, _ in rows]
    monomials = sorted(set().union(*vectors), reverse=True)
    identity = [[int(m == n) for m in range(len(rows))] for n in range(len(rows))]
    matrix = Matrix([[v.get(m, 0) for m in monomials] + own for v, own in zip(vectors, identity, strict=True)])
    kept = [row for row in matrix.rref()[0].tolist() if any(row[: len(monomials)])]
    powers = [sympy.prod(g**n for g, n in zip(generators, m, strict=True)) for m in monomials]
    found = []
    for row in kept:
        factors = row[len(monomials) :]
        made_of = [sum(c * made[n] for c, (_, made) in zip(factors, rows, strict=True)) for n in range(len(rows[0][1]))]
        found.append((sum(c * p for c, p in zip(row, powers, strict=False)), made_of))
    return found


# --- tactics ------------------------------------------------------------------------------------------------


def summed(thm, index, weight=ONE):
    """From ``left rel right``, weighted: the sums over an index."""
    weighted = combine(times(weight, thm.left), thm.rel, times(weight, thm.right), (weight, thm))
    return total(weighted, index)


def elsewhere(thm, i, j):
    """The theorem at another index, its hypotheses as they are: they speak of all values of the index."""
    left, right = pick(thm.left, i, j), pick(thm.right, i, j)
    return combine(left.right, thm.rel, right.right, (1, summed(thm, i, Same(i, j))), (-1, left), (1, right))


def by_cases(left, rel, right, number, at_zero=None, elsewhere=None):
    """``left rel right`` for a number >= 0, from its being so at 0 and above.

    at_zero, elsewhere: functions that prove the statement of that case, given it. Without them `ring` is tried.
    """
    statement, equal = says(left, rel, right), lambda case: ring(case.left, case.right)
    family, params = number.family, number.at
    above = Family(family.name, family.sets, POSITIVE)(*params)
    zero, positive = (statement.put({family: (params, value)}) for value in (ZERO, above))
    return cases(left, rel, right, number, (at_zero or equal)(zero), (elsewhere or equal)(positive))


def induction(left, rel, right, over, base=None, step=None):
    """``left rel right`` for all sizes of a set.

    base: a function that proves the statement for one element, given it; step: one that proves it for one element more,
    given it and the assumption. Without them `ring` is tried.
    """
    statement, equal = says(left, rel, right), lambda more, *known: ring(more.left, more.right, *known)
    first = (base or equal)(grown(statement, over, first=True))
    more = (step or equal)(grown(statement, over), assume(left, rel, right))
    return grow(left, rel, right, over, first, more)


def everywhere(left, right, over, *indices, step=None):
    """``left == right`` for all sizes of a set, at all values of indices over it and over its states.

    No such index may be free in an induction. So this one is about sums: exp(left − right) is never below its tangent
    1 + left − right, and the sums of both over all the indices are equal. So both are equal everywhere, which is where
    left − right is 0.
    """
    apart = term(left) - right
    sums = [tangent(apart)]
    for index in reversed(indices):
        sums.append(total(sums[-1], index))
    same = induction(sums[-1].left, "==", sums[-1].right, over, step=step)
    for below_it, index in zip(reversed(sums[:-1]), indices, strict=True):
        same = vanish(below_it, same, index)
    return combine(left, "==", right, (1, touches(same)))
