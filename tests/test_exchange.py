"""Weights from scikit-learn and PyTorch, and back: what is brought over predicts what it did."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

import tinygrad_dbn as td

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
RNG = np.random.default_rng(0)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

# ---- scikit-learn ---------------------------------------------------------------------------------------------------


def predicted(net, x):
    """p(class) of each class, as scikit-learn has it."""
    p = net(x)
    return np.hstack([1 - p, p]) if net.output == "sigmoid" else p


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)])
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 10])
def test_a_classifier_comes_over(hidden, activation, classes):
    rows = classes > Y
    theirs = MLPClassifier(hidden, activation=activation, max_iter=2, random_state=0).fit(X[rows], NAMES[Y[rows]])
    net = td.from_sklearn(theirs)
    assert net.sizes == (64, *hidden, 1 if classes == 2 else 10)
    np.testing.assert_allclose(predicted(net, X), theirs.predict_proba(X), rtol=1e-10)
    again = td.to_sklearn(net, theirs.classes_)
    np.testing.assert_allclose(again.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)
    np.testing.assert_array_equal(again.predict(X), theirs.predict(X))
    assert again.activation == activation


def test_a_regressor_comes_over():
    theirs = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=3, random_state=0).fit(
        X, np.stack([Y, Y**2], axis=1)
    )
    net = td.from_sklearn(theirs)
    np.testing.assert_allclose(net(X), theirs.predict(X), rtol=1e-10)
    np.testing.assert_allclose(td.to_sklearn(net).predict(X), theirs.predict(X), rtol=1e-10)


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_logistic_regression_comes_over(classes, intercept):
    rows = classes > Y
    theirs = LogisticRegression(max_iter=20, fit_intercept=intercept, tol=1).fit(X[rows], Y[rows])
    np.testing.assert_allclose(predicted(td.from_sklearn(theirs), X), theirs.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("cls", [BernoulliRBM, td.estimators.BernoulliRBM])
def test_an_rbm_comes_over(cls):
    theirs = cls(5, n_iter=1, random_state=0).fit(X)
    rbm = td.from_sklearn(theirs)
    assert (rbm.W.shape, rbm.b.shape, rbm.c.shape) == ((5, 64), (64,), (5,))
    np.testing.assert_allclose(rbm.hidden_given_visible(X), theirs.transform(X), rtol=1e-10)
    again = td.to_sklearn(rbm)
    np.testing.assert_allclose(again.transform(X), theirs.transform(X), rtol=1e-10)
    assert again.gibbs(X).shape == X.shape
    again.components_[0, 0] = 9  # its own array
    assert rbm.W[0, 0] != 9


def test_ours_predict_the_same_there():
    for model in (td.FeedForward.init((64, 5, 2), RNG, "relu"), td.FeedForward.init((64, 5, 3), RNG, "tanh")):
        theirs = td.to_sklearn(model, NAMES[[8, 5]] if model.sizes[-1] == 2 else ["a", "b", "c"])
        np.testing.assert_allclose(theirs.predict_proba(X), model(X), rtol=1e-10)
        assert theirs.score(X, theirs.classes_[model(X).argmax(axis=1)]) == 1


REFUSED = {
    "another estimator": (TypeError, "a Ridge was given", lambda: td.from_sklearn(Ridge().fit(X, Y))),
    "not fitted": (ValueError, "this MLPClassifier is not fitted.*call fit", lambda: td.from_sklearn(MLPClassifier())),
    "identity": (
        ValueError, "activation='identity'",
        lambda: td.from_sklearn(MLPClassifier((3,), activation="identity", max_iter=1).fit(X, Y)),
    ),
    "classes": (ValueError, "3 classes in ascending", lambda: td.to_sklearn(td.FeedForward.init((2, 3), RNG), [1, 2])),
    "order": (ValueError, "3 classes in ascending", lambda: td.to_sklearn(td.FeedForward.init((2, 3), RNG), [1, 3, 2])),
    "sigmoids": (
        ValueError, "3 sigmoid outputs", lambda: td.to_sklearn(td.FeedForward.init((2, 3), RNG, output="sigmoid"))
    ),
    "another model": (TypeError, "a DBN was given", lambda: td.to_sklearn(td.DBN((), td.RBM.init(2, 3, RNG)))),
    "a normalisation": (
        ValueError, r"1\.weight \(4,\), 1\.bias \(4,\) in the state dict",
        lambda: td.from_torch(
            {"0.weight": np.ones((4, 3)), "1.weight": np.ones(4), "1.bias": np.ones(4)}, hidden="relu", output="linear"
        ),
    ),
    "nothing": (ValueError, "nothing in the state dict", lambda: td.from_torch({}, hidden="relu", output="linear")),
    "sizes": (
        ValueError, r"W\^\(2\) has shape \(2, 5\)",
        lambda: td.from_torch(
            {"a.weight": np.ones((4, 3)), "b.weight": np.ones((2, 5))}, hidden="relu", output="linear"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_come_over_is_refused(case):
    kind, message, f = REFUSED[case]
    with pytest.raises(kind, match=message):
        f()


def test_one_classifier_for_each_class_is_no_softmax():
    theirs = LogisticRegression(max_iter=5, tol=1).fit(X, Y)
    theirs.multi_class = "ovr"  # as scikit-learn had it until 1.8
    with pytest.raises(ValueError, match="is no softmax"):
        td.from_sklearn(theirs)


# ---- PyTorch --------------------------------------------------------------------------------------------------------


class OfTorch:
    """What stands for a tensor of PyTorch's here: it must leave graph and device before it becomes an array."""

    def __init__(self, array, steps=("detach", "cpu", "numpy")):
        self.array, self.steps = array, steps

    def __getattr__(self, name):
        if not self.steps or name != self.steps[0]:
            raise AttributeError(name)
        rest = self.steps[1:]
        return lambda: OfTorch(self.array, rest) if rest else self.array


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_state_dict_comes_over_and_back(dtype):
    arrays = {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (2, 4), "2.bias": (2,)}
    arrays = {name: RNG.normal(size=shape).astype(dtype) for name, shape in arrays.items()}
    net = td.from_torch({name: OfTorch(a) for name, a in arrays.items()}, hidden="tanh", output="linear")
    x = RNG.normal(size=(5, 3)).astype(dtype)
    h = np.tanh(x @ arrays["0.weight"].T + arrays["0.bias"])
    np.testing.assert_allclose(net(x), h @ arrays["2.weight"].T + arrays["2.bias"], rtol=1e-5)
    back = td.to_torch(net)
    assert list(back) == list(arrays)
    for name, a in arrays.items():
        assert back[name].dtype == dtype
        assert back[name].flags.writeable
        np.testing.assert_array_equal(back[name], a)


