"""Trees of arrays beside each other: to the last bit, or within a tolerance."""

import numpy as np

from tinygrad_dbn.autodiff.trees import flatten


def leaves(tree):
    """Its arrays, in order."""
    return [np.asarray(leaf) for leaf in flatten(tree)[0]]


def same_bits(one, other):
    """Do two trees of one structure hold the same bits?"""
    return all(a.tobytes() == b.tobytes() for a, b in zip(leaves(one), leaves(other), strict=True))


def assert_close(one, other, rtol=0.0, atol=0.0):
    """Every element of one tree is within rtol · |other| + atol of the other's."""
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
