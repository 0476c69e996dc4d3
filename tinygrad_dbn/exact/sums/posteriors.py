"""What a layer's posterior says of its hidden units, for examples that carry weights: matrix products, and back again.

`matrices.py` takes p(x) = Σ_h p(x | h) p(h) for all examples as the product of a matrix ω of states' weights, high
halves of h by low halves, with factors E_low and E_high of the examples. The posterior is the same terms, unsummed:

    p(h | x_t)  =  E_high[h, t] ω[h] E_low[h, t] / p_t,

and of it the gradient needs r(h) = Σ_t w_t p(h | x_t) and Σ_t w_t E[h | x_t] x_tᵀ. Two products more do both: with
E_high w / p on the left and E_low on the right ω's place is filled by r / ω; and ω itself between them gives the low
half of E[h | x_t], as the sum that made p_t has given the high half.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import ops
from ...models import RBM, DirectedLayer
from ..states import blocks, some_states
from . import certify, matrices, sizes

Floats = NDArray[np.float64]
Parts = tuple[Floats, ...]

STRIPS = 16  # shares of the examples, each summed by one thread: fixed, so that the bits are


class Mixture:
    """p(x) = Σ_h p(x | h) p(h) for examples X (T, D), or with None for every state x, from log p(h) (2^H,) nats.

    value and error, (T,) nats, are log p(x) and a bound as of `matrices.mixture`, where `error` bounds that of the
    prior; `posterior` looks back from the examples to h. All cores of `pool` work, each on batches of its own.
    """

    def __init__(
        self, layer: DirectedLayer, X: Floats | None, prior: Floats, error: float, pool: ThreadPoolExecutor
    ) -> None:
        self.layer, self.X, self.prior, self.prior_error, self.pool = layer, X, prior, error, pool
        self.hidden, visible = layer.W.shape
        self.T = 1 << visible if X is None else len(X)
        self.half, self.largest = self.hidden // 2, certify.largest(prior)
        self.log_omega = matrices.log_omega(layer, prior, pool)
        self.peak = float(self.log_omega.max())
        self.omega = matrices.exponentials(self.log_omega - self.peak).reshape(-1, 1 << self.half)
        parts = list(zip(*spread(pool, self._sum, range(0, self.T, sizes.ROWS)), strict=True))
        self.value, self.error, self.scaled = (np.concatenate(part) for part in parts[:3])
        self.high_means = np.concatenate(parts[3], axis=1)

    def posterior(self, weights: Floats) -> tuple[Floats, Parts]:
        """What examples of weights w (T,) say of the hidden units, and of themselves.

        r(h) = Σ_t w_t p(h | x_t), (2^H,); and (Σ_t w_t E[h | x_t] x_tᵀ, (H, D); Σ_t w_t x_t, (D,)).
        """
        per_strip = -(-self.T // (STRIPS * sizes.ROWS)) * sizes.ROWS
        starts = range(0, self.T, per_strip)
        strips = spread(self.pool, lambda start: self._strip(start, start + per_strip, weights), starts)
        r, *moments = _added(strips)
        return r.reshape(-1), tuple(moments)

    def log_normalisers(self) -> Floats:
        """log Σ_h ω(h) e^(h·v) for every example: (T,), nats, which is log p(x) − (x − ½)·b, by another product."""
        return np.concatenate(list(spread(self.pool, self._sum_high_first, range(0, self.T, sizes.ROWS))))

    def _sum_high_first(self, first: int) -> Floats:
        X, some = self.rows(first, first + sizes.ROWS), slice(first, first + sizes.ROWS)
        v, low, high = self._factors(X)
        low *= self.omega.T @ high
        lost = np.isinf(self.scaled[some])
        mantissa, exponent = np.frexp(np.where(lost, 1.0, low.sum(axis=0)))
        value = (
            np.log(mantissa) + (exponent - 3 * sizes.SHIFT) * matrices.LN2 + np.maximum(v, 0).sum(axis=0) + self.peak
        )
        return np.asarray(np.where(lost, self.value[some] - (X - 0.5) @ self.layer.b, value))

    def rows(self, first: int, last: int) -> Floats:
        last = min(last, self.T)
        return some_states(first, last, self.layer.W.shape[1]) if self.X is None else self.X[first:last]

    def _factors(self, X: Floats) -> tuple[Floats, Floats, Floats]:
        """v = W (x − ½), and the factors E_low (2^half, T) and E_high (2^(H − half), T)."""
        v = self.layer.W @ (X - 0.5).T
        factors = np.exp(-np.maximum(v, 0)), np.exp(np.minimum(v, 0))
        products = matrices.products
        return v, products(factors, 0, self.half), products(factors, self.half, self.hidden)

    def _sum(self, first: int) -> tuple[Floats, Floats, Floats, Floats]:
        """log p, its error, p scaled, and the means of the high half of h, for one batch.

        Where p scaled is lost among what underflows it is inf, so that no product has a share in the posterior.
        """
        X = self.rows(first, first + sizes.ROWS)
        v, low, high = self._factors(X)
        sums = self.omega @ low
        sums *= high
        scaled = sums.sum(axis=0)
        lost = matrices.lost_by_a_term(v)
        certain = scaled >= 2.0 ** (self.hidden + sizes.MARGIN) * lost
        mantissa, exponent = np.frexp(np.where(certain, scaled, 1.0))
        value = np.log(mantissa) + (exponent - 3 * sizes.SHIFT) * matrices.LN2
        value += (X - 0.5) @ self.layer.b + np.maximum(v, 0).sum(axis=0) + self.peak
        if not certain.all():
            value[~certain] = matrices.by_logarithms(self.layer, X[~certain], self.prior)
        error = certify.mixture_error(self.layer, self.largest, value, self.prior_error)
        scaled = np.where(certain, scaled, np.inf)
        return value, error, scaled, _bits(self.hidden - self.half).T @ sums / scaled

    def _strip(self, first: int, last: int, weights: Floats) -> Parts:
        """r, as a matrix of high by low halves, and both moments, for a share of the examples."""
        r = np.zeros(self.omega.shape)
        of_h, of_x = np.zeros(self.layer.W.shape), np.zeros(self.layer.W.shape[1])
        low_states = _bits(self.half).T
        for start in range(first, min(last, self.T), sizes.ROWS):
            X = self.rows(start, min(start + sizes.ROWS, last))
            some = slice(start, start + len(X))
            w, scaled = weights[some], self.scaled[some]
            _, low, high = self._factors(X)
            high *= w / scaled
            r += self.omega * (high @ low.T)
            low *= self.omega.T @ high
            of_h += np.concatenate([low_states @ low, self.high_means[:, some] * w]) @ X
            of_x += w @ X
            lost = np.isinf(scaled) & (w > 0)
            if lost.any():
                self._by_logarithms(X[lost], w[lost], self.value[some][lost], r.reshape(-1), of_h)
        return r, of_h, of_x

    def _by_logarithms(self, X: Floats, w: Floats, value: Floats, r: Floats, of_h: Floats) -> None:
        """Add the same for rows X whose products of factors underflow: T · 2^H exponentials."""
        for i, h in enumerate(blocks(self.hidden, sizes.BATCH)):
            some = slice(i * sizes.BATCH, i * sizes.BATCH + len(h))
            a = self.layer.visible_logits(h)
            joint = X @ a.T + (self.prior[some] - ops.softplus(a).sum(axis=1))
            p = w[:, None] * np.exp(joint - value[:, None])
            r[some] += p.sum(axis=0)
            of_h += (p @ h).T @ X


def _bits(units: int) -> Floats:
    return some_states(0, 1 << units, units)


def expected_visible(layer: DirectedLayer, r: Floats, pool: ThreadPoolExecutor) -> Parts:
    """Σ_h r(h) h E[x | h]ᵀ, (H, D), and Σ_h r(h) E[x | h], (D,), for weights r of all states h (2^H,)."""
    hidden = layer.W.shape[0]

    def batch(first: int) -> Parts:
        h = some_states(first, min(first + sizes.BATCH, 1 << hidden), hidden)
        x = np.asarray(ops.sigmoid(layer.visible_logits(h)))
        x *= r[first : first + sizes.BATCH, None]
        return h.T @ x, x.sum(axis=0)

    return _added(spread(pool, batch, range(0, 1 << hidden, sizes.BATCH)))


def expected_hidden(rbm: RBM, weights: tuple[Floats, Floats], pool: ThreadPoolExecutor) -> tuple[Parts, Parts]:
    """Σ_x w(x) E[h | x] xᵀ, Σ_x w(x) x and Σ_x w(x) E[h | x], for each of two weights w of all visible states."""
    visible = rbm.W.shape[1]

    def batch(first: int) -> Parts:
        x = some_states(first, min(first + sizes.BATCH, 1 << visible), visible)
        h = np.asarray(rbm.hidden_given_visible(x))
        shares = [w[first : first + sizes.BATCH] for w in weights]
        return tuple(part for w in shares for part in ((w[:, None] * h).T @ x, w @ x, w @ h))

    sums = _added(spread(pool, batch, range(0, 1 << visible, sizes.BATCH)))
    return sums[:3], sums[3:]


def spread(pool: ThreadPoolExecutor, f: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
    """f of every item in order, on the threads of `pool` where there is more than one."""
    return pool.map(f, items) if len(items) > 1 else map(f, items)


def _added(parts: Iterable[Parts]) -> Parts:
    """The sums of several arrays, in the order in which they come."""
    total, *others = parts
    for part in others:
        for a, b in zip(total, part, strict=True):
            a += b
    return total
