"""Lemmas about one layer of a belief network and its bound. Nothing here is trusted: the rules derive each.

Let log p(v|h) be what the generative half of a layer gives for v of some rows and h over the states of its units, log
p(h) what the layers above give, and b(h) a bound on it; q(h|v) is a product over units, on with the odds e^a. Then M(v)
= log Σ_h p(v|h) p(h) is log p(v), and B(v) = Σ_h q (log p(v|h) + b(h) − log q) the bound on it.
"""

from dataclasses import dataclass

from proofs.kernel.derived import derive, ring, summed
from proofs.kernel.lemmas import cube_sum, divergence_of_a_state
from proofs.kernel.rules import combine, inst, linear, over_sets, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import Bit, Cube, Index, Set, Sum, Term, exp, families, indices, log

ROWS, UNITS = Set("rows"), Set("units")
v, = indices("v", ROWS)  # fmt: skip
u, = indices("u", UNITS)  # fmt: skip
h, = indices("h", Cube(UNITS))  # fmt: skip
LOG_P, LOG_Q = families("log_p log_q", ROWS, Cube(UNITS))
PRIOR, VALUE = families("prior value", Cube(UNITS))
LOGIT, = families("logit", ROWS, UNITS)  # fmt: skip
JOINT = LOG_P(v, h) + PRIOR(h)
MIXTURE = log(Sum(exp(JOINT), h))
POSTERIOR = exp(JOINT) / Sum(exp(JOINT), h)
BOUND = Sum(exp(LOG_Q(v, h)) * (LOG_P(v, h) + VALUE(h) - LOG_Q(v, h)), h)
KL = Sum(exp(LOG_Q(v, h)) * (LOG_Q(v, h) - (JOINT - MIXTURE)), h)
ABOVE = Sum(exp(LOG_Q(v, h)) * (PRIOR(h) - VALUE(h)), h)
TOTAL = Sum(exp(LOG_Q(v, h)), h)


class About:
    """The theorems about any layer. For every log q, those that say Σ q."""

    def __init__(self):
        q = exp(LOG_Q(v, h))
        self.gap = ring(MIXTURE - BOUND, KL + ABOVE + (1 - TOTAL) * MIXTURE)
        """``M − B == KL + Σ q (log p(h) − b(h)) + (1 − Σ q) M``: the layer's own gap, and what is lost above."""
        self.divergence = ring(KL, Sum(q * log(q / POSTERIOR), h))
        """``KL == Σ q log(q / p(h|v))``."""
        self.not_negative = derive(KL, ">=", TOTAL - 1, (1, total(divergence_of_a_state(q, POSTERIOR), h)))
        """``KL >= Σ q − 1``."""
        table = Sum(LOGIT(v, u) * Bit(h, u), u) - Sum(log(1 + exp(LOGIT(v, u))), u)
        self.one = ring(Sum(exp(table), h), 1, cube_sum(h, u, LOGIT(v, u)))
        """``Σ q == 1``, for log q = Σ_u a_u h_u − Σ_u log(1 + exp a_u)."""


@dataclass(frozen=True)
class Layer:
    """A layer of a model: what it is at a row, a unit and a state."""

    about: About
    row: Index
    unit: Index
    state: Index
    log_p: Term
    log_q: Term
    logit: Term
    prior: Term
    value: Term

    def of(self, what):
        """A term, or a theorem, about any layer, of this one."""
        sets = {ROWS: self.row.set, UNITS: self.unit.set}
        pair, rows = (self.row, self.state), {Index(v.name, self.row.set): self.row}
        places = {LOG_P: pair, LOG_Q: pair, LOGIT: (self.row, self.unit), PRIOR: pair[1:], VALUE: pair[1:]}
        values = {over_sets(family, sets): (at, getattr(self, family.name)) for family, at in places.items()}
        if isinstance(what, Term):
            return put(over_sets(what, sets), values, rows)
        return inst(what, values, rows, sets)

    def gap(self, above=None):
        """``M − B == KL + Σ q lost``, from above: ``log p(h) − b(h) == lost``; without it b(h) is log p(h)."""
        thm, one, q = self.of(self.about.gap), self.of(self.about.one), exp(self.log_q)
        used = [(1, thm), (-self.of(MIXTURE), one)]
        if above is None:
            zero = averaged(combine(self.prior - self.value, "==", 0), self.state, q)
            return combine(thm.left, "==", self.of(KL), *used, (1, zero))
        lost = summed(above, self.state, q)
        return combine(thm.left, "==", self.of(KL) + lost.right, *used, (1, lost))

    def divergence(self):
        """``KL == Σ q log(q / p(h|v))``."""
        return self.of(self.about.divergence)

    def not_negative(self):
        """``KL >= 0``."""
        return combine(self.of(KL), ">=", 0, (1, self.of(self.about.not_negative)), (1, self.of(self.about.one)))


def averaged(thm, index, q):
    """From ``e rel 0``: ``Σ q e rel 0``."""
    each = total(combine(q * thm.left, thm.rel, 0 * q, (q, thm)), index)
    return combine(each.left, thm.rel, 0, (1, each), (1, linear(index, (0, q))))
