"""What people type next, after the README ends: each a few lines, and what they should see.

What a long training ends at is in other tests: the README's snippets in test_package.py, the estimators at their
defaults in test_estimators.py, the notebooks in test_notebooks.py, the site in test_site.py.
"""

import inspect
import re
import sys
import warnings

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.running import command

X, Y = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
BARS = td.datasets.bars_and_stripes(3).train
DBN = td.DBN.from_rbms([td.RBM.init(9, 3, 0), td.RBM.init(3, 2, 1)])
NAMES = {"td": td, "np": np, "inspect": inspect, "X": X, "Y": Y, "BARS": BARS, "DBN": DBN}
STORIES = {
    # The engine, by hand
    "np.exp(td.Tensor(X)).value": np.exp(X),
    "np.maximum(td.Tensor(X), 2.0).value": [2, 2, 3],
    "np.mean(td.Tensor(X)).item()": 2.0,
    "np.linalg.norm(td.Tensor(X)).item()": np.sqrt(14),
    "td.Tensor(X)[td.Tensor(X) > 1.5].numpy()": [2, 3],
    "td.Tensor(X).min().item()": 1.0,
    "td.Tensor(X).var().item()": 2 / 3,
    "td.Tensor(X).std().item()": np.sqrt(2 / 3),
    "int(td.Tensor(Y).argmax())": 2,
    "float(f'{td.Tensor(X).sum():.3f}')": 6.0,
    "td.grad(lambda x: (x * x.detach()).sum())(X)": X,
    "td.grad(lambda x: np.sum(np.square(x)))(X)": 2 * X,
    # Transforms
    "td.jacobian(lambda x: x * x)(X)": np.diag(2 * X),
    "td.hessian(lambda x: (x**3).sum())(X)": np.diag(6 * X),
    "td.vmap(td.grad(lambda x: (x**3).sum()))(np.stack([X, Y]))": 3 * np.stack([X, Y]) ** 2,
    "td.vmap(lambda w, x: w @ x, (None, 0))(Y, np.stack([X, Y]))": [Y @ X, Y @ Y],
    "td.tree_map(lambda w: 2 * w, {'a': X})['a']": 2 * X,
    # Functions that people look for
    "td.ops.silu(np.array([0.0, -np.inf]))": [0, 0],
    "td.ops.elu(np.array([0.0, -np.inf]))": [0, -1],
    "td.ops.leaky_relu(np.array([2.0, -2.0]))": [2, -0.02],
    "np.logaddexp(td.Tensor(X), X).numpy()": X + np.log(2),
    "td.ops.gelu(np.array([0.0, -np.inf]))": [0, 0],
    "np.sin(td.Tensor(X)).numpy()": np.sin(X),
    "td.grad(np.prod)(np.array([2.0, 0.0, 3.0]))": [0, 6, 0],
    "np.cumsum(td.Tensor(X)).numpy()": [1, 3, 6],
    "np.einsum('i,i', td.Tensor(X), Y).item()": X @ Y,
    "td.ops.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))": [[[[4, 4], [4, 4]]]],
    "td.vmap(lambda x, k: x[k])(np.stack([X, Y]), np.array([2, 0]))": [3, 0.5],
    "np.sort(td.Tensor(Y)).numpy()": [-1, 0.5, 2],
    "int(np.argmin(td.Tensor(Y)))": 1,
    # Chance: a number or a generator
    "td.RBM.init(3, 2, 0).W": td.RBM.init(3, 2, np.random.default_rng(0)).W,
    "td.RBM.init(3, 2, 0).sample(4, 1, steps=2).shape": [4, 3],
    "td.GaussianRBM(np.eye(2), X[:2], np.zeros(2)).sample(4, 1, steps=2).shape": [4, 2],
    "td.CategoricalRBM(np.eye(4), np.zeros(4), np.zeros(4), 2).sample(5, 1, steps=2).sum()": 10,
    "td.learning.greedy_dbn(BARS, (9, 2), seed=0, epochs=1).top.W": td.learning.greedy_dbn(
        BARS, (9, 2), seed=0, epochs=1, batch=3
    ).top.W,  # the default batch is a fifth of few examples
    # What is shown
    "repr(td.RBM.init(9, 6, 0)) == 'RBM(9 visible, 6 hidden)'": True,
    "'<table>' in td.datasets.bars_and_stripes(2)._repr_html_()": True,
    "'<table>' in td.RBM.init(4, 3, 0)._repr_html_()": True,
    "'<table>' in td.exact.audit(DBN, BARS[:3])._repr_html_()": True,
    "str(inspect.signature(td.ops.sum)) == '(x, /, axis=None, keepdims=False)'": True,
    "'max(x, 0)' in inspect.getdoc(td.ops.relu)": True,
    # Exact figures of one's own model
    "td.exact.log_likelihood(td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2)), np.eye(3))": -3 * np.log(2),
    "td.exact.audit(DBN, BARS[:3]).residual.round(12)": 0,
    # Other programs' weights
    "td.from_torch({'weight': np.eye(2), 'bias': np.ones(2)}, hidden='relu', output='linear')(np.eye(2))": 1
    + np.eye(2),
    "td.from_sklearn(td.to_sklearn(td.RBM(np.eye(2), np.zeros(2), np.ones(2)))).W": np.eye(2),
    # Models are vectors
    "(td.RBM(np.eye(2), np.zeros(2), np.ones(2)) * 3).c": [3, 3],
    "(2 * td.RBM(np.eye(2), np.zeros(2), np.ones(2)) - td.RBM(np.eye(2), np.zeros(2), np.ones(2))).W": np.eye(2),
}


