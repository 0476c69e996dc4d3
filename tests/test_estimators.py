"""The estimators: scikit-learn's own checks, what scikit-learn's own RBM does, and what they promise beyond both."""

import math
import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import BernoulliRBM as Sklearns
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import tinygrad_dbn as td
from tinygrad_dbn.estimators import BernoulliRBM, DBNClassifier, classifier
from tinygrad_dbn.estimators.features import UnitRange
from tinygrad_dbn.learning import descent

CHECKED = [
    BernoulliRBM(4, n_iter=2),
    DBNClassifier((8,), pretraining_epochs=2, epochs=40, learning_rate=0.5, batch_size=20),
]
CHECKS = [pair for estimator in CHECKED for pair in estimator_checks_generator(estimator)]
DIGITS = load_digits()
X, Y = DIGITS.data[:600] / 16, DIGITS.target[:600]
SMALL = {
    BernoulliRBM: BernoulliRBM(3, n_iter=1, random_state=0),
    DBNClassifier: DBNClassifier((3,), pretraining_epochs=1, epochs=1, random_state=0),
}
CLASSES = list(SMALL)


def small(cls, **parameters):
    return clone(SMALL[cls]).set_params(**parameters)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{type(e).__name__}-{getattr(c, 'func', c).__name__}" for e, c in CHECKS]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# ---- What they learn -------------------------------------------------------------------------------------------------


def test_the_classifier_learns_digits_of_any_names_and_scales():
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    model = DBNClassifier((60,), pretraining_epochs=5, epochs=40, learning_rate=0.2, random_state=0)
    model.fit(40 * X[:450] - 3, names[Y[:450]])
    assert model.score(40 * X[450:] - 3, names[Y[450:]]) > 0.75  # 0.86, 0.86, 0.85 with seeds 0, 1, 2
    assert set(model.classes_) == set(names)
    np.testing.assert_allclose(model.predict_proba(40 * X[450:] - 3).sum(axis=1), 1, rtol=1e-12)
    assert model.dbn_.sizes == (64, 60)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    again = clone(model).fit(40 * X[:450] - 3, names[Y[:450]])
    np.testing.assert_array_equal(again.net_.weights[0], model.net_.weights[0])


def test_the_rbm_has_scikit_learns_attributes_and_meanings():
    ours, theirs = BernoulliRBM(5, n_iter=3, random_state=0).fit(X), Sklearns(5, n_iter=1, random_state=0).fit(X)
    for name in ("components_", "intercept_hidden_", "intercept_visible_"):
        assert getattr(ours, name).shape == getattr(theirs, name).shape
    assert set(theirs.get_params()) < set(ours.get_params())
    methods = {name for name in dir(theirs) if callable(getattr(theirs, name)) and not name.startswith("_")}
    assert methods < set(dir(ours))
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
    scaled = model.range_(X)
    expected = model.net_(scaled, [np.full(60, 0.5)])
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-10)
    assert np.abs(model.net_(scaled) - expected).max() > 0.01


# ---- Epochs one by one, and draws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_epochs_by_partial_fit_are_those_of_fit(dtype):
    whole = small(BernoulliRBM, n_iter=5).fit(X.astype(dtype))
    one_by_one = small(BernoulliRBM)
    for _ in range(5):
        assert one_by_one.partial_fit(X.astype(dtype)) is one_by_one
    begun = small(BernoulliRBM, n_iter=3).fit(X.astype(dtype)).partial_fit(X).partial_fit(X)  # in the width it began in
    for model in (one_by_one, begun):
        for name in ("components_", "intercept_hidden_", "intercept_visible_"):
            assert getattr(model, name).dtype == dtype
            np.testing.assert_array_equal(getattr(model, name), getattr(whole, name))
    assert np.abs(whole.components_ - small(BernoulliRBM).fit(X.astype(dtype)).components_).max() > 0.01


def test_an_rbm_in_training_keeps_its_size():
    model = small(BernoulliRBM).fit(X).set_params(n_components=4)
    with pytest.raises(ValueError, match=r"n_components=4 for an RBM in training that has 3: `fit` starts a new one"):
        model.partial_fit(X)
    assert model.fit(X).components_.shape == (4, 64)


def test_gibbs_draws_from_the_model():
    model = BernoulliRBM(3, learning_rate=1.0, n_iter=5, random_state=0).fit((X[:200, 19:24] > 0.5).astype(float))
    x, count = np.array([0.0, 1, 0, 1, 1]), 20_000
    h = td.exact.states(3).astype(float)
    on = model.rbm_.hidden_given_visible(x)
    expected = np.prod(np.where(h == 1, on, 1 - on), axis=1) @ model.rbm_.visible_given_hidden(h)
    drawn = model.gibbs(np.tile(x, (count, 1)))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert (np.abs(drawn.mean(axis=0) - expected) < 5 * np.sqrt(expected * (1 - expected) / count)).all()
    assert (drawn != model.gibbs(np.tile(x, (count, 1)))).any()
    np.testing.assert_array_equal(model.fit(X).gibbs(X), clone(model).fit(X).gibbs(X))


