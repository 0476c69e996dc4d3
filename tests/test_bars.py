"""Bars show what is left of a training, to those who ask, on a terminal."""

import functools
import io

import numpy as np
import pytest
import rich.console

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.learning import bars

X = (np.random.default_rng(0).random((20, 5)) < 0.5).astype(float)


@pytest.fixture
def terminal(monkeypatch):
    """Where rich writes, and a console that takes it for a terminal."""
    written = io.StringIO()
    screen = functools.partial(rich.console.Console, file=written, force_terminal=True, width=100)
    monkeypatch.setattr(rich.console, "Console", lambda **_: screen())
    monkeypatch.setattr(bars, "PATIENCE", 0.0)
    return written


def rows():
    """What the screen shows now: (what, steps done, of)."""
    return [(task.description, task.completed, task.total) for task in bars._SCREEN.get().tasks if task.visible]


def train(watch=None):
    return learning.pretrain((4, 3), learning.RBMModule(epochs=2, watch=watch), X, seed=0)


def test_every_loop_has_a_bar(terminal):
    seen = []
    with learning.progress_bars():
        train(lambda at: seen.append(rows()))
        assert rows() == []
        seen += [rows() for _ in learning.greedy(X, (5, 4), seed=0, epochs=2)]
        bars._SCREEN.get().refresh()
    assert seen == [
        [], [("epochs", 1, 2)], [("epochs", 2, 2)],
        [("layers", 1, 2)], [("layers", 1, 2), ("epochs", 1, 2)], [("layers", 1, 2), ("epochs", 2, 2)],
        [], [("epochs of layer 1", 1, 2)], [("epochs of layer 1", 2, 2)],
    ]  # fmt: skip


def test_a_bar_says_how_many_how_fast_and_how_long_yet(terminal, monkeypatch):
    now = iter([10.0, 14.0])  # seconds: at the beginning, and after the one step
    monkeypatch.setattr(bars, "monotonic", lambda: next(now))
    with learning.progress_bars(), bars.bar("steps", 4, 1) as one_more:
        one_more()
        bars._SCREEN.get().refresh()
    text = terminal.getvalue()
    assert "steps" in text
    assert "2/4" in text
    assert "0.25/s" in text


def test_a_training_that_goes_on_starts_its_bar_where_it_stands(terminal):
    seen = []
    net, labelled = td.FeedForward.init((5, 2), np.random.default_rng(0)), (X, X[:, 0].astype(int))
    first = learning.fit(net, labelled, epochs=3, batch=20)
    with learning.progress_bars():
        learning.fit(net, labelled, epochs=4, batch=20, start=first, watch=lambda at: seen.append(rows()))
    assert seen == [[("epochs", 4, 4)]]


def test_the_trained_bits_are_the_same(terminal):
    with learning.progress_bars():
        shown = train()
    assert shown.layers[1].model.W.tobytes() == train().layers[1].model.W.tobytes()


def test_without_asking_on_no_terminal_or_for_short_trainings_there_is_none(terminal, monkeypatch, capsys):
    seen = []
    train()
    assert terminal.getvalue() == ""
    monkeypatch.setattr(bars, "PATIENCE", 60.0)
    with learning.progress_bars():
        train(lambda at: seen.append(rows()))
    assert seen == 6 * [[]]
    monkeypatch.undo()
    with learning.progress_bars():
        train()
    assert capsys.readouterr().err == ""
