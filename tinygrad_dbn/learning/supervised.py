"""Supervised training: minibatch descent of −log f(x)_y, watched on a validation set (claims A3, B4, C4, E1–E3)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isnan, nan
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.kernels.blas import fixed_threads
from ..autodiff.trees import finite, tree_map
from ..models import FeedForward
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown, short
from .descent import Descent, descend
from .dropout import Dropout
from .optimisers import Optimiser, Schedule, constant, momentum, number
from .semi_supervised import Embedded, Embedding, Joint

Examples = Any
"""(X (T, D), y (T,)), or anything with `.X` and `.y`, such as a part of a `Labelled` data set."""


@dataclass(frozen=True)
class Epoch:
    """One line of a training's history. Errors are shares of misclassified examples, of the model after the epoch."""

    epoch: int
    loss: float
    """Mean −log f(x)_y over the epoch, nats, with dropout where there is any; an embedding's loss is added to it."""
    train_error: float
    """NaN where `fit` was told to leave it out."""
    valid_error: float
    """NaN without a validation set."""
    valid_nll: float
    """Mean −log f(x)_y over the validation set, nats; NaN without one."""


@dataclass(frozen=True, eq=False)
class Fit(Shown):
    """A training: where it stands, its best model so far, and its history. `td.save` keeps it, `start=` resumes it."""

    descent: Descent
    model: FeedForward
    """The model of the lowest validation NLL, which hardly ever ties as errors do; without validation the latest.

    After classical dropout it is to be given its masks at test time, `dropout.expected(model)`, wherever it is used:
    as `masks` of `error_rate`, `model.logits`, `model.nll`. After inverted dropout, and without any, it wants none.
    """
    best_epoch: int
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The line of the history that belongs to `model`."""
        return self.history[self.best_epoch]


def fit(
    net: FeedForward,
    train: Examples,
    valid: Examples | None = None,
    *,
    optimiser: Optimiser | None = None,
    epochs: int = 50,
    batch: int = 32,
    seed: Random = 0,
    dropout: Dropout | None = None,
    embedding: Embedding | None = None,
    weight_decay: float = 0.0,
    max_norm: float | None = None,
    schedule: Schedule = constant,
    patience: int | None = None,
    least: int = 0,
    start: Fit | None = None,
    watch: Callable[[Fit], None] | None = None,
    train_errors: bool = True,
    compile: bool | None = None,
) -> Fit:
    """The net trained by minibatch descent of the mean −log f(x)_y, keeping the model that does best in validation.

    Best is the lowest mean −log f(x)_y of the validation set: its error is a share of few examples, and ties.
    optimiser: momentum(0.1) unless said otherwise. patience: stop after so many epochs in which validation finds no
    better model, but not before `least` epochs: deep nets of sigmoids stand on a plateau first. max_norm: no hidden or
    output unit's incoming weights grow longer than this (Srivastava et al. 2014). embedding: a loss of pairs without
    labels is added. watch(fit) is called at the start and after each epoch, for instance with `lambda f: td.save(path,
    f)`; given that back as `start`, the training goes on to the same bits, and is returned as it is where it had come
    to its end. X is taken in the net's own width of floats.
    train_errors: whether each epoch's error on the training examples is counted, about a quarter of the time of a net.
    compile: whether steps are compiled; if not said, where there are many of them (see `descend`).
    Raises ValueError for data that does not fit the net and settings that make no sense, and `Diverged` with the last
    good descent.
    """
    seed, at_its_end = seed_of(seed), _stopping(patience, least, valid is not None)
    longest = None if max_norm is None else number("max_norm", max_norm, positive=True)
    X, y = examples(train, net)
    validation = None if valid is None else examples(valid, net)
    masks = None if dropout is None else dropout.expected(net)
    joint = None if embedding is None else Joint(embedding, net, masks)

    def draw(rng: np.random.Generator, x: Any, y: Any) -> tuple[Any, ...]:
        dropped = () if dropout is None else dropout.draw(net, len(x), rng)
        return dropped if joint is None else (*dropped, *joint.draw(rng, len(x)))

    def loss(model: Any, x: Any, y: Any, *drawn: Any) -> Any:
        dropped = 0 if dropout is None else len(net.weights) - 1
        supervised = supervised_loss(_net(model), x, y, *drawn[:dropped])
        return supervised if joint is None else supervised + joint.loss(model, *drawn[dropped:])

    def line(at: Descent) -> Epoch:
        now = _net(at.model)
        valid = (nan, nan) if validation is None else scores(now, *validation, masks)
        return Epoch(at.epoch, at.loss, error_rate(now, X, y, masks) if train_errors else nan, *valid)

    descents = descend(
        net if joint is None else joint.start(net, seed), (X, y), loss, optimiser or momentum(0.1), epochs=epochs,
        batch=batch, seed=seed, draw=draw, schedule=schedule, weight_decay=weight_decay,
        project=None if longest is None else lambda model: bounded(model, longest),
        start=None if start is None else start.descent, compile=compile,
    )  # fmt: skip
    if start is not None and at_its_end(start):
        return start
    at = start
    for descent in descents:
        at = _extended(at, descent, line(descent), valid is not None)
        if watch is not None:
            watch(at)
        if at_its_end(at):
            break
    assert at is not None  # a descent yields its start
    return at


def _stopping(patience: int | None, least: int, judged: bool) -> Callable[[Fit], bool]:
    """Whether a training has had its patience. Raises ValueError where that makes no sense, or nothing judges it."""
    if patience is None:
        if least:
            raise ValueError(f"least={least} without patience: a training takes all its epochs; leave it out")
        return lambda at: False
    if not judged:
        raise ValueError(f"patience={patience} without validation: give `valid`, by which a model is the better one")
    most, least = whole("patience", patience, 1), whole("least", least, 0)
    return lambda at: at.descent.epoch >= max(least, at.best_epoch + most)


def supervised_loss(net: FeedForward, x: Any, y: Any, *masks: Any) -> Any:
    """The mean −log f(x)_y of a batch, nats, with the masks of its dropout where there is any."""
    return ops.mean(net.nll(x, y, masks or None))


def _net(model: FeedForward | Embedded) -> FeedForward:
    return model.net if isinstance(model, Embedded) else model


def _extended(at: Fit | None, descent: Descent, line: Epoch, judged: bool) -> Fit:
    """A training with one more line, its model the new one where that is the best so far, or nothing judges it."""
    if at is None:
        return Fit(descent, _net(descent.model), 0, (line,))
    at = replace(at, descent=descent, history=(*at.history, line))
    new, best = (inf if isnan(nll) else nll for nll in (line.valid_nll, at.best.valid_nll))
    better = not judged or new < best
    return replace(at, model=_net(descent.model), best_epoch=descent.epoch) if better else at


def examples(given: Examples, net: FeedForward) -> tuple[Any, Any]:
    """X in the net's width of floats and y as integers. Raises ValueError where they do not fit a net with softmax."""
    if net.output != "softmax":
        raise ValueError(f"−log f(x)_y needs output='softmax', this network has {net.output!r}")
    return _fitting(given, net)


