"""A product over the bits of a state, for every state: the table for one unit more is twice as long.

Compiled, because a batch of examples takes four such tables, of a handful of passes over little memory each: made of
NumPy's functions, threads wait for one another's interpreter lock as long as they compute.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

import numpy as np

from ...autodiff.kernels.jit import njit


@njit(nogil=True, error_model="numpy")
def doubled(off, on, first, last, scale):
    """scale · Π_(first ≤ j < last) (on if h_j else off)[j] for every state h of those units: (states, T).

    off, on (H, T): a factor of each unit for each of T examples.
    """
    T = on.shape[1]
    out = np.empty((1 << (last - first), T))
    for t in range(T):
        out[0, t] = scale
    for k in range(last - first):
        size = 1 << k
        for s in range(size):
            for t in range(T):
                out[size + s, t] = out[s, t] * on[first + k, t]
                out[s, t] *= off[first + k, t]
    return out
