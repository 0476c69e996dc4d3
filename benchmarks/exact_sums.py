"""How fast the exact sums are: beside this machine's limits, beside batched NumPy, and as the sizes grow.

    python benchmarks/exact_sums.py --quick --plot growth.png
    python benchmarks/exact_sums.py --costs                                       predictions beside measurements alone
    python benchmarks/exact_sums.py --rbms R/bin/python --qucumber Q/bin/python    peers, each in its own environment

What a row is compared with ran in between, so that a busy machine slows both. A ratio is the median over the turns,
with their range, and is marked with its goal; other rows are the best of several runs. The limit of log Z is
`vector_limit.c`, compiled here; that of the layers is this machine's own matrix product.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
from exact_gradient import DBNS, RBMS, beside_likelihood, random_dbn, random_rbm
from goals import marked
from tables import heading, show
from timing import REST, best, in_turns, seconds

import tinygrad_dbn as td
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.blas import one_thread
from tinygrad_dbn.exact import budget
from tinygrad_dbn.exact.sums import float64, matrices

RUNS = 7


def processor_seconds(f):
    start = time.process_time()
    f()
    return time.process_time() - start


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
    float64.sum_chunk(*model, 0, 1)
    rates, limits = [], []
    for _ in range(RUNS):
        limits.append(limit() if limit else np.nan)
        turns = [processor_seconds(lambda: float64.sum_chunk(*model, 0, blocks)) for _ in range(3)]
        rates.append(m * 2**n / min(turns))
    print(f"log Z, n = {n}, m = {m}, one core: {max(rates):.3e} pairs/s of the processor", end="")
    print(f", vector limit {max(limits):.3e}" if limit else "")
    if limit:
        marked("    of the limit", np.array(rates) / limits, at_least=0.85)
    every = m * 2 ** (n + 2) / best(lambda: td.exact.log_partition(random_rbm(m, n + 2)), 5)
    print(f"log Z, n = {n + 2}, m = {m}, {budget.cores()} cores: {every:.3e} pairs/s")
    small = random_rbm(18, m)
    assert abs(td.exact.log_partition(small) - batched_numpy(small)) < 1e-10
    peer = m * 2**18 / best(lambda: batched_numpy(small), 3)
    print(f"batched NumPy, n = 18, m = {m}: {peer:.3e} pairs/s; ours is {every / peer:.0f} times that")


def log_z_as_n_grows(plot=None, m=32):
    sizes = range(20, 28)
    found = [best(lambda n=n: td.exact.log_partition(random_rbm(m, n)), 3) for n in sizes]
    slope, start = np.polyfit(sizes, np.log2(found), 1)
    title = f"log Z, m = {m}, seconds on a log axis; fitted slope {slope:.2f} doublings per unit (the sum's own is 1)"
    bars = ["#" * int(6 * np.log2(t / min(found)) + 6) for t in found]
    width = max(map(len, bars))
    show(
        title,
        ("n", "seconds", ""),
        [(str(n), f"{t:.5f}", bar.ljust(width)) for n, t, bar in zip(sizes, found, bars, strict=True)],
    )
    if plot is not None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.semilogy(sizes, found, "o", base=2, label="measured")
        axes.semilogy(sizes, 2 ** (slope * np.array(sizes) + start), label=f"fitted: {slope:.2f} doublings per unit")
        axes.set(
            xlabel="n, units enumerated", ylabel="seconds", title=f"log Z of an RBM with {m} units on the other side"
        )
        axes.legend()
        figure.savefig(plot, dpi=150)
        print(f"  drawn in {plot}")


def layers_beside_dgemm(n=16):
    """What the sums over layers do a second of their own matrix products' flops, beside those of one large product."""
    rng = np.random.default_rng(0)
    layer = td.models.DirectedLayer.from_rbm(random_rbm(n, n))
    wide = td.models.DirectedLayer.from_rbm(random_rbm(n, 64))
    prior = np.log(rng.dirichlet(np.ones(2**n)))
    A, X = rng.normal(size=(2048, 2048)), rng.integers(0, 2, (10_000, 64)).astype(float)
    product, of_product = (lambda: A @ A), 2 * 2048**3
    below = lambda: matrices.mixture(layer, None, prior, 0.0)
    rows = {
        f"p(h1) from p(h2), n1 = n2 = {n}": (below, 2 * 2.0 ** (2 * n), 0.6),
        f"log p of 10 000 examples of 64 units given p(h1), n1 = {n}": (
            lambda: matrices.mixture(wide, X, prior, 0.0),
            2 * len(X) * 2.0**n,
            0.5,
        ),
    }
    print(f"\nflops a second of sums over layers, as a share of dgemm's, {budget.cores()} cores")
    for name, (f, flops, goal) in rows.items():
        against(name, f, flops, product, of_product, goal)
    cores, budget.cores = budget.cores, lambda: 1
    with one_thread():
        against("the first on one core", below, 2 * 2.0 ** (2 * n), product, of_product, 0.6)
    budget.cores = cores


