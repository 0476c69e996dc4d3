"""The centred gradient of an RBM (claim G0): any rule's direction, as if x and h were centred about their means.

Written with x − μ and h − λ for x and h, the energy has the same distributions for other biases (Montavon & Müller
2012; Melchior, Fischer & Wiskott 2016). The step of steepest ascent differs: the one in centred parameters does not
depend on whether a unit's on and off are exchanged, as the plain one does. Led back to the RBM's own parameters it is a
linear map of the plain direction, and a positive one: from the gradient of the likelihood it is an ascent too.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ..exact.data import need_linear
from .rules import check_rows


def centred(rbm: Any, direction: Any, X: Any) -> Any:
    """The centred direction for a plain one of any rule on rows X (T, D), shaped like the RBM.

    With μ the mean of X and λ that of p(h | x) over X: ∇W − λ ∇bᵀ − ∇c μᵀ = ∇'W, then ∇b − ∇'Wᵀλ and ∇c − ∇'W μ.
    x are zeros and ones, or units of K values. Raises ValueError for others, and for X that is not at least one row of
    finite numbers.
    """
    need_linear(rbm)
    check_rows(rbm, "X", X)
    mean, hidden = np.mean(X, axis=0), np.mean(rbm.hidden_given_visible(X), axis=0)
    W = direction.W - np.outer(hidden, direction.b) - np.outer(direction.c, mean)
    return replace(direction, W=W, b=direction.b - hidden @ W, c=direction.c - W @ mean)
