"""Contrastive divergence as a loss, so that a whole step of it compiles (Hinton 2002; claim G0).

The gradient of mean F(x) − F(x_k), with x_k held fixed, is CD-k's direction of descent. The chain x → h → x_1 → … is
part of the loss, and the uniforms that decide its units are drawn outside.
"""

from typing import Any

import numpy as np

from ..autodiff import ops
from ..models import RBM
from ..models.validation import whole
from .descent import Arrays, Draw, Loss


def cd_loss(k: int = 1) -> Loss:
    """loss(rbm, x, *uniforms) for x (T, D): mean F(x) − F(x_k), nats. Raises ValueError for k below 1."""
    k = whole("k", k, 1)

    def loss(rbm: RBM, x: Any, *uniforms: Any) -> Any:
        x_k = x
        for step in range(k):
            h = decide(rbm.hidden_given_visible(x_k), uniforms[2 * step])
            x_k = decide(rbm.visible_given_hidden(h), uniforms[2 * step + 1])
        return ops.mean(rbm.free_energy(x) - rbm.free_energy(ops.stop_gradient(x_k)))

    return loss


def gibbs_uniforms(hidden: int, k: int) -> Draw:
    """What decides the units of k rounds of Gibbs sampling: 2 k arrays of uniforms for each batch x (T, D)."""

    def draw(rng: np.random.Generator, x: Any) -> Arrays:
        shapes = [(len(x), hidden), x.shape] * k
        return tuple(rng.random(shape, dtype=x.dtype) for shape in shapes)

    return draw


def decide(p: Any, uniform: Any) -> Any:
    """1 where the uniform is below the probability, else 0, in its width."""
    return ops.where(ops.greater(p, uniform), np.ones((), uniform.dtype), 0)
