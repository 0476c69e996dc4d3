"""Codes of documents: two numbers from a deep autoencoder, and two from latent semantic analysis (claim F4)."""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import eigh

from ...autodiff.kernels.blas import one_thread
from ...datasets import Documents, documents, documents_from
from ...datasets.documents import texts_in
from ...files import shown
from ...learning import GaussianCodeModule, RBMModule, WordsModule, adam, descend, momentum, pretrain
from ...learning.modules import Module
from ...models import Autoencoder
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import dots_and_codes

CONDITIONS = ("all words", "LSA", "LSA, centred", "autoencoder")
NEAREST = 10


@one_thread()
def measure(condition: str, seed: int, quick: bool, folder: str = "", digest: str = "") -> Figures:
    """Per cent of the ten training documents nearest to a held-out one that have its label, the mean over these.

    folder: a user's own, instead of docstrings; digest: its texts', as `of_texts` has it. Raises ValueError where they
    are no longer these, and for fewer than ten documents to train on.
    """
    data = _data(seed, quick, folder, digest)
    train, test = _codes(condition, data, seed, quick)
    near = data.train.y[nearest(test, train, NEAREST)]
    share = data.train.y[:, None] == np.arange(len(data.labels))
    return {
        "shared": 100 * float((near == data.test.y[:, None]).mean()),
        "chance": 100 * float(share.mean(axis=0)[data.test.y].mean()),
        "labels": list(data.labels),
        "source": data.source,
        **({"codes": np.round(test, 4).tolist(), "classes": data.test.y.tolist()} if test.shape[1] == 2 else {}),
    }


@cache
def _data(seed: int, quick: bool, folder: str, digest: str) -> Documents:
    if not folder:
        return documents(("numpy.lib", "numpy.ma"), words=100, seed=seed) if quick else documents(seed=seed)
    if of_texts(folder) != digest:
        raise ValueError(f"the files in {shown(folder)} have changed since this began; begin again with another --out")
    found = documents_from(folder, words=100 if quick else 2000, seed=seed)
    if len(found.train) < NEAREST:
        raise ValueError(f"{shown(folder)} has {len(found.train)} documents to train on; give {NEAREST} or more")
    return found


def of_texts(folder: str) -> str:
    """A digest of the texts in a folder and of their labels."""
    texts, labels = texts_in(folder)
    return sha256("\0".join([*labels, *texts]).encode()).hexdigest()[:12]


def _codes(condition: str, data: Documents, seed: int, quick: bool) -> tuple[Any, Any]:
    """The codes of the documents to train on and of those held out."""
    if condition == "autoencoder":
        model = autoencoder(data.train.X, seed, quick)
        return np.asarray(model.encode(data.train.X)), np.asarray(model.encode(data.test.X))
    logs = np.log1p(data.train.X.astype(float)), np.log1p(data.test.X.astype(float))
    if condition == "all words":
        lengths = (np.linalg.norm(part, axis=1, keepdims=True) for part in logs)
        return logs[0] / next(lengths), logs[1] / next(lengths)
    centre = logs[0].mean(axis=0) if condition == "LSA, centred" else 0
    directions = leading(logs[0] - centre, 2)
    return (logs[0] - centre) @ directions, (logs[1] - centre) @ directions


def leading(X: Any, count: int) -> Any:
    """The first right singular vectors of X (T, V), the largest singular value first: (V, count).

    The largest entry of each is positive, so that the picture is the same wherever it is drawn.
    """
    V = X.shape[1]
    _, vectors = eigh(X.T @ X, subset_by_index=(V - count, V - 1))
    vectors = vectors[:, ::-1]
    return vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])


def nearest(X: Any, among: Any, count: int) -> Any:
    """For each row of X (T, D) the numbers of its nearest rows of `among` (S, D) by Euclidean distance: (T, count)."""
    X, among = np.asarray(X, float), np.asarray(among, float)
    squares = (among**2).sum(axis=1) - 2 * X @ among.T
    return np.argsort(squares, axis=1, kind="stable")[:, :count]


def autoencoder(X: Any, seed: int, quick: bool) -> Autoencoder:
    """V-500-250-125-2 and back for counts X (T, V), unrolled from four RBMs, then trained on nats a word."""
    hidden, before, epochs = ((20, 10), 2, 2) if quick else ((500, 250, 125), 30, 60)
    middle = RBMModule(epochs=before, optimiser=momentum(0.05))
    modules: list[Module] = [
        WordsModule(before),
        *[middle] * (len(hidden) - 1),
        GaussianCodeModule(before, optimiser=momentum(0.01)),
    ]
    stack = pretrain((*hidden, 2), modules, X, seed)
    start = Autoencoder.unroll([layer.model for layer in stack.layers], output="softmax")  # type: ignore[attr-defined]
    loss = lambda model, x: model.word_cross_entropy(x).mean()
    *_, last = descend(start, (X,), loss, adam(0.001), epochs=epochs, batch=100, seed=seed)
    trained: Autoencoder = last.model
    return trained


def _draw(results: Results, dark: bool) -> bytes:
    label = f"of the {NEAREST} nearest training documents, with the label of a held-out one, %"
    names = next(iter(results.values()))["labels"]
    return dots_and_codes(results, CONDITIONS, label, CONDITIONS[1:], names, dark)


def _own(folder: Path) -> Experiment:
    here = str(folder.resolve())
    rest = EXPERIMENT.method.partition("labelled by package")[2]
    method = f"The text files in {shown(folder)}, labelled by their subfolder{rest}"
    return replace(EXPERIMENT, method=method, given={"folder": here, "digest": of_texts(here)})


EXPERIMENT = Experiment(
    claim="F4",
    title="Documents as two numbers",
    method=(
        "Docstrings longer than 400 characters of NumPy, SciPy, scikit-learn, SymPy and Matplotlib as they are "
        "installed, labelled by package: counts of the 2 000 most frequent words. The autoencoder is "
        "2000-500-250-125-2 and back (Hinton & Salakhutdinov 2006), four RBMs of 30 epochs each, the lowest of words, "
        "the highest of real units; then 60 epochs of Adam on the multinomial cross-entropy. LSA: two singular vectors "
        "of log(1 + count), and of the same centred, which is PCA. All words: log(1 + count) at length 1, no code. "
        "Labels take no part in learning; a fifth of the documents are held out, and others under each seed. Chance "
        "is the share that ten documents at random have."
    ),
    conditions=CONDITIONS,
    seeds=3,
    measure=measure,
    columns={"shared": "nearest with the same label, %", "chance": "at chance, %"},
    comparisons=(
        Comparison("shared", "autoencoder", "LSA", lower=False, says="nearer to its like than by LSA"),
        Comparison("shared", "autoencoder", "LSA, centred", lower=False, says="nearer to its like than by centred LSA"),
    ),
    draw=_draw,
    own=_own,
)
