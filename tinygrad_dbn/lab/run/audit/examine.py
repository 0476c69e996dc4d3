"""The trained model, examined exactly: what `tinygrad-dbn lab --audit` finds out at the end of a run.

Every examination gives a dictionary of plain numbers, in nats and means over examples where nothing else is said. One
that is too large to enumerate, or that has no answer, gives {"refused": the reason} instead.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from .... import exact
from ....datasets import Dataset
from ....exact.budget import MAX_BYTES, afford
from ....exact.costs import gibbs
from ....exact.distributions import bernoulli_table, distinct
from ....exact.rules.expected import Ensemble
from ....models import DBN, AnyRBM
from ...measurements import CHAINS, CONFIDENCE, annealed_interval, bias_of_cd

Figures = dict[str, Any]

TEMPERATURES = (10, 30, 100, 300, 1000)
STEPS = (1, 3, 10, 30, 100)  # the k of CD-k
EXAMPLES, STARTS = 32, 4  # of the search for the best factorial q, which takes longest
SECONDS = 30.0  # that a single sum may take


class _NoAnswer(Exception):
    """A question that this model or these data do not have an answer to. Its text says why."""


def examine(model: DBN, rbms: Sequence[AnyRBM], data: Dataset, seed: int) -> dict[str, Figures]:
    """The figures of every examination by its name. `rbms` is the stack that the model was made of, from below.

    The same model, data and seed give the same bits. Sampled are only the annealed chains and the random starts.
    """
    found = {"log_partition": _or_reason(lambda: _log_partition(model))}
    log_z = found["log_partition"].get("exact")
    examinations: dict[str, Callable[[], Figures]] = {
        "annealed": lambda: _annealed(model, log_z, np.random.default_rng([seed, 1]), backwards=False),
        "annealed_backwards": lambda: _annealed(model, log_z, np.random.default_rng([seed, 2]), backwards=True),
        "entropy": lambda: _entropy(model, data),
        "divergence": lambda: _divergence(model, data),
        "layers": lambda: _layers(model, data),
        "factorial": lambda: _factorial(model, data, np.random.default_rng([seed, 3])),
        "ceiling": lambda: _ceiling(model, data),
        "optimum": lambda: _optimum(model, data),
    }
    for at in range(len(rbms)):
        examinations[f"bias_of_cd_in_layer_{at + 1}"] = partial(_bias, rbms[:at], rbms[at], data)
    return found | {name: _or_reason(examination) for name, examination in examinations.items()}


def to_json(found: dict[str, Figures]) -> bytes:
    """audit.json: every figure so that reading it gives the same bits."""
    return (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode()


def _or_reason(examination: Callable[[], Figures]) -> Figures:
    try:
        return examination()
    except (exact.TooLarge, exact.AboveOptimum, _NoAnswer) as error:
        return {"refused": str(error)}


def _log_partition(model: DBN) -> Figures:
    value, error = exact.log_partition(model.top, with_error=True, max_seconds=SECONDS)
    return {"exact": float(value), "error": float(error)}


def _annealed(model: DBN, log_z: float | None, rng: np.random.Generator, backwards: bool) -> Figures:
    """One estimate for each number of temperatures."""
    estimates = [annealed_interval(model.top, count, rng, log_z, backwards=backwards) for count in TEMPERATURES]
    return {"chains": CHAINS, "confidence": CONFIDENCE, "estimates": list(map(asdict, estimates))}


def _entropy(model: DBN, data: Dataset) -> Figures:
    return {"model": float(exact.entropy(model, max_seconds=SECONDS)), "data": exact.data_entropy(data.train)}


def _divergence(model: DBN, data: Dataset) -> Figures:
    return {"kl": float(exact.kl_from_data(model, data.train, max_seconds=SECONDS))}


def _layers(model: DBN, data: Dataset) -> Figures:
    audit = exact.audit_layers(model, data.train, max_seconds=SECONDS)
    return {
        "log_likelihood": float(audit.log_likelihood.mean()),
        "bound": float(audit.bound.mean()),
        "kl": [float(kl) for kl in audit.kl.mean(axis=0)],
        "residual": float(np.abs(audit.residual).max()),
    }


def _factorial(model: DBN, data: Dataset, rng: np.random.Generator) -> Figures:
    """What the recognition model misses, and what the best factorial q would not, on examples from all the data."""
    count = min(EXAMPLES, len(data.train))
    X = data.train[np.linspace(0, len(data.train) - 1, count).astype(int)]
    best = exact.best_factorial(model, X, rng, STARTS, tolerance=1e-10, sweeps=200, max_seconds=SECONDS)
    now = exact.audit(model, X, max_seconds=SECONDS)
    return {
        "examples": count,
        "starts": STARTS,
        "gap": float(now.kl.mean()),
        "recovered": float((best.bound - now.bound).mean()),
        "gap_left": float((now.log_likelihood - best.bound).mean()),
        "most_fixed_points": int(best.fixed_points.max()),
    }


def _ceiling(model: DBN, data: Dataset) -> Figures:
    found = exact.ceiling(model, data.train, max_seconds=SECONDS)
    return {"bound": found.bound, "room": found.room, "log_likelihood": found.log_likelihood}


def _optimum(model: DBN, data: Dataset) -> Figures:
    log_p = float(np.mean(exact.log_likelihood(model, data.train, max_seconds=SECONDS)))
    exact.check_optimum(log_p, data)
    if data.optimum is None:
        raise _NoAnswer(f"{data.name} is a sample of an unknown distribution: the best possible log p(x) is not known")
    return {"log_likelihood": log_p, "optimum": data.optimum, "distance": data.optimum - log_p}


def _bias(below: Sequence[AnyRBM], rbm: Any, data: Dataset) -> Figures:
    """Expected CD-k of one RBM of the stack, on what it was trained on, beside the exact gradient there."""
    hidden, visible = rbm.W.shape
    afford("the bias of CD", gibbs(rbm, len(data.train), max(STEPS)), SECONDS, MAX_BYTES)  # before data is led up to it
    ensemble = upward(below, data)
    afford("the bias of CD", gibbs(rbm, len(ensemble[0]), sum(STEPS)), SECONDS, MAX_BYTES)
    try:
        found = bias_of_cd(rbm, ensemble, STEPS)
    except ValueError as error:
        raise _NoAnswer(str(error)) from error
    curve = [
        {"k": k, "angle": each.angle, "length": each.length, "signs": each.signs}
        for k, each in zip(STEPS, found, strict=True)
    ]
    return {"visible": visible, "hidden": hidden, "curve": curve}


def upward(below: Sequence[AnyRBM], data: Dataset) -> Ensemble:
    """The states that the next RBM sees, and how likely it sees each: q̄ of the layer below, or the data."""
    x, p = distinct(np.asarray(data.train, np.float64))
    for rbm in below:
        hidden = rbm.W.shape[0]
        x, p = exact.states(hidden), p @ np.asarray(bernoulli_table(rbm.hidden_logits(x)))
    return x, p