def test_the_pseudo_likelihood_estimates_the_sum_of_the_conditionals():
    model = BernoulliRBM(3, learning_rate=1.0, n_iter=5, random_state=0).fit((X[:200, 19:24] > 0.5).astype(float))
    x, count = np.array([0.0, 1, 0, 1, 1]), 20_000
    neighbours = np.abs(x - np.eye(5))  # row i has x_i flipped
    log_p = td.exact.log_likelihood(model.rbm_, np.vstack([x, neighbours]))
    terms = log_p[0] - np.logaddexp(log_p[0], log_p[1:])
    drawn = model.pseudo_likelihood(np.tile(x, (count, 1)))
    apart = np.abs(drawn[:, None] - 5 * terms)
    assert apart.min(axis=1).max() < 1e-10  # each is one of the terms
    assert apart.min(axis=0).max() < 1e-10  # and each term is drawn
    assert abs(drawn.mean() - terms.sum()) < 5 * (5 * terms).std() / math.sqrt(count)


def test_verbose_prints_a_line_an_epoch_and_changes_nothing(capsys):
    quiet = small(BernoulliRBM, n_iter=3).fit(X)
    assert capsys.readouterr().out == ""
    loud = small(BernoulliRBM, n_iter=3, verbose=True).fit(X)
    lines = capsys.readouterr().out.splitlines()
    form = r"\[BernoulliRBM\] Iteration (\d), pseudo-likelihood = (-\d+\.\d\d), time = \d+\.\d\ds"
    found = [re.fullmatch(form, line).groups() for line in lines]
    assert [int(epoch) for epoch, _ in found] == [1, 2, 3]
    assert float(found[-1][1]) == pytest.approx(loud.pseudo_likelihood(X).mean(), abs=0.00501)
    np.testing.assert_array_equal(loud.components_, quiet.components_)


def test_a_random_state_is_a_seed_or_moves_on():
    def weights(random_state):
        return small(BernoulliRBM, random_state=random_state).fit(X[:20]).components_

    for make in (np.random.default_rng, np.random.RandomState):
        shared = make(3)
        first, second = weights(shared), weights(shared)
        assert (first != second).any()
        np.testing.assert_array_equal(first, weights(make(3)))
    np.testing.assert_array_equal(weights(3), weights(np.int64(3)))
    assert (weights(None) != weights(None)).any()


# ---- In a pipeline ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_features_have_names(method):
    model = small(BernoulliRBM)
    getattr(model, method)(X)
    assert list(model.get_feature_names_out()) == ["bernoullirbm0", "bernoullirbm1", "bernoullirbm2"]


def test_a_pipeline_of_named_features():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    pipe = make_pipeline(MinMaxScaler(), small(BernoulliRBM), LogisticRegression()).set_output(transform="pandas")
    pipe.fit(frame, Y)
    features = pipe[:-1].transform(frame)
    assert list(features.columns) == list(pipe[:-1].get_feature_names_out()) == list(pipe[-1].feature_names_in_)
    np.testing.assert_array_equal(features.to_numpy(), pipe[1].transform(pipe[0].transform(frame)).to_numpy())
    with pytest.raises(ValueError, match="feature names"):
        pipe[1].partial_fit(frame.rename(columns={"pixel 3": "another"}))


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.lil_matrix])
def test_a_sparse_x_gives_the_bits_of_a_dense_one(make):
    for method in ("fit", "partial_fit"):
        dense, sparse = small(BernoulliRBM), small(BernoulliRBM)
        getattr(dense, method)(X)
        getattr(sparse, method)(make(X))
        for name in ("transform", "score_samples", "pseudo_likelihood", "gibbs"):
            np.testing.assert_array_equal(getattr(sparse, name)(make(X)), getattr(dense, name)(X))
    dense, sparse = small(DBNClassifier).fit(X, Y), small(DBNClassifier).fit(make(X), Y)
    np.testing.assert_array_equal(sparse.predict_proba(make(X)), dense.predict_proba(X))


@pytest.mark.parametrize("cls", CLASSES)
def test_a_mask_is_not_ignored(cls):
    with pytest.raises(ValueError, match=r"masked array.*filled"):
        small(cls).fit(np.ma.masked_greater(X, 0.5), Y)


# ---- Parameters ------------------------------------------------------------------------------------------------------

