"""What the proof kernel speaks about: terms, sums over index sets of any size, loops over sequences of any length.

A term is built from rational numbers and symbols that are real, not negative or positive, with + * / integer powers,
log and x log x (which is 0 at 0), and from two constructions that make it general:

* ``Sigma(e)`` and ``Sigma_t(e)``, the sums of e over two finite sets, neither of them empty, whose sizes are left
  open. A symbol named ``q[i]`` is a family over the first set, ``w[t]`` over the second, ``q[i,t]`` over both. An
  index is bound by its sum; outside, it is arbitrary but fixed;
* ``Loop(...).at(u)``, the state of a loop that has run over the sequence ``u<>``, whose length is left open.

Part of what must be trusted, as `proofs.kernel` says.
"""

import hashlib

from sympy import (
    Add,
    Expr,
    Function,
    Symbol,
    expand,
    expand_log,
    fraction,
    log,
    srepr,
    sympify,
    together,
)
from sympy.core.function import AppliedUndef, UndefinedFunction


class ProofError(Exception):
    """The derivation is refused: it does not follow by the rule that was used."""


class Immutable:
    """A value whose fields are filled once."""

    __slots__ = ()

    def __setattr__(self, *_):
        raise ProofError(f"a {type(self).__name__} is immutable")

    __delattr__ = __setattr__

    def _fill(self, **fields):
        for name, value in fields.items():
            object.__setattr__(self, name, value)


# --- symbols ------------------------------------------------------------------------------------------------

Sigma = Function("Sigma", real=True)
"""The sum over a finite index set of any size."""
Sigma_t = Function("Sigma_t", real=True)
"""The sum over another such set."""
BINDS = {Sigma: "i", Sigma_t: "t"}


class xlogx(Function):
    """x log x for x >= 0, and 0 at 0: what a state of probability zero adds to an entropy."""

    is_real = True

    @classmethod
    def eval(cls, x):
        if x.is_zero:
            return x
        if x.is_positive:
            return x * log(x)
        return None


KINDS = ("real", "nonnegative", "positive")


def real(names, positive=False, nonnegative=False):
    """Real (or positive, or not negative) symbols, by name: the only symbols the kernel admits.  Always a list."""
    kind = "positive" if positive else "nonnegative" if nonnegative else "real"
    return [Symbol(name, **{kind: True}) for name in names.split()]


def family(names, positive=True, nonnegative=False, over="i"):
    """Families over an index set or both: ``family("p q")`` is [p[i], q[i]]; over: "i", "t" or "i,t"."""
    return real(" ".join(f"{name}[{over}]" for name in names.split()), positive and not nonnegative, nonnegative)


def sequence(name, positive=True, indexed=False):
    """A finite sequence of any length, to run a `Loop` over; or one for each index."""
    return real(f"{name}<>[i]" if indexed else f"{name}<>", positive)[0]


def is_sequence(term):
    """Is it a symbol that `sequence` makes?"""
    return isinstance(term, Symbol) and term.is_real and "<>" in term.name


def varies(term, index):
    """Does the term depend on that index from outside?  Within its sum the index is bound."""
    if BINDS.get(term.func) == index:
        return False
    if term.is_Symbol:
        return term.name.endswith("]") and index in term.name[term.name.index("[") + 1 : -1].split(",")
    return any(varies(part, index) for part in term.args)


def sums(term):
    """The indices that some sum in the term binds."""
    return {index for binder, index in BINDS.items() if term.has(binder)}


# --- terms --------------------------------------------------------------------------------------------------


class _LoopTerm(AppliedUndef):
    """One state variable of a loop, applied to its sequences and parameters."""


def term(value):
    """The value as a term of the logic, or ProofError.

    Forbidden for a reason: floats (they round), a division or a logarithm that may be undefined (it cancels
    into anything), symbols with other assumptions (`inst` would break them), functions nobody defined.
    """
    found = sympify(value)
    if not (isinstance(found, Expr) and _admissible(found)):
        raise ProofError(f"not a term: {found}")
    for part in found.args:
        if not (is_sequence(part) and isinstance(found, _LoopTerm)):
            term(part)
    return found


def _admissible(e):
    if e.is_Symbol:
        return e in [Symbol(e.name, **{kind: True}) for kind in KINDS] and not is_sequence(e)
    if e.is_Pow:
        return e.exp.is_Integer and (e.exp.is_positive or e.base.is_positive)
    if e.func in (log, xlogx):
        return len(e.args) == 1 and (e.args[0].is_positive if e.func == log else e.args[0].is_nonnegative)
    return e.is_Rational or e.is_Add or e.is_Mul or e.func in BINDS or isinstance(e, _LoopTerm)


class Loop(Immutable):
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
        init, step = tuple(map(term, init)), tuple(map(term, step))
        for symbol, first, following in zip(state, init, step, strict=True):
            if symbol.is_positive and not (first.is_positive and following.is_positive):
                raise ProofError(f"{symbol} is not kept positive")
        self._fill(name=name, state=tuple(state), init=init, elements=tuple(elements), step=step)

    def at(self, *sequences):
        """The state after running over the sequences, as one term for each state symbol."""
        for element, symbol in zip(self.elements, sequences, strict=True):
            if not is_sequence(symbol) or (element.is_positive and not symbol.is_positive):
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


# --- arithmetic ---------------------------------------------------------------------------------------------


def numerator(e):
    """A polynomial in symbols, logs, sums and loop terms that vanishes exactly where the term does.

    Every denominator of a term is positive (`term`), so multiplying it out changes no zero.
    """
    return expand(fraction(together(_linear(expand_log(e))))[0])


def _linear(e):
    """The sum of a sum is the sum of the sums, and factors that do not vary come out."""

    def split(binder, body):
        out = []
        for summand in Add.make_args(expand(body)):
            constant, varying = [], []
            for factor in summand.as_ordered_factors():
                (varying if varies(factor, BINDS[binder]) else constant).append(factor)
            out.append(_product(constant) * binder(_product(varying)))
        return Add(*out)

    return expand(expand(e).replace(lambda part: part.func in BINDS, lambda part: split(part.func, part.args[0])))


def _product(factors):
    out = sympify(1)
    for factor in factors:
        out *= factor
    return out