def against(name, f, flops, product, of_product, goal):
    """Mark how fast f's flops are beside those of a matrix product, in turns."""
    found = in_turns([product, f], RUNS, REST)
    marked(f"    {name}", flops / found[:, 1] / (of_product / found[:, 0]), at_least=goal)


def deep_likelihood():
    dbn = random_dbn(64, 16, 16, 16)
    X = np.random.default_rng(0).integers(0, 2, (1000, 64)).astype(float)
    A = np.random.default_rng(0).normal(size=(2048, 2048))
    error = td.exact.log_likelihood(dbn, X, with_error=True)[1].max()
    print(f"\n64-16-16-16, 1 000 examples: log p within {error:.1e} nats")
    flops = 2 * (2.0**32 + len(X) * 2.0**16)  # h1 from h2, and x from h1; the top layer costs only its width
    against("of dgemm", lambda: td.exact.log_likelihood(dbn, X), flops, lambda: A @ A, 2 * 2048**3, 0.6)


def layered(*sizes):
    return random_dbn(*sizes, scale=0.3)


def cost_cases():
    """Two DBNs and examples, and a call of every quantity, which takes a budget, by its name and sizes."""
    rng = np.random.default_rng(0)
    rows = lambda width, count: rng.integers(0, 2, (count, width)).astype(float)
    digits, flat, deep, small = layered(64, 16, 16), layered(64, 20, 10), layered(64, 13, 12, 11), random_rbm(11, 13)
    betas, wide, narrow = np.linspace(0, 1, 201), rows(64, 500), rows(13, 500)
    cases = {
        "log_partition, 24 × 32": lambda **k: exact.log_partition(random_rbm(24, 32), **k),
        "log_prior, 64-16-16": lambda **k: exact.log_prior(digits, **k),
        "log_likelihood, 64-16-16": lambda **k: exact.log_likelihood(digits, wide, **k),
        "log_likelihood, 64-20-10": lambda **k: exact.log_likelihood(flat, wide, **k),
        "bound, 64-20-10": lambda **k: exact.bound(flat, wide, **k),
        "audit, 64-16-16": lambda **k: exact.audit(digits, wide, **k),
        "audit, 64-20-10": lambda **k: exact.audit(flat, wide, **k),
        "posterior, 64-16-16": lambda **k: exact.posterior(digits, wide, **k),
        "posterior of one, 64-20-10": lambda **k: exact.posterior(flat, wide[0], **k),
        "gradient, 20 × 24": lambda **k: exact.gradient(random_rbm(24, 20), rows(20, 500), **k),
        "gradient, 64-16-16": lambda **k: exact.gradient(digits, wide, **k),
        "conditional_likelihood, 64-20-10": lambda **k: exact.conditional_likelihood(flat, wide, range(32), **k),
        "deep_bound, 64-13-12-11": lambda **k: exact.deep_bound(deep, wide, **k),
        "audit_layers, 64-13-12-11": lambda **k: exact.audit_layers(deep, wide, **k),
        "recognition_gradient, 13-9-8-7": lambda **k: exact.recognition_gradient(layered(13, 9, 8, 7), narrow, **k),
        "best_factorial, 64-9-9, 60 rows": lambda **k: exact.best_factorial(
            layered(64, 9, 9), wide[:60], np.random.default_rng(0), **k
        ),
        "ceiling, 64-16-16": lambda **k: exact.ceiling(digits, wide, **k),
        "log_aggregated_posterior, 64-16-16": lambda **k: exact.log_aggregated_posterior(digits, wide, **k),
        "prior_divergence, 64-16-16": lambda **k: exact.prior_divergence(digits, wide, **k),
        "bound_gain, 64-16-16": lambda **k: exact.bound_gain(digits, digits, wide, **k),
        "entropy of h1, 64-20-10": lambda **k: exact.entropy(flat, 1, **k),
        "unit_means of h1, 64-20-10": lambda **k: exact.unit_means(flat, 1, **k),
        "kl_from_data, 64-20-10": lambda **k: exact.kl_from_data(flat, wide, **k),
        "expected_cd, 13 × 11, k = 3": lambda **k: exact.expected_cd(small, narrow, 3, **k),
        "expected_pcd, 13 × 11": lambda **k: exact.expected_pcd(random_rbm(11, 18), rows(18, 500), **k),
        "expected_wake, 64-11-11": lambda **k: exact.expected_wake(layered(64, 11, 11), wide, **k),
        "expected_sleep, 12-10-10": lambda **k: exact.expected_sleep(layered(12, 10, 10), **k),
        "fisher_information, 13 × 11": lambda **k: exact.fisher_information(small, **k),
        "sample, 64-20-10": lambda **k: exact.sample(flat, 10_000, np.random.default_rng(0), **k),
        "annealed, 500 chains, 200 steps": lambda **k: exact.annealed(digits.top, 500, betas, rng, **k),
        "grad(log_likelihood), 13 × 11": lambda **k: td.grad(lambda m: exact.log_likelihood(m, narrow, **k).mean())(
            small
        ),
        "certified(entropy), 6 × 5": lambda **k: exact.certified(exact.entropy, random_rbm(5, 6), **k),
    }
    return digits, flat, wide, cases


