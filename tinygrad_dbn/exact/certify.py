"""How far a float64 result can be from the exact one, for the float64 parameters given: the derivations.

Every sum here is a sum of positive terms. So a relative error of the terms is at most the same relative error of the
sum, and no cancellation can enlarge it. The rest is counting, with u = 2^−53:

* A sum of k numbers, in any order, of which every partial sum is below S: at most (k − 1) u S.
* log(1 + e^a) and log σ(a) move by at most δ when a moves by δ: an error in a logit is no larger in its factor's log.
* `exp`, `log`, `log1p` are taken to be within 2 units in the last place, 4u relative (glibc, musl, macOS and NumPy
  promise 1).
* An exponent's error δ is an error of δ nats, exactly. Relative errors r_k of factors add up to at most
  1.001 Σ r_k nats as long as that is below 10^−4.

Bounds are first-order in u with a factor of 1.001 in front, which is ample for what is of higher order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import RBM, DirectedLayer
from .states import BATCH

U = 2.0**-53
LARGEST = 1e15  # nats: beyond it a float64 logit is not known to an eighth of a nat


def refuse_beyond_doubles(*parameters: NDArray[np.float64]) -> None:
    """Raise ValueError where the parameters' absolute values add up to logits that float64 does not resolve."""
    size = float(sum(np.abs(p).max() * p.size for p in parameters))
    if not size <= LARGEST:
        raise ValueError(
            f"the parameters add up to logits of {size:.3g} nats, which float64 does not resolve to a fraction of a "
            f"nat: nothing exact can be said of them. Scale them down; up to {LARGEST:g} nats in total will do"
        )


def log_partition_error(W: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], value: float) -> float:
    """A bound on |value − log Z| in nats, for `odds.sum_blocks` over the n units of c, with W (m, n), b (m,).

    With Λ = Σ|W| + Σ|b| + Σ|c|, the largest |exponent| there is, the bound is

        1.001 u ((n + 24) Λ + 16 m + 450 + 5 |value|).

    Exponents: a_i(s) is put together from three parts by at most n + 12 roundings of numbers below
    |b_i| + Σ_j |W_ij|, counted to where a unit's logarithm is needed itself; likewise c·s; the block's scale is a
    compensated sum, 3 Λ; taking a power of two out of it, 2 Λ; out of c·s, 2 Λ; the last logarithm and what is added
    to it, 5 Λ. Factors: three exponentials (12 u), a product, a fused multiply-add (2 u at the most without fusing)
    and the multiplication, 16 u each. Sums: 2^7 states by halves, 7 u; 2^8 middle patterns in order, 255 u; blocks by
    compensation, 3 u, and chunks rounded once; the handful of exponentials and products around them, 185 u. What
    underflows is below 2^−130 of what it is added to, by `odds.ROOM`. The result's own rounding, 5 |value|.
    """
    m, n = W.shape
    largest = float(np.abs(W).sum() + np.abs(b).sum() + np.abs(c).sum())
    return float(1.001 * U * ((n + 24) * largest + 16 * m + 450 + 5 * abs(value)))


def free_energy_error(rbm: RBM, X: NDArray[np.float64] | None, value: NDArray[np.float64] | float) -> Any:
    """A bound on |value − F(x)| in nats for rows X (T, D), (T,); with X None one bound for all states.

    b·x: D u |b|·x. The logits: (D + 1) u (|c_j| + |W_j|·x), no larger in their softplus. Softplus itself: 5 u of at
    most |logit| + 1, and H of them summed, H u of that. The last subtraction: u |value|.
    """
    H, D = rbm.W.shape
    every = np.ones((1, D)) if X is None else X
    bias = every @ np.abs(rbm.b)
    logits = every @ np.abs(rbm.W).sum(axis=0) + np.abs(rbm.c).sum()
    error = 1.001 * U * (D * bias + (D + H + 7) * (logits + H) + np.abs(value))
    return float(error[0]) if X is None else error


def largest(prior: NDArray[np.float64]) -> float:
    """max |log p(h)| over the states that are possible."""
    return float(np.abs(prior[np.isfinite(prior)]).max(initial=0.0))


