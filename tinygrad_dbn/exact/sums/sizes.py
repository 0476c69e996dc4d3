"""Sizes and scales that the matrix products over states and the bounds on their errors both read.

A bound that had a copy of one would go wrong without a word when the other changed.
"""

BATCH = 1 << 10  # states at a time in a matrix product, whose factors are to stay in the L2 cache
ROWS = 1 << 9  # examples in a batch: with 2^8 states of half a layer their products take two megabytes
CELLS = 1 << 16  # numbers of a table of (example, state) that a thread works on at a time
SHIFT = 300  # entries reach 2^300, products of three 2^900, sums of 2^26 of them stay finite
MARGIN = 80  # bits that a sum is to stand above everything that can have underflowed in it
