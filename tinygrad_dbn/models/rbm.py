"""The restricted Boltzmann machine of zeros and ones, and the directed layer that is its lower half (claims G0, G1).

`gaussian.py` and `categorical.py` have the same pair for other visible units, with methods of the same names: that is
all that `exact` and `learning` ask of an RBM or of a layer (`kinds.py`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .restricted import Restricted, bernoulli, small_weights
from .validation import adopt, data, parameter


@dataclass(frozen=True, eq=False)
class RBM(Restricted):
    """E(x, h) = −hᵀWx − cᵀh − bᵀx over x ∈ {0,1}^D, h ∈ {0,1}^H, and p(x, h) ∝ exp(−E).

    W (H, D); b (D,) the visible and c (H,) the hidden biases. Energies are in nats. A batch has one example per row.
    Raises ValueError for shapes that do not fit and for NaN or inf.
    """

    W: Value
    b: Value
    c: Value
    units = "binary"
    """What x is made of."""
    made_of = "zeros and ones"

    def __post_init__(self) -> None:
        W = parameter("W", self.W, (None, None))
        hidden, visible = W.shape
        adopt(self, W=W, b=parameter("b", self.b, (visible,)), c=parameter("c", self.c, (hidden,)))

    @classmethod
    def init(cls, visible: int, hidden: int, rng: Random, scale: float = 0.01) -> "RBM":
        """Small normal weights of standard deviation `scale`, biases zero.

        Raises ValueError for sizes below 1 or a scale below 0.
        """
        W = small_weights(visible, hidden, generator(rng), scale)
        return cls(W, np.zeros(visible), np.zeros(hidden))

    @classmethod
    def for_data(cls, X: Any, hidden: int, rng: Random, scale: float = 0.01) -> "RBM":
        """Small normal weights of standard deviation `scale`, and visible biases from the rates in X (T, D).

        X in [0, 1]; beyond, it is taken as the nearer end. A bias is the log-odds of its unit's rate, as if one more
        row were half on. All in the width of X. Raises ValueError for fewer than one hidden unit, and for NaN or inf.
        """
        X = data(X)
        W = small_weights(X.shape[1], hidden, generator(rng), scale, X.dtype)
        on = (np.clip(X, 0, 1).sum(axis=0, dtype=float) + 0.5) / (len(X) + 1)
        return cls(W, np.log(on / (1 - on)).astype(X.dtype), np.zeros(hidden, X.dtype))

    def transposed(self) -> "RBM":
        """The same distribution with visible and hidden exchanged: Wᵀ, b and c swapped. Claim I4 starts from it."""
        return RBM(self.W.T, self.c, self.b)

    def energy(self, x: Value, h: Value) -> Value:
        """E(x, h) for x (…, D) and h (…, H): (…,), nats."""
        return -(ops.sum(h * ops.matmul(x, self.W.T), axis=-1) + ops.matmul(h, self.c) + ops.matmul(x, self.b))

    def free_energy(self, x: Value) -> Value:
        """F(x) = −bᵀx − Σ_j softplus(c_j + W_j·x), so that p(x) = exp(−F(x)) / Z. x (…, D): (…,), nats."""
        return -(ops.matmul(x, self.b) + ops.sum(ops.softplus(self.hidden_logits(x)), axis=-1))

    def hidden_free_energy(self, h: Value) -> Value:
        """−log Σ_x exp(−E(x, h)) = −cᵀh − Σ_i softplus(b_i + h·W_·i), for h (…, H): (…,), nats."""
        return self.transposed().free_energy(h)

    @property
    def hidden_is_smaller(self) -> bool:
        """Whether sums over all states take those of h, rather than those of x."""
        return bool(self.W.shape[0] <= self.W.shape[1])

    def visible_logits(self, h: Value) -> Value:
        """log p(x_i = 1 | h) / p(x_i = 0 | h) = b_i + h·W_·i: (…, D), nats."""
        return ops.matmul(h, self.W) + self.b

    def visible_given_hidden(self, h: Value) -> Value:
        """p(x_i = 1 | h): (…, D)."""
        return ops.sigmoid(self.visible_logits(h))

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return bernoulli(mean, generator(rng))

    def _start(self, count: int, rng: np.random.Generator) -> Any:
        return rng.integers(0, 2, (count, self.W.shape[1])).astype(self.W.dtype)

    def _can_be(self, x: Any) -> Any:
        return (x == 0) | (x == 1)

    def directed(self) -> "DirectedLayer":
        """Its conditionals p(x | h) and p(h | x), taken as the generative and the recognition half of a layer."""
        return DirectedLayer(self.W, self.b, self.W, self.c)


@dataclass(frozen=True, eq=False)
class DirectedLayer(Vector):
    """A sigmoid belief layer x ← h, and a recognition layer that guesses h from x.

    Generative: p(x_i = 1 | h) = σ(b_i + h·W_·i), with W (H, D) and b (D,).
    Recognition: q(h_j = 1 | x) = σ(c_j + R_j·x), with R (H, D) and c (H,) (claim I3). It is no part of the model's
    distribution. Greedy training leaves R = W; the up-down algorithm unties them.
    Raises ValueError for shapes that do not fit and for NaN or inf.
    """

    W: Value
    b: Value
    R: Value
    c: Value
    units = "binary"
    """What x is made of."""

    def __post_init__(self) -> None:
        W = parameter("W", self.W, (None, None))
        hidden, visible = W.shape
        adopt(
            self,
            W=W,
            b=parameter("b", self.b, (visible,)),
            R=parameter("R", self.R, (hidden, visible)),
            c=parameter("c", self.c, (hidden,)),
        )

    @classmethod
    def from_rbm(cls, rbm: Any) -> "DirectedLayer":
        """`rbm.directed()`, of an RBM of any visible units."""
        layer: DirectedLayer = rbm.directed()
        return layer

    def visible_logits(self, h: Value) -> Value:
        """b + h W: (…, D), nats."""
        return ops.matmul(h, self.W) + self.b

    def recognition_logits(self, x: Value) -> Value:
        """c + x Rᵀ: (…, H), nats."""
        return ops.matmul(x, self.R.T) + self.c

    def visible_given_hidden(self, h: Value) -> Value:
        """p(x_i = 1 | h): (…, D)."""
        return ops.sigmoid(self.visible_logits(h))

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return bernoulli(mean, generator(rng))

    def log_conditional(self, X: Value, h: Value) -> Value:
        """log p(x | h) = Σ_i x_i a_i − softplus(a_i), a = b + hW, for rows X (T, D) and h (S, H): (T, S), nats."""
        a = self.visible_logits(h)
        return ops.matmul(X, a.T) - ops.sum(ops.softplus(a), axis=-1)
