"""The up-down algorithm on a DBN of digits that was trained greedily (claim I7)."""

from typing import Any

import numpy as np

from ... import exact
from ...autodiff.kernels.blas import one_thread
from ...datasets import digits
from ...learning import greedy_dbn, linear, sgd, up_down
from ...models import DBN
from ...models.restricted import bernoulli
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import pairs

SMALL, LARGE = "64-12-10, exact log p", "64-80-80, annealed bound"
STAGES = ("greedy", "greedy, longer", "up-down")
CONDITIONS = tuple(f"{size}: {stage}" for size in (SMALL, LARGE) for stage in STAGES)


@one_thread()
def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Mean nats of an example, of digits trained on and of others, greedy as it stands or after up-down."""
    size, stage = condition.split(": ")
    data = digits(seed=seed)
    X, heldout = data.train, data.heldout
    assert heldout is not None
    if quick:
        X, heldout = X[:200], heldout[:100]
    sizes = (64, 12, 10) if size == SMALL else (64, 80, 80)
    epochs = 2 if quick else 30
    more = epochs if stage == "greedy, longer" else 0
    falling = linear(epochs + more)  # as `schedule` finds best: else up-down gains by its lower rate alone
    dbn = greedy_dbn(X, sizes, seed=seed, epochs=epochs + more, rate=0.05, batch=20, schedule=falling)
    if stage == "up-down":
        *_, last = up_down(dbn, X, epochs=epochs, seed=seed, optimiser=sgd(0.01), batch=20)
        dbn = last.model
    value = _exact if size == SMALL else _annealed_bound
    rng = np.random.default_rng([seed, 1])
    return {"train": value(dbn, X, rng), "held out": value(dbn, heldout, rng)}


def _exact(dbn: DBN, X: Any, rng: np.random.Generator) -> float:
    return float(exact.log_likelihood(dbn, X).mean())


def _annealed_bound(dbn: DBN, X: Any, rng: np.random.Generator, draws: int = 20) -> float:
    """The mean bound E_q[log p(x|h1) + log p*(h1) − log q(h1|x)] − log Z of the top, Z by annealing, E_q by draws."""
    (layer,), top = dbn.layers, dbn.top
    log_z = exact.annealed(top, 200, np.linspace(0, 1, 2000), rng).log_partition
    total = 0.0
    for _ in range(draws):
        q = layer.recognition_logits(X)
        h = bernoulli(1 / (1 + np.exp(-q)), rng)
        a = layer.visible_logits(h)
        log_conditional = (X * a - np.logaddexp(0, a)).sum(axis=1)
        log_q = (h * q - np.logaddexp(0, q)).sum(axis=1)
        total += float((log_conditional - top.free_energy(h) - log_q).mean())
    return total / draws - log_z


def _draw(results: Results, dark: bool) -> bytes:
    return pairs(
        results,
        [(SMALL, [f"{SMALL}: {stage}" for stage in STAGES]), (LARGE, [f"{LARGE}: {stage}" for stage in STAGES])],
        ["held out"], "nats, held-out digits", dark,
    )  # fmt: skip


EXPERIMENT = Experiment(
    claim="I7",
    title="What up-down does to the likelihood of a greedily trained DBN",
    method=(
        "scikit-learn's digits, binarised. Greedy: CD-1, 30 epochs a layer, at a rate that falls to zero. Up-down: 30 "
        "epochs more, wake, one round of Gibbs sampling in the top, sleep, rate 0.01, from the greedy DBN. Greedy, "
        "longer: 60 epochs of CD-1 in each layer instead, at a rate that falls to zero over them. The small DBN is "
        "judged by its exact likelihood, the large one by the bound with the top's log Z annealed (200 chains, 2 000 "
        "temperatures): an estimate."
    ),
    conditions=CONDITIONS,
    seeds=10,
    measure=measure,
    columns={"train": "train, nats", "held out": "held out, nats"},
    comparisons=tuple(
        Comparison(
            part, f"{size}: up-down", f"{size}: {other}", lower=False, says=f"{size}, {part}: up-down above {other}"
        )
        for size in (SMALL, LARGE)
        for other in STAGES[:2]
        for part in ("train", "held out")
    ),
    draw=_draw,
)
