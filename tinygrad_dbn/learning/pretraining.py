"""Greedy layer-wise pre-training and fine-tuning, as the lecture writes them (claims C1, C3, C4).

for l = 1 to L:
    build the unsupervised training set D = {h^(l−1)(x^(t))}
    train the greedy module on D
    use its hidden weights and biases to initialise W^(l), b^(l)
initialise W^(L+1), b^(L+1) randomly
train the whole network with supervised SGD
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models import DBN, RBM, FeedForward
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown
from .bars import bar
from .descent import Diverged
from .modules import Layer, Module
from .supervised import Examples, Fit, fit


@dataclass(frozen=True, eq=False)
class Stack(Shown):
    """Layers trained one upon another, the lowest first."""

    layers: tuple[Layer, ...] = ()

    def encode(self, X: Any) -> Any:
        """h^(L)(x) of X (T, D): (T, n_L)."""
        for layer in self.layers:
            X = layer.encode(X)
        return X

    def levels(self, X: Any) -> tuple[Any, ...]:
        """h^(1)(x) … h^(L)(x) of X (T, D): (T, n_l) each."""
        found = []
        for layer in self.layers:
            X = layer.encode(X)
            found.append(X)
        return tuple(found)

    def network(self, classes: int, seed: Random) -> FeedForward:
        """The net whose hidden layers start at the stack's weights and whose output layer is random (claim C3).

        Raises ValueError for a stack of no layers, and TypeError where a layer has no weights to start from.
        """
        seed = seed_of(seed)
        if not self.layers:
            raise ValueError("a stack of no layers starts no network: make one by `pretrain`")
        weights, biases = zip(*(layer.weights for layer in self.layers), strict=True)
        random = FeedForward.init((weights[-1].shape[0], classes), np.random.default_rng([seed, len(weights) + 1]))
        top = np.asarray(random.weights[0], weights[-1].dtype), np.asarray(random.biases[0], weights[-1].dtype)
        return FeedForward((*weights, top[0]), (*biases, top[1]))

    @property
    def dbn(self) -> DBN:
        """The deep belief network of a stack of RBMs. Raises TypeError where a layer is none."""
        models = [getattr(layer, "model", None) for layer in self.layers]
        rbms = [model for model in models if isinstance(model, RBM)]
        if len(rbms) < len(models):
            raise TypeError(f"a DBN is a stack of RBMs, this one of {[type(model).__name__ for model in models]}")
        return DBN.from_rbms(rbms)


def pretrain(
    sizes: Sequence[int],
    module: Module | Sequence[Module],
    data: Any,
    seed: Random,
    start: Stack | None = None,
    watch: Callable[[Stack], None] | None = None,
) -> Stack:
    """The lecture's loop: a stack of layers of n_1 … n_L features, each learned from the one below.

    sizes: n_1 … n_L. module: one for all layers, or one for each. data: X (T, D). The layer l draws from seeds made
    of (seed, l) alone, so a training that is given what `watch(stack)` saw after some layer as `start` ends in the
    same bits.
    Raises ValueError where the modules or a start's layers do not fit the sizes, and `Diverged`, naming the layer.
    """
    seed = seed_of(seed)
    sizes = [whole(f"sizes[{l}]", n, 1) for l, n in enumerate(sizes)]
    modules = [module] * len(sizes) if hasattr(module, "train") else list(module)
    stack = start or Stack()
    if len(modules) != len(sizes) or len(stack.layers) > len(sizes):
        raise ValueError(
            f"{len(sizes)} sizes, {len(modules)} modules and a start of {len(stack.layers)} layers: "
            "give one module or one for each size, and no more layers than sizes"
        )
    there = [layer.hidden for layer in stack.layers]
    if there != sizes[: len(there)]:
        raise ValueError(f"a start of layers of {there} features for sizes {sizes}: give sizes that begin with those")
    h = stack.encode(data)
    with bar("layers", len(sizes), len(stack.layers)) as one_more:
        for l in range(len(stack.layers) + 1, len(sizes) + 1):
            try:
                layer = modules[l - 1].train(h, sizes[l - 1], seed=1000 * seed + l)
            except Diverged as error:
                raise Diverged(f"layer {l} of {len(sizes)} {error}", error.last) from None
            stack = Stack((*stack.layers, layer))
            h = layer.encode(h)
            one_more()
            if watch is not None:
                watch(stack)
    return stack


def fine_tune(
    stack: Stack, train: Examples, valid: Examples | None = None, *, classes: int, seed: Random, **settings: Any
) -> Fit:
    """The whole network trained with labels from where the stack starts it (claim C4). settings: those of `fit`."""
    seed = seed_of(seed)
    return fit(stack.network(classes, seed), train, valid, seed=seed, **settings)