def test_a_layer_without_bias_gets_zeros():
    net = td.from_torch({"first.weight": np.ones((4, 3), np.float32)}, hidden="relu", output="softmax")
    np.testing.assert_array_equal(net.biases[0], np.zeros(4, np.float32))
    assert net.biases[0].dtype == np.float32


def test_pytorchs_own_module_computes_the_same():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    net = td.from_torch(module.state_dict(), hidden="tanh", output="linear")
    x = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(net(x), module(torch.from_numpy(x)).detach().numpy(), rtol=1e-12)
    other = td.FeedForward.init((3, 4, 2), RNG, "tanh", "linear")
    module.load_state_dict({name: torch.from_numpy(a) for name, a in td.to_torch(other).items()})
    np.testing.assert_allclose(other(x), module(torch.from_numpy(x)).detach().numpy(), rtol=1e-12)


def test_neither_is_imported_to_come_in():
    code = (
        "import sys, types, numpy as np, tinygrad_dbn as td\n"
        "class BernoulliRBM: components_, intercept_visible_, intercept_hidden_ = np.eye(2), np.ones(2), np.ones(2)\n"
        "td.from_sklearn(BernoulliRBM())\n"
        "td.to_torch(td.from_torch({'weight': np.eye(2)}, hidden='relu', output='linear'))\n"
        "assert not {'torch', 'sklearn'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
