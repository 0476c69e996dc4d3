"""Documents: how they are read and counted, the RBMs of words and of codes, and what their measurement says."""

import sys
from itertools import product

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import same_bits
from tinygrad_dbn import datasets
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.datasets.documents import _docstrings
from tinygrad_dbn.lab.claims.documents import leading, nearest
from tinygrad_dbn.learning import WordsModule
from tinygrad_dbn.learning.modules import words as of_words

RBM = td.RBM([[0.5, -1.0, 0.2], [1.5, 0.3, -0.7]], [0.1, -0.4, 0.6], [0.2, -0.3])


def write(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_the_words_of_text_files_are_counted(tmp_path):
    texts = {f"cats/{k}.txt": "Cat cat purrs, and the mat is 4 ft wide." + k * " purrs" for k in range(5)}
    texts |= {f"dogs/{k}.txt": "dog barks-barks" for k in range(5)} | {".git/x": "cat", "dogs/.x": b"\xff"}
    write(tmp_path, texts)
    data = datasets.documents_from(tmp_path, heldout=0.2, seed=1)
    assert data.labels == ("cats", "dogs")
    assert data.words == ("barks", "cat", "dog", "mat", "purrs", "wide")
    assert (len(data.train), len(data.test)) == (8, 2)
    X, y = (np.concatenate(pair) for pair in ((data.train.X, data.test.X), (data.train.y, data.test.y)))
    assert sorted(X[y == 0].tolist()) == [[0, 2, 0, 1, 1 + k, 1] for k in range(5)]
    assert X[y == 1].tolist() == [[2, 0, 1, 0, 0, 0]] * 5
    again = datasets.documents_from(tmp_path, heldout=0.2, seed=1)
    assert again.train.X.tobytes() == data.train.X.tobytes()
    assert set(datasets.documents_from(tmp_path, words=2).words) <= {"barks", "cat", "purrs"}


@pytest.mark.parametrize(
    ("texts", "settings", "says"),
    [
        ({"a/1": "word one", "2": "other"}, {}, "files in 1 subfolders; give at least two"),
        ({"a/1": "word one", "b/1": b"\xff\xfe"}, {}, "b/1 is not UTF-8 text"),
        ({"a/1": "word", "b/1": "word"}, {"words": 0}, "words=0"),
        ({"a/1": "word", "b/1": "word"}, {"heldout": 0.1}, "leaves documents on both sides"),
        ({"a/1": "a 1", "b/1": "the"}, {"heldout": 0.5}, "no words of three letters"),
        ({"a/1": "here word", "b/1": "x"}, {"heldout": 0.5, "seed": 1}, "no words|no document"),
    ],
)
def test_what_cannot_be_counted_is_refused(tmp_path, texts, settings, says):
    write(tmp_path, texts)
    with pytest.raises(ValueError, match=says):
        datasets.documents_from(tmp_path, **settings)


def test_a_folder_or_package_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        datasets.documents_from(tmp_path / "none")
    with pytest.raises(ImportError, match="no package 'no_such_package'"):
        datasets.documents(("json", "no_such_package"))


def test_docstrings_are_those_of_public_definitions_once_each(tmp_path, monkeypatch):
    long = "Wolves howl. " * 40
    module = f'''
        """{long} module"""
        def howl():
            """{long}"""
        def _hidden():
            """{long} hidden"""
        class Pack:
            """short"""
            def run(self):
                """{long} {long}"""
        raise SystemExit("documents are not run")
    '''
    text = "\n".join(line[8:] for line in module.splitlines())
    write(tmp_path, {"wolves/sub/a.py": text, "wolves/b.py": text, "wolves/__init__.py": "", "wolves/tests/c.py": text,
                     "bears/__init__.py": "def f():\n    '''" + "Bears growl. " * 40 + "'''"})  # fmt: skip
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = [" ".join(text.split()) for text in _docstrings("wolves")]
    assert found == [long.strip(), f"{long} {long}".replace("  ", " ").strip()] * 2  # of two files
    data = datasets.documents(("wolves", "bears"), heldout=0.4)
    assert data.labels == ("bears", "wolves")
    assert len(data.train) + len(data.test) == (3 if len(data.words) > 2 else 2)  # one held out may have other words
    assert "wolves of unknown version" in data.source


def test_cd_of_words_is_its_expectation_over_hidden_states():
    """Every h enumerated: E[x₁] is N softmax(b + hW), and F's gradient is −(x, σ, σxᵀ)."""
    X = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    wanted = {"W": 0.0, "b": 0.0, "c": 0.0}
    for x in X:
        for h in map(np.array, product((0.0, 1.0), repeat=2)):
            on = 1 / (1 + np.exp(-(RBM.c + RBM.W @ x)))
            p = np.exp(RBM.b + h @ RBM.W)
            x_1 = x.sum() * p / p.sum()
            on_1 = 1 / (1 + np.exp(-(RBM.c + RBM.W @ x_1)))
            chance = np.prod(np.where(h == 1, on, 1 - on)) / len(X) / X.sum(axis=1).mean()
            wanted["W"] += chance * (np.outer(on, x) - np.outer(on_1, x_1))
            wanted["b"] += chance * (x - x_1)
            wanted["c"] += chance * (on - on_1)
    uniform = np.random.default_rng(0).random((60_000, 2))
    found = td.grad(of_words.words_loss)(RBM, np.repeat(X, 30_000, axis=0), uniform)
    for name, value in wanted.items():
        np.testing.assert_allclose(-getattr(found, name), value, atol=0.004)
        assert np.abs(value).max() > 0.02


def test_modules_learn_topics_and_the_same_ones_again():
    rng = np.random.default_rng(0)
    topics = np.repeat([[8, 8, 1, 1], [1, 1, 8, 8]], 20, axis=0)
    X = rng.poisson(topics).astype(np.float32)
    layer = WordsModule(epochs=30, batch=10).train(X, 3, seed=0)
    means = layer.encode(X)
    assert np.abs(means[:20].mean(axis=0) - means[20:].mean(axis=0)).max() > 0.5
    assert same_bits(WordsModule(epochs=30, batch=10).train(X, 3, seed=0).model, layer.model)
    assert layer.model.W.dtype == np.float32
    with pytest.raises(ValueError, match="a document without words"):
        WordsModule().train(0 * X, 3, seed=0)


def test_biases_start_at_the_words_shares_and_at_a_finite_one_for_a_word_that_never_comes():
    seen, X = [], np.tile([70.0, 20.0, 10.0, 0.0], (4, 1))
    WordsModule(epochs=0, watch=seen.append).train(X, 2, seed=0)
    start = np.exp(seen[0].model.b)
    assert start.sum() == pytest.approx(1)
    np.testing.assert_allclose(start, [0.7, 0.2, 0.1, 0], atol=0.005)
    assert start[3] > 0


def test_the_multinomial_loss_is_that_of_choices_of_words():
    model = td.Autoencoder.init((4, 3, 2), np.random.default_rng(0), tied=False, code="linear", output="softmax")
    X = np.array([[3.0, 0.0, 1.0, 0.0], [0.0, 5.0, 0.0, 0.0]])
    p = model(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    wanted = [-(3 * np.log(p[0, 0]) + np.log(p[0, 2])) / 4, -np.log(p[1, 1])]
    np.testing.assert_allclose(model.word_cross_entropy(X), wanted, rtol=1e-12)
    far = tree_map(lambda leaf: 1e4 * leaf, model)
    assert np.isfinite(far.word_cross_entropy(X)).all()
    with pytest.raises(ValueError, match="needs output='softmax'"):
        td.Autoencoder.init((4, 2), np.random.default_rng(0)).word_cross_entropy(X)
    with pytest.raises(ValueError, match="the former perhaps 'softmax'"):
        td.Autoencoder(model.encoder, None, model.decoder_biases, "words")


def test_directions_are_singular_vectors_and_neighbours_are_nearest():
    X = np.random.default_rng(0).normal(size=(20, 5)) * [5, 1, 3, 0.5, 1]
    V = np.linalg.svd(X)[2][:2].T
    found = leading(X, 2)
    np.testing.assert_allclose(np.abs((found * V).sum(axis=0)), 1, rtol=1e-9)
    assert (found[np.abs(found).argmax(axis=0), [0, 1]] > 0).all()
    distances = np.linalg.norm(X[:4, None] - X[None, 4:], axis=2)
    np.testing.assert_array_equal(nearest(X[:4], X[4:], 3), np.argsort(distances, axis=1)[:, :3])
