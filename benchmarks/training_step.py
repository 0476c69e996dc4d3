"""One eager training step of a sigmoid–softmax net, beside the same step written by hand in NumPy.

Run it: python benchmarks/training_step.py. Medians of repeated batches of steps, with their range, in microseconds.
"""

import time

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.trees import tree_map


def by_hand(net, x, y, rate=0.01):
    (W1, W2), (b1, b2) = net.weights, net.biases
    h = 1 / (1 + np.exp(-(x @ W1.T + b1)))
    a = h @ W2.T + b2
    e = np.exp(a - a.max(axis=1, keepdims=True))
    g = e / e.sum(axis=1, keepdims=True)
    g[np.arange(len(y)), y] -= 1
    g /= len(y)
    gh = (g @ W2) * h * (1 - h)
    return W1 - rate * (gh.T @ x), W2 - rate * (g.T @ h), b1 - rate * gh.sum(axis=0), b2 - rate * g.sum(axis=0)


def by_engine(net, x, y, rate=0.01):
    gradient = td.grad(lambda n: n.nll(x, y).mean())(net)
    return tree_map(lambda p, g: p - rate * g, net, gradient)


def microseconds(f, repeats):
    f()
    found = []
    for _ in range(9):
        start = time.perf_counter()
        for _ in range(repeats):
            f()
        found.append((time.perf_counter() - start) / repeats * 1e6)
    return np.median(found), min(found), max(found)


if __name__ == "__main__":
    print("sizes, batch          engine (µs)                 numpy by hand (µs)          numpy / engine")
    for sizes, batch, repeats in [((16, 16, 10), 16, 200), ((64, 128, 10), 32, 100), ((784, 500, 10), 32, 10)]:
        rng = np.random.default_rng(0)
        net = td.FeedForward.init(sizes, rng)
        x, y = rng.random((batch, sizes[0])), rng.integers(0, 10, batch)
        new = by_engine(net, x, y)
        for p, q in zip((*new.weights, *new.biases), by_hand(net, x, y), strict=True):
            assert np.allclose(p, q, rtol=1e-12)
        ours = microseconds(lambda: by_engine(net, x, y), repeats)  # noqa: B023
        peer = microseconds(lambda: by_hand(net, x, y), repeats)  # noqa: B023
        rows = "   ".join(f"{t[0]:7.0f} ({t[1]:.0f} to {t[2]:.0f})".ljust(26) for t in (ours, peer))
        print(f"{'-'.join(map(str, sizes)) + f', {batch}':18s}  {rows}  {peer[0] / ours[0]:.2f}")
