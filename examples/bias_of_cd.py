"""Contrastive divergence follows another direction than the gradient. How far off is it, exactly?

The expected update of CD-k is a sum over all runs of its Gibbs chains, so its bias is a number without noise: here at
three moments of a training, from small weights, where chains mix at once, to large ones, where they hardly move.

Run it: python examples/bias_of_cd.py [--plot bias.png]
"""

import sys

import tinygrad_dbn as td
from tinygrad_dbn.extras import needing

data = td.datasets.bars_and_stripes(3)
steps = (1, 2, 5, 10, 25, 100, 1000)
stages = list(td.learning.greedy(data.train, (9, 8), seed=0, epochs=400, rule="ml", rate=0.1, batch=14))
curves = {}

print(f"{data.name}, RBM 9-8 trained by exact maximum likelihood; the best possible is {data.optimum:.3f} nats\n")
print("epoch   log p |" + "".join(f"   CD-{k:<4d}" for k in steps) + "  PCD, stationary")
for epoch in (100, 200, 400):
    rbm = stages[epoch].rbms[0]
    gradient = td.exact.gradient(rbm, data.train)
    found = [td.exact.compare(td.exact.expected_cd(rbm, data.train, k), gradient) for k in steps]
    pcd = td.exact.compare(td.exact.expected_pcd(rbm, data.train), gradient)
    log_p = td.exact.log_likelihood(rbm, data.train).mean()
    print(f"{epoch:5d} {log_p:7.3f} |" + "".join(f" {c.angle:7.2f}°" for c in found) + f"  {pcd.angle:7.2f}°  angle")
    print(f"{'':13} |" + "".join(f" {c.length:8.3f}" for c in found) + f"  {pcd.length:7.3f}   length / gradient's")
    print(f"{'':13} |" + "".join(f" {c.signs:8.1%}" for c in found) + f"  {pcd.signs:7.1%}   signs that agree")
    name, here, there = found[0].worst[0]
    print(f"{'':13} | CD-1 is worst at {name}: {here:+.4f}, where the gradient is {there:+.4f}\n")
    curves[epoch] = [c.angle for c in found]

print("A longer chain is closer. As the weights grow chains mix slower, and the same k is worth less.")

if "--plot" in sys.argv[1:-1]:
    with needing("--plot", "matplotlib"):
        import matplotlib.pyplot as plt

    for epoch, angles in curves.items():
        plt.loglog(steps, angles, "o-", label=f"after {epoch} epochs")
    plt.xlabel("k, rounds of Gibbs sampling")
    plt.ylabel("angle between CD-k and the gradient (degrees)")
    plt.legend()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=150)
