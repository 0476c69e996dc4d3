"""Sizes and scales that the sums over states and the bounds on their errors both read.

They are here once, so that a bound cannot disagree with the computation that it bounds.
"""

BATCH = 1 << 10  # states at a time in a matrix product, whose factors are to stay in the L2 cache
ROWS = 480  # examples in a batch: a table of products with 2^8 states of half a layer takes a megabyte. Not 512: where
# rows are of 4 kB, a processor takes a load from one to depend on a store to another, and waits
STATES = 4 * ROWS  # states of the layer below in a batch: of them there are many, and a longer batch is less to set up
CELLS = 1 << 16  # numbers of a table of (example, state) that a thread works on at a time
SHIFT = 300  # entries reach 2^300, products of three 2^900, sums of 2^26 of them stay finite
MARGIN = 80  # bits that a sum is to stand above everything that can have underflowed in it

# Of the products of odds, in `odds.py`, `moments.py` and `free_energies.py`.
LOW = 7  # rows of 2^7 low states: four of them are 4 kB of e^τ
MIDDLE = 8  # one exponential per unit and block, for all of its 2^(7+8) states
MAX_FALL = 600.0  # nats that a product may fall below 1 within a double, of 708
UNITS = 800  # factors, each at most 2, that a product may have: it stays below e^555
FAR = 2200  # a power of two below which a term adds nothing to another
NOTHING = -(1 << 60)  # the exponent of an empty sum