NO_PARAMETER = [
    "x", b"x", -1, -1.0, math.nan, math.inf, -math.inf, 10**400, 1j, np.float64("nan"), np.array(2), np.zeros((2, 2)),
    (), [], {}, {2}, (2, -1), (2.0, 1), (True,), ("2",), [None], [[2]], np.array([]), np.array([0.5, 2]),
    object(), int,
]  # fmt: skip
"""What no parameter of any estimator may be."""
ALSO_REFUSED = {
    "whole": [None, True, np.True_, 1.5, 2.0, np.float64(2), 0.5, "auto"],
    "whole or None": [True, np.True_, 1.5, 2.0, np.float64(2), 0.5, "auto"],
    "least 1": [0, np.int64(0), (0,)],
    "rate": [None, True, False, np.True_, 0, 0.0, Fraction(1, 10**400), "0.1"],
    "dropout": [None, True, False, 1, 1.5, "0.5", (0.5, 1)],
    "compile": [None, 0, 1, 1.5, "yes", "True"],
    "verbose": [None, 1.5, "1"],
    "random_state": [True, 0.5, "0", 2**32, np.random.default_rng],
}
ALLOWED = {
    "whole": [2, np.int32(2), np.uint8(2)],
    "whole or None": [2, np.int32(2), np.uint8(2)],  # None makes 2 000 steps, and has a test of its own
    "least 1": [],
    "rate": [1, 0.01, np.float32(0.01), np.float64(0.01), np.int64(1), Fraction(1, 100)],
    "dropout": [0, 0.0, 0.5, np.float32(0.5), (0.5,), [0.0], np.array([0.25])],
    "compile": ["auto", False, np.False_],
    "verbose": [0, 2, True, np.True_, np.int64(0)],
    "random_state": [None, 0, 2**32 - 1, np.int64(3), np.random.default_rng(0), np.random.RandomState(0)],
}
KINDS = {
    "n_components": ("whole", "least 1"), "batch_size": ("whole", "least 1"), "k": ("whole", "least 1"),
    "n_iter": ("whole",), "epochs": ("whole or None",), "pretraining_epochs": ("whole or None",),
    "hidden_layer_sizes": ("whole", "least 1"), "learning_rate": ("rate",), "pretraining_rate": ("rate",),
    "dropout": ("dropout",), "compile": ("compile",), "verbose": ("verbose",), "random_state": ("random_state",),
}  # fmt: skip
PARAMETERS = [(cls, name) for cls in CLASSES for name in cls().get_params()]


@pytest.mark.parametrize(("cls", "name"), PARAMETERS)
def test_every_parameter_is_refused_in_one_sentence_or_used(cls, name):
    kinds = KINDS[name]
    for value in [*NO_PARAMETER, *(value for kind in kinds for value in ALSO_REFUSED[kind])]:
        with pytest.raises(
            ValueError, match=rf"^(?s:{cls.__name__}\({name}=.*\): {name} is .*; write for instance {name}=)"
        ):
            small(cls, **{name: value}).fit(X[:30], Y[:30])
    for value in [value for kind in kinds for value in ALLOWED[kind]]:
        fitted = small(cls, **{name: value}).fit(X[:30].astype(np.float32), Y[:30])
        assert (fitted.components_ if cls is BernoulliRBM else fitted.net_.weights[0]).dtype == np.float32


def test_each_layer_has_its_own_dropout_or_none():
    with pytest.raises(
        ValueError, match=r"dropout=\(0.5, 0.5\)\): 2 probabilities for 1 hidden layers; write one for each"
    ):
        small(DBNClassifier, dropout=(0.5, 0.5)).fit(X, Y)
    assert small(DBNClassifier, hidden_layer_sizes=(4, 3), dropout=[0.5, 0.25]).fit(X, Y).dropout_.rate == (0.5, 0.25)


def test_sizes_are_one_or_several():
    fits = [small(DBNClassifier, hidden_layer_sizes=sizes).fit(X, Y) for sizes in (3, (3,), [3], np.array([3]))]
    for model in fits:
        np.testing.assert_array_equal(model.net_.weights[0], fits[0].net_.weights[0])
    assert small(DBNClassifier, hidden_layer_sizes=np.array([4, 3])).fit(X, Y).dbn_.sizes == (64, 4, 3)


# ---- Large numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_largest_numbers_are_scaled(dtype):
    largest = np.finfo(dtype).max
    wide = ((2 * X - 1) * largest).astype(dtype)
    with warnings.catch_warnings(action="error"):
        model = DBNClassifier((20,), pretraining_epochs=2, epochs=20, random_state=0).fit(wide, Y)
        assert model.score(wide, Y) > 0.5
        narrow = DBNClassifier((3,), pretraining_epochs=1, epochs=0).fit(X.astype(dtype), Y)
        far = np.where(X > 0.5, 1e308, -1e308)
        np.testing.assert_array_equal(narrow.predict_proba(far), narrow.predict_proba(np.clip(far, 0, X.max(axis=0))))


