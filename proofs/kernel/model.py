"""Models of theorems: a theorem whose hypotheses nothing satisfies says nothing.

So each theorem with hypotheses is shown a model of them (`require_model`), and its conclusion is then computed in that
model too, independently of the rules.
"""

import itertools
from fractions import Fraction

from proofs.kernel.semantics import Model, admissible, everywhere, holds, sets_of
from proofs.kernel.terms import Cube, guard


def require_model(thm, values):
    """The theorem itself, after its hypotheses and its conclusion were found true in a model.

    values: for each free family a number, or nested tuples of numbers, one for each element of its sets; the lengths
    say how large the sets are, and all other sets have two elements. Raises ProofError, like the rules.
    """
    sizes = dict.fromkeys(sets_of((*thm.hyps, thm.conclusion)), 2)
    for family, table in values.items():
        for over in family.sets:
            sizes[over if type(over) is not Cube else over.of] = _length(over, table)
            table = table[0]
    model = Model(sizes)
    tables = {family: _table(family, model, table) for family, table in values.items()}
    model = Model(sizes, tables)
    guard(admissible(model), "the model's numbers have other signs than the theorem's families")
    for statement in (*thm.hyps, thm.conclusion):
        guard(everywhere(statement, model, holds), f"false in the model: {statement}")
    return thm


def _length(over, table):
    return len(table) if type(over) is not Cube else len(table).bit_length() - 1


def _table(family, model, table):
    found = {}
    for at in itertools.product(*map(model.range, family.sets)):
        number = table
        for k in at:
            number = number[k]
        found[at] = Fraction(number)
    return found
