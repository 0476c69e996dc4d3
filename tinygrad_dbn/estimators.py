"""The library's models as scikit-learn estimators: for pipelines, grid searches, and a fair comparison.

Features are probabilities of being on. `BernoulliRBM` takes X as it is, as scikit-learn's own does, and wants it in
[0, 1]; `DBNClassifier` first scales every feature by its range in the training data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .autodiff import ops
from .autodiff.blas import one_thread
from .learning import Dropout, RBMModule, fine_tune, pretrain, sgd
from .models import RBM


class BernoulliRBM(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An RBM trained by CD-k, with the parameters and attributes of scikit-learn's `BernoulliRBM`, which uses PCD.

    After `fit`: `components_` (n_components, n_features), `intercept_hidden_`, `intercept_visible_`, and `rbm_`, the
    `td.RBM` itself, for `td.exact.log_likelihood` and all the rest. Its width of floats is that of X.
    """

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.1,
        batch_size: int = 10,
        n_iter: int = 10,
        k: int = 1,
        random_state: Any = None,
    ) -> None:
        self.n_components, self.learning_rate, self.batch_size = n_components, learning_rate, batch_size
        self.n_iter, self.k, self.random_state = n_iter, k, random_state

    def fit(self, X: Any, y: Any = None) -> BernoulliRBM:
        """Train on X (T, D). y is ignored."""
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        module = RBMModule(epochs=self.n_iter, k=self.k, optimiser=sgd(self.learning_rate), batch=self.batch_size)
        layer = module.train(X, self.n_components, _seed(self.random_state))
        self.rbm_: RBM = layer.model
        self.components_, self.intercept_hidden_ = self.rbm_.W, self.rbm_.c
        self.intercept_visible_ = self.rbm_.b
        self._n_features_out = self.n_components
        return self

    @one_thread()
    def transform(self, X: Any) -> Any:
        """p(h_j = 1 | x) of X (T, D): (T, n_components)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return np.asarray(self.rbm_.hidden_given_visible(X.astype(self.rbm_.W.dtype)))

    def score_samples(self, X: Any) -> Any:
        """log p(x) + log Z = −F(x) for X (T, D): (T,), nats. `td.exact.log_likelihood(self.rbm_, X)` is log p(x)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return -np.asarray(self.rbm_.free_energy(X.astype(self.rbm_.W.dtype)))


class DBNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """RBMs stacked layer by layer, unrolled into a network and fine-tuned with labels (claims C1, C3, C4).

    After `fit`: `classes_`, `net_` (the `td.FeedForward`), `dbn_` (the stack before fine-tuning), and `loss_curve_`
    in nats. dropout: the probability with which hidden units are dropped in fine-tuning (claim E1).
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (100, 100),
        *,
        pretraining_rate: float = 0.05,
        pretraining_epochs: int = 10,
        learning_rate: float = 0.1,
        epochs: int = 50,
        batch_size: int = 20,
        dropout: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes, self.pretraining_rate = hidden_layer_sizes, pretraining_rate
        self.pretraining_epochs, self.learning_rate, self.epochs = pretraining_epochs, learning_rate, epochs
        self.batch_size, self.dropout, self.random_state = batch_size, dropout, random_state

    def fit(self, X: Any, y: Any) -> DBNClassifier:
        """Train on X (T, D) and classes y (T,) of any kind. Raises ValueError for a single class."""
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}; a classifier needs at least two")
        seed = _seed(self.random_state)
        module = RBMModule(epochs=self.pretraining_epochs, optimiser=sgd(self.pretraining_rate), batch=self.batch_size)
        self.minimum_, self.range_ = X.min(axis=0), np.ptp(X, axis=0)
        X = self._scaled(X)
        stack = pretrain(self.hidden_layer_sizes, module, X, seed)
        self.dropout_ = Dropout(self.dropout) if self.dropout else None
        fitted = fine_tune(
            stack, (X, indices), classes=len(self.classes_), seed=seed, optimiser=sgd(self.learning_rate),
            epochs=self.epochs, batch=self.batch_size, dropout=self.dropout_,
        )  # fmt: skip
        self.dbn_, self.net_ = stack.dbn, fitted.model
        self.loss_curve_ = [line.loss for line in fitted.history[1:]]
        return self

    @one_thread()
    def predict_proba(self, X: Any) -> Any:
        """p(class | x) for X (T, D): (T, classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        masks = self.dropout_.expected(self.net_) if self.dropout_ else None
        return np.asarray(ops.softmax(self.net_.logits(self._scaled(X), masks)))

    def predict(self, X: Any) -> Any:
        """The most probable class of each row of X (T, D): (T,)."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def _scaled(self, X: Any) -> Any:
        """X with every feature's training range as [0, 1]; what is constant there becomes 0, what is beyond is cut."""
        dtype = self.minimum_.dtype
        scaled = (X.astype(dtype) - self.minimum_) / np.where(self.range_ > 0, self.range_, 1)
        return np.clip(scaled, 0, 1).astype(dtype)


def _seed(random_state: Any) -> int:
    """One integer from whatever scikit-learn takes as a random state."""
    return int(check_random_state(random_state).randint(2**31 - 1))
