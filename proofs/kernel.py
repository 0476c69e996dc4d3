"""An LCF-style proof kernel: theorems about sums and products of *any* size.

How to read it.  In the tradition of Edinburgh LCF (Gordon, Milner & Wadsworth 1979) a theorem is a value of
an abstract type, here `Thm`, and the only functions that build one are the inference rules below.  A program
that uses the rules may search, guess or be wrong: whatever `Thm` it ends up holding has been derived.  So the
proofs need not be trusted, and neither need the people who write them; only this file need be.

What a theorem says.  ``hyps |- e == 0`` or ``hyps |- e >= 0``: for every value of the free symbols, every
finite index set and every finite sequence that satisfy the hypotheses, the expression is zero, or is not
negative.

What it speaks about.  A term is built from rational numbers and real or positive symbols with + * / integer
powers and log, and from two constructions that make it general:

* ``Sigma(e)``, the sum of e over a finite index set whose size is left open.  A symbol named ``q[i]`` is a
  family over that set.  There is one index, it is bound by Sigma, and outside Sigma it is arbitrary but
  fixed;
* ``Loop(...).at(u)``, the state of a loop that has run over the sequence ``u<>``, whose length is left open.

What must be trusted.  This file; SymPy's automatic evaluation, its `expand`, `expand_log`, `together`,
`diff`, `subs` and `cancel`, and its deductions of sign (``is_positive``); and Python, in which a determined
program can always reach past an abstract type (`object.__setattr__`, the underscored names below).  The
kernel keeps no state: what a loop means is part of the name of its terms.

The rules are attacked in `proofs.attacks`, and each guard (``if ...: raise ProofError``) is shown there to
be needed.
"""

import hashlib

from sympy import (
    Add,
    Expr,
    Function,
    Poly,
    Symbol,
    cancel,
    diff,
    expand,
    expand_log,
    fraction,
    log,
    reduced,
    srepr,
    sympify,
    together,
)
from sympy.core.function import AppliedUndef, UndefinedFunction

__all__ = [
    "Loop",
    "ProofError",
    "Sigma",
    "Thm",
    "assume",
    "family",
    "induction",
    "inst",
    "minimum",
    "nonneg",
    "real",
    "ring",
    "scale",
    "sequence",
    "total",
    "transport",
]

_KEY = object()


class ProofError(Exception):
    """The derivation is refused: it does not follow by the rule that was used."""


class _Immutable:
    __slots__ = ()

    def __setattr__(self, *_):
        raise ProofError(f"a {type(self).__name__} is immutable")

    __delattr__ = __setattr__

    def _fill(self, **fields):
        for name, value in fields.items():
            object.__setattr__(self, name, value)