def costs():
    """What every quantity was predicted to take, beside what it takes: medians, and the peak of all arrays.

    On one core, in seconds of the processor: those of a clock are stretched by whatever else a machine does.
    """
    cores, budget.cores = budget.cores, lambda: 1
    digits, flat, wide, cases = cost_cases()
    table, outside = [], 0
    for name, f in cases.items():
        try:
            f(max_seconds=0)
        except exact.TooLarge as refused:
            cost = refused.cost
        f()
        turns = [processor_seconds(f) for _ in range(3)]
        tracemalloc.start()
        f()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        ratios = cost.seconds / np.median(turns), cost.held / peak
        outside += not 0.5 <= ratios[0] <= 2
        cells = [f"{x:.3f}" for x in (cost.seconds, np.median(turns), ratios[0])]
        table.append((name, *cells, f"{cost.held / 1e6:.1f}", f"{peak / 1e6:.1f}", f"{ratios[1]:.2f}"))
    columns = ("", "s predicted", "measured", "ratio", "MB predicted", "measured", "ratio")
    show(f"costs on one core; {outside} of {len(cases)} predictions of seconds are off by more than 2", columns, table)
    for name, dbn in (("64-16-16", digits), ("64-20-10", flat)):
        turns = [
            [processor_seconds(lambda f=f: f(dbn, wide)) for f in (exact.log_likelihood, exact.audit)]  # noqa: B023
            for _ in range(RUNS)
        ]
        ratios = [audit / likelihood for likelihood, audit in turns]
        marked(f"audit ÷ log_likelihood of 500 rows of {name}", ratios, at_most=3)
    budget.cores = cores


def log_z_of_32():
    rbm = random_rbm(32, 32)
    t = seconds(lambda: td.exact.log_partition(rbm))
    print(f"log Z, m = n = 32, {budget.cores()} cores: {t:.2f} s", flush=True)


_PEAK = """
import resource, sys, numpy as np, tinygrad_dbn as td
unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
model = lambda n: td.RBM(np.random.default_rng(0).normal(size=(32, n)), np.zeros(n), np.zeros(32))
td.exact.log_partition(model(4))
before = peak()
td.exact.log_partition(model(int(sys.argv[1])))
print(before, peak())
"""


