"""A deep Boltzmann machine beside the deep belief network of the same stack sizes, judged by exact likelihoods.

The lecture names the two in one breath, and says that they are not one model (claim G3). Both are trained greedily on
bars and stripes. Then each climbs its exact likelihood, from where its pre-training left it. The DBN's recognition half
takes no part in that, so its bound falls behind; mean field is found anew.

Run it: python examples/dbm_beside_dbn.py
"""

import numpy as np

import tinygrad_dbn as td

X, sizes = td.datasets.bars_and_stripes(3).train, (9, 6, 5)
settings = {"seed": 0, "epochs": 300, "rate": 0.1, "batch": 14, "scale": 0.1}
dbn = td.learning.greedy_dbn(X, sizes, **settings)
dbm = td.learning.pretrain_dbm(X, sizes, **settings)

kinds = {
    "DBN": (dbn, td.exact.log_likelihood, td.exact.gradient, td.exact.bound),
    "DBM": (dbm, td.exact.dbm_log_likelihood, td.exact.dbm_gradient, lambda m, X: td.exact.mean_field(m, X).bound),
}
step = td.learning.momentum(0.1)
print(f"mean log p of the {len(X)} pictures, nats; the best possible is {td.exact.optimum(X):.3f}\n")
print("           after pre-training        after 300 steps of exact ascent")
print("         log p    bound    gap          log p    bound    gap")
for name, (model, log_likelihood, gradient, bound) in kinds.items():
    figures, velocity = [], step.start(model)
    for i in range(301):
        if i in (0, 300):
            log_p, lower = (float(np.mean(f(model, X))) for f in (log_likelihood, bound))
            figures.append(f"{log_p:8.3f} {lower:8.3f} {log_p - lower:6.3f}")
        model, velocity = step(model, velocity, gradient(model, X))
    print(f"{name}   {'       '.join(figures)}")

# One stack, put together in both ways, is two models.
rbms = [td.RBM(dbm.weights[0], dbm.biases[0], dbm.biases[1]), td.RBM(dbm.weights[1], dbm.biases[1], dbm.biases[2])]
apart = td.exact.log_likelihood(td.DBN.from_rbms(rbms), X).mean() - td.exact.dbm_log_likelihood(dbm, X).mean()
print(f"\nthe DBM's own weights as a DBN: {apart:+.3f} nats")

# What no enumeration reaches is estimated: the DBM is an RBM of its even against its odd layers.
found = td.exact.annealed(dbm.as_rbm(), 200, np.linspace(0, 1, 500), np.random.default_rng(0))
exact = float(td.exact.log_partition(dbm.as_rbm()))
print(f"log Z of the pre-trained DBM: {exact:.4f}, annealed {found.low:.4f} to {found.high:.4f}")
