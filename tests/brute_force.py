"""The definitions, summed state by state: slow, obvious, and independent of the library."""

from itertools import product

import numpy as np


def sigm(a):
    return 1 / (1 + np.exp(-a))


def bernoulli(x, a):
    """Π_i p(x_i) for logits a, without forming 1 − p."""
    return np.prod(sigm(np.where(x == 1, a, -a)))


def states(n):
    """All states of n units in the library's order: unit 0 changes fastest."""
    return [np.array(s[::-1], float) for s in product((0, 1), repeat=n)]


def energy(rbm, x, h):
    return -(h @ rbm.W @ x + rbm.c @ h + rbm.b @ x)


def rbm_joint(rbm):
    """p(x, h) as a table (2^D, 2^H)."""
    H, D = rbm.W.shape
    weights = np.array([[np.exp(-energy(rbm, x, h)) for h in states(H)] for x in states(D)])
    return weights / weights.sum()


def conditional(W, b):
    """p(x | h) of independent units whose logits are b + h W, as a table (2^D, 2^H)."""
    H, D = W.shape
    return np.array([[bernoulli(x, h @ W + b) for h in states(H)] for x in states(D)])


def dbn_joint(dbn):
    """p(x, h1, …, hL) as a table (2^D, 2^n1, …, 2^nL): the top pair's table times one of p(lower | upper) a layer."""
    joint = rbm_joint(dbn.top)
    for layer in reversed(dbn.layers):
        given = conditional(layer.W, layer.b)
        joint = given.reshape(*given.shape, *[1] * (joint.ndim - 1)) * joint
    return joint


def dbn_joint_with_h1(dbn):
    """p(x, h1) as a table (2^D, 2^n1)."""
    joint = dbn_joint(dbn)
    return joint.sum(axis=tuple(range(2, joint.ndim)))


def recognition_joint(dbn):
    """q(h1, …, h(L−1) | x) as a table (2^D, 2^n1, …, 2^n(L−1)): a table of q(upper | lower) a layer, multiplied up."""
    q = np.ones(2 ** dbn.sizes[0])
    for layer in dbn.layers:
        q = q[..., None] * conditional(layer.R.T, layer.c).T
    return q


def row(x):
    """The number of a state, as its place in the tables above."""
    return sum(int(bit) << j for j, bit in enumerate(x))
