"""Models and rows for tests, most drawn at random: the same for the same seed, or on from where a generator stands."""

from itertools import pairwise

import numpy as np

import tinygrad_dbn as td


def random_rbm(visible, hidden, weights=0.5, biases=1.0, seed=0):
    """An RBM whose weights and biases have these standard deviations."""
    rng = np.random.default_rng(seed)
    return td.RBM(
        rng.normal(0, weights, (hidden, visible)), rng.normal(0, biases, visible), rng.normal(0, biases, hidden)
    )


def stacked_dbn(*sizes, weights=0.5, biases=1.0, seed=0):
    """A DBN started from random RBMs: its recognition weights are the generative ones."""
    rng = np.random.default_rng(seed)
    return td.DBN.from_rbms([random_rbm(v, h, weights, biases, rng) for v, h in pairwise(sizes)])


def untied_dbn(*sizes, weights=0.5, biases=1.0, seed=0):
    """A DBN whose recognition weights are its own."""
    rng = np.random.default_rng(seed)
    one, other = (stacked_dbn(*sizes, weights=weights, biases=biases, seed=rng) for _ in range(2))
    layers = [td.DirectedLayer(a.W, a.b, b.R, b.c) for a, b in zip(one.layers, other.layers, strict=True)]
    return td.DBN(tuple(layers), one.top)


def dominated(visible, hidden):
    """An RBM of one energy of −2500, at x = (1, 1, …) and h = (1, …), the other units free; no other is below 0."""
    W, b, c = np.zeros((hidden, visible)), np.zeros(visible), np.zeros(hidden)
    W[0, :2], b[:2], c[0] = 5000.0, -1250.0, -5000.0  # −E = 2 · 5000 − 2 · 1250 − 5000
    return td.RBM(W, b, c)


def rows(width, count, seed=9):
    """Examples of zeros and ones: (count, width)."""
    return np.random.default_rng(seed).integers(0, 2, (count, width)).astype(float)
