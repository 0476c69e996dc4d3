"""A pre-trained network as a classifier."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ..autodiff import ops
from ..autodiff.kernels.blas import one_thread
from ..learning import Dropout, RBMModule, compiling, fine_tune, pretrain, sgd, steps_per_epoch
from .features import UnitRange, examples, features
from .outcome import warn_of_chance
from .parameters import (
    COMPILE,
    PROBABILITY,
    RANDOM_STATE,
    RATE,
    Parameter,
    one_or_each,
    seed,
    settings,
    whole,
    whole_or_none,
)

STEPS, EPOCHS = 2000, 10
"""What a training takes at least, unless its epochs are given. A hundred examples are five batches of the usual size,
so that a fixed number of epochs, right for thousands, would end at chance."""


class DBNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """RBMs stacked layer by layer, unrolled into a network and fine-tuned with labels (claims C1, C3, C4).

    hidden_layer_sizes: units of each hidden layer, the lowest first; a number for a single one. dropout: the
    probability with which hidden units are dropped in fine-tuning, or one for each layer (claim E1). compile and
    random_state: as for `BernoulliRBM`.

    epochs, and pretraining_epochs of each layer: None for as many as make 2 000 steps of `batch_size`, and 10 at least,
    so that small data is seen more often. A fit that ends no better than the commonest class raises a warning,
    scikit-learn's ConvergenceWarning.

    After `fit`: `classes_`, `net_` (the `td.FeedForward`), `dbn_` (the stack before fine-tuning), `range_` (what scales
    features to [0, 1]), and `loss_curve_` in nats.
    """

    _parameters: ClassVar[dict[str, Parameter]] = {
        "hidden_layer_sizes": one_or_each(whole(1)),
        "pretraining_rate": RATE,
        "pretraining_epochs": whole_or_none(0),
        "learning_rate": RATE,
        "epochs": whole_or_none(0),
        "batch_size": whole(1),
        "dropout": one_or_each(PROBABILITY),
        "compile": COMPILE,
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | tuple[int, ...] = 256,
        *,
        pretraining_rate: float = 0.1,
        pretraining_epochs: int | None = None,
        learning_rate: float = 0.5,
        epochs: int | None = None,
        batch_size: int = 20,
        dropout: float | tuple[float, ...] = 0.0,
        compile: bool | str = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes, self.pretraining_rate = hidden_layer_sizes, pretraining_rate
        self.pretraining_epochs, self.learning_rate, self.epochs = pretraining_epochs, learning_rate, epochs
        self.batch_size, self.dropout, self.compile, self.random_state = batch_size, dropout, compile, random_state

    def fit(self, X: Any, y: Any) -> "DBNClassifier":
        """Train on X (T, D) and classes y (T,) of any kind. Raises ValueError for a single class."""
        given = settings(self, self._parameters)
        sizes, dropout = given["hidden_layer_sizes"], given["dropout"]
        sizes = sizes if isinstance(sizes, tuple) else (sizes,)
        if isinstance(dropout, tuple) and len(dropout) != len(sizes):
            raise ValueError(
                f"DBNClassifier(dropout={dropout}): {len(dropout)} probabilities for {len(sizes)} hidden layers; "
                "write one for each, or a number for all"
            )
        X, y = examples(self, X, y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}; a classifier needs at least two")
        self.range_ = UnitRange.of(X)
        X, number, batch = self.range_(X), seed(given["random_state"]), given["batch_size"]
        self.dropout_ = Dropout(dropout) if dropout else None
        enough = max(EPOCHS, -(-STEPS // steps_per_epoch(len(X), batch)))
        before, after = (enough if given[name] is None else given[name] for name in ("pretraining_epochs", "epochs"))
        with compiling(given["compile"]):
            module = RBMModule(epochs=before, optimiser=sgd(given["pretraining_rate"]), batch=batch)
            stack = pretrain(sizes, module, X, number)
            fitted = fine_tune(
                stack, (X, indices), classes=len(self.classes_), seed=number, optimiser=sgd(given["learning_rate"]),
                epochs=after, batch=batch, dropout=self.dropout_,
            )  # fmt: skip
        self.dbn_, self.net_ = stack.dbn, fitted.model
        self.loss_curve_ = [line.loss for line in fitted.history[1:]]
        if after:
            right, commonest = 1 - fitted.history[-1].train_error, np.bincount(indices).max() / len(X)
            warn_of_chance(
                self, f"{right:.2f} of the training examples right", right <= commonest,
                f"the commonest class alone has {commonest:.2f}", "epochs, learning_rate or pretraining_epochs",
            )  # fmt: skip
        return self

    @one_thread()
    def predict_proba(self, X: Any) -> Any:
        """p(class | x) for X (T, D): (T, classes)."""
        check_is_fitted(self)
        X = self.range_(features(self, X, reset=False))
        masks = self.dropout_.expected(self.net_) if self.dropout_ else None
        return np.asarray(ops.softmax(self.net_.logits(X, masks)))

    def predict(self, X: Any) -> Any:
        """The most probable class of each row of X (T, D): (T,)."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
