"""What people type next, after the README ends: each a few lines, and what they should see."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.running import command

X, Y = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
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
    # What is shown
    "repr(td.RBM.init(9, 6, 0)) == 'RBM(9 visible, 6 hidden)'": True,
    "'<table>' in td.datasets.bars_and_stripes(2)._repr_html_()": True,
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
    np.testing.assert_allclose(eval(typed, {"td": td, "np": np, "X": X, "Y": Y}), STORIES[typed], rtol=1e-14)


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
