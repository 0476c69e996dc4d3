"""How far a float64 result can be from the exact one, for the float64 parameters given: the derivations.

Every sum here is a sum of positive terms. So a relative error of the terms is at most the same relative error of the
sum, and no cancellation can enlarge it. The rest is counting, with u = 2^−53:

* A sum of k numbers, in any order, of which every partial sum is below S: at most (k − 1) u S.
* log(1 + e^a) and log σ(a) move by at most δ when a moves by δ: an error in a logit is no larger in its factor's log.
* `exp`, `log`, `log1p` are taken to be within 2 units in the last place, 4u relative (glibc, musl, macOS and NumPy
  promise 1).
* An exponent's error δ is an error of δ nats, exactly. Relative errors r_k of factors add up to at most
  1.001 Σ r_k nats as long as that is below 10^−4.

* An op of the table is within its row's `ulp`, which is 2 ulp u relative.

Bounds are first-order in u with a factor of 1.001 in front, which is ample for what is of higher order. They are made
from the constants that the computations themselves read: sizes of batches and of tables, powers of two, ulp budgets.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import RBM, DirectedLayer
from . import sizes

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

    With Λ = Σ|W| + Σ|b| + Σ|c|, the largest |exponent| there is, and `sizes.LOW` = 7, `sizes.MIDDLE` = 8, the bound is

        1.001 u ((n + 24) Λ + 16 m + LOW + 2^MIDDLE + 187 + 5 |value|).

    Exponents: a_i(s) is put together from three parts by at most n + 12 roundings of numbers below
    |b_i| + Σ_j |W_ij|, counted to where a unit's logarithm is needed itself; likewise c·s; the block's scale is a
    compensated sum, 3 Λ; taking a power of two out of it, 2 Λ; out of c·s, 2 Λ; the last logarithm and what is added
    to it, 5 Λ. Factors: three exponentials (12 u), a product, a fused multiply-add (2 u at the most without fusing)
    and the multiplication, 16 u each. Sums: 2^LOW states by halves, LOW u; 2^MIDDLE middle patterns in order, less than
    2^MIDDLE u; blocks by compensation, 3 u, and chunks rounded once; the handful of exponentials and products around
    them, 184 u. What underflows: `_underflow`. The result's own rounding, 5 |value|.
    """
    m, n = W.shape
    largest = float(np.abs(W).sum() + np.abs(b).sum() + np.abs(c).sum())
    sums = sizes.LOW + 2**sizes.MIDDLE + 187
    return float(1.001 * U * ((n + 24) * largest + 16 * m + sums + 5 * abs(value))) + _underflow()


def log_weight_error(W: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], value: float) -> float:
    """A bound in nats on the error of c·s + Σ_i log(1 + e^(a_i(s))) for any state s, where these are at most `value`.

    For `free_energies.write_blocks`, with W (m, n), b (m,), c (n,): `_odds_error` and the value's own rounding, 5 u
    |value|.
    """
    m, n = W.shape
    largest = float(np.abs(W).sum() + np.abs(b).sum() + np.abs(c).sum())
    return float(1.001 * (_odds_error(m, n, largest) + 5 * U * abs(value)))


def _odds_error(m: int, n: int, largest: float) -> float:
    """u ((n + 24) Λ + 21 m + 187): the error in nats of one logarithm of a product of m odds, Λ = `largest`.

    Counted as in `log_partition_error`, but for its sums. There the block's scale is taken apart and the logarithm is
    of the whole sum, 7 Λ together; here it is of each product, which is between −Λ and Λ + 0.7 m: 4 u of that, and one
    u for each of two numbers added to it.
    """
    return U * ((n + 24) * largest + 21 * m + 187)


def _underflow() -> float:
    """What a sum of products of odds can lose to underflow, relative to it.

    A product falls at most `sizes.MAX_FALL` nats below the largest possible one, which doubles resolve down to e^−708;
    the 18 nats are for the weights of low and middle bits.
    """
    return math.exp(sizes.MAX_FALL - 690.0)


