"""What a layer's posterior says of its hidden units, for examples that carry weights: matrix products, and back again.

`matrices.py` takes p(x) = Σ_h p(x | h) p(h) for all examples as the product of a matrix ω of states' weights, high
halves of h by low halves, with factors E_low and E_high of the examples. The posterior is the same terms, unsummed:

    p(h | x_t)  =  E_high[h, t] ω[h] E_low[h, t] / p_t,

and of it the gradient needs r(h) = Σ_t w_t p(h | x_t) and Σ_t w_t E[h | x_t] x_tᵀ. Two products more do both: with
E_high w / p on the left and E_low on the right ω's place is filled by r / ω; and ω itself between them gives the low
half of E[h | x_t], as the sum that made p_t has given the high half.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import RBM, DirectedLayer
from ..states import blocks
from . import enumeration, matrices, sizes
from .batches import in_order, some_rows
from .matrices import Weights, outer, sum_batch, weigh

Floats = NDArray[np.float64]
Parts = tuple[Floats, ...]

STRIPS = 16  # shares of the examples, each summed by one thread: fixed, so that the bits are


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(x) = Σ_h p(x | h) p(h) for T examples, kept so that `posterior` can look back from them to h.

    X: the examples (T, D), or None for every state x. value and error: log p(x), nats, and bounds on its errors,
    (T,) each. scaled: as in `matrices.sum_batch`. high_means: E[h | x] of the high half's units, (H − half, T).
    """

    weights: Weights
    X: Floats | None
    value: Floats
    error: Floats
    scaled: Floats
    high_means: Floats

    def posterior(self, weights: Floats) -> tuple[Floats, Parts]:
        """Moments of the posterior, summed over examples of weights w (T,).

        r(h) = Σ_t w_t p(h | x_t), (2^H,); and (Σ_t w_t E[h | x_t] x_tᵀ, (H, D); Σ_t w_t x_t, (D,)).
        """
        T = len(self.value)
        per_strip = -(-T // (STRIPS * sizes.ROWS)) * sizes.ROWS
        strips = in_order(lambda first: self._strip(first, first + per_strip, weights), range(0, T, per_strip))
        r, *moments = _added(strips)
        return r.reshape(-1), tuple(moments)

    def log_normalisers(self) -> Floats:
        """log Σ_h ω(h) e^(h·v) for every example: (T,), nats, which is log p(x) − (x − ½)·b, by another product."""
        return np.concatenate(list(in_order(self._sum_high_first, range(0, len(self.value), sizes.ROWS))))

    def rows(self, first: int, last: int) -> Floats:
        """Examples first … last − 1, as far as there are any."""
        return some_rows(self.X, first, min(last, len(self.value)), self.weights.layer.W.shape[1])

    def _sum_high_first(self, first: int) -> Floats:
        X, some = self.rows(first, first + sizes.ROWS), slice(first, first + sizes.ROWS)
        v, low, high = matrices.factors(self.weights.layer, X)
        terms = matrices.terms_of(self.weights.omega.T @ outer(*high), *low)
        lost = np.isinf(self.scaled[some])
        value = matrices.log_scaled(np.where(lost, 1.0, terms.total()))
        value = value + np.maximum(v, 0).sum(axis=0) + self.weights.peak
        return np.asarray(np.where(lost, self.value[some] - (X - 0.5) @ self.weights.layer.b, value))

    def _strip(self, first: int, last: int, weights: Floats) -> Parts:
        """r, as a matrix of high by low halves, and both moments, for a share of the examples."""
        layer, omega, by_logarithms = self.weights.layer, self.weights.omega, []
        r, of_h, of_x = np.zeros(omega.shape), np.zeros(layer.W.shape), np.zeros(layer.W.shape[1])
        for start in range(first, min(last, len(self.value)), sizes.ROWS):
            X = self.rows(start, min(start + sizes.ROWS, last))
            some = slice(start, start + len(X))
            w, scaled = weights[some], self.scaled[some]
            _, low, of_high = matrices.factors(layer, X)
            high = outer(*of_high)
            high *= w / scaled
            r += high @ outer(*low).T
            low_means = matrices.terms_of(omega.T @ high, *low).moments()
            of_h += np.concatenate([low_means, self.high_means[:, some] * w]) @ X
            of_x += w @ X
            lost = np.isinf(scaled) & (w > 0)
            if lost.any():
                by_logarithms.append((X[lost], w[lost], self.value[some][lost]))
        r *= omega
        for share in by_logarithms:
            self._by_logarithms(*share, r.reshape(-1), of_h)
        return r, of_h, of_x

    def _by_logarithms(self, X: Floats, w: Floats, value: Floats, r: Floats, of_h: Floats) -> None:
        """Add the same for rows X whose products of factors underflow: T · 2^H exponentials."""
        layer, prior = self.weights.layer, self.weights.prior
        for i, h in enumerate(blocks(layer.W.shape[0], sizes.BATCH)):
            some = slice(i * sizes.BATCH, i * sizes.BATCH + len(h))
            a = layer.visible_logits(h)
            joint = X @ a.T + (prior[some] - ops.softplus(a).sum(axis=1))
            p = w[:, None] * ops.exp(joint - value[:, None])
            r[some] += p.sum(axis=0)
            of_h += (p @ h).T @ X


def mixture(layer: DirectedLayer, X: Floats | None, prior: Floats, error: float) -> Mixture:
    """p(x) for examples X (T, D), or with None for every state x, from log p(h) (2^H,) nats within `error`.

    Each thread computes whole batches.
    """
    visible, weights = layer.W.shape[1], weigh(layer, prior, error)
    T = 1 << visible if X is None else len(X)

    def batch(first: int) -> Parts:
        value, error, scaled, terms = sum_batch(weights, some_rows(X, first, min(first + sizes.ROWS, T), visible))
        return value, error, scaled, terms.moments() / scaled

    parts = zip(*in_order(batch, range(0, T, sizes.ROWS)), strict=True)
    return Mixture(weights, X, *(np.concatenate(part, axis=-1) for part in parts))


def expected_visible(layer: DirectedLayer, r: Floats) -> Parts:
    """Σ_h r(h) h E[x | h]ᵀ, (H, D), and Σ_h r(h) E[x | h], (D,), for weights r of all states h (2^H,)."""
    sums = _moments(RBM(layer.W.T, np.zeros(len(layer.W)), layer.b), r)
    return sums[:-1, :-1].T, sums[:-1, -1]


def expected_hidden(rbm: RBM, w: Floats) -> Parts:
    """Σ_x w(x) E[h | x] xᵀ, Σ_x w(x) x and Σ_x w(x) E[h | x], for weights w of all visible states (2^D,)."""
    sums = _moments(rbm, w)
    return sums[:-1, :-1], sums[-1, :-1], sums[:-1, -1]


def _moments(rbm: RBM, w: Floats) -> Floats:
    """`moments.share_blocks` of all visible states: (H + 1, D + 1)."""
    from .moments import share_blocks  # which imports Numba

    (W, b, _), ranges, filling = enumeration.of(rbm, enumeration.MOMENTS)
    weights = np.pad(w, (0, (len(w) << filling) - len(w)))
    sums, *_ = _added((part,) for part in in_order(lambda some: share_blocks(W, b, weights, *some), ranges))
    return np.delete(sums, range(sums.shape[1] - 1 - filling, sums.shape[1] - 1), axis=1)


def _added(parts: Iterable[Parts]) -> Parts:
    """The sums of several arrays, in the order in which they come."""
    total, *others = parts
    for part in others:
        for a, b in zip(total, part, strict=True):
            a += b
    return total