def memory():
    """Of a process that does nothing else. At n = 4 it is all Python, NumPy and the compiler's own."""
    for n in (20, 26):
        done = subprocess.run([sys.executable, "-c", _PEAK, str(n)], capture_output=True, text=True, check=True)
        before, after = map(float, done.stdout.split())
        print(f"log Z, n = {n}: the process's peak rises by {after - before:.1f} MB from {before:.0f} MB at n = 4")


# ---- Peers: programs for interpreters that have them; W, b, c come in a file, log Z and seconds go out -------------

_READ = """
import sys, time, numpy as np
given = np.load(sys.argv[1])
W, b, c = given["W"], given["b"], given["c"]
def best(f, runs=3):
    found = []
    for _ in range(runs):
        start = time.perf_counter(); value = f(); found.append(time.perf_counter() - start)
    print(float(value), min(found))
"""
_PEERS = {
    "rbms": """
import torch
from rbms.partition_function.exact import compute_partition_function
from rbms.bernoulli_bernoulli.classes import BBRBM
tensor = torch.tensor
model = BBRBM(weight_matrix=tensor(W.T.copy()), vbias=tensor(b), hbias=tensor(c))
states = torch.tensor((np.arange(2 ** len(c))[:, None] >> np.arange(len(c)) & 1).astype(float))
best(lambda: compute_partition_function(model, states))
""",
    "qucumber": """
import torch, warnings
warnings.simplefilter("ignore")
from qucumber.rbm import BinaryRBM
model = BinaryRBM(W.shape[1], W.shape[0], gpu=False)
for name, value in (("weights", W), ("visible_bias", b), ("hidden_bias", c)):
    getattr(model, name).data = torch.tensor(value)
states = torch.tensor((np.arange(2 ** len(b))[:, None] >> np.arange(len(b)) & 1).astype(float))
best(lambda: model.partition(states).log())
""",
}


def peers(pythons, n=18, m=32):
    """log Z beside packages that compute it. They need the states in memory, so n is small."""
    rbm = random_rbm(m, n, 0.1)
    exact = td.exact.log_partition(rbm)
    ours = best(lambda: td.exact.log_partition(rbm), RUNS)
    rows = [("tinygrad_dbn", f"{1000 * ours:.2f}", "1.0")]
    with tempfile.TemporaryDirectory() as folder:
        for name, python in pythons.items():
            model = rbm if name == "qucumber" else td.RBM(rbm.W.T, rbm.c, rbm.b)  # rbms goes over the hidden side
            np.savez(Path(folder) / "model.npz", W=model.W, b=model.b, c=model.c)
            command = [python, "-c", _READ + _PEERS[name], str(Path(folder) / "model.npz")]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                print(f"{name} is left out: {done.stderr.strip().splitlines()[-1]}; write --{name} OTHER/bin/python")
                continue
            value, t = map(float, done.stdout.split())
            assert abs(value - exact) < 1e-8 * abs(exact), (name, value, exact)
            rows.append((name, f"{1000 * t:.2f}", f"{t / ours:.1f}"))
    show(f"log Z, n = {n}, m = {m}, equal to 8 digits", ("", "ms", "÷ ours"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tinygrad-dbn bench exact", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out what takes seconds: m = n = 32, three layers")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the seconds against n")
    for name in _PEERS:
        parser.add_argument(
            f"--{name}", default=sys.executable, metavar="PYTHON", help=f"an interpreter that has {name}"
        )
    parser.add_argument("--costs", action="store_true", help="nothing but predicted costs beside measured ones")
    options = parser.parse_args()
    heading()
    if options.costs:
        costs()
        sys.exit()
    log_z_beside_the_limit()
    peers({name: getattr(options, name) for name in _PEERS})
    log_z_as_n_grows(options.plot)
    memory()
    beside_likelihood(RBMS, DBNS)
    layers_beside_dgemm()
    costs()
    if not options.quick:
        deep_likelihood()
        log_z_of_32()
