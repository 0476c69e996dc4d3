"""A pre-trained network as a classifier."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ..autodiff import ops
from ..autodiff.kernels.blas import one_thread
from ..learning import Dropout, RBMModule, compiling, fine_tune, pretrain, sgd
from .features import UnitRange, examples, features
from .parameters import COMPILE, PROBABILITY, RANDOM_STATE, RATE, Parameter, one_or_each, seed, settings, whole


class DBNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """RBMs stacked layer by layer, unrolled into a network and fine-tuned with labels (claims C1, C3, C4).

    hidden_layer_sizes: units of each hidden layer, the lowest first; a number for a single one. dropout: the
    probability with which hidden units are dropped in fine-tuning, or one for each layer (claim E1). compile and
    random_state: as for `BernoulliRBM`.

    After `fit`: `classes_`, `net_` (the `td.FeedForward`), `dbn_` (the stack before fine-tuning), `range_` (what scales
    features to [0, 1]), and `loss_curve_` in nats.
    """

    _parameters: ClassVar[dict[str, Parameter]] = {
        "hidden_layer_sizes": one_or_each(whole(1)),
        "pretraining_rate": RATE,
        "pretraining_epochs": whole(0),
        "learning_rate": RATE,
        "epochs": whole(0),
        "batch_size": whole(1),
        "dropout": one_or_each(PROBABILITY),
        "compile": COMPILE,
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | tuple[int, ...] = (100, 100),
        *,
        pretraining_rate: float = 0.05,
        pretraining_epochs: int = 10,
        learning_rate: float = 0.1,
        epochs: int = 50,
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
        with compiling(given["compile"]):
            module = RBMModule(
                epochs=given["pretraining_epochs"], optimiser=sgd(given["pretraining_rate"]), batch=batch
            )
            stack = pretrain(sizes, module, X, number)
            fitted = fine_tune(
                stack, (X, indices), classes=len(self.classes_), seed=number, optimiser=sgd(given["learning_rate"]),
                epochs=given["epochs"], batch=batch, dropout=self.dropout_,
            )  # fmt: skip
        self.dbn_, self.net_ = stack.dbn, fitted.model
        self.loss_curve_ = [line.loss for line in fitted.history[1:]]
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
