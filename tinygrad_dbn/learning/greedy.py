"""Greedy layer-wise training of a DBN (claims C1, I2, I5).

Train an RBM on the data. Sample its hidden units on every example, and train the next RBM on those samples: with the
layers below fixed, that raises the variational bound of the whole stack. And so on upwards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..autodiff.kernels.blas import one_thread
from ..autodiff.trees import flatten, not_finite
from ..exact.data import are_floats, binary, examples, units_of
from ..exact.sums.certify import LARGEST
from ..models import DBN, RBM, AnyRBM
from ..models.restricted import bernoulli
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown
from .bars import bar
from .centred import centred
from .descent import Diverged
from .optimisers import Optimiser, Schedule, constant, momentum, scheduled
from .rules import contrastive_divergence, maximum_likelihood, persistent_contrastive_divergence
from .tempering import TEMPERATURES, parallel_tempering

Rule = Callable[[AnyRBM, Any, np.random.Generator, Any], tuple[Any, Any]]
"""(RBM, batch, rng, particles) → (direction of ascent, particles)."""


@dataclass(frozen=True, eq=False)
class Progress(Shown):
    """Where a greedy training stands: all that is needed to go on from here, to the same bits."""

    layer: int
    """The layer in training, from 1."""
    epoch: int
    """Epochs it has seen; 0 is its start."""
    rbms: tuple[AnyRBM, ...]
    """The stack so far, the RBM in training last."""
    velocity: AnyRBM
    """Its optimiser's state."""
    particles: Any = None
    """Where chains stand, (batch, D of this RBM) of "pcd", (TEMPERATURES, batch, D) of "pt"; None for other rules."""

    @property
    def model(self) -> DBN:
        """The DBN of the stack. A single RBM is unrolled to the DBN of tied weights, which equals it (claim I4)."""
        return DBN.from_rbms(self.rbms) if len(self.rbms) > 1 else DBN.from_tied(self.rbms[0])


