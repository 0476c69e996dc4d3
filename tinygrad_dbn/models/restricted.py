"""What RBMs of any visible units have in common: binary hidden units that are independent given x, and the sampler."""

from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.kernels.scalar import float_dtype
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .validation import need, whole


class Restricted(Vector):
    """A base of RBMs. A kind of RBM has W (H, D) and c (H,), and says what x given h is, and how it is drawn."""

    W: Value
    c: Value
    made_of = ""
    """What x may be, in words."""

    def hidden_logits(self, x: Value) -> Value:
        """log p(h_j = 1 | x) / p(h_j = 0 | x) = c_j + W_j·x: (…, H), nats."""
        return ops.matmul(x, self.W.T) + self.c

    def hidden_given_visible(self, x: Value) -> Value:
        """p(h_j = 1 | x): (…, H)."""
        return ops.sigmoid(self.hidden_logits(x))

    def visible_given_hidden(self, h: Value) -> Value:
        """The mean of x given h: (…, D)."""
        raise NotImplementedError

    def draw_visible(self, mean: Any, rng: Random) -> Any:
        """A sample of x for each row of `visible_given_hidden`."""
        raise NotImplementedError

    def _start(self, count: int, rng: np.random.Generator) -> Any:
        """Where chains start that are not told: `count` samples of an x that no hidden unit speaks to, (count, D)."""
        raise NotImplementedError

    def _can_be(self, x: Any) -> Any:
        """Whether each element of an array x (…, D) is what its unit can be; of NaN it is not."""
        raise NotImplementedError

    def sample(
        self,
        count: int,
        rng: Random,
        steps: int = 1000,
        start: Any = None,
        mean: bool = False,
        clamp: Any = None,
    ) -> Any:
        """`count` samples of x, (count, D), each by a chain of its own of `steps` rounds of Gibbs sampling.

        A chain starts at random – zeros and ones from fair coins, real units from their densities at h = 0, values of
        equal chance – or at its row of `start` (count, D). With `mean` one more h is drawn, and given is the mean of x
        given it, instead of x. clamp: as in `gibbs`. `exact.sample` draws from p(x) itself.
        Raises ValueError for a count below 1, steps below 0, and a start of another shape or of what x cannot be.
        """
        rng, count = generator(rng), whole("count", count, 1)
        x = self._start(count, rng) if start is None else self._begun(start, count)
        x = self.gibbs(x, rng, steps, clamp)
        return clamped(self.visible_given_hidden(bernoulli(self.hidden_given_visible(x), rng)), clamp) if mean else x

    def _begun(self, start: Any, count: int) -> Any:
        """Where so many chains are told to start, as an array of floats or of objects."""
        x = np.asarray(start)
        if x.shape != (count, self.W.shape[1]):
            raise ValueError(f"start has shape {x.shape}: a row for each chain, {(count, self.W.shape[1])}")
        x = x.astype(float_dtype(x), copy=False)
        if x.dtype != object:
            need(self._can_be(x), x, "start", f"visible units are {self.made_of}")
        return x

    def gibbs(self, x: Any, rng: Random, steps: int = 1, clamp: Any = None) -> Any:
        """Visible states after `steps` rounds of block Gibbs sampling x → h → x: (T, D).

        clamp: (D,) or (T, D), what units are clamped to from the first h on, NaN where they are free (claim G4). A unit
        of K values has K places: all of them are clamped, or none.
        Raises ValueError for steps below 0, an x of other width, and a clamp of another shape or of what x cannot be.
        What x itself holds is not looked at.
        """
        rng, steps = generator(rng), whole("steps", steps, 0)
        x = self._held(x, clamp)
        for _ in range(steps):
            h = bernoulli(self.hidden_given_visible(x), rng)
            x = clamped(self.draw_visible(self.visible_given_hidden(h), rng), clamp)
        return x

    def _held(self, x: Any, clamp: Any) -> Any:
        """x (T, D) with its units clamped, once both are known to fit."""
        shape, width = np.shape(x), self.W.shape[1]
        if shape[-1:] != (width,):
            raise ValueError(f"x has shape {shape}: rows (T, {width}) for {width} visible units")
        if clamp is None:
            return x
        values = np.asarray(clamp, float)
        if values.shape not in ((width,), shape):
            raise ValueError(f"clamp has shape {values.shape} for x of shape {shape}: write {(width,)} or {shape}")
        fits = np.isnan(values) | self._can_be(values)
        need(fits, values, "clamp", f"visible units are {self.made_of}; write NaN where a unit is free")
        return clamped(np.asarray(x), values)


def clamped(x: Any, clamp: Any) -> Any:
    """x, but for the units that are clamped."""
    if clamp is None:
        return x
    clamp = np.asarray(clamp, float)
    return np.where(np.isnan(clamp), x, clamp).astype(float_dtype(x))


def small_weights(visible: int, hidden: int, rng: np.random.Generator, scale: float, dtype: Any = float) -> Any:
    """Normal weights (hidden, visible) of standard deviation `scale`, the same ones but for rounding in every width.

    Raises ValueError for sizes below 1, and for a scale below 0.
    """
    shape = whole("hidden", hidden, 1), whole("visible", visible, 1)
    if not 0 <= scale < np.inf:
        raise ValueError(f"scale={scale}: write the weights' standard deviation, a finite number from 0 on")
    W = rng.normal(0, scale, shape)
    return W.astype(np.float32) if dtype == np.float32 else W


def bernoulli(p: Any, rng: np.random.Generator) -> Any:
    """Zeros and ones, each one with its own probability p, in p's shape and width."""
    return (rng.random(p.shape) < p).astype(p.dtype)
