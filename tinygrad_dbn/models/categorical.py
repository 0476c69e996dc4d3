"""The RBM of visible units that take one of K values, and the directed layer that is its lower half.

Softmax units (Salakhutdinov, Mnih & Hinton 2007): a unit of K values is K zeros and ones, of which a single one is on.
x is these side by side, (D·K,), unit after unit. So the energy is that of the RBM of zeros and ones (claim G0), and
only what is summed over x differs: K states of a unit, rather than 2^K.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .rbm import DirectedLayer
from .restricted import Restricted, small_weights
from .validation import adopt, data, need, parameter, whole


@dataclass(frozen=True, eq=False)
class CategoricalRBM(Restricted):
    """E(x, h) = −hᵀWx − cᵀh − bᵀx over D units x of `categories` K values each, and h ∈ {0,1}^H.

    W (H, D·K), b (D·K,), c (H,). `one_hot` writes values 0 … K − 1 as x.
    Raises ValueError for shapes that do not fit and for NaN or inf.
    """

    W: Value
    b: Value
    c: Value
    categories: int
    units = "categorical"
    made_of = "zeros and ones, a single one among the places of each unit"
    hidden_is_smaller = True
    """Sums over states are those over h."""

    def __post_init__(self) -> None:
        W = parameter("W", self.W, (None, None))
        hidden, visible = W.shape
        adopt(
            self,
            W=W,
            b=parameter("b", self.b, (visible,)),
            c=parameter("c", self.c, (hidden,)),
            categories=dividing(self.categories, visible),
        )

    @classmethod
    def for_data(cls, X: Any, hidden: int, rng: Random, categories: int, scale: float = 0.01) -> "CategoricalRBM":
        """Small normal weights of standard deviation `scale`, and visible biases from the rates in X (T, D·K).

        A value's bias is the logarithm of its rate, as if one more row were spread over all K. All in the width of X.
        Raises ValueError for fewer than one hidden unit, and for what `one_hot` does not write.
        """
        X = data(X)
        categories = dividing(categories, X.shape[1])
        what = f"visible units are {cls.made_of}; write td.models.one_hot(values, {categories})"
        need(single(X, categories), X, "X", what)
        W = small_weights(X.shape[1], hidden, generator(rng), scale, X.dtype)
        seen = (X.sum(axis=0) + 1 / categories) / (len(X) + 1)
        return cls(W, np.log(seen), np.zeros(hidden, X.dtype), categories)

    def energy(self, x: Value, h: Value) -> Value:
        """E(x, h) for x (…, D·K) and h (…, H): (…,), nats."""
        return -(ops.sum(h * self.hidden_logits(x), axis=-1) + ops.matmul(x, self.b))

    def free_energy(self, x: Value) -> Value:
        """F(x) = −bᵀx − Σ_j softplus(c_j + W_j·x), so that p(x) = exp(−F(x)) / Z. x (…, D·K): (…,), nats."""
        return -(ops.matmul(x, self.b) + ops.sum(ops.softplus(self.hidden_logits(x)), axis=-1))

    def hidden_free_energy(self, h: Value) -> Value:
        """−log Σ_x exp(−E(x, h)) = −cᵀh − Σ_i log Σ_k exp(b_ik + h·W_·ik), for h (…, H): (…,), nats."""
        return -(ops.matmul(h, self.c) + log_normaliser(self.visible_logits(h), self.categories))

    def visible_logits(self, h: Value) -> Value:
        """b + hW: (…, D·K), nats."""
        return ops.matmul(h, self.W) + self.b

    def visible_given_hidden(self, h: Value) -> Value:
        """p(x_i = k | h) = exp(a_ik) / Σ_k' exp(a_ik'), a = b + hW: (…, D·K)."""
        return softmax(self.visible_logits(h), self.categories)

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return draw(mean, self.categories, generator(rng))

    def _start(self, count: int, rng: np.random.Generator) -> Any:
        return draw(np.full((count, self.W.shape[1]), 1 / self.categories, self.W.dtype), self.categories, rng)

    def _can_be(self, x: Any) -> Any:
        return single(x, self.categories)

    def directed(self) -> "CategoricalLayer":
        """Its conditionals, as the generative and the recognition half of a layer."""
        return CategoricalLayer(self.W, self.b, self.W, self.c, self.categories)


@dataclass(frozen=True, eq=False)
class CategoricalLayer(DirectedLayer):
    """A directed layer x ← h of D units x, each of `categories` K values: p(x_i = k | h) is a softmax of b + hW."""

    categories: int = 2
    units = "categorical"

    def __post_init__(self) -> None:
        super().__post_init__()
        adopt(self, categories=dividing(self.categories, self.W.shape[1]))

    def visible_given_hidden(self, h: Value) -> Value:
        """p(x_i = k | h): (…, D·K)."""
        return softmax(self.visible_logits(h), self.categories)

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        return draw(mean, self.categories, generator(rng))

    def log_conditional(self, X: Value, h: Value) -> Value:
        """log p(x | h) = xᵀa − Σ_i log Σ_k exp(a_ik) for rows X (T, D·K) and h (S, H): (T, S), nats."""
        a = self.visible_logits(h)
        return ops.matmul(X, a.T) - log_normaliser(a, self.categories)


def one_hot(values: Any, categories: int) -> Any:
    """Values 0 … K − 1 (T, D) as rows of zeros and ones (T, D·K), the K of each unit side by side.

    Raises ValueError for what is not a whole number from 0 to K − 1, and for K below 1.

    >>> one_hot([[2, 0]], 3)
    array([[0., 0., 1., 1., 0., 0.]])
    """
    values, categories = np.asarray(values), whole("categories", categories, 1)
    wrong = np.argwhere(~np.isin(values, np.arange(categories)))
    if values.ndim != 2 or len(wrong):
        where = f"values{wrong[0].tolist()} is {values[tuple(wrong[0])]}" if len(wrong) else f"of shape {values.shape}"
        raise ValueError(f"{where}: write rows (T, D) of whole numbers from 0 to {categories - 1}")
    return (values[..., None] == np.arange(categories)).astype(float).reshape(len(values), -1)


def by_unit(a: Value, categories: int) -> Value:
    """(…, D·K) as (…, D, K)."""
    return a.reshape((*a.shape[:-1], a.shape[-1] // categories, categories))


def single(x: Any, categories: int) -> Any:
    """Whether each place in an array x (…, D·K) is of a unit of zeros and ones, of which a single one is on."""
    by = by_unit(x, categories)
    ones = (np.sort(by, axis=-1) == np.eye(categories)[-1]).all(axis=-1)
    return np.repeat(ones, categories, axis=-1)


def log_normaliser(a: Value, categories: int) -> Value:
    """Σ_i log Σ_k exp(a_ik) for logits a (…, D·K): (…,), nats."""
    return ops.sum(ops.logsumexp(by_unit(a, categories), axis=-1), axis=-1)


def softmax(a: Value, categories: int) -> Value:
    """The probabilities of each unit's K values for logits a (…, D·K), in the same places."""
    return ops.softmax(by_unit(a, categories), axis=-1).reshape(a.shape)


def draw(p: Any, categories: int, rng: np.random.Generator) -> Any:
    """A value of each unit, with probabilities p (…, D·K): zeros and ones in the same places, in p's width."""
    by = by_unit(p, categories)
    reached = np.cumsum(by, axis=-1)
    # Of a total that rounding left below 1, the uniform takes its share: the last value's interval has no hole.
    u = rng.random(by.shape[:-1])[..., None] * reached[..., -1:]
    chosen = (reached <= u).sum(axis=-1)
    return (chosen[..., None] == np.arange(categories)).astype(p.dtype).reshape(p.shape)


def dividing(categories: Any, visible: int) -> int:
    """The number of categories, if the columns are whole units of so many values; else ValueError."""
    is_whole = isinstance(categories, int | np.integer) and not isinstance(categories, bool)
    if is_whole and categories >= 2 and visible % categories == 0:
        return int(categories)
    raise ValueError(
        f"categories={categories!r} for W of {visible} columns: write a whole number from 2 on that divides them, the "
        "columns being D units of so many values each"
    )
