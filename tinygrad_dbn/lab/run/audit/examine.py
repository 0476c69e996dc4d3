"""The trained model, examined exactly: what `tinygrad-dbn lab --audit` finds out at the end of a run.

Every examination gives a dictionary of plain numbers, in nats and means over examples where nothing else is said. One
that is too large to enumerate, or that has no answer, gives {"refused": the reason} instead.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....datasets import Dataset

if TYPE_CHECKING:
    from ....models import DBN, RBM

Figures = dict[str, Any]

CHAINS = 100
TEMPERATURES = (10, 30, 100, 300, 1000)
STEPS = (1, 3, 10, 30, 100)  # the k of CD-k
EXAMPLES, STARTS = 32, 4  # of the search for the best factorial q, which takes longest
SECONDS = 30.0  # that a single sum may take


class _NoAnswer(Exception):
    """A question that this model or these data do not have an answer to. Its text says why."""


def examine(model: "DBN", rbms: "Sequence[RBM]", data: Dataset, seed: int) -> dict[str, Figures]:
    """The figures of every examination by its name. `rbms` is the stack that the model was made of, from below.

    The same model, data and seed give the same bits. Sampled are only the annealed chains and the random starts.
    """
    found = {"log_partition": _or_reason(lambda: _log_partition(model))}
    exact = found["log_partition"].get("exact")
    examinations: dict[str, Callable[[], Figures]] = {
        "annealed": lambda: _annealed(model, exact, np.random.default_rng([seed, 1]), backwards=False),
        "annealed_backwards": lambda: _annealed(model, exact, np.random.default_rng([seed, 2]), backwards=True),
        "entropy": lambda: _entropy(model, data),
        "divergence": lambda: _divergence(model, data),
        "layers": lambda: _layers(model, data),
        "factorial": lambda: _factorial(model, data, np.random.default_rng([seed, 3])),
        "ceiling": lambda: _ceiling(model, data),
        "optimum": lambda: _optimum(model, data),
    }
    found |= {name: _or_reason(examination) for name, examination in examinations.items()}
    for at in range(len(rbms)):
        found[f"bias_of_cd_in_layer_{at + 1}"] = _or_reason(partial(_bias, rbms[:at], rbms[at], data))
    return found


def to_json(found: dict[str, Figures]) -> bytes:
    """audit.json: every figure so that reading it gives the same bits."""
    return (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode()


def _or_reason(examination: Callable[[], Figures]) -> Figures:
    from ....exact import AboveOptimum, TooLarge

    try:
        return examination()
    except (TooLarge, AboveOptimum, _NoAnswer) as error:
        return {"refused": str(error)}


def _log_partition(model: "DBN") -> Figures:
    from ....exact import log_partition

    value, error = log_partition(model.top, with_error=True, max_seconds=SECONDS)
    return {"exact": float(value), "error": float(error)}


def _annealed(model: "DBN", exact: float | None, rng: np.random.Generator, backwards: bool) -> Figures:
    """One estimate for each number of temperatures; `holds` is None where there is no exact value to hold."""
    from ....exact import annealed, annealed_backwards

    estimate = annealed_backwards if backwards else annealed
    estimates = []
    for temperatures in TEMPERATURES:
        found = estimate(model.top, CHAINS, np.linspace(0, 1, temperatures), rng, confidence=0.95)
        low, high = float(found.low), float(found.high)
        estimates.append(
            {
                "temperatures": temperatures,
                "log_partition": float(found.log_partition),
                "low": low,
                "high": high,
                "effective": float(found.effective),
                "holds": None if exact is None else low <= exact <= high,
            }
        )
    return {"chains": CHAINS, "confidence": 0.95, "estimates": estimates}


def _entropy(model: "DBN", data: Dataset) -> Figures:
    from ....exact import data_entropy, entropy

    return {"model": float(entropy(model, max_seconds=SECONDS)), "data": data_entropy(data.train)}


def _divergence(model: "DBN", data: Dataset) -> Figures:
    from ....exact import kl_from_data

    return {"kl": float(kl_from_data(model, data.train, max_seconds=SECONDS))}


def _layers(model: "DBN", data: Dataset) -> Figures:
    from ....exact import audit_layers

    audit = audit_layers(model, data.train, max_seconds=SECONDS)
    return {
        "log_likelihood": float(audit.log_likelihood.mean()),
        "bound": float(audit.bound.mean()),
        "kl": [float(kl) for kl in audit.kl.mean(axis=0)],
        "residual": float(np.abs(audit.residual).max()),
    }


def _factorial(model: "DBN", data: Dataset, rng: np.random.Generator) -> Figures:
    """On examples spread evenly over the data: what the recognition model misses, and what a better q would not."""
    from ....exact import audit, best_factorial

    count = min(EXAMPLES, len(data.train))
    X = data.train[np.linspace(0, len(data.train) - 1, count).astype(int)]
    best = best_factorial(model, X, rng, STARTS, tolerance=1e-10, sweeps=200, max_seconds=SECONDS)
    now = audit(model, X, max_seconds=SECONDS)
    return {
        "examples": count,
        "starts": STARTS,
        "gap": float(now.kl.mean()),
        "recovered": float((best.bound - now.bound).mean()),
        "gap_left": float((now.log_likelihood - best.bound).mean()),
        "most_fixed_points": int(best.fixed_points.max()),
    }


def _ceiling(model: "DBN", data: Dataset) -> Figures:
    from ....exact import ceiling

    found = ceiling(model, data.train, max_seconds=SECONDS)
    return {"bound": found.bound, "room": found.room, "log_likelihood": found.log_likelihood}


def _optimum(model: "DBN", data: Dataset) -> Figures:
    from ....exact import check_optimum, log_likelihood

    reached = check_optimum(float(np.mean(log_likelihood(model, data.train, max_seconds=SECONDS))), data)
    if data.optimum is None:
        raise _NoAnswer(f"{data.name} is a sample of an unknown distribution: the best possible log p(x) is not known")
    return {"log_likelihood": reached, "optimum": data.optimum, "distance": data.optimum - reached}


def _bias(below: "Sequence[RBM]", rbm: "RBM", data: Dataset) -> Figures:
    """Expected CD-k of one RBM of the stack, on what it was trained on, beside the exact gradient there."""
    from ....exact import compare
    from ....exact.budget import MAX_BYTES, afford
    from ....exact.costs import gibbs
    from ....exact.rules.expected import after_gibbs, difference, equilibrium

    hidden, visible = rbm.W.shape
    afford("the bias of CD", gibbs(rbm, len(data.train), max(STEPS)), SECONDS, MAX_BYTES)  # before data is led up to it
    ensemble = _upward(below, data)
    afford("the bias of CD", gibbs(rbm, len(ensemble[0]), sum(STEPS)), SECONDS, MAX_BYTES)
    gradient = difference(rbm, ensemble, equilibrium(rbm))
    curve = []
    for k in STEPS:
        update = difference(rbm, ensemble, after_gibbs(rbm, ensemble, k))
        for name, direction in ((f"the expected update of CD-{k}", update), ("the exact gradient", gradient)):
            if not any(part.any() for part in (direction.W, direction.b, direction.c)):
                raise _NoAnswer(f"{name} is zero everywhere: it has no direction to compare")
        found = compare(update, gradient)
        curve.append({"k": k, "angle": found.angle, "length": found.length, "signs": found.signs})
    return {"visible": visible, "hidden": hidden, "curve": curve}


def _upward(below: "Sequence[RBM]", data: Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The states that the next RBM sees, and how likely it sees each: q̄ of the layer below, or the data."""
    from ....exact import states
    from ....exact.distributions import bernoulli_table, distinct

    x, p = distinct(np.asarray(data.train, np.float64))
    for rbm in below:
        hidden = rbm.W.shape[0]
        x, p = states(hidden), p @ np.asarray(bernoulli_table(rbm.hidden_logits(x)))
    return x, p
