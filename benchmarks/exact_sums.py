"""How fast log Z is summed, beside the same sum in batched NumPy, and how its time grows with n.

Run it: python benchmarks/exact_sums.py. Medians of seven runs with their range; one process, BLAS threads as found.
"""

import time

import numpy as np

import tinygrad_dbn as td


def batched_numpy(rbm, block=1 << 12):
    """log Σ_h e^{c·h} Π_i (1 + e^{b_i + h·W_i}), 4096 states at a time."""
    n, total = len(rbm.c), -np.inf
    for start in range(0, 1 << n, block):
        h = ((np.arange(start, min(start + block, 1 << n))[:, None] >> np.arange(n)) & 1).astype(float)
        terms = h @ rbm.c + np.logaddexp(0, h @ rbm.W + rbm.b).sum(axis=1)
        peak = terms.max()
        total = np.logaddexp(total, peak + np.log(np.exp(terms - peak).sum()))
    return total


def seconds(f, runs=7):
    f()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return np.median(found), min(found), max(found)


if __name__ == "__main__":
    print(" n   m   ours (s)                      numpy (s)                     numpy / ours   pairs per second")
    for n, m in [(10, 64), (12, 64), (14, 64), (16, 64)]:
        rng = np.random.default_rng(0)
        rbm = td.RBM(rng.normal(0, 0.5, (n, m)), rng.normal(size=m), rng.normal(size=n))
        assert abs(td.exact.log_partition(rbm) - batched_numpy(rbm)) < 1e-9
        ours, peer = seconds(lambda: td.exact.log_partition(rbm)), seconds(lambda: batched_numpy(rbm))  # noqa: B023
        rows = "   ".join(f"{t[0]:.4f} ({t[1]:.4f} to {t[2]:.4f})  " for t in (ours, peer))
        print(f"{n:2d}  {m:2d}   {rows}   {peer[0] / ours[0]:5.2f}          {m * 2**n / ours[0]:.2e}")
