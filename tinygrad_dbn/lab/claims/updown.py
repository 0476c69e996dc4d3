"""The up-down algorithm on a DBN of digits that was trained greedily (claim I7)."""

from typing import Any

import numpy as np

from ... import exact
from ...autodiff.kernels.blas import one_thread
from ...datasets import digits
from ...learning import greedy_dbn, linear, sgd, up_down
from ...models import DBN
from ...models.restricted import bernoulli
from .choosing import best_of, listed
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import pairs

SMALL, LARGE = "64-12-10, exact log p", "64-80-80, annealed bound"
STAGES = ("greedy", "greedy, longer", "up-down")
CONDITIONS = tuple(f"{size}: {stage}" for size in (SMALL, LARGE) for stage in STAGES)
VALIDATED = 287
RATES, OF_UP_DOWN = (0.02, 0.05, 0.12), (0.01, 0.03, 0.1)


@one_thread()
def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Mean nats of an example, of digits trained on and of others, greedy as it stands or after up-down."""
    size, stage = condition.split(": ")
    data = digits(seed=seed)
    X, valid, heldout = data.train[:-VALIDATED], data.train[-VALIDATED:], data.heldout
    assert heldout is not None
    if quick:
        X, valid, heldout = X[:200], valid[:100], heldout[:100]
    sizes = (64, 12, 10) if size == SMALL else (64, 80, 80)
    epochs = 2 if quick else 30
    value = _exact if size == SMALL else _annealed_bound
    worth = lambda dbn: -value(dbn, valid, np.random.default_rng([seed, 2]))

    def greedily(epochs: int) -> tuple[str, DBN]:
        settings: dict[str, Any] = {"seed": seed, "epochs": epochs, "batch": 20, "schedule": linear(epochs)}
        return best_of(RATES, lambda rate: greedy_dbn(X, sizes, rate=rate, **settings), worth, quick)

    rate, dbn = greedily(2 * epochs if stage == "greedy, longer" else epochs)
    if stage == "up-down":
        start = dbn

        def tuned(rate: float) -> DBN:
            *_, last = up_down(start, X, epochs=epochs, seed=seed, optimiser=sgd(rate), batch=20)
            found: DBN = last.model
            return found

        own, dbn = best_of(OF_UP_DOWN, tuned, worth, quick)
        rate = f"{rate}; {own}"
    rng = np.random.default_rng([seed, 1])
    return {"train": value(dbn, X, rng), "held out": value(dbn, heldout, rng), "rate": rate}


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
        f"scikit-learn's digits, binarised, {VALIDATED} of them to choose rates by. Greedy: CD-1, 30 epochs a layer, "
        "at a rate that falls to zero. Up-down: 30 epochs more, wake, one round of Gibbs sampling in the top, sleep, "
        "at a constant rate, from the greedy DBN. Greedy, longer: 60 epochs of CD-1 in each layer instead. The rates "
        f"(from {listed(RATES)}, of up-down {listed(OF_UP_DOWN)}) are those that end highest on the digits to choose "
        "by. The small DBN is judged by its exact likelihood, the large one by the bound with the top's log Z annealed "
        "(200 chains, 2 000 temperatures): an estimate."
    ),
    conditions=CONDITIONS,
    seeds=5,
    measure=measure,
    columns={"train": "train, nats", "held out": "held out, nats", "rate": "rates chosen"},
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
