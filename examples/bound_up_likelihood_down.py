"""Greedy training raises a bound. The likelihood below it can fall all the while (claim I6).

An RBM is trained on bars and stripes by CD-1. A second one, fresh from small weights, is put on top and trained by
exact gradient ascent on the variational bound: nothing is sampled there, so every figure is the true one.

Run it: python examples/bound_up_likelihood_down.py [--plot run.png]
"""

import sys

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn.extras import needing

data = td.datasets.bars_and_stripes(2)
X = data.train
*_, trained = td.learning.greedy(X, (4, 4), seed=0, epochs=400, rule="cd", rate=0.1, batch=20)
first = td.DirectedLayer.from_rbm(trained.rbms[0])
start = td.DBN((first,), td.RBM.init(4, 4, np.random.default_rng(0)))


def climb(dbn, steps, rate=0.5):
    """The DBN before and after each step up the exact gradient of the mean bound, its first layer fixed."""
    gradient = td.grad(lambda top: td.exact.bound(td.DBN(dbn.layers, top), X).mean())
    step, top = td.learning.sgd(rate), dbn.top
    velocity = td.learning.optimisers.at_rest(top)
    yield dbn
    for _ in range(steps):
        top, velocity = step(top, velocity, gradient(top))
        yield td.DBN(dbn.layers, top)


run = [(dbn, td.exact.audit(dbn, X)) for dbn in climb(start, 60)]
bound, log_p = (np.array([getattr(a, name).mean() for _, a in run]) for name in ("bound", "log_likelihood"))
print("step    bound    log p      gap   (means over the data, nats)")
for step in (0, 3, 6, 9, 12, 20, 30, 60):
    fell = "   the likelihood is falling" if step and log_p[step] < log_p[step - 1] else ""
    print(f"{step:4d} {bound[step]:8.4f} {log_p[step]:8.4f} {log_p[step] - bound[step]:8.4f}{fell}")
assert (np.diff(bound) > 0).all(), "every step raised the bound"

top = td.exact.ceiling(start, X)
print(f"\nhighest likelihood {log_p.max():.4f} after {log_p.argmax()} steps, {log_p[-1]:.4f} at the end")
print(f"the bound's ceiling over all priors is {top.bound:.4f}; the likelihood there is {top.log_likelihood:.4f}")
gain, divergences = td.exact.bound_gain(start, run[-1][0], X)
print(f"gain of the bound {gain:.6f} = KL(q̄‖old) − KL(q̄‖new) {divergences:.6f}")

# Started at the first RBM's transpose the bound is tight. What raises it then keeps the likelihood above its start.
tied = td.DBN.from_tied(trained.rbms[0])
*_, last = climb(tied, 60)
before, after = (td.exact.audit(dbn, X) for dbn in (tied, last))
print(f"\nstarted tied: bound {before.bound.mean():.4f} → {after.bound.mean():.4f}, ", end="")
print(f"log p {before.log_likelihood.mean():.4f} → {after.log_likelihood.mean():.4f}")

if "--plot" in sys.argv[1:-1]:
    with needing("--plot", "matplotlib"):
        import matplotlib.pyplot as plt

    plt.fill_between(range(61), bound, log_p, alpha=0.2, label="gap: KL(q‖p)")
    plt.plot(log_p, label="log p(x), exact")
    plt.plot(bound, label="variational bound")
    plt.ylim(bound[9], log_p.max() + 0.02)
    plt.xlabel("steps of the second layer")
    plt.ylabel("nats per example")
    plt.legend()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=150)
