"""An LCF-style proof kernel: theorems about sums and products of *any* size.

How to read it.  In the tradition of Edinburgh LCF (Gordon, Milner & Wadsworth 1979) a theorem is a value of
an abstract type, here `Thm`, and the only functions that build one are the inference rules below.  A program
that uses the rules may search, guess or be wrong: whatever `Thm` it ends up holding has been derived.  So the
proofs need not be trusted, and neither need the people who write them; only this file and `proofs.kernel.terms`
need be.

What a theorem says.  ``hyps |- e rel 0`` with rel one of ``==``, ``>=``, ``>``: for every value of the free symbols,
all finite index sets that are not empty and all finite sequences: if every hypothesis holds, *at every index*, then
the conclusion does, at every index.

What must be trusted.  This file and `proofs.kernel.terms`; SymPy's automatic evaluation, its `expand`, `expand_log`,
`together`, `diff`, `subs` and `cancel`, and its deductions of sign (``is_positive``); and Python, in which a
determined program can always reach past an abstract type (`object.__setattr__`, the underscored names below).  The
kernel keeps no state: what a loop means is part of the name of its terms.

The rules are attacked in `proofs.kernel.attacks`, and each guard (``if ...: raise ProofError``) is shown there to
be needed.
"""

from sympy import Matrix, Poly, Symbol, cancel, diff, expand, fraction, prod, reduced, sympify, together

from proofs.kernel.terms import (
    BINDS,
    Immutable,
    Loop,
    ProofError,
    Sigma,
    Sigma_t,
    family,
    is_sequence,
    numerator,
    real,
    sequence,
    sums,
    term,
    varies,
    xlogx,
)

__all__ = [
    "Loop",
    "ProofError",
    "Sigma",
    "Sigma_t",
    "Thm",
    "add",
    "assume",
    "cases",
    "family",
    "fubini",
    "induction",
    "inst",
    "minimum",
    "nonneg",
    "positive",
    "real",
    "ring",
    "scale",
    "sequence",
    "square",
    "total",
    "transport",
    "unique",
    "vanish",
    "xlogx",
]

_KEY = object()


class Thm(Immutable):
    """A theorem ``hyps |- expr rel 0``, where rel is ``==``, ``>=`` or ``>``.  Only the rules of this file make one.

    ``hyps`` is a frozenset of pairs (rel, expr); ``rule`` and ``parents`` are the last step of the
    derivation.
    """

    __slots__ = ("expr", "hyps", "parents", "rel", "rule")

    def __init__(self, key, rel, expr, hyps, rule, parents=()):
        if key is not _KEY:
            raise ProofError("a theorem is made by the rules only")
        self._fill(rel=rel, expr=sympify(expr), hyps=frozenset(hyps), rule=rule, parents=tuple(parents))

    def __repr__(self):
        statements = [self.expr, *(e for _, e in self.hyps)]
        symbols = set().union(*(s.free_symbols for s in statements))
        positive = sorted(s.name for s in symbols if s.is_positive)
        others = sorted(s.name for s in symbols if s.is_nonnegative and not s.is_positive)
        signs = [f"{', '.join(names)} {sign} 0" for names, sign in ((positive, ">"), (others, ">=")) if names]
        given = ", ".join(f"{e} {r} 0" for r, e in sorted(self.hyps, key=str))
        for_all = f"for {', '.join(signs)}: " if signs else ""
        return f"{for_all}{given}{' ' if given else ''}|- {self.expr} {self.rel} 0"


def _combined(theorems):
    """The union of the hypotheses of the theorems a rule was given."""
    for thm in theorems:
        if type(thm) is not Thm:
            raise ProofError(f"not a theorem: {thm!r}")
    return frozenset().union(*(thm.hyps for thm in theorems))


# --- assumptions and equations ------------------------------------------------------------------------------


def assume(expr, rel="=="):
    """``expr rel 0 |- expr rel 0``.

    Sound because the assumption stays on record, in the hypotheses of everything derived from it.  The guard
    forbids relations for which the other rules would be wrong (``!=`` does not survive scaling by 0).
    """
    if rel not in ("==", ">=", ">"):
        raise ProofError(f"unknown relation {rel}")
    return Thm(_KEY, rel, expr, {(rel, term(expr))}, "assume")