class Thm(_Immutable):
    """A theorem ``hyps |- expr rel 0``, where rel is ``==`` or ``>=``.  Only the rules of this file make one.

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
        positive = sorted({s.name for e in statements for s in e.free_symbols if s.is_positive})
        given = ", ".join(f"{e} {r} 0" for r, e in sorted(self.hyps, key=str))
        for_all = f"for {', '.join(positive)} > 0: " if positive else ""
        return f"{for_all}{given}{' ' if given else ''}|- {self.expr} {self.rel} 0"


# --- terms --------------------------------------------------------------------------------------------------

Sigma = Function("Sigma", real=True)
"""The sum over a finite index set of any size, the empty one included: so its sign is not known."""


def real(names, positive=False):
    """Real (or positive) symbols, by name: the only symbols the kernel admits.  Always a list."""
    return [Symbol(name, positive=True) if positive else Symbol(name, real=True) for name in names.split()]


def family(names, positive=True):
    """Families over the index set of Sigma: ``family("p q")`` is [p[i], q[i]]."""
    return real(" ".join(f"{name}[i]" for name in names.split()), positive)


def sequence(name, positive=True, indexed=False):
    """A finite sequence of any length, to run a `Loop` over; or one for each index."""
    return real(f"{name}<>[i]" if indexed else f"{name}<>", positive)[0]


def _is_family(symbol):
    return symbol.name.endswith("[i]")


def _is_sequence(term):
    return isinstance(term, Symbol) and term.is_real and "<>" in term.name


def _varies(term):
    """Does the term depend on the index from outside?  Within Sigma the index is bound."""
    if term.func == Sigma:
        return False
    return _is_family(term) if term.is_Symbol else any(map(_varies, term.args))


class _LoopTerm(AppliedUndef):
    """One state variable of a loop, applied to its sequences and parameters."""


def _term(value):
    """The value as a term of the logic, or ProofError.

    Forbidden for a reason: floats (they round), a division or a logarithm that may be undefined (it cancels
    into anything), symbols with other assumptions (`inst` would break them), functions nobody defined.
    """
    term = sympify(value)
    if not (isinstance(term, Expr) and _admissible(term)):
        raise ProofError(f"not a term: {term}")
    for part in term.args:
        if not (_is_sequence(part) and isinstance(term, _LoopTerm)):
            _term(part)
    return term


def _admissible(term):
    if term.is_Symbol:
        return term in (Symbol(term.name, real=True), Symbol(term.name, positive=True)) and not _is_sequence(term)
    if term.is_Pow:
        return term.exp.is_Integer and (term.exp.is_positive or term.base.is_positive)
    if term.func == log:
        return len(term.args) == 1 and term.args[0].is_positive
    return term.is_Rational or term.is_Add or term.is_Mul or term.func == Sigma or isinstance(term, _LoopTerm)


class Loop(_Immutable):
    """``state := init; for element in sequences: state := step``, for sequences of any length.

    Parameters: ``name`` (only for printing); ``state``, ``elements``: tuples of symbols; ``init``,
    ``step``: one term for each state symbol.  A symbol of init or step that the loop does not bind is a
    parameter, and becomes an argument of the loop's terms, so that nothing they depend on is hidden from
    `inst`.  The whole definition is hashed into the name of those terms: two different loops can never be
    taken for one.

    A state symbol that is declared positive must start and stay so.  Off its domain (a sequence that is not
    positive where the element is) a loop's term means 1, so its sign may be relied on everywhere.
    """

    __slots__ = ("elements", "init", "name", "state", "step")

    def __init__(self, name, state, init, elements, step):
        init, step = tuple(map(_term, init)), tuple(map(_term, step))
        for symbol, first, following in zip(state, init, step, strict=True):
            if symbol.is_positive and not (first.is_positive and following.is_positive):
                raise ProofError(f"{symbol} is not kept positive")
        self._fill(name=name, state=tuple(state), init=init, elements=tuple(elements), step=step)

    def at(self, *sequences):
        """The state after running over the sequences, as one term for each state symbol."""
        for element, symbol in zip(self.elements, sequences, strict=True):
            if not _is_sequence(symbol) or (element.is_positive and not symbol.is_positive):
                raise ProofError(f"{symbol} is not a sequence of values of {element}")
        definition = (self.state, self.init, self.elements, self.step)
        digest = hashlib.sha256(repr([list(map(srepr, part)) for part in definition]).encode()).hexdigest()
        bound = {*self.state, *self.elements}
        parameters = set().union(*(e.free_symbols for e in self.init), *(e.free_symbols - bound for e in self.step))
        arguments = (*sequences, *sorted(parameters, key=srepr))
        return [
            UndefinedFunction(
                f"{self.name}.{s.name}#{digest}",
                bases=(_LoopTerm,),
                **{"positive" if s.is_positive else "real": True},
            )(*arguments)
            for s in self.state
        ]


# --- arithmetic of terms ------------------------------------------------------------------------------------


def _linear(term):
    """Sigma of a sum is the sum of the Sigmas, and factors that do not vary come out."""

    def split(body):
        out = []
        for summand in Add.make_args(expand(body)):
            constant, varying = [], []
            for factor in summand.as_ordered_factors():
                (varying if _varies(factor) else constant).append(factor)
            out.append(_product(constant) * Sigma(_product(varying)))
        return Add(*out)

    return expand(expand(term).replace(lambda e: e.func == Sigma, lambda e: split(e.args[0])))


def _product(factors):
    out = sympify(1)
    for factor in factors:
        out *= factor
    return out


def _numerator(term):
    """A polynomial in symbols, logs, Sigmas and loop terms that vanishes exactly where the term does.

    Every denominator of a term is positive (`_term`), so multiplying it out changes no zero.
    """
    return expand(fraction(together(_linear(expand_log(term))))[0])


def _combined(theorems):
    """The union of the hypotheses of the theorems a rule was given."""
    for thm in theorems:
        if type(thm) is not Thm:
            raise ProofError(f"not a theorem: {thm!r}")
    return frozenset().union(*(thm.hyps for thm in theorems))


# --- rules --------------------------------------------------------------------------------------------------


def assume(expr, rel="=="):
    """``expr rel 0 |- expr rel 0``.

    Sound because the assumption stays on record, in the hypotheses of everything derived from it.  The guard
    forbids relations for which the other rules would be wrong (``!=`` does not survive scaling by 0).
    """
    if rel not in ("==", ">="):
        raise ProofError(f"unknown relation {rel}")
    return Thm(_KEY, rel, expr, {(rel, _term(expr))}, "assume")


def ring(expr, *given):
    """``|- expr == 0`` because its numerator is a polynomial combination of those of the given equations.

    The division that finds the cofactors is a suggestion and is not trusted: that the combination equals the
    numerator is checked by expanding.  The guards forbid a remainder, and inequalities used as equations.
    """
    hyps = _combined(given)
    if any(thm.rel != "==" for thm in given):
        raise ProofError("only equations can be given")
    target, known = _numerator(_term(expr)), [_numerator(thm.expr) for thm in given]
    known = [k for k in known if k != 0]
    remainder = expand(target - sum(c * k for c, k in zip(_cofactors(target, known), known, strict=True)))
    if remainder != 0:
        raise ProofError(f"left over: {remainder}")
    return Thm(_KEY, "==", expr, hyps, "ring", given)


def _cofactors(target, known):
    polynomials = [p for p in (target, *known) if not p.is_number]
    generators = {g for p in polynomials for g in Poly(p).gens}
    if target == 0 or not known:
        return [0] * len(known)
    if not generators:  # numbers only: the given equation is absurd, and anything follows
        return [target / known[0]] + [0] * (len(known) - 1)
    # Opaque generators first: equations such as Sigma(q) - 1 then rewrite the sum, not the number.
    ordered = sorted(generators, key=lambda g: (g.is_Symbol, str(g)))
    return reduced(target, known, *ordered, order="lex")[0]


def nonneg(expr):
    """``|- expr >= 0`` because it is a quotient of a polynomial with no negative part by a positive one.

    That is: coefficients and generators of the numerator are not negative, the denominator is positive.
    """
    numerator, denominator = fraction(together(_term(expr)))
    numerator = expand(numerator)
    parts = [numerator] if numerator.is_number else [*Poly(numerator).coeffs(), *Poly(numerator).gens]
    if not (denominator.is_positive and all(part.is_nonnegative for part in parts)):
        raise ProofError(f"not evidently >= 0: {expr}")
    return Thm(_KEY, ">=", expr, (), "nonneg")


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
    only by a term in its range; and a term that varies with the index is not carried under a Sigma that
    would capture it (a family may be replaced by another, it is what Sigma runs over).
    """
    hyps = _combined([thm])
    for symbol, value in values.items():
        value = sympify(value)
        if not symbol.is_Symbol:
            raise ProofError(f"{symbol} is not a symbol")
        if any(e.has(symbol) for _, e in hyps):
            raise ProofError(f"{symbol} is constrained by a hypothesis")
        if _is_sequence(symbol) and not _is_sequence(value):
            raise ProofError(f"{symbol} is a sequence, {value} is none")
        if not _is_sequence(symbol):
            _term(value)
        if symbol.is_positive and not value.is_positive:
            raise ProofError(f"{value} is not known to be positive")
        if thm.expr.has(Sigma) and _varies(value) and not _is_family(symbol):
            raise ProofError(f"the index of {value} would be captured")
    return Thm(_KEY, thm.rel, thm.expr.subs(values, simultaneous=True), hyps, "inst", (thm,))


