"""An RBM as a transformer."""

from time import monotonic
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..autodiff import ops
from ..autodiff.kernels.blas import one_thread
from ..learning import Descent, Diverged, cd_loss, compiling, descend, sgd
from ..learning.contrastive import gibbs_uniforms
from ..models import RBM
from ..models.autoencoder import as_width
from .features import features, largest
from .outcome import warn_of_chance
from .parameters import COMPILE, RANDOM_STATE, RATE, VERBOSE, Parameter, seed, settings, whole


class BernoulliRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An RBM trained by CD-k, with the parameters and attributes of scikit-learn's `BernoulliRBM`, which uses PCD.

    random_state: an integer makes every `fit` the same; a numpy.random.Generator or RandomState gives each fit a seed.
    verbose: print the mean pseudo-likelihood after each epoch. compile: train in compiled steps, which takes a
    compiler half a minute the first time; "auto" does so for what is left of a training after its first 2000 steps.

    After `fit`: `components_` (n_components, n_features), `intercept_hidden_`, `intercept_visible_`, and `rbm_`, the
    `td.RBM` itself, for `td.exact.log_likelihood` and all the rest. Its width of floats is that of X. `descent_` is
    where the training stands, and `random_state_` the generator that `gibbs` draws from.

    Every method raises ValueError for parameters and X that it cannot take; a sparse X is made dense. A `fit` that ends
    no better than each feature's own rate raises a warning, scikit-learn's ConvergenceWarning.
    """

    _parameters: ClassVar[dict[str, Parameter]] = {
        "n_components": whole(1),
        "learning_rate": RATE,
        "batch_size": whole(1),
        "n_iter": whole(0),
        "k": whole(1),
        "verbose": VERBOSE,
        "compile": COMPILE,
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.1,
        batch_size: int = 10,
        n_iter: int = 10,
        k: int = 1,
        verbose: bool | int = 0,
        compile: bool | str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components, self.learning_rate, self.batch_size = n_components, learning_rate, batch_size
        self.n_iter, self.k, self.random_state = n_iter, k, random_state
        self.verbose, self.compile = verbose, compile

    def fit(self, X: Any, y: Any = None) -> "BernoulliRBM":
        """Train on X (T, D) for n_iter epochs, from the start. y is ignored. Raises `Diverged` where that happens."""
        given = settings(self, self._parameters)
        X = features(self, X, reset=True)
        start = self._start(X, given)
        self._train(X, start, given["n_iter"], given)
        if given["n_iter"]:
            with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # at the largest X neither is finite
                alone, together = (_pseudo_likelihood(rbm, X, self.seed_).mean() for rbm in (start.model, self.rbm_))
            warn_of_chance(
                self, f"a mean pseudo-likelihood of {together:.2f} nats", together <= alone,
                f"each feature by itself has {alone:.2f}", "learning_rate or n_iter",
            )  # fmt: skip
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "BernoulliRBM":
        """Train for one epoch more, on X (T, D). As many calls with one X are a `fit` of so many epochs.

        To the same bits, since "auto" counts steps from the start of the training. The first call of an estimator that
        is not fitted yet starts as `fit` does, with X for all the data.
        """
        given = settings(self, self._parameters)
        first = not hasattr(self, "descent_")
        X = features(self, X, reset=first)
        if not first and len(self.components_) != given["n_components"]:
            raise ValueError(
                f"n_components={given['n_components']} for an RBM in training that has {len(self.components_)}: "
                "`fit` starts a new one"
            )
        return self._train(X, self._start(X, given) if first else self.descent_, 1, given)

    def transform(self, X: Any) -> Any:
        """p(h_j = 1 | x) of X (T, D): (T, n_components)."""
        return self._finite(self.rbm_.hidden_given_visible, self._visible(X))

    def score_samples(self, X: Any) -> Any:
        """log p(x) + log Z = −F(x) for X (T, D): (T,), nats. `td.exact.log_likelihood(self.rbm_, X)` is log p(x).

        scikit-learn's `score_samples` is `pseudo_likelihood`, which is not a likelihood.
        """
        return -self._finite(self.rbm_.free_energy, self._visible(X))

    def pseudo_likelihood(self, X: Any) -> Any:
        """An estimate of Σ_i log p(x_i | all other x) for X (T, D): (T,), nats, D times one term drawn for each row.

        Unbiased over the seeds of `fit`; one fitted estimator draws the same terms at each call.
        """
        return self._finite(lambda x: _pseudo_likelihood(self.rbm_, x, self.seed_), self._visible(X))

    def gibbs(self, X: Any) -> Any:
        """Zeros and ones (T, D) after one round of Gibbs sampling from X (T, D), drawn anew at each call."""
        return self._finite(lambda x: self.rbm_.gibbs(x, self.random_state_), self._visible(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _start(self, X: Any, given: dict[str, Any]) -> Descent:
        """A descent at its start, and a new seed for it."""
        self.seed_ = seed(given["random_state"])
        self.random_state_ = np.random.default_rng([self.seed_, 0, 1])
        rbm = RBM.for_data(X, given["n_components"], np.random.default_rng([self.seed_, 0]))
        return Descent(as_width(rbm, X.dtype), (), 0, float("nan"))

    def _train(self, X: Any, at: Descent, epochs: int, given: dict[str, Any]) -> "BernoulliRBM":
        """The estimator after so many more epochs on X."""
        X = X.astype(at.model.W.dtype, copy=False)
        begin = monotonic()
        try:
            # What is not finite ends in Diverged.
            with compiling(given["compile"]), np.errstate(over="ignore", invalid="ignore"):
                for epoch in descend(
                    at.model, (X,), cd_loss(given["k"]), sgd(given["learning_rate"]), epochs=at.epoch + epochs,
                    batch=given["batch_size"], seed=self.seed_, draw=gibbs_uniforms(len(at.model.W), given["k"]),
                    start=at,
                ):  # fmt: skip
                    at = epoch
                    if given["verbose"]:
                        begin = self._report(at, X, begin)
        except Diverged as error:
            if np.abs(X).max() <= 1:
                raise
            raise Diverged(f"{error}; {largest(X)}", error.last) from None
        self.descent_, self.rbm_ = at, at.model
        self.components_, self.intercept_hidden_, self.intercept_visible_ = at.model.W, at.model.c, at.model.b
        self._n_features_out = len(at.model.W)
        return self

    def _report(self, at: Descent, X: Any, begin: float) -> float:
        """Print one line of scikit-learn's form for an epoch that began then; returned is the time now."""
        now, mean = monotonic(), _pseudo_likelihood(at.model, X, self.seed_).mean()
        name = type(self).__name__
        print(f"[{name}] Iteration {at.epoch}, pseudo-likelihood = {mean:.2f}, time = {now - begin:.2f}s")
        return now

    def _visible(self, X: Any) -> Any:
        """X as the fitted RBM takes it."""
        check_is_fitted(self)
        with np.errstate(over="ignore"):
            return features(self, X, reset=False).astype(self.rbm_.W.dtype, copy=False)

    def _finite(self, f: Any, X: Any) -> Any:
        """f(X). Raises ValueError, naming the largest of X, where that is not finite."""
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            result = np.asarray(f(X))
        if not np.isfinite(result).all():
            raise ValueError(largest(X))
        return result


def _pseudo_likelihood(rbm: RBM, X: Any, seed: int) -> Any:
    """D log p(x_i | all other x) for one i that is drawn for each row of X (T, D): (T,), nats."""
    rows, i = np.arange(len(X)), np.random.default_rng([seed, 0, 2]).integers(X.shape[1], size=len(X))
    flipped = X.copy()
    flipped[rows, i] = 1 - X[rows, i]
    return X.shape[1] * np.asarray(ops.log_sigmoid(rbm.free_energy(flipped) - rbm.free_energy(X)))