def ring(expr, *given):
    """``|- expr == 0`` because its numerator is a polynomial combination of those of the given equations.

    The division that finds the cofactors is a suggestion and is not trusted: that the combination equals the
    numerator is checked by expanding.  The guards forbid a remainder, and inequalities used as equations.
    """
    hyps = _combined(given)
    if any(thm.rel != "==" for thm in given):
        raise ProofError("only equations can be given")
    target, known = numerator(term(expr)), [numerator(thm.expr) for thm in given]
    known = [k for k in known if k != 0]
    remainder = expand(target - sum(c * k for c, k in zip(_cofactors(target, known), known, strict=True)))
    if remainder != 0:
        raise ProofError(f"left over: {remainder}")
    return Thm(_KEY, "==", expr, hyps, "ring", given)


def _cofactors(target, known):
    """Polynomials c with target = Σ c · known, if division finds them."""
    polynomials = [p for p in (target, *known) if not p.is_number]
    generators = {g for p in polynomials for g in Poly(p).gens}
    if target == 0 or not known:
        return [0] * len(known)
    if not generators:  # numbers only: the given equation is absurd, and anything follows
        return [target / known[0]] + [0] * (len(known) - 1)
    # Opaque generators first: equations such as Sigma(q) - 1 then rewrite the sum, not the number.
    ordered = sorted(generators, key=lambda g: (g.is_Symbol, str(g)))
    independent, made_of = _echelon(known, ordered)
    quotients, _ = reduced(target, independent, *ordered, order="lex")
    return [sum(q * c for q, c in zip(quotients, column, strict=True)) for column in zip(*made_of, strict=True)]


def _echelon(known, generators):
    """Combinations of the known polynomials of which no two have the same leading term, and their coefficients."""
    vectors = [Poly(k, *generators).as_dict() for k in known]
    monomials = sorted(set().union(*vectors), reverse=True)
    rows = [[v.get(m, 0) for m in monomials] + [int(j == k) for j in range(len(known))] for k, v in enumerate(vectors)]
    reduced_rows, _ = Matrix(rows).rref()
    kept = [list(row) for row in reduced_rows.tolist() if any(row[: len(monomials)])]
    terms = [prod(g**power for g, power in zip(generators, m, strict=True)) for m in monomials]
    combinations = [sum(c * t for c, t in zip(row, terms, strict=False)) for row in kept]
    return combinations, [row[len(monomials) :] for row in kept]


def transport(expr, thm, *given):
    """From ``hyps |- e rel 0`` and ``expr == e`` (by `ring`, from the given equations): ``hyps |- expr rel
    0``.

    Sound because equals stand for equals; all hypotheses are kept.
    """
    _combined([thm])
    equal = ring(expr - thm.expr, *given)
    return Thm(_KEY, thm.rel, expr, thm.hyps | equal.hyps, "transport", (thm, equal))


def inst(thm, values):
    """From ``hyps |- e rel 0``: the same with terms put for symbols, all at once.

    Sound because a theorem holds for every value of its free symbols.  The guards keep that reading true:
    only symbols are replaced; not one that a hypothesis constrains; a sequence only by a sequence; a symbol
    only by a term in its range; and a term that varies with an index is not carried under a sum that would
    capture it (a family may be replaced by what varies as it does, it is what the sum runs over).
    """
    hyps = _combined([thm])
    for symbol, value in values.items():
        value = sympify(value)
        if not symbol.is_Symbol:
            raise ProofError(f"{symbol} is not a symbol")
        if any(e.has(symbol) for _, e in hyps):
            raise ProofError(f"{symbol} is constrained by a hypothesis")
        if is_sequence(symbol) and not is_sequence(value):
            raise ProofError(f"{symbol} is a sequence, {value} is none")
        if not is_sequence(symbol):
            term(value)
        if symbol.is_positive and not value.is_positive:
            raise ProofError(f"{value} is not known to be positive")
        if symbol.is_nonnegative and not value.is_nonnegative:
            raise ProofError(f"{value} is not known to be 0 or more")
        if any(varies(value, index) and not varies(symbol, index) for index in sums(thm.expr)):
            raise ProofError(f"an index of {value} would be captured")
    return Thm(_KEY, thm.rel, thm.expr.subs(values, simultaneous=True), hyps, "inst", (thm,))


