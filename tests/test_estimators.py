"""The estimators: scikit-learn's own checks, and what they promise beyond them."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM as Sklearns
from sklearn.utils.estimator_checks import estimator_checks_generator

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.estimators import BernoulliRBM, DBNClassifier

CHECKED = [
    BernoulliRBM(4, n_iter=2),
    DBNClassifier((8,), pretraining_epochs=2, epochs=60, learning_rate=0.3, batch_size=10),
]
CHECKS = [pair for estimator in CHECKED for pair in estimator_checks_generator(estimator)]
DIGITS = load_digits()
X, Y = DIGITS.data[:600] / 16, DIGITS.target[:600]


@pytest.fixture(autouse=True)
def _in_python():
    with learning.uncompiled():
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{type(e).__name__}-{getattr(c, 'func', c).__name__}" for e, c in CHECKS]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_the_classifier_learns_digits_of_any_names_and_scales():
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    model = DBNClassifier((60,), pretraining_epochs=5, epochs=40, learning_rate=0.2, random_state=0)
    model.fit(40 * X[:450] - 3, names[Y[:450]])
    assert model.score(40 * X[450:] - 3, names[Y[450:]]) > 0.85
    assert set(model.classes_) == set(names)
    np.testing.assert_allclose(model.predict_proba(40 * X[450:] - 3).sum(axis=1), 1, rtol=1e-12)
    assert model.dbn_.sizes == (64, 60)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    again = DBNClassifier((60,), pretraining_epochs=5, epochs=40, learning_rate=0.2, random_state=0).fit(
        40 * X[:450] - 3, names[Y[:450]]
    )
    np.testing.assert_array_equal(again.net_.weights[0], model.net_.weights[0])


def test_the_rbm_has_scikit_learns_attributes_and_meanings():
    ours, theirs = BernoulliRBM(5, n_iter=3, random_state=0).fit(X), Sklearns(5, n_iter=1, random_state=0).fit(X)
    for name in ("components_", "intercept_hidden_", "intercept_visible_"):
        assert getattr(ours, name).shape == getattr(theirs, name).shape
    for name in ("n_components", "learning_rate", "batch_size", "n_iter", "random_state"):
        assert name in ours.get_params()
    theirs.components_, theirs.intercept_hidden_, theirs.intercept_visible_ = (
        ours.components_, ours.intercept_hidden_, ours.intercept_visible_,
    )  # fmt: skip
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-12)
    log_z = td.exact.log_partition(ours.rbm_)
    binary = (X > 0.5).astype(float)
    np.testing.assert_allclose(
        ours.score_samples(binary) - log_z, td.exact.log_likelihood(ours.rbm_, binary), rtol=1e-10
    )


def test_dropout_is_used_in_training_and_at_test_time():
    model = DBNClassifier((60,), pretraining_epochs=2, epochs=4, dropout=0.5, random_state=0).fit(X, Y)
    scaled = X.astype(float)  # each feature is in [0, 1] already, but for constant ones and smaller ranges
    scaled = np.clip((scaled - model.minimum_) / np.where(model.range_ > 0, model.range_, 1), 0, 1)
    expected = model.net_(scaled, [np.full(60, 0.5)])
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-10)
    assert np.abs(model.net_(scaled) - expected).max() > 0.01