@given(arrays(float, (4, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_every_range_becomes_the_unit_interval(x):
    scaled = UnitRange.of(x)(x)
    for column, values in zip(scaled.T, x.T, strict=True):
        low, high = Fraction(values.min()), Fraction(values.max())
        for got, value in zip(column, values, strict=True):
            assert abs(Fraction(got) - (Fraction(value) - low) / (high - low or 1)) <= Fraction(1, 2**51)


@pytest.mark.parametrize("value", [1e308, -1e308, 1e200])
def test_a_number_too_large_for_an_rbm_is_named(value):
    spoiled = X[:30].copy()
    spoiled[3, 5] = value
    named = rf"X\[3, 5\] = {re.escape(f'{value:g}')} .*scale them to \[0, 1\]"
    with warnings.catch_warnings(action="error"):
        for method in ("fit", "partial_fit"):
            with pytest.raises(td.learning.Diverged, match=named):
                getattr(small(BernoulliRBM, learning_rate=1e200), method)(spoiled)
        model = small(BernoulliRBM).fit(X)
        model.rbm_ = td.RBM(1e200 * np.outer([1, -1, 1], np.ones(64)), np.zeros(64), np.zeros(3))
        for method in ("score_samples", "pseudo_likelihood"):
            with pytest.raises(ValueError, match=named):
                getattr(model, method)(spoiled)


# ---- Compiling -------------------------------------------------------------------------------------------------------


@pytest.mark.compiled
@pytest.mark.parametrize("cls", CLASSES)
def test_only_long_trainings_are_compiled(cls, monkeypatch):
    steps = []
    monkeypatch.setattr(descent, "compiled", lambda step: lambda *given: steps.append(step) or step(*given))

    def fit(compile):
        steps.clear()
        model = small(cls, compile=compile).fit(X[:57], Y[:57])
        return len(steps), model.components_ if cls is BernoulliRBM else model.net_.weights[0]

    (never, a), (short, b), (always, c) = fit(False), fit("auto"), fit(True)
    assert (never, short) == (0, 0)
    assert always == 6  # batches: of 10 for the RBM; of 20 for the classifier, in an epoch without labels and one with
    monkeypatch.setattr(descent, "OFTEN", 1)
    long, d = fit("auto")
    assert long == (4 if cls is BernoulliRBM else 2)  # all of the commonest size but the first of each training
    for other in (b, c, d):
        np.testing.assert_array_equal(a, other)


# ---- At the defaults -------------------------------------------------------------------------------------------------

TRAINED, HELD_OUT = np.split(np.random.default_rng(0).permutation(len(DIGITS.data)), [1200])
"""Every setting was chosen by cross-validation among the first of these; the others chose nothing."""


def test_at_its_defaults_it_beats_scikit_learns_own_of_the_family():
    few = TRAINED[:200]
    ours = DBNClassifier(random_state=0)
    theirs = [
        make_pipeline(MinMaxScaler(), Sklearns(random_state=0), LogisticRegression()),
        make_pipeline(MinMaxScaler(), MLPClassifier(random_state=0)),
    ]
    scores = [m.fit(DIGITS.data[few], DIGITS.target[few]).score(DIGITS.data[HELD_OUT], DIGITS.target[HELD_OUT])
              for m in (ours, *theirs)]  # fmt: skip
    assert scores[0] >= max(scores[1:])


def test_epochs_unless_given_make_enough_steps(monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 50)
    monkeypatch.setattr(classifier, "EPOCHS", 3)

    def epochs(examples, batch):
        model = small(DBNClassifier, epochs=None, pretraining_epochs=0, batch_size=batch)
        return len(model.fit(X[:examples], Y[:examples]).loss_curve_)

    assert [epochs(*given) for given in ((60, 20), (61, 20), (300, 20), (60, 1))] == [17, 13, 4, 3]


def too_slow(cls):
    """Steps so small that they lead nowhere."""
    return small(cls, **({"n_iter": 1, "learning_rate": 1e-300} if cls is BernoulliRBM else {"learning_rate": 1e-9}))


@pytest.mark.parametrize("cls", CLASSES)
def test_a_training_that_ends_no_better_than_chance_warns_where_it_was_called(cls):
    with pytest.warns(ConvergenceWarning, match=rf"{cls.__name__} learned nothing: .*; try another value of") as caught:
        too_slow(cls).fit(X, Y)
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        BernoulliRBM(20, n_iter=2, random_state=0).fit(X)
        DBNClassifier((20,), pretraining_epochs=1, epochs=20, random_state=0).fit(X, Y)
        small(BernoulliRBM, n_iter=0).fit(X)  # who asks for no training gets none
        small(DBNClassifier, epochs=0).fit(X, Y)
