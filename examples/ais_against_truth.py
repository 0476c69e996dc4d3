"""Annealed importance sampling says log Z and how sure it is. Is it right to be that sure?

For small RBMs the exact log Z is known, so the intervals can be held against it: forwards (from a base-rate model up),
which errs low in expectation, and backwards (from the RBM down), which errs high. Do the two disagree where one of them
is wrong?

Run it: python examples/ais_against_truth.py [--plot ais.png]
"""

import sys

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn.extras import needing
from tinygrad_dbn.lab.study.effects import coverage

CHAINS, MODELS = 100, 40


def random_rbm(scale, rng):
    return td.RBM(rng.normal(0, scale, (6, 8)), rng.normal(0, scale, 8), rng.normal(0, scale, 6))


def share(hits):
    """How many intervals hold log Z, and the exact 95 % interval of that share itself."""
    low, high = coverage(hits, MODELS)
    return f"{hits / MODELS:4.0%} [{low:4.0%}, {high:4.0%}]"


rng = np.random.default_rng(0)
print("One RBM, weights of standard deviation 2, by the number of temperatures:\n")
rbm = random_rbm(2.0, rng)
truth = float(td.exact.log_partition(rbm))
for temperatures in (3, 10, 30, 100, 300):
    betas = np.linspace(0, 1, temperatures)
    up = td.exact.annealed(rbm, CHAINS, betas, rng)
    down = td.exact.annealed_backwards(rbm, CHAINS, betas, rng)
    print(f"{temperatures:4d}: [{up.low:6.3f}, {up.high:6.3f}] forwards, worth {up.effective:4.1f} chains;", end=" ")
    print(f"[{down.low:6.3f}, {down.high:6.3f}] backwards; log Z = {truth:.3f}")

print(f"\n{MODELS} RBMs a line: how often does the 95 % interval hold log Z, and how far off is the estimate?\n")
print("weights  temperatures |           forwards   error |          backwards   error  (nats, mean)")
drawn = []
apart = {True: [], False: []}  # whether a pair of intervals do not overlap, by whether both hold log Z
for scale, temperatures in ((0.5, 10), (2.0, 10), (2.0, 100), (6.0, 10), (6.0, 100)):
    betas, hits, errors = np.linspace(0, 1, temperatures), np.zeros(2), np.zeros(2)
    for _ in range(MODELS):
        rbm = random_rbm(scale, rng)
        truth = float(td.exact.log_partition(rbm))
        pair = [estimate(rbm, CHAINS, betas, rng) for estimate in (td.exact.annealed, td.exact.annealed_backwards)]
        right = [found.low <= truth <= found.high for found in pair]
        apart[all(right)].append(max(found.low for found in pair) > min(found.high for found in pair))
        for way, found in enumerate(pair):
            hits[way] += right[way]
            errors[way] += found.log_partition - truth
            if scale == 6.0 and way == 0:
                drawn.append((temperatures, found.low - truth, found.log_partition - truth, found.high - truth))
    up, down = (share(int(count)) for count in hits)
    mean = errors / MODELS
    print(f"{scale:7.1f} {temperatures:13d} | {up:>18} {mean[0]:+7.3f} | {down:>18} {mean[1]:+7.3f}")

print()
for right, what in ((False, "at least one interval misses log Z"), (True, "both hold it")):
    print(f"Of {len(apart[right])} pairs of which {what}, {sum(apart[right])} do not overlap.")

if "--plot" in sys.argv[1:-1]:
    with needing("--plot", "matplotlib"):
        import matplotlib.pyplot as plt

    for i, (temperatures, low, centre, high) in enumerate(drawn):
        plt.plot([i, i], [low, high], "C0" if temperatures == 10 else "C1")
        plt.plot(i, centre, "k.", markersize=3)
    plt.axhline(0, color="k", linewidth=0.8)
    plt.xlabel(f"{MODELS} RBMs with 10 temperatures, {MODELS} with 100; weights of standard deviation 6")
    plt.ylabel("95 % interval − exact log Z (nats)")
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=150)