# --- signs --------------------------------------------------------------------------------------------------


def nonneg(expr):
    """``|- expr >= 0`` because it is a quotient of a polynomial with no negative part by a positive one.

    That is: coefficients and generators of the numerator are not negative, the denominator is positive.
    """
    if not _parts_are(expr, lambda parts: all(part.is_nonnegative for part in parts), all):
        raise ProofError(f"not evidently >= 0: {expr}")
    return Thm(_KEY, ">=", expr, (), "nonneg")


def positive(expr):
    """``|- expr > 0``: as for `nonneg`, and one of the numerator's terms has no part that may be zero."""
    nonneg(expr)
    if not _parts_are(expr, lambda parts: all(part.is_positive for part in parts), any):
        raise ProofError(f"not evidently > 0: {expr}")
    return Thm(_KEY, ">", expr, (), "positive")


def _parts_are(expr, wanted, how_many):
    """Does ``wanted`` hold of the coefficient and generators of all (or any) terms, over a positive denominator?"""
    over, below = fraction(together(term(expr)))
    over = expand(over)
    if over.is_number:
        return below.is_positive and wanted([over])
    polynomial = Poly(over)
    monomials = (
        [c, *(g for g, power in zip(polynomial.gens, powers, strict=True) if power)] for powers, c in polynomial.terms()
    )
    return below.is_positive and how_many(map(wanted, monomials))


def square(expr):
    """``|- expr^2 >= 0``, since every term is real."""
    return Thm(_KEY, ">=", term(expr) ** 2, (), "square")


def add(*theorems):
    """From ``e rel 0`` and others: the sum, ``==`` if all are equations, ``>`` if any is strict, else ``>=``."""
    hyps = _combined(theorems)
    relations = {thm.rel for thm in theorems}
    rel = ">" if ">" in relations else ">=" if ">=" in relations else "=="
    return Thm(_KEY, rel, sum(thm.expr for thm in theorems), hyps, "add", theorems)


def scale(thm, weight):
    """From ``e rel 0`` and a weight that is not negative: ``weight * e rel 0``; strict if the weight is positive."""
    hyps, weight = _combined([thm]), term(weight)
    if not weight.is_nonnegative:
        raise ProofError(f"{weight} may be negative")
    rel = ">=" if thm.rel == ">" and not weight.is_positive else thm.rel
    return Thm(_KEY, rel, weight * thm.expr, hyps, "scale", (thm,))


def cases(expr, symbol, at_zero, elsewhere):
    """``expr rel 0`` for a symbol that is 0 or more, from its being so at 0 and for a positive symbol of that name.

    The guards: the symbol is one that may be zero; neither case has assumed anything about it; its positive namesake
    is not in the expression already; and it is not under a sum, where some of its values may be zero and others not.
    """
    hyps, there = _combined([at_zero, elsewhere]), Symbol(symbol.name, positive=True)
    if symbol != Symbol(symbol.name, nonnegative=True):
        raise ProofError(f"{symbol} is not a symbol of numbers >= 0")
    if any(e.has(symbol) or e.has(there) for _, e in hyps):
        raise ProofError(f"{symbol} is constrained by a hypothesis")
    if term(expr).has(there):
        raise ProofError(f"{symbol} and its positive namesake are two symbols")
    if any(varies(symbol, index) for index in sums(expr)):
        raise ProofError(f"{symbol} may be zero at one index and not at another")
    if at_zero.rel != elsewhere.rel:
        raise ProofError("the cases have different relations")
    ring(expr.subs(symbol, 0) - at_zero.expr)
    ring(expr.subs(symbol, there) - elsewhere.expr)
    return Thm(_KEY, at_zero.rel, expr, hyps, "cases", (at_zero, elsewhere))


# --- sums ---------------------------------------------------------------------------------------------------


def total(thm, over=Sigma):
    """From ``e rel 0``: ``Sigma(e) rel 0``, or over the other index.

    Sound because it holds at every index, and there is one: so a sum of what is positive is positive.
    """
    return Thm(_KEY, thm.rel, _sum(over)(thm.expr), _combined([thm]), "total", (thm,))


