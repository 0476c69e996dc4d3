"""How the rate falls in greedy training, compared on digits that are neither trained on nor reported (claim G0).

`tinygrad-dbn lab` trains with the linear schedule, whose held-out digits are not looked at here. Over five seeds it
ended the first layer higher than a constant and a hyperbolic rate, and swung less than the constant one; the second
layer it ended as a constant rate does, within what the seeds differ.
"""

import numpy as np

from ... import exact
from ...autodiff.kernels.blas import one_thread
from ...datasets import digits
from ...learning import Schedule, constant, greedy, hyperbolic, linear
from .experiment import Comparison, Experiment, Figures
from .pictures import dots

EPOCHS, VALIDATED, LAST = 30, 287, 10
SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "hyperbolic, halved after 5": hyperbolic(5),
    "linear to zero": linear(EPOCHS),
}


@one_thread()
def measure(condition: str, seed: int, quick: bool) -> Figures:
    """Mean nats of the validation digits, exact, at the end of each layer, and how they swing before."""
    X = digits().train
    train, valid = X[:-VALIDATED], X[-VALIDATED:]
    if quick:
        train = train[:200]
    of_layer: dict[int, list[float]] = {1: [], 2: []}
    for at in greedy(
        train, (64, 12, 10), seed=seed, epochs=3 if quick else EPOCHS, rate=0.05, batch=20,
        schedule=SCHEDULES[condition],
    ):  # fmt: skip
        of_layer[at.layer].append(float(exact.log_likelihood(at.model, valid).mean()))
    return {
        "first": of_layer[1][-1],
        "second": of_layer[2][-1],
        "swing": float(np.abs(np.diff(of_layer[1][-LAST - 1 :])).max()),
    }


EXPERIMENT = Experiment(
    claim="G0, I5",
    title="How the rate should fall",
    method=(
        "64-12-10 on scikit-learn's binarised digits, CD-1, 30 epochs a layer, momentum of rate 0.05 at the start. Of "
        "the 1 437 digits that `tinygrad-dbn lab` trains on, the last 287 are set aside to choose by; its 360 held-out "
        "digits play no part. Swing: the largest change from epoch to epoch in the last ten of the first layer."
    ),
    conditions=tuple(SCHEDULES),
    seeds=5,
    measure=measure,
    columns={
        "first": "validation log p, one layer, nats",
        "second": "two layers, nats",
        "swing": "largest swing, nats",
    },
    comparisons=tuple(
        Comparison(figure, "linear to zero", other, lower=figure == "swing", says=f"{says} than {other}")
        for other in ("constant", "hyperbolic, halved after 5")
        for figure, says in (
            ("first", "one layer: linear ends higher"),
            ("second", "two layers: linear ends higher"),
            ("swing", "linear swings less"),
        )
    ),
    draw=lambda results, dark: dots(results, tuple(SCHEDULES), "second", "log p of validation digits, nats", dark),
)