def mixture_error(layer: DirectedLayer, prior: float, value: NDArray[np.float64], error: float) -> NDArray[np.float64]:
    """A bound on |value − log Σ_h p(x | h) p(h)| in nats, (T,), for a prior that is at most `prior`, off by `error`.

    For `matrices.mixture`, with Λ = Σ|W| + Σ|b|, which bounds Σ|a_i| and Σ|v_j|. log ω: the logits (H + 1) u Λ; each
    log cosh and the sum of D of them (D + 8) u (Λ + D). Adding the prior and taking out the largest: 3 u of their size.
    v: (D + 1) u Λ; (x − ½)·b and what is added to the logarithm: (D + H + 4) u (Λ + size). Factors e^v: 6 u each, H of
    them. Sums over the halves, in whatever order: 2^(H/2 + 1) u each. The last logarithm, of a number within e^±900,
    and the value's own rounding: 4000 u + 5 u |value|.

    Underflow: an entry below 2^−1074 is lost before it meets entries of at most 2^600, so that a term loses 2^−467 at
    most; a factor e^−|v| below e^−700 is lost before it meets 2^300 as well, and its term loses 2^−170. All 2^H of them
    are 2^−80 of a sum that `matrices.MARGIN` lets pass.

    The same figures cover `matrices.by_logarithms`: x·a instead of v, log(1 + e^a) instead of log cosh, sums over BATCH
    states and 7 u for each of their rescalings.
    """
    H, D = layer.W.shape
    weights = float(np.abs(layer.W).sum() + np.abs(layer.b).sum())
    size = 2 * weights + D + prior
    logits = (H + 1) * weights + (D + 8) * (weights + D) + (D + 1) * weights
    sums = 2 ** (H // 2 + 2) + BATCH + 7 * 2**H / BATCH
    total: NDArray[np.float64] = logits + (D + H + 7) * size + 6 * H + sums + 4000 + 5 * np.abs(value)
    return error + 1.001 * U * total


def moments_error(W: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], added: int) -> float:
    """A bound in nats on the relative error of every sum of `moments.sum_blocks`, of Z and of what Z is divided into.

        1.001 u ((n + 24) Λ + 16 m + 1000 + added),

    counted as in `log_partition_error`. What comes on top: the four factors that are divided out, computed again, and
    three of them multiplied back, 16 u each; p_i, 5 u; the division and the products around it, 8 u. Sums: 2^7 states
    in any order, 2^8 middle patterns in order, and both again where the bits' shares are taken out, 800 u at the most;
    then `added` blocks and chunks in order, without compensation.
    """
    m, n = W.shape
    largest = float(np.abs(W).sum() + np.abs(b).sum() + np.abs(c).sum())
    return float(1.001 * U * ((n + 24) * largest + 16 * m + 1000 + added))


def sigmoid_error(W: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bound on the relative error of σ(b_i + W_i·s) in nats for W (m, n), b (m,) and any state s: (m,).

    The logit: (n + 1) u (|b_i| + Σ_j |W_ij|), and log σ moves no more than it does. σ itself: 8 u.
    """
    sizes = np.abs(b) + np.abs(W).sum(axis=1)
    return np.asarray(1.001 * U * ((W.shape[1] + 1) * sizes + 8))


def sum_error(count: float) -> float:
    """A bound on the relative error, in nats, of a sum of `count` products of positive numbers, or of a mean."""
    return 1.001 * U * (count + 4)


def posterior_error(hidden: int, T: int, error: float) -> float:
    """A bound in nats on what `posteriors.Mixture` adds to the relative error of the weights of T examples.

    `error` bounds that of log p(x) by `mixture_error`, which counts every term's own: so p(h | x), a term by their sum,
    is within twice that. The sums: halves of 2^(hidden/2 + 1) states, batches of ROWS examples and their number.
    """
    return 2 * error + 1.001 * U * (2.0 ** (hidden // 2 + 2) + 2 * 512 + T / 512 + 40)


def difference_error(a: Any, b: Any, nats_a: Any, nats_b: Any) -> Any:
    """A bound on the error of a − b for expectations a, b ≥ 0 whose relative errors are within nats_a and nats_b.

    The true a is at most a e^nats, so that it is off by at most a (e^nats − 1). The subtraction rounds by u (a + b).
    What underflows where weights are summed, or shared out among states, is below 2^−70 of their sum: it is added for
    every entry. And as a and b are between 0 and 1, no bound is above 2.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        bound = np.expm1(nats_a) * a + np.expm1(nats_b) * b + 1.001 * U * (a + b) + 2.0**-70
    return np.fmin(bound, 2.0)


def rounding(value: Any) -> Any:
    """A bound on what storing results of that size, and the few additions before, round: 3 u |value|."""
    return 1.001 * 3 * U * np.abs(value)