def free_energy_error(rbm: RBM, X: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bound on |value − F(x)| in nats for rows X (T, D): (T,).

    b·x: D u |b|·x. The logits: (D + 1) u (|c_j| + |W_j|·x), no larger in their softplus. Softplus itself: 2 ulp u, and
    one for what is of second order, of at most |logit| + 1; H of them summed, H u of that. The last subtraction:
    u |value|.
    """
    H, D = rbm.W.shape
    softplus = 2 * ops.softplus.ulp + 1
    logits = X @ np.abs(rbm.W).sum(axis=0) + np.abs(rbm.c).sum()
    error = D * (X @ np.abs(rbm.b)) + (D + H + 2 + softplus) * (logits + H) + np.abs(value)
    return np.asarray(1.001 * U * error)


def largest(prior: NDArray[np.float64]) -> float:
    """max |log p(h)| over the states that are possible."""
    return float(np.abs(prior[np.isfinite(prior)]).max(initial=0.0))


def mixture_error(layer: DirectedLayer, prior: float, value: NDArray[np.float64], error: float) -> NDArray[np.float64]:
    """A bound on |value − log Σ_h p(x | h) p(h)| in nats, (T,), for a prior that is at most `prior`, off by `error`.

    For `matrices.mixture`, with Λ = Σ|W| + Σ|b|, which bounds Σ|a_i| and Σ|v_j|. log ω: `_odds_error`, where c = −½ ΣW
    makes Λ at most half as much again; 5 u of its size; and D u Λ for the sums c and Σb/2. Subtracting from that half,
    adding the prior and taking out the largest: 4 u of their size. v: (D + 1) u Λ; (x − ½)·b and what is added to the
    logarithm: (D + H + 4) u (Λ + size). Factors e^v: 6 u each, H of them. Sums over the halves, in whatever order:
    2^(H/2 + 1) u each. The last logarithm: a number between what `matrices.lost_by_a_term` lets pass and 2^1024, from
    which 2^(3 SHIFT) is taken, has one of at most 0.7 (SHIFT + 1074) nats, and 4 u of that are 3 (SHIFT + 1074) u. The
    value's own rounding: 5 u |value|.

    Underflow: what all 2^H terms can lose (`matrices.lost_by_a_term`) is 2^−MARGIN of a sum that `matrices` lets pass.

    The same figures cover `matrices.by_logarithms`: x·a instead of v; sums over BATCH states and 7 u for each of their
    rescalings; and where it is more than that of log ω, what Σ_i log(1 + e^(a_i)) has: the logits (H + 1) u Λ, each
    softplus and the sum of D of them (D + 4 + 2 ulp) u (Λ + D), softplus's ulp.
    """
    H, D = layer.W.shape
    weights = float(np.abs(layer.W).sum() + np.abs(layer.b).sum())
    size = 2 * weights + D + prior
    by_odds = _odds_error(D, H, 1.5 * weights) / U + 5 * size + D * weights
    by_logarithms = (H + 1) * weights + (D + 4 + 2 * ops.softplus.ulp) * (weights + D)
    logits = max(by_odds, by_logarithms) + (D + 1) * weights
    sums = 2 ** (H // 2 + 2) + sizes.BATCH + 7 * 2**H / sizes.BATCH
    last = 3 * (sizes.SHIFT + 1074)
    total: NDArray[np.float64] = logits + (D + H + 8) * size + 6 * H + sums + last + 5 * np.abs(value)
    return error + 1.001 * U * total + 2.0**-sizes.MARGIN


def moments_error(W: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], added: int) -> float:
    """A bound in nats on the relative error of every sum of `moments.sum_blocks`, of Z and of what Z is divided into.

        1.001 u ((n + 24) Λ + 16 m + 2 (2^LOW + 2^MIDDLE) + 168 + added),

    counted as in `log_partition_error`. What comes on top: the two factors that are divided out, computed again, and
    one of them multiplied back, 16 u each; p_i, 5 u; the division and the products around it, 8 u. Sums: 2^LOW states
    in any order, 2^MIDDLE middle patterns in order, and both again where the bits' shares are taken out; then `added`
    blocks and chunks in order, without compensation. What underflows: `_underflow`.
    """
    m, n = W.shape
    largest = float(np.abs(W).sum() + np.abs(b).sum() + np.abs(c).sum())
    sums = 2 * (2**sizes.LOW + 2**sizes.MIDDLE) + 168
    return float(1.001 * U * ((n + 24) * largest + 16 * m + sums + added)) + _underflow()


def sigmoid_error(W: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bound on the relative error of σ(b_i + W_i·s) in nats for W (m, n), b (m,) and any state s: (m,).

    Whether by `ops.sigmoid` or by `moments.share_blocks`. The logit: at most (n + 12) u (|b_i| + Σ_j |W_ij|), as in
    `log_partition_error`, and log σ moves no more than it does. σ itself: 2 ulp u and 4 u around it; or four
    exponentials, 16 u, and 8 u for two products, a sum, a division and the weight, one of the products twice.
    """
    sizes = np.abs(b) + np.abs(W).sum(axis=1)
    return np.asarray(1.001 * U * ((W.shape[1] + 12) * sizes + max(2 * ops.sigmoid.ulp + 4, 24)))


def sum_error(count: float) -> float:
    """A bound on the relative error, in nats, of a sum of `count` products of positive numbers, or of a mean."""
    return 1.001 * U * (count + 4)


def posterior_error(hidden: int, T: int, error: float) -> float:
    """A bound in nats on what `posteriors.Mixture` adds to the relative error of the weights of T examples.

    `error` bounds that of log p(x) by `mixture_error`, which counts every term's own: so p(h | x), a term by their sum,
    is within twice that. The sums: halves of 2^(hidden/2 + 1) states, batches of ROWS examples and their number.
    """
    return 2 * error + 1.001 * U * (2.0 ** (hidden // 2 + 2) + 2 * sizes.ROWS + T / sizes.ROWS + 40)


def difference_error(a: Any, b: Any, nats_a: Any, nats_b: Any) -> Any:
    """A bound on the error of a − b for expectations a, b ≥ 0 whose relative errors are within nats_a and nats_b.

    The true a is at most a e^nats, so that it is off by at most a (e^nats − 1). The subtraction rounds by u (a + b).
    What underflows where weights are summed, or shared out among states, is below 2^(10 − MARGIN) of their sum, with
    `sizes.MARGIN`: it is added for every entry. And as a and b are between 0 and 1, no bound is above 2.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        bound = np.expm1(nats_a) * a + np.expm1(nats_b) * b + 1.001 * U * (a + b) + 2.0 ** (10 - sizes.MARGIN)
    return np.fmin(bound, 2.0)


def rounding(value: Any) -> Any:
    """A bound on what storing results of that size, and the few additions before, round: 3 u |value|."""
    return 1.001 * 3 * U * np.abs(value)
