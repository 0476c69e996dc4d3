"""What RBMs of any visible units have in common: binary hidden units that are independent given x, and the sampler."""

from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector


class Restricted(Vector):
    """A base of RBMs. A kind of RBM has W (H, D) and c (H,), and says what x given h is, and how it is drawn."""

    W: Value
    c: Value

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
        Raises ValueError for a count below 1 or steps below 0.
        """
        rng = generator(rng)
        if count < 1 or steps < 0:
            raise ValueError(f"{count} samples after {steps} steps: at least 1 sample and 0 steps")
        x = self._start(count, rng) if start is None else start
        x = self.gibbs(clamped(x, clamp), rng, steps, clamp)
        return self.visible_given_hidden(bernoulli(self.hidden_given_visible(x), rng)) if mean else x

    def gibbs(self, x: Any, rng: Random, steps: int = 1, clamp: Any = None) -> Any:
        """Visible states after `steps` rounds of block Gibbs sampling x → h → x: (T, D).

        clamp: (D,) or (T, D), what units are clamped to, NaN where they are free (claim G4). A unit of K values has K
        places: all of them are clamped, or none.
        """
        rng = generator(rng)
        for _ in range(steps):
            h = bernoulli(self.hidden_given_visible(x), rng)
            x = clamped(self.draw_visible(self.visible_given_hidden(h), rng), clamp)
        return x


def clamped(x: Any, clamp: Any) -> Any:
    """x, but for the units that are clamped."""
    return x if clamp is None else np.where(np.isnan(clamp), x, clamp).astype(x.dtype)


def bernoulli(p: Any, rng: np.random.Generator) -> Any:
    """Zeros and ones, each one with its own probability p, in p's shape and width."""
    return (rng.random(p.shape) < p).astype(p.dtype)
