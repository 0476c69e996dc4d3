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
from types import MappingProxyType

from sympy import (
    Add,
    Expr,
    Function,
    Mul,
    Pow,
    Symbol,
    expand,
    expand_log,
    fraction,
    log,
    preorder_traversal,
    srepr,
    sympify,
    together,
)
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.core.parameters import global_parameters


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
BINDS = MappingProxyType({Sigma: "i", Sigma_t: "t"})


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
    """The indices that some sum in the term binds, also in the definition of a loop."""
    found = set()
    for part in preorder_traversal(term):
        found |= {BINDS[part.func]} if part.func in BINDS else part.func.binds if isinstance(part, _LoopTerm) else set()
    return found


# --- terms --------------------------------------------------------------------------------------------------


class _LoopTerm(AppliedUndef):
    """One state variable of a loop, applied to its sequences and parameters: so many arguments.

    binds: the indices of the sums in the loop's definition.
    """

    arity = 0
    binds = frozenset()


def term(value):
    """The value as a term of the logic, or ProofError.

    Forbidden for a reason: floats (they round), a division or a logarithm that may be undefined (it cancels
    into anything), symbols with other assumptions (`inst` would break them), functions nobody defined, and objects of
    any class but SymPy's own, which may say what they like of their sign. A value is converted here, once: what was
    checked is what is used.
    """
    if not global_parameters.evaluate:
        raise ProofError("SymPy's evaluation is switched off")
    found = sympify(value)
    if not (isinstance(found, Expr) and _admissible(found)):
        raise ProofError(f"not a term: {found}")
    for part in found.args:
        if not (is_sequence(part) and isinstance(found, _LoopTerm)):
            term(part)
    return found


def _admissible(e):
    if type(e) is Symbol:
        return e in _of_all_kinds(e.name) and not is_sequence(e)
    if type(e) is Pow:
        return e.exp.is_Integer and (e.exp.is_positive or e.base.is_positive)
    if type(e) in (log, xlogx):
        return len(e.args) == 1 and (e.args[0].is_positive if e.func == log else e.args[0].is_nonnegative)
    if e.func in BINDS:
        return len(e.args) == 1
    if isinstance(e, _LoopTerm):
        return len(e.args) == e.func.arity
    return type(e) in (Add, Mul) or (e.is_Rational and type(e).__module__ == "sympy.core.numbers")


def _of_all_kinds(name):
    return [Symbol(name, **{kind: True}) for kind in KINDS]


def symbol(value):
    """A symbol that the kernel admits, a sequence among them; or ProofError."""
    if not (type(value) is Symbol and value in _of_all_kinds(value.name)):
        raise ProofError(f"not a symbol: {value}")
    return value


def fits(place, value):
    """The value, if it may take the place of a symbol, or ProofError: wherever a value takes a symbol's place, this
    decides. A sequence takes the place of a sequence, a term that of any other symbol, and the sign is kept."""
    value = symbol(value) if is_sequence(place) else term(value)
    if is_sequence(place) and not is_sequence(value):
        raise ProofError(f"{place} is a sequence, {value} is none")
    return _of_the_sign(place, value)


def _of_the_sign(place, value):
    """What the sign of a symbol promises: every value that it stands for is real, and positive or not negative."""
    if place.is_positive and not value.is_positive:
        raise ProofError(f"{value}, for {place}, is not known to be positive")
    if place.is_nonnegative and not value.is_nonnegative:
        raise ProofError(f"{value}, for {place}, is not known to be 0 or more")
    return value


class Loop(Immutable):
    """``state := init; for element in sequences: state := step``, for sequences of any length.

    Parameters: ``name`` (only for printing); ``state``, ``elements``: tuples of symbols; ``init``,
    ``step``: one term for each state symbol.  A symbol of init or step that the loop does not bind is a
    parameter, and becomes an argument of the loop's terms, so that nothing they depend on is hidden from
    `inst`.  The whole definition is hashed into the name of those terms: two different loops can never be
    taken for one.

    A state symbol that is declared positive, or not negative, must start and stay so.  Off its domain (a sequence
    without the sign of the element) a loop's term means 1, so its sign may be relied on everywhere.
    """

    __slots__ = ("elements", "init", "name", "state", "step")

    def __init__(self, name, state, init, elements, step):
        state, elements = tuple(map(symbol, state)), tuple(map(symbol, elements))
        bound = [*state, *elements]
        if any(map(is_sequence, bound)):
            raise ProofError("a loop binds numbers, not sequences")
        if len({s.name for s in bound}) < len(bound):
            raise ProofError("two symbols of one name")
        init = tuple(fits(s, value) for s, value in zip(state, init, strict=True))
        step = tuple(fits(s, value) for s, value in zip(state, step, strict=True))
        self._fill(name=str(name), state=state, init=init, elements=elements, step=step)

    def at(self, *sequences):
        """The state after running over the sequences, as one term for each state symbol."""
        sequences = tuple(map(symbol, sequences))
        if not all(map(is_sequence, sequences)):
            raise ProofError("a loop runs over sequences")
        for element, values in zip(self.elements, sequences, strict=True):
            _of_the_sign(element, values)
        definition = (self.state, self.init, self.elements, self.step)
        digest = hashlib.sha256(repr([list(map(srepr, part)) for part in definition]).encode()).hexdigest()
        bound = {*self.state, *self.elements}
        parameters = set().union(*(e.free_symbols for e in self.init), *(e.free_symbols - bound for e in self.step))
        arguments = (*sequences, *sorted(parameters, key=srepr))
        known = {"arity": len(arguments), "binds": frozenset().union(*map(sums, (*self.init, *self.step)))}
        return [
            UndefinedFunction(f"{self.name}.{s.name}#{digest}", (_LoopTerm,), known.copy(), **{_kind(s): True})(
                *arguments
            )
            for s in self.state
        ]


def _kind(symbol):
    return "positive" if symbol.is_positive else "nonnegative" if symbol.is_nonnegative else "real"


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
