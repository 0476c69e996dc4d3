"""Models of theorems: values for the symbols, a list for each family, under which a statement can be
computed.

A theorem whose hypotheses nothing satisfies says nothing.  So each theorem with hypotheses is shown a model
of them (`require_model`), and the conclusion is then computed in that model too, independently of the
kernel's rules.
"""

from itertools import product

from sympy import N
from sympy.core.function import AppliedUndef

from proofs.harness.theorem import require
from proofs.kernel.terms import BINDS, varies


def evaluate(term, values, at=None):
    """The value of a term at indices such as ``{"i": 0}``.

    ``values`` maps symbols to numbers, families ``q[i]`` and ``w[t]`` to lists, one for each index, and ``g[i,t]`` to
    a list of lists.  It may also map a loop's term to its value, or to a list of values if it varies with i.
    """
    at = at or {}
    if term in values:
        value = values[term]
        for index in ("i", "t"):
            if isinstance(value, list | tuple) and (varies(term, index) or not term.is_Symbol):
                value = value[at[index]]
        return value
    if term.func in BINDS:
        index = BINDS[term.func]
        return sum(evaluate(term.args[0], values, {**at, index: k}) for k in range(_size(values, index)))
    if isinstance(term, AppliedUndef) or term.is_Symbol:
        raise LookupError(f"the model has no value for {term}")
    parts = [evaluate(part, values, at) for part in term.args]
    return term.func(*parts) if parts else term


def _size(values, index):
    """How many values the index has: the length of the lists that are over it."""
    for term, value in values.items():
        if isinstance(value, list | tuple) and (varies(term, index) or not (term.is_Symbol or index == "t")):
            return len(value[0] if index == "t" and varies(term, "i") else value)
    raise LookupError(f"the model has no family over {index}")


def require_model(thm, values):
    """Require that the values satisfy the hypotheses exactly, and the conclusion to forty digits; return the theorem.

    Both at every index.
    """
    places = _places(values)
    for rel, hypothesis in thm.hyps:
        for at in places:
            value = evaluate(hypothesis, values, at)
            holds = {"==": value == 0, ">=": value >= 0, ">": value > 0}[rel]
            require(holds, f"the model does not satisfy {hypothesis} {rel} 0")
    for at in places:
        value = N(evaluate(thm.expr, values, at), 40)
        holds = {"==": abs(value) < 1e-30, ">=": value > -1e-30, ">": value > 0}[thm.rel]
        require(holds, f"false in the model: {thm}")
    return thm


def _places(values):
    ranges = []
    for index in ("i", "t"):
        try:
            ranges.append(range(_size(values, index)))
        except LookupError:
            ranges.append(range(1))
    return [dict(zip("it", place, strict=True)) for place in product(*ranges)]
