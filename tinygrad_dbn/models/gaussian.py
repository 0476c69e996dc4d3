"""The RBM of real visible units, and the directed layer that is its lower half (claim G0 with other visible units).

Hinton & Salakhutdinov 2006 with σ_i = 1; with the variances learned, in the form of Cho, Ilin & Raiko 2011 and
Melchior, Wang & Wiskott 2017, in which a column of W is how far its unit moves the mean, whatever the variances:

    E(x, h) = Σ_i (x_i − b_i)² / 2σ_i² − cᵀh − hᵀW(x / σ²),       x ∈ ℝ^D, h ∈ {0,1}^H.

Each state of h adds a normal density of mean b + hW, so p(x) is a mixture of 2^H of them, all of variances σ².
"""

from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .rbm import DirectedLayer
from .restricted import Restricted, small_weights
from .validation import adopt, data, parameter

LOG_TAU = log(2 * pi)


@dataclass(frozen=True, eq=False)
class GaussianRBM(Restricted):
    """The energy above, and p(x, h) ∝ exp(−E), a density in x.

    W (H, D); b (D,) the means at h = 0, c (H,) the hidden biases; log_variance (D,) log σ², zeros unless given. With
    learns_variance=False every gradient in log_variance is zero, so that no training moves it.
    Raises ValueError for shapes that do not fit, for NaN or inf, and for a learns_variance other than True and False.

    >>> GaussianRBM([[1.0]], [0.0], [0.0]).visible_given_hidden(np.array([[0.0], [1.0]]))
    array([[0.],
           [1.]])
    """

    W: Value
    b: Value
    c: Value
    log_variance: Value = None
    learns_variance: bool = True
    units = "real"
    made_of = "finite numbers"
    hidden_is_smaller = True
    """Sums over states are those over h: x has none."""

    def __post_init__(self) -> None:
        if not isinstance(self.learns_variance, bool):
            raise ValueError(f"learns_variance={self.learns_variance!r}: write True or False")
        W = parameter("W", self.W, (None, None))
        hidden, visible = W.shape
        adopt(
            self,
            W=W,
            b=parameter("b", self.b, (visible,)),
            c=parameter("c", self.c, (hidden,)),
            log_variance=log_variances(self.log_variance, W),
        )

    @classmethod
    def for_data(
        cls, X: Any, hidden: int, rng: Random, scale: float = 0.01, learns_variance: bool = True
    ) -> "GaussianRBM":
        """Small normal weights of standard deviation `scale`; means and variances those of the columns of X (T, D).

        With learns_variance=False variances of 1, for data that are scaled to it (Hinton & Salakhutdinov 2006).
        All in the width of X. Raises ValueError for fewer than one hidden unit, for NaN or inf, and for a column that
        does not vary where its variance is wanted.
        """
        X = data(X)
        varies = X.max(axis=0) > X.min(axis=0)
        if learns_variance and not varies.all():
            i = int(np.argmin(varies))
            raise ValueError(
                f"column {i} of the data is {X[0, i]} throughout, a density without width: leave it out, or say "
                "learns_variance=False for variances of 1"
            )
        variances = X.var(axis=0) if learns_variance else np.ones(X.shape[1], X.dtype)
        W = small_weights(X.shape[1], hidden, generator(rng), scale, X.dtype)
        return cls(W, X.mean(axis=0), np.zeros(hidden, X.dtype), np.log(variances), learns_variance)

    @property
    def precision(self) -> Value:
        """1 / σ²: (D,)."""
        return ops.exp(-self._log_variance)

    @property
    def _log_variance(self) -> Value:
        return self.log_variance if self.learns_variance else ops.stop_gradient(self.log_variance)

    def energy(self, x: Value, h: Value) -> Value:
        """E(x, h) for x (…, D) and h (…, H): (…,), nats."""
        return self.visible_energy(x) - ops.sum(h * self.hidden_logits(x), axis=-1)

    def visible_energy(self, x: Value) -> Value:
        """E(x, 0) = Σ_i (x_i − b_i)² / 2σ_i²: (…,), nats."""
        return ops.sum(ops.square(x - self.b) * self.precision, axis=-1) / 2

    def free_energy(self, x: Value) -> Value:
        """F(x) = Σ_i (x_i − b_i)² / 2σ_i² − Σ_j softplus(c_j + W_j·(x / σ²)), so that p(x) = exp(−F(x)) / Z."""
        return self.visible_energy(x) - ops.sum(ops.softplus(self.hidden_logits(x)), axis=-1)

    def hidden_free_energy(self, h: Value) -> Value:
        """−log ∫ exp(−E(x, h)) dx = −cᵀh − Σ_i [m_i (m_i + 2b_i) / 2σ_i² + ½ log 2πσ_i²], m = hW: (…,), nats."""
        m = ops.matmul(h, self.W)
        gained = ops.sum(m * (m + 2 * self.b) * self.precision, axis=-1)
        return -(ops.matmul(h, self.c) + (gained + log_volume(self._log_variance)) / 2)

    def hidden_logits(self, x: Value) -> Value:
        """log p(h_j = 1 | x) / p(h_j = 0 | x) = c_j + W_j·(x / σ²): (…, H), nats."""
        return ops.matmul(x * self.precision, self.W.T) + self.c

    def visible_given_hidden(self, h: Value) -> Value:
        """E[x | h] = b + hW, the mean of a normal density of variances σ²: (…, D)."""
        return ops.matmul(h, self.W) + self.b

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return normal(mean, self.log_variance, generator(rng))

    def _start(self, count: int, rng: np.random.Generator) -> Any:
        return normal(np.tile(self.b, (count, 1)), self.log_variance, rng)

    def _can_be(self, x: Any) -> Any:
        return np.isfinite(x)

    def directed(self) -> "GaussianLayer":
        """Its conditionals, as the generative and the recognition half of a layer: R = W / σ²."""
        return GaussianLayer(self.W, self.b, self.W * self.precision, self.c, self.log_variance)


