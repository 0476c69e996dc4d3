"""One course: a stack trained on one distribution by one rule from one seed, measured exactly on the way.

Rates and lengths were chosen once, by hand, so that exact maximum likelihood comes near the optimum of the small
distributions in seconds; every rule has the same, but for `RATES`. The digits' are the lab's own. Nothing was chosen by
held-out data.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ... import exact
from ...autodiff.kernels.blas import one_thread
from ...datasets import Dataset, load
from ...learning import greedy
from ...models import CategoricalRBM

RULES = ("ML", "CD-1", "CD-10", "PCD", "Centred", "PT")
RATES = {"PCD": 0.3, "PT": 0.3}
"""A rule's share of the rate: persistent chains have to keep up with the weights (Tieleman 2008)."""

MOMENTS = 24
"""How often a layer's training is measured, at epochs that are evenly spread on a log axis."""


@dataclass(frozen=True)
class Subject:
    """A distribution, and the stack that learns it."""

    data: str
    sizes: tuple[int, ...]
    epochs: int
    rate: float
    batch: int
    decay: float = 0.5
    scale: float = 0.1
    """Of the weights at the start: larger than usual, since near zero these distributions are flat."""
    softmax: int = 0
    """Values of a visible softmax unit (`CategoricalRBM`); 0 where every visible unit is a zero or one by itself."""

    @property
    def name(self) -> str:
        """What it is called: by its data, and by its units where they are not zeros and ones."""
        return f"{self.data}-softmax" if self.softmax else self.data


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("bars-and-stripes:2", (4, 6, 4), 2000, 0.2, 6),
        Subject("bars-and-stripes:3", (9, 12, 9), 2000, 0.2, 14),
        Subject("bars-and-stripes:4", (16, 14, 12), 800, 0.2, 15),
        Subject("shifter:4", (11, 16, 11), 800, 0.4, 16),
        Subject("parity:4", (4, 8, 4), 2000, 0.4, 8, scale=1.0),  # nothing but all bits together has any information
        Subject("colourings:5", (15, 12, 10), 800, 0.4, 15),
        Subject("colourings:5", (15, 12, 10), 800, 0.4, 15, softmax=3),
        Subject("digits", (64, 10, 10), 20, 0.1, 50, scale=0.01),
    )
}


@dataclass(frozen=True)
class Moment:
    """What is measured at one epoch of a course. Means over the examples, nats; NaN where nothing is held out."""

    data: str
    rule: str
    seed: int
    layer: int
    epoch: int
    log_likelihood: float
    bound: float
    gap: float
    heldout_log_likelihood: float
    best_possible: float
    """The registry's optimum of the training rows: no log-likelihood can be above it."""


@one_thread()
def course(subject: Subject, rule: str, seed: int, scale: float = 1.0) -> list[Moment]:
    """The whole course. scale: its share of the epochs. Raises `AboveOptimum` for an impossible log-likelihood."""
    return list(_moments(load(subject.data), subject, rule, seed, max(1, round(subject.epochs * scale))))


def _moments(data: Dataset, subject: Subject, rule: str, seed: int, epochs: int) -> Iterator[Moment]:
    name, _, k = rule.lower().partition("-")
    measured = moments(epochs)
    best = exact.optimum(data)
    lowest = None
    if subject.softmax:
        start = np.random.default_rng([seed, 0])
        lowest = CategoricalRBM.for_data(data.train, subject.sizes[1], start, subject.softmax, subject.scale)
    for at in greedy(
        data.train, subject.sizes, seed=seed, epochs=epochs, rule=name, k=int(k or 1),
        rate=subject.rate * RATES.get(rule, 1.0),
        decay=subject.decay, batch=subject.batch, scale=subject.scale, lowest=lowest,
    ):  # fmt: skip
        if at.epoch not in measured:
            continue
        # One layer alone is an RBM: its own likelihood is the tied DBN's, whose gap is zero (claim I4).
        model = at.model if at.layer > 1 else at.rbms[0]
        log_p = float(exact.log_likelihood(model, data.train).mean())
        bound = float(exact.bound(model, data.train).mean()) if at.layer > 1 else log_p
        exact.check_optimum(log_p, data)
        heldout = float("nan") if data.heldout is None else float(exact.log_likelihood(model, data.heldout).mean())
        yield Moment(subject.name, rule, seed, at.layer, at.epoch, log_p, bound, log_p - bound, heldout, best)


def moments(epochs: int) -> set[int]:
    """The epochs at which a layer is measured: its start, its end, and log-evenly in between."""
    return {0, *np.unique(np.geomspace(1, epochs, MOMENTS).round().astype(int)).tolist()}
