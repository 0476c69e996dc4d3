"""Models of theorems: values for the symbols, a list for each family, under which a statement can be
computed.

A theorem whose hypotheses nothing satisfies says nothing.  So each theorem with hypotheses is shown a model
of them (`require_model`), and the conclusion is then computed in that model too, independently of the
kernel's rules.
"""

from sympy import N
from sympy.core.function import AppliedUndef

from proofs.kernel import Sigma
from proofs.theorem import require


def evaluate(term, values, index=None):
    """The value of a term: ``values`` maps symbols to numbers and families ``q[i]`` to lists of one length.

    ``values`` may also map a loop's term to its value, or to a list of values if it varies with the index.
    """
    if term in values:
        value = values[term]
        return value[index] if isinstance(value, list | tuple) else value
    if term.func == Sigma:
        size = len(next(v for v in values.values() if isinstance(v, list | tuple)))
        return sum(evaluate(term.args[0], values, i) for i in range(size))
    if isinstance(term, AppliedUndef) or term.is_Symbol:
        raise LookupError(f"the model has no value for {term}")
    parts = [evaluate(part, values, index) for part in term.args]
    return term.func(*parts) if parts else term


def require_model(thm, values):
    """Require that the values satisfy the hypotheses exactly, and the conclusion to forty digits."""
    for rel, hypothesis in thm.hyps:
        value = evaluate(hypothesis, values)
        require(value == 0 if rel == "==" else value >= 0, f"the model does not satisfy {hypothesis} {rel} 0")
    value = N(evaluate(thm.expr, values, index=0), 40)
    error = 1e-30
    require(abs(value) < error if thm.rel == "==" else value > -error, f"false in the model: {thm}")