def greedy(
    X: Any,
    sizes: Sequence[int],
    *,
    seed: Random,
    epochs: int,
    rule: str = "cd",
    k: int = 1,
    rate: float = 0.05,
    decay: float = 0.9,
    batch: int | None = None,
    scale: float = 0.01,
    schedule: Schedule = constant,
    lowest: AnyRBM | None = None,
    start: Progress | None = None,
) -> Iterator[Progress]:
    """Train a stack of RBMs on X (T, D), yielding the progress before the first and after each epoch of every layer.

    sizes: D, n1, …, nL. batch: examples a step; without it a fifth of them all, and 50 at most, so that an epoch of few
    examples is five steps too. rule: "cd" for CD-k, "ml" for exact maximum likelihood, "pcd" for persistent chains, as
    many as there are examples in a step, that start at rows of the layer's data and take k rounds a step; for zeros and
    ones also "centred", CD-k by the centred gradient, and "pt", persistent chains at `TEMPERATURES` that exchange their
    states. A layer whose output is as wide as the input of the one below starts at that one's transpose, both biases
    too, so that the likelihood does not move (claim I4); any other starts at random weights of standard deviation
    `scale`. In every layer the rate of epoch n is rate · schedule(n). Each epoch draws from a generator of its own,
    made from (seed, layer, epoch); so `start` goes on from any earlier progress to the same bits.

    lowest: what the first layer starts from, an RBM of n1 hidden units, where X is not of zeros and ones: made by
    `GaussianRBM.for_data` or `CategoricalRBM.for_data`.
    Raises ValueError at once for settings that make no sense, for a start or a lowest of other sizes, and for X that is
    not what units can be; later `Diverged`, a FloatingPointError, with the last good progress.
    """
    seed, epochs, k = seed_of(seed), whole("epochs", epochs, 0), whole("k", k, 1)
    sizes = tuple(whole("sizes", n, 1) for n in sizes)
    if len(sizes) < 2:
        raise ValueError(f"sizes {sizes}: write D and the hidden units of at least one layer, for instance (4, 3)")
    if lowest is not None:
        units_of(lowest)  # which refuses what is no RBM
    _check_sizes("lowest", () if lowest is None else (lowest,), sizes)
    _check_sizes("start", () if start is None else start.rbms, sizes)
    X = binary(X, sizes[0]) if lowest is None else examples(lowest, X)
    batch = min(-(-len(X) // 5), 50) if batch is None else whole("batch", batch, 1)
    rules: dict[str, Rule] = {
        "cd": lambda rbm, x, rng, kept: (contrastive_divergence(rbm, x, rng, k), kept),
        "ml": lambda rbm, x, rng, kept: (maximum_likelihood(rbm, x), kept),
        "pcd": partial(persistent_contrastive_divergence, k=k),
        "centred": lambda rbm, x, rng, kept: (centred(rbm, contrastive_divergence(rbm, x, rng, k), x), kept),
        "pt": partial(parallel_tempering, k=k),
    }
    if rule not in rules:
        raise ValueError(f"rule {rule!r} is not known: one of {', '.join(map(repr, rules))}")
    step, chains = momentum(rate, decay), {"pcd": (batch,), "pt": (TEMPERATURES, batch)}.get(rule, ())

    def stages() -> Iterator[Progress]:
        at = start
        for layer in range(1 if at is None else at.layer, len(sizes)):
            if at is None or at.layer < layer:
                at = _begun(() if at is None else at.rbms, sizes[layer], X, seed, scale, step, chains, lowest)
                yield at
            with bar(f"epochs of layer {layer}", epochs, at.epoch) as one_more:
                while at.epoch < epochs:
                    at = _epoch(at, X, rules[rule], step, scheduled(step, schedule, at.epoch + 1), batch, seed)
                    one_more()
                    yield at

    return stages()


def greedy_dbn(X: Any, sizes: Sequence[int], **settings: Any) -> DBN:
    """The DBN at the end of `greedy`, with the same settings."""
    *_, last = settings.get("start"), *greedy(X, sizes, **settings)
    model: DBN = last.model
    return model


def _check_sizes(name: str, rbms: Sequence[AnyRBM], sizes: tuple[int, ...]) -> None:
    """Raise ValueError where RBMs that are given by this name are not the lowest ones of a stack of such sizes."""
    there = [(rbm.W.shape[1], rbm.W.shape[0]) for rbm in rbms]
    if there != list(pairwise(sizes))[: len(there)]:
        units = ", ".join(f"{visible} visible and {hidden} hidden" for visible, hidden in there)
        raise ValueError(f"{name} has {units} units for a stack of sizes {sizes}: give one of those sizes")


@one_thread()
def _epoch(at: Progress, X: Any, rule: Rule, step: Optimiser, rate: float, batch: int, seed: int) -> Progress:
    """One pass over fresh samples of the layer's data, in random order."""
    rng = np.random.default_rng([seed, at.layer, at.epoch + 1])
    data = _upward(at.rbms[:-1], X, rng)
    rbm, velocity, particles = at.rbms[-1], at.velocity, at.particles
    order = rng.permutation(len(data))
    diverged = Diverged(f"layer {at.layer} diverged in epoch {at.epoch + 1}: lower the rate", at)
    for i in range(0, len(data), batch):
        try:
            direction, particles = rule(rbm, data[order[i : i + batch]], rng, particles)
        except ValueError as error:
            if _can_be_summed(rbm):
                raise
            raise diverged from error
        rbm, velocity = step.update(rbm, velocity, direction, rate)
    if not_finite(rbm) is not None:
        raise diverged
    return Progress(at.layer, at.epoch + 1, (*at.rbms[:-1], rbm), velocity, particles)


def _can_be_summed(rbm: Any) -> bool:
    """Whether parameters are finite, and small enough for exact sums: rules refuse others before the epoch is over."""
    if not are_floats(rbm):  # symbols have no size
        return True
    return bool(sum(np.abs(leaf).max() * leaf.size for leaf in flatten(rbm)[0]) <= LARGEST)


def _upward(rbms: Sequence[AnyRBM], X: Any, rng: np.random.Generator) -> Any:
    """A sample of the top hidden layer of a stack for every example: the data of the next RBM (claims C1, I3)."""
    for rbm in rbms:
        X = bernoulli(rbm.hidden_given_visible(X), rng)
    return X


def _begun(
    rbms: tuple[AnyRBM, ...],
    hidden: int,
    X: Any,
    seed: int,
    scale: float,
    step: Optimiser,
    chains: tuple[int, ...],
    lowest: AnyRBM | None,
) -> Progress:
    """The start of a layer of `hidden` units on top of a stack, with persistent chains in an array of so many."""
    rng = np.random.default_rng([seed, len(rbms) + 1, 0])
    data = _upward(rbms, X, rng)
    rbm = _initial(rbms, hidden, data, rng, scale) if rbms or lowest is None else lowest
    particles = data[rng.integers(len(data), size=chains)] if chains else None
    return Progress(len(rbms) + 1, 0, (*rbms, rbm), step.start(rbm), particles)


def _initial(rbms: Sequence[AnyRBM], hidden: int, data: Any, rng: np.random.Generator, scale: float) -> RBM:
    """The next RBM to train: tied where its size allows, else small weights and the data's own rates as biases."""
    below = rbms[-1] if rbms else None
    if isinstance(below, RBM) and below.W.shape == (data.shape[1], hidden):
        return below.transposed()
    return RBM.for_data(data, hidden, rng, scale)
