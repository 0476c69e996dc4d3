# %% [markdown]
# # Proofs
#
# What is proved here is the code that runs: the engine's functions are read on symbols, on rationals and on balls, and
# a small kernel derives what holds for all sizes. `pytest proofs` runs all theorems; this is how they are made.

# %%
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import sympy

import tinygrad_dbn as td

# proofs/ is in the repository, beside the package.
sys.path.insert(0, str(next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "proofs" / "kernel").is_dir())))
from proofs.decide.zero import counterexample, is_zero

# %% [markdown]
# ## Level B: for all parameters, decided on the code's own formula
#
# The gradient that the engine takes of a unit's loss, as a formula, against the textbook's. Zero is decided by the
# arithmetic of polynomials in odds, not by `simplify`.

# %%
w, t = sympy.symbols("w t", real=True)
of_code = td.symbolic.express(lambda w, t: td.grad(lambda w: td.ops.bernoulli_cross_entropy(w, t))(w), (), ())
of_code

# %%
by_name = {s.name: s for s in of_code.free_symbols}
names = sorted(by_name)
claimed = 1 / (1 + sympy.exp(-by_name[names[0]])) - by_name[names[1]]
assert is_zero(of_code - claimed)

# %% [markdown]
# A spoiled version is refused, with a point where it is false and an enclosure of the difference there.

# %%
spoiled = 1 / (1 + sympy.exp(by_name[names[0]])) - by_name[names[1]]
print(counterexample(of_code - spoiled))

# %% [markdown]
# ## Level X: exact, with no rounding anywhere
#
# Where weights are logarithms of rationals, probabilities are rational. The tied network's are the machine's, as
# fractions (claim I4).

# %%
from tinygrad_dbn.autodiff.numbers.rational import log_array

ratios = lambda n: [Fraction(k % 5 + 1, k % 3 + 1) for k in range(n)]
rbm = td.RBM(log_array(np.reshape(ratios(6), (2, 3))), log_array(ratios(3)), log_array(ratios(2)))
states = td.exact.states(3)
of_rbm = [log_p.exp() for log_p in td.exact.log_likelihood(rbm, states)]
of_dbn = [log_p.exp() for log_p in td.exact.log_likelihood(td.DBN.from_tied(rbm), states)]
assert of_rbm == of_dbn
of_rbm

# %% [markdown]
# ## Level E: enclosed
#
# A figure with a rigorous bound on its error, whatever was rounded on the way.

# %%
model = td.RBM.init(4, 3, np.random.default_rng(0), scale=1.0)
value, error = td.exact.certified(td.exact.entropy, model)
print(f"entropy {value:.15f} nats, off by at most {error:.1e}")
assert error < 1e-12

# %% [markdown]
# ## Level A: all sizes
#
# Jensen's inequality for the logarithm, for any finite set of states: from the tangent's inequality, weighted and
# summed. Only the rules of the kernel make a theorem.

# %%
from proofs.kernel.derived import derive, summed
from proofs.kernel.lemmas import log_below_tangent
from proofs.kernel.rules import assume
from proofs.kernel.terms import NONNEGATIVE, POSITIVE, ProofError, Set, Sum, families, indices, log, numbers

STATES = Set("states")
(h,) = indices("h", STATES)
(omega,) = families("omega", STATES, sign=NONNEGATIVE)
(alpha,) = families("a", STATES, sign=POSITIVE)
(A,) = numbers("A", sign=POSITIVE)
mean = assume(Sum(omega(h) * alpha(h), h), "==", A)
normalised = assume(Sum(omega(h), h), "==", 1)
gap = log(A) - Sum(omega(h) * log(alpha(h)), h)
tangent = summed(log_below_tangent(alpha(h) / A), h, omega(h))
derive(gap, ">=", 0, (1, tangent), given=[mean, normalised])

# %% [markdown]
# Turned round it does not follow, and is refused.

# %%
try:
    derive(-gap, ">=", 0, (1, tangent), given=[mean, normalised])
except ProofError as refusal:
    print("refused:", str(refusal)[:100])
else:
    raise AssertionError("a false theorem was derived")
