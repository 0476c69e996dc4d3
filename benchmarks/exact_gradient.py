"""What an exact gradient costs beside the likelihood it differentiates.

    python benchmarks/exact_gradient.py

Both run in turn, so that a busy machine slows both; the ratio is the median over the turns.
"""

import time

import numpy as np

import tinygrad_dbn as td

TURNS = 15


def random_rbm(hidden, visible):
    rng = np.random.default_rng(0)
    return td.RBM(rng.normal(0, 0.5, (hidden, visible)), rng.normal(size=visible), rng.normal(size=hidden))


def seconds(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def compare(name, model, width, examples=1000):
    X = np.random.default_rng(1).integers(0, 2, (examples, width)).astype(float)
    both = [
        (
            seconds(lambda: td.exact.log_likelihood(model, X)),
            seconds(lambda: td.exact.gradient(model, X)),
        )
        for _ in range(TURNS + 1)
    ][1:]
    likelihood, gradient = np.median(both, axis=0)
    ratio = np.median([b / a for a, b in both])
    print(f"{name:20s} likelihood {likelihood:8.4f} s  gradient {gradient:8.4f} s  ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    compare("RBM 20 × 24", random_rbm(24, 20), 20)
    compare("RBM 24 × 32", random_rbm(32, 24), 24)
    compare("DBN 64-12-12", td.DBN.from_rbms([random_rbm(12, 64), random_rbm(12, 12)]), 64)
    compare("DBN 64-16-16", td.DBN.from_rbms([random_rbm(16, 64), random_rbm(16, 16)]), 64)
    compare("DBN 64-16-16-16", td.DBN.from_rbms([random_rbm(16, n) for n in (64, 16, 16)]), 64)
