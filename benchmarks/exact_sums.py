"""How fast the exact sums are: beside this machine's limits, beside batched NumPy, and as the sizes grow.

    python benchmarks/exact_sums.py

Each row is the best of several runs, and what it is compared with ran in between, so that a busy machine slows both.
The limit of log Z is `vector_limit.c`, compiled here; that of the layers is this machine's own matrix product.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.blas import one_thread
from tinygrad_dbn.exact import budget, matrices, of_floats

RUNS = 7


def seconds(f, runs=RUNS):
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return min(found)


def random_rbm(hidden, visible, scale=0.5):
    rng = np.random.default_rng(0)
    return td.RBM(rng.normal(0, scale, (hidden, visible)), rng.normal(size=visible), rng.normal(size=hidden))


def batched_numpy(rbm, block=1 << 12):
    """log Σ_h e^{c·h} Π_i (1 + e^{b_i + h·W_i}) over the hidden units, 4096 states at a time."""
    n, total = len(rbm.c), -np.inf
    for start in range(0, 1 << n, block):
        h = ((np.arange(start, min(start + block, 1 << n))[:, None] >> np.arange(n)) & 1).astype(float)
        terms = h @ rbm.c + np.logaddexp(0, h @ rbm.W + rbm.b).sum(axis=1)
        peak = terms.max()
        total = np.logaddexp(total, peak + np.log(np.exp(terms - peak).sum()))
    return total


def vector_limit():
    """A function that measures the limit now, in pairs per second of one core; None without a C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None
    program = str(Path(tempfile.mkdtemp()) / "vector_limit")
    source = str(Path(__file__).with_name("vector_limit.c"))
    subprocess.run([compiler, "-O3", "-march=native", "-o", program, source], check=True)
    return lambda: float(subprocess.check_output([program]))


def log_z_beside_the_limit(n=24, m=32):
    rbm, limit = random_rbm(m, n), vector_limit()
    model, blocks = (rbm.W, rbm.c, rbm.b), 1 << (n - 15)
    of_floats.sum_chunk(*model, 0, 1)
    rates, limits = [], []
    for _ in range(RUNS):
        limits.append(limit() if limit else np.nan)
        rates.append(m * 2**n / seconds(lambda: of_floats.sum_chunk(*model, 0, blocks), 3))
    print(f"log Z, n = {n}, m = {m}, one core: {max(rates):.3e} pairs/s", end="")
    print(f", vector limit {max(limits):.3e}, ratio {max(rates) / max(limits):.2f}" if limit else "")
    every = m * 2 ** (n + 2) / seconds(lambda: td.exact.log_partition(random_rbm(m, n + 2)), 5)
    print(f"log Z, n = {n + 2}, m = {m}, {budget.cores()} cores: {every:.3e} pairs/s")
    small = random_rbm(18, m)
    assert abs(td.exact.log_partition(small) - batched_numpy(small)) < 1e-10
    peer = m * 2**18 / seconds(lambda: batched_numpy(small), 3)
    print(f"batched NumPy, n = 18, m = {m}: {peer:.3e} pairs/s; ours is {every / peer:.0f} times that")


def log_z_as_n_grows(m=32):
    sizes = range(18, 26)
    found = [seconds(lambda n=n: td.exact.log_partition(random_rbm(m, n)), 3) for n in sizes]
    slope = np.polyfit(sizes, np.log2(found), 1)[0]
    print(f"\nlog Z, m = {m}, seconds on a log axis; fitted slope {slope:.2f} doublings per unit (the sum's own is 1)")
    for n, t in zip(sizes, found, strict=True):
        print(f"{n:4d} {t:9.5f} s  {'#' * int(6 * np.log2(t / 1e-5))}")


def layers_beside_dgemm(n=16):
    rng = np.random.default_rng(0)
    layer = td.models.DirectedLayer.from_rbm(random_rbm(n, n))
    prior = np.log(rng.dirichlet(np.ones(2**n)))
    A = rng.normal(size=(2048, 2048))
    cores, rates, limits = budget.cores(), [], []
    for _ in range(RUNS):
        limits.append(2 * 2048**3 / seconds(lambda: A @ A, 2))
        rates.append(2 * 2.0 ** (2 * n) / seconds(lambda: matrices.layer_below(layer, prior, 0.0), 1))
    print(f"\np(h1) from p(h2), n1 = n2 = {n}, {cores} cores: {max(rates):.3e} flop/s", end="")
    print(f", dgemm {max(limits):.3e}, ratio {max(rates) / max(limits):.2f}")
    budget.cores = lambda: 1
    with one_thread():
        pairs = [
            (seconds(lambda: A @ A, 1), seconds(lambda: matrices.layer_below(layer, prior, 0.0), 1))
            for _ in range(RUNS)
        ]
    budget.cores = lambda: cores
    limit, rate = (2 * 2048**3 / min(p[0] for p in pairs), 2 * 2.0 ** (2 * n) / min(p[1] for p in pairs))
    print(f"the same on one core: {rate:.3e} flop/s, dgemm {limit:.3e}, ratio {rate / limit:.2f}")
    wide = td.models.DirectedLayer.from_rbm(random_rbm(n, 64))
    X = rng.integers(0, 2, (10_000, 64)).astype(float)
    t = seconds(lambda: matrices.mixture(wide, lambda first, last: X[first:last], len(X), prior, 0.0), 3)
    print(
        f"log p of 10 000 examples of 64 units given p(h1), n1 = {n}: {t:.3f} s, {2 * len(X) * 2.0**n / t:.3e} flop/s"
    )
    print(f"    as much as {2 * len(X) * 2.0**n * 64 / t:.3e} flop/s of forming the 10 000 × 2^{n} logits one by one")


def deep_likelihood():
    dbn = td.DBN.from_rbms([random_rbm(16, 64), random_rbm(16, 16), random_rbm(16, 16)])
    X = np.random.default_rng(0).integers(0, 2, (1000, 64)).astype(float)
    t = seconds(lambda: td.exact.log_likelihood(dbn, X), 3)
    error = td.exact.log_likelihood(dbn, X, with_error=True)[1].max()
    print(f"\n64-16-16-16, 1 000 examples, log p with its bound ({error:.1e} nats): {t:.2f} s")


if __name__ == "__main__":
    log_z_beside_the_limit()
    log_z_as_n_grows()
    layers_beside_dgemm()
    deep_likelihood()