def _fitting(given: Examples, net: FeedForward) -> tuple[Any, Any]:
    """The same for a net of any output."""
    if not hasattr(given, "X") and not (isinstance(given, tuple | list) and len(given) == 2):
        raise ValueError(f"examples are X (T, D) and their classes y (T,), not {short(given)}: write (X, y)")
    X, y = (given.X, given.y) if hasattr(given, "X") else given
    X, y = np.asarray(X, net.weights[0].dtype), np.asarray(y)
    width, classes = net.weights[0].shape[1], net.weights[-1].shape[0]
    if X.ndim != 2 or X.shape[1] != width or not len(X) or y.shape != X.shape[:1] or y.dtype.kind not in "iu":
        raise ValueError(
            f"X of shape {X.shape} with y of shape {y.shape} and {y.dtype}; a net of {width} inputs wants "
            f"X (T, {width}) and y (T,) of integers, T at least 1"
        )
    if not (y.min() >= 0 and y.max() < classes):
        raise ValueError(f"classes run from {y.min()} to {y.max()}, the net has outputs 0 to {classes - 1}")
    if not finite(X):
        raise ValueError("X has NaN or inf; drop those examples, or fill them in")
    return X, y.astype(np.int64)


@fixed_threads()
def error_rate(net: FeedForward, X: Any, y: Any, masks: Any = None, batch: int = 2000) -> float:
    """The share of examples whose most probable class is not y; a tie goes to the lower class.

    masks: after a training with classical dropout, those at test time, `dropout.expected(net)`, with which its history
    is counted too; None after inverted dropout, and without any. X is taken in the net's own width of floats.
    Raises ValueError for data that does not fit the net.
    """
    X, y = _fitting((X, y), net)
    wrong = 0
    for i in range(0, len(X), batch):
        wrong += int((net.logits(X[i : i + batch], masks).argmax(axis=1) != y[i : i + batch]).sum())
    return wrong / len(X)


@fixed_threads()
def scores(net: FeedForward, X: Any, y: Any, masks: Any = None, batch: int = 2000) -> tuple[float, float]:
    """The error rate and the mean −log f(x)_y, nats, of a net with softmax, in one pass."""
    wrong, total = 0, 0.0
    for i in range(0, len(X), batch):
        logits, classes = net.logits(X[i : i + batch], masks), y[i : i + batch]
        wrong += int((logits.argmax(axis=1) != classes).sum())
        total += float(np.sum(ops.softmax_nll(logits, classes), dtype=float))
    return wrong / len(X), total / len(X)


def bounded(net: Any, longest: float) -> Any:
    """The net, or a tree of arrays, with every row of every matrix shortened to length `longest` where it is longer."""

    def shorten(p: Any) -> Any:
        if len(p.shape) != 2:
            return p
        length = ops.sqrt(ops.sum(p * p, axis=1, keepdims=True))
        return p * (longest / ops.maximum(length, longest))

    return tree_map(shorten, net)
