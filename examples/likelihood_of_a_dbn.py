"""The exact likelihood, posterior and KL gap of a small deep belief network.

Run it: python examples/likelihood_of_a_dbn.py
"""

import numpy as np

import tinygrad_dbn as td

rng = np.random.default_rng(0)

# Stack two RBMs: x has 6 units, h1 has 4, h2 has 3.
first = td.RBM(W=rng.normal(size=(4, 6)), b=rng.normal(size=6), c=rng.normal(size=4))
second = td.RBM(W=rng.normal(size=(3, 4)), b=rng.normal(size=4), c=rng.normal(size=3))
dbn = td.DBN.from_rbms([first, second])

# Every x there is. The probabilities are exact, so they sum to one.
X = td.exact.states(6)
log_p = td.exact.log_likelihood(dbn, X)
print(f"sum of p(x) over all {len(X)} states: {np.exp(log_p).sum():.15f}")

# log p(x) = bound + KL (claim H4), each computed in its own way.
audit = td.exact.audit(dbn, X[:3])
for x, p, bound, kl, residual in zip(X, audit.log_likelihood, audit.bound, audit.kl, audit.residual, strict=False):
    print(f"x = {x.astype(int)}: log p {p:9.5f} = bound {bound:9.5f} + KL {kl:.5f}   (residual {residual:.0e})")

# The bound is tight when q is the posterior (claim H3).
tight = td.exact.bound(dbn, X, td.exact.posterior(dbn, X))
print(f"bound at the posterior, largest distance from log p: {np.abs(tight - log_p).max():.1e}")

# A DBN whose second layer is the first one's transpose is the RBM itself (claim I4).
tied = td.exact.log_likelihood(td.DBN.from_tied(first), X)
print(f"tied DBN against RBM, largest difference: {np.abs(tied - td.exact.log_likelihood(first, X)).max():.1e}")