def scale(thm, weight):
    """From ``e rel 0`` and a weight that is not negative: ``weight * e rel 0``."""
    if not _term(weight).is_nonnegative:
        raise ProofError(f"{weight} may be negative")
    return Thm(_KEY, thm.rel, weight * thm.expr, _combined([thm]), "scale", (thm,))


def total(thm):
    """From ``e rel 0`` for an arbitrary index: ``Sigma(e) rel 0``.

    Sound because the index was arbitrary; the guard forbids hypotheses that single it out.
    """
    hyps = _combined([thm])
    if any(_varies(e) for _, e in hyps):
        raise ProofError("a hypothesis depends on the index, which is then not arbitrary")
    return Thm(_KEY, thm.rel, Sigma(thm.expr), hyps, "total", (thm,))


def minimum(expr, t):
    """``|- expr >= 0`` for t > 0 because it is 0 at t = 1, falls on the left and rises on the right.

    Sound by the mean value theorem: a term is differentiable in its symbols.  The sign of the slope is read
    off by `nonneg` after t = 1 + s on the right and t = 1/(1 + s) on the left, s > 0.  No guard of its own:
    for a t that is not positive, 1/(1 + s) is no term and `nonneg` knows no sign.
    """
    slope = diff(_term(expr), t)
    ring(expr.subs(t, 1))
    nonneg(cancel(slope.subs(t, 1 + t)))
    nonneg(cancel(-slope.subs(t, 1 / (1 + t))))
    return Thm(_KEY, ">=", expr, (), "minimum")


def induction(loop, invariant, *sequences):
    """``|- invariant == 0`` for the state the loop ends in, whatever the sequences and their length.

    The base case (the initial state) and the step (the next state, given the invariant) are proved by
    `ring`.  The guards forbid an invariant that mentions the loop's element, which is another one at each
    step; and one with a Sigma, under which a state that varies with the index would be captured.
    """
    if type(loop) is not Loop:
        raise ProofError("not a loop")
    invariant = _term(invariant)
    if invariant.free_symbols & set(loop.elements):
        raise ProofError("the invariant mentions the loop's element")
    if invariant.has(Sigma):
        raise ProofError("the invariant contains a Sigma")

    def become(state):
        return invariant.subs(dict(zip(loop.state, state, strict=True)), simultaneous=True)

    ring(become(loop.init))
    ring(become(loop.step), assume(invariant))
    return Thm(_KEY, "==", become(loop.at(*sequences)), (), "induction")
