"""Claim H1 for all sizes, on shipped code: the expectation with which the bound is computed, and the logarithm."""

from fractions import Fraction

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.derived import derive, summed
from proofs.kernel.lemmas import log_below_tangent
from proofs.kernel.model import require_model
from proofs.kernel.rules import assume, combine, rewrite
from proofs.kernel.terms import NONNEGATIVE, POSITIVE, Set, Sum, families, indices, log, numbers
from proofs.open.trace import distributions, opened
from tinygrad_dbn import ops
from tinygrad_dbn.exact import variational

STATES = Set("S")
h, = indices("h", STATES)  # fmt: skip
OMEGA, = families("omega", STATES, sign=NONNEGATIVE)  # fmt: skip
ALPHA, = families("a", STATES, sign=POSITIVE)  # fmt: skip
MEAN, = numbers("A", sign=POSITIVE)  # fmt: skip
THIRDS = Fraction(1, 3), Fraction(2, 3)
_expectation = variational.bound._expectation


@theorem(
    "log E[a] >= E[log a] for the shipped expectation over weights ω >= 0 that sum to 1 and a > 0",
    claim="H1",
    level="A",
    sizes="any number of states; A > 0 is E[a]",
    traced=[_expectation],
    spoiled=[
        Spoiled("weights not normalised", normalised=False),
        Spoiled("the inequality turned round", sign=-1),
        Spoiled("not weighted", mutated(variational.bound, "_expectation", "ops.chain(q, f)", "f")),
        Spoiled(
            "weights squared", mutated(variational.bound, "_expectation", "ops.chain(q, f)", "ops.chain(q, q * f)")
        ),
    ],
)
def test_jensen(normalised=True, sign=1):
    def run(a):
        omega, alpha = a("omega", STATES, sign=NONNEGATIVE, like=distributions), a("a", STATES, sign=POSITIVE)
        return _expectation(omega, alpha), _expectation(omega, ops.log(alpha))

    of_a, of_log = (found() for found in opened(run))
    is_mean = assume(of_a, "==", MEAN)
    given = [is_mean] + [assume(Sum(OMEGA(h), h), "==", 1)] * normalised
    tangents = summed(log_below_tangent(ALPHA(h) / MEAN), h, OMEGA(h))
    thm = derive(sign * (log(MEAN) - of_log), ">=", 0, (1, tangents), given=given)
    as_mean = rewrite(log(of_a), is_mean)
    thm = combine(sign * (log(of_a) - of_log), ">=", 0, (1, thm), (sign, as_mean))
    return require_model(thm, {OMEGA: (*THIRDS, 0), ALPHA: (3, 6, 1), MEAN.family: 5})