@pytest.mark.parametrize("typed", STORIES)
def test_what_is_typed_gives_what_it_says(typed):
    np.testing.assert_allclose(eval(typed, NAMES), STORIES[typed], rtol=1e-14)


def test_a_loop_written_by_hand_trains():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (100, 2))
    y = (x[:, 0] > x[:, 1]).astype(int)
    start = td.FeedForward.init((2, 4, 2), rng, hidden="tanh")
    loss = lambda net: net.nll(x, y).mean()
    net = start
    for _ in range(60):
        net = net - 0.5 * td.grad(loss)(net)
    assert loss(net) < 0.3 < 0.6 < loss(start)  # 0.15 from 0.82
    adam = td.learning.adam(0.05)
    net, state = start, adam.start(start)
    for _ in range(60):
        net, state = adam(net, state, -td.grad(loss)(net))
    assert loss(net) < 0.3


@pytest.mark.parametrize("word", ["measure", "table", "explain", "prove", "bench"])
def test_a_command_alone_lists_what_can_be_asked(word):
    result = command(word)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 3


# ---- First results that look right -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """What a run of the lab prints into a pipe, and the page that it leaves."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    words = ["lab", "--data", "bars-and-stripes:2", "--layers", "4-3-2", "--epochs", "1", "--out"]
    result = command(*words, folder)
    assert result.exit_code == 0, result.output
    return result.output, (folder / "report.html").read_text()


def test_a_pipe_gets_a_line_for_every_epoch_of_every_layer(lab):
    found = re.findall(r"^layer (\d) epoch +(\d) +log p train +\S+ +bound +\S+ +KL", lab[0], re.MULTILINE)
    assert found == [("1", "0"), ("1", "1"), ("2", "0"), ("2", "1")]


def test_a_card_says_the_last_figure_and_the_best(lab):
    cards = dict(
        re.findall(r'<div class="card"><small>(.*?), last</small><b>.*?</b><small>(.*?)</small></div>', lab[1])
    )
    assert "best" in cards["log p(x), train"]
    assert "best" in cards["bound, train"]
    assert "smallest" in cards["gap KL(q‖p), train"]


def test_the_page_needs_no_network_and_fits_a_phone(lab):
    assert "http" not in lab[1]
    assert 'name="viewport"' in lab[1]
    assert '<div class="wide" tabindex="0"><table>' in lab[1]  # which scrolls, and shows that it does
    assert "<output" in lab[1]  # where the values at the pointer are read


def test_a_training_that_learns_nothing_says_so():
    y = np.arange(len(BARS)) % 2
    net = td.estimators.DBNClassifier((3,), pretraining_epochs=0, epochs=1, learning_rate=1e-9, random_state=0)
    with pytest.warns(UserWarning, match="DBNClassifier learned nothing: .*; try another value of"):
        net.fit(BARS, y)
    with warnings.catch_warnings(action="error"):
        td.estimators.BernoulliRBM(4, n_iter=60, random_state=0).fit(np.tile(BARS, (4, 1)))


@pytest.mark.parametrize(
    ("typed", "missing", "extra"),
    [("book", "pdoc", "book"), ("prove H4", "pytest", "test"), ("lab", "matplotlib", "lab")],
)
def test_where_an_extra_is_missing_one_sentence_says_what_to_type(typed, missing, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    result = command(*typed.split())
    assert result.exit_code == 2
    assert re.fullmatch(rf".* needs {missing}; write: pip install 'tinygrad_dbn\[{extra}\]'\n", result.output)


# ---- Where people work -----------------------------------------------------------------------------------------------


def test_sampling_fills_in_what_is_not_clamped():
    """Of bars and stripes with the first row on, and the others forgotten."""
    rbm = td.RBM.for_data(BARS, 4, 0)
    clamp = np.where(np.arange(9) < 3, 1.0, np.nan)
    x = rbm.sample(20, 0, steps=10, clamp=clamp)
    assert (x[:, :3] == 1).all()
    assert set(np.unique(x)) == {0, 1}


def test_a_model_is_kept_in_a_file(tmp_path):
    td.save(tmp_path / "mine", DBN)
    np.testing.assert_array_equal(td.load(tmp_path / "mine").top.W, DBN.top.W)


def test_a_classifier_stands_in_a_pipeline():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    net = td.estimators.DBNClassifier((5,), pretraining_epochs=1, epochs=40, random_state=0)
    y = BARS[:, 0].astype(int)
    assert make_pipeline(MinMaxScaler(), net).fit(BARS, y).score(BARS, y) > 0.8


def test_a_function_says_how_it_is_called_and_what_for():
    for name in td.ops.TABLE:
        op = td.ops.TABLE[name]
        assert inspect.signature(op).parameters
        assert inspect.getdoc(op)