@dataclass(frozen=True, eq=False)
class GaussianLayer(DirectedLayer):
    """A directed layer x ← h of real x: p(x | h) is normal, of mean b + hW and variances exp(log_variance), (D,).

    Its recognition half is that of `DirectedLayer`, on real x.
    """

    log_variance: Value = None
    units = "real"

    def __post_init__(self) -> None:
        super().__post_init__()
        adopt(self, log_variance=log_variances(self.log_variance, self.W))

    def visible_given_hidden(self, h: Value) -> Value:
        """E[x | h] = b + hW: (…, D)."""
        return ops.matmul(h, self.W) + self.b

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return normal(mean, self.log_variance, generator(rng))

    def log_conditional(self, X: Value, h: Value) -> Value:
        """log p(x | h) for rows X (T, D) and h (S, H): (T, S), nats.

        (x − b − m)² with m = hW is taken apart into squares and a matrix product, so that no array is (T, S, D).
        """
        precision, m, d = ops.exp(-self.log_variance), ops.matmul(h, self.W), X - self.b
        far = ops.sum(ops.square(d) * precision, axis=-1, keepdims=True)
        return ops.matmul(d * precision, m.T) - (
            far + ops.sum(ops.square(m) * precision, axis=-1) + log_volume(self.log_variance)
        ) / 2  # fmt: skip


def log_volume(log_variance: Value) -> Value:
    """Σ_i log 2πσ_i²: the logarithm of the square of what a normal density is divided by."""
    return ops.sum(log_variance + LOG_TAU, axis=-1)


def normal(mean: Any, log_variance: Any, rng: np.random.Generator) -> Any:
    """A normal vector for each row of means (…, D), in their width."""
    return (mean + np.exp(log_variance / 2) * rng.standard_normal(mean.shape)).astype(mean.dtype)


def log_variances(given: Any, W: Any) -> Any:
    """log σ² of every visible unit, (D,): zeros in W's width where none are given."""
    visible = W.shape[1]
    return parameter("log_variance", np.zeros(visible, W.dtype) if given is None else given, (visible,))