def _sum(over):
    if over not in BINDS:
        raise ProofError(f"{over} is no sum")
    return over


def fubini(expr):
    """``|- Sigma(Sigma_t(expr)) - Sigma_t(Sigma(expr)) == 0``: finite sums change places."""
    return Thm(_KEY, "==", Sigma(Sigma_t(term(expr))) - Sigma_t(Sigma(expr)), (), "fubini")


def vanish(thm, *given, over=Sigma):
    """From ``e >= 0`` and ``Sigma(e) == 0`` (by `ring`, from the given equations): ``e == 0``.

    Sound because a sum of terms that are not negative is zero only if each of them is.
    """
    hyps = _combined([thm])
    zero = ring(_sum(over)(thm.expr), *given)
    return Thm(_KEY, "==", thm.expr, hyps | zero.hyps, "vanish", (thm, zero))


# --- functions of one variable ------------------------------------------------------------------------------


def minimum(expr, t):
    """``|- expr >= 0`` for t > 0 because it is 0 at t = 1, falls on the left and rises on the right.

    Sound by the mean value theorem: a term is differentiable in its symbols.  The sign of the slope is read
    off by `nonneg` after t = 1 + s on the right and t = 1/(1 + s) on the left, s > 0.  No guard of its own:
    for a t that is not positive, 1/(1 + s) is no term and `nonneg` knows no sign.
    """
    slope = diff(term(expr), t)
    ring(expr.subs(t, 1))
    nonneg(cancel(slope.subs(t, 1 + t)))
    nonneg(cancel(-slope.subs(t, 1 / (1 + t))))
    return Thm(_KEY, ">=", expr, (), "minimum")


def unique(expr, t, value, *given):
    """``|- value == 1`` because expr is 0 at t = value (by `ring`, from the given equations) and nowhere but at t = 1.

    Nowhere else, by the mean value theorem: it is 0 at t = 1, and its slope is positive or negative throughout on
    either side. The guard: the value is where t may be. (A sum or loop over t has no slope that is a term.)
    """
    if not term(value).is_positive:
        raise ProofError(f"{value} is not known to be positive")
    slope = diff(term(expr), t)
    ring(expr.subs(t, 1))
    for side in (1 + t, 1 / (1 + t)):
        towards = cancel(slope.subs(t, side))
        positive(towards if towards.subs(t, 1).is_positive else -towards)
    zero = ring(expr.subs(t, value), *given)
    return Thm(_KEY, "==", value - 1, zero.hyps, "unique", (zero,))


# --- loops --------------------------------------------------------------------------------------------------


def induction(loop, invariant, *sequences, step=None):
    """``|- invariant rel 0`` for the state the loop ends in, whatever the sequences and their length.

    ``step``: a theorem that the next state satisfies it, which may assume that this state does. Without one, the
    invariant is an equation, and `ring` proves the step. The base case is proved by `ring`, `nonneg` or `positive`.
    The guards forbid a step that assumes anything else; an invariant that mentions the loop's element, which is
    another one at each step; one with a sum, under which a state that varies with the index would be captured; and one
    that depends on an index, of which a hypothesis would say that it holds at all indices for the state of one.
    """
    if type(loop) is not Loop:
        raise ProofError("not a loop")
    invariant = term(invariant)
    if invariant.free_symbols & set(loop.elements):
        raise ProofError("the invariant mentions the loop's element")
    if sums(invariant):
        raise ProofError("the invariant contains a sum")
    if any(varies(invariant, index) for index in BINDS.values()):
        raise ProofError("the invariant depends on an index")

    def become(state):
        return invariant.subs(dict(zip(loop.state, state, strict=True)), simultaneous=True)

    if step is None:
        step = ring(become(loop.step), assume(invariant))
    if not _combined([step]) <= {(step.rel, invariant)}:
        raise ProofError("the step assumes more than the invariant")
    base = {"==": ring, ">=": nonneg, ">": positive}[step.rel](become(loop.init))
    ring(become(loop.step) - step.expr)
    return Thm(_KEY, step.rel, become(loop.at(*sequences)), (), "induction", (base, step))
