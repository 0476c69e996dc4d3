"""Every kind of file that the program reads: a small whole one of each, and its reader."""

import gzip
import json
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as to_bytes

import tinygrad_dbn as td
from tests.test_book import CONTENT
from tests.test_measure import SCALES
from tinygrad_dbn import book, records, storage
from tinygrad_dbn.datasets import from_file, idx, load, mnist_from_idx
from tinygrad_dbn.exact.sums import float64
from tinygrad_dbn.exact.sums.checkpoint import Checkpoint
from tinygrad_dbn.lab.claims import experiment
from tinygrad_dbn.lab.run import description, loop
from tinygrad_dbn.lab.run.record import Row
from tinygrad_dbn.lab.study import Moment
from tinygrad_dbn.lab.study import run as study
from tinygrad_dbn.lab.tables import search
from tinygrad_dbn.learning import Descent, Embedded, Epoch, Fit, HessianFree, Progress


@dataclass(frozen=True)
class Kind:
    """A file that the program reads: what makes a small whole one in a folder, and what reads it there."""

    name: str
    module: str
    """Where its reader is."""
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    sound: Callable[[Any], bool] | None = None
    """Of a file without a checksum, whether a value can be what its reader promises. None: only its own can."""
    open: tuple[str, ...] = ()
    """Fields of a record that take values of several types."""


rng = np.random.default_rng(0)


def rbm(visible, hidden):
    return td.RBM(rng.normal(size=(hidden, visible)), rng.normal(size=visible), rng.normal(size=hidden))


REAL = td.GaussianRBM(*(rng.normal(size=shape) for shape in ((2, 3), 3, 2, 3)), learns_variance=False)
CATEGORICAL = td.CategoricalRBM(*(rng.normal(size=shape) for shape in ((2, 4), 4, 2)), 2)
NET = td.FeedForward.init((3, 2, 2), rng)
DESCENT = Descent(NET, (NET, 3), 2, float("nan"))
MODELS = {
    "RBM": rbm(3, 2),
    "DBN": td.DBN.from_rbms([rbm(3, 2), rbm(2, 2)]),
    "GaussianRBM": REAL,
    "CategoricalRBM": CATEGORICAL,
    "DBN of real units": td.DBN.from_rbms([REAL, rbm(2, 2)]),
    "DBN of categories": td.DBN.from_rbms([CATEGORICAL, rbm(2, 2)]),
    "DBM": td.DBM.from_rbms([rbm(3, 2), rbm(2, 2)]),
    "FeedForward": NET,
    "Autoencoder": td.Autoencoder.init((3, 2), rng, tied=False),
    "Progress": Progress(1, 4, (rbm(3, 2),), rbm(3, 2), np.ones((2, 3))),
    "Descent": DESCENT,
    "Fit": Fit(DESCENT, NET, 1, (Epoch(0, 0.7, 0.5, 0.5, 0.8), Epoch(1, 0.6, 0.25, 0.5, 0.7))),
    "Embedded": Embedded(NET, NET),
    "HessianFree": HessianFree(NET, NET, 1.0, 3, 0.5, 7, 0.9),
}
ANY = (
    *("model", "state", "direction", "particles", "decoder_weights", "value", "array"),
    *("W", "b", "c", "R", "log_variance"),
)


def model(name):
    def make(place):
        td.save(place / "m.safetensors", MODELS[name])
        return place / "m.safetensors"

    return Kind(f"model: {name}", "storage.py", make, lambda place: td.load(place / "m.safetensors"), open=ANY)


def of_the_first_version(place):
    tensors = {}
    text = json.dumps(storage.describe(MODELS["DBN"], "", tensors))
    (place / "m.safetensors").write_bytes(to_bytes(tensors, metadata={"tinygrad_dbn": text}))
    return place / "m.safetensors"


def with_a_warning(place):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = td.load(place / "m.safetensors")
    assert ["m.safetensors is of the first version, which had no checksum" in str(w.message) for w in said] == [True]
    return found


def is_a_model(value):
    return isinstance(value, td.DBN)


SUM = (float64.sum_chunk, (np.eye(3), np.ones(3), np.zeros(3)), [(0, 2), (2, 4), (4, 6)], float64.is_sum)
MIXTURE = (float64.matrices.mixture_chunk, (np.eye(2),), [(0, 2), (2, 4)], float64.is_mixture)
CHUNKS = {"sum": (SUM, [(1.5, 3), (0.1 + 0.2, -7)]), "mixture": (MIXTURE, [(-1.5, -2.25, 1e-16, 0.0)])}


def sums(name):
    asked, done = CHUNKS[name]

    def make(place):
        kept = Checkpoint(place / "z.json", *asked)
        for part, found in zip(asked[2], done, strict=False):
            kept.add(part, found)
        kept.write()
        return place / "z.json"

    read = lambda place: Checkpoint(place / "z.json", *asked).done
    return Kind(f"checkpoint of a {name}", "exact/sums/checkpoint.py", make, read, open=("chunks",))


ARGUMENTS = description.Arguments("parity:2", (2, 2, 1), epochs=1, seed=0, rule="pcd", k=1, rate=0.1, batch=2)
DATA = load(ARGUMENTS.data)
ROWS = tuple(Row(1, epoch, -2.0 + epoch / 3, -2.0, 0.1, None, None, None, 1e-16) for epoch in (0, 1))
STATE = loop.State(Progress(1, 1, (rbm(2, 2),), rbm(2, 2), np.ones((2, 2))), ROWS)
OPTIONAL = ("optimum", "last", "heldout_log_likelihood", "heldout_bound", "heldout_kl")


def a_run(place):
    said = description.describe(ARGUMENTS, DATA, ROWS[-1], 1.25, finished=False)
    (place / "run.json").write_bytes(said.to_json())
    loop.keep(place, STATE, said.key)


def file_of_a_run(name, module, read, **more):
    def make(place):
        a_run(place)
        return place / name

    return Kind(f"run: {name}", module, make, read, **more)


SEARCH = search.Search("rect", "RBM-2", seed=3)
CELL = ("parity:4", "CD-1", 2)


def trials(place):
    found = {0: (0.1, 0.5, 20), 1: (0.3, 0.75, 30, (0.5, 0.25))}
    tried = {n: search.Trial(n, search.settings_of(SEARCH, n), *of) for n, of in found.items()}
    tests = {(0, 1): search.Outcome(0, 1, 0.25, 40)}
    search.write(place / "t.json", SEARCH, search.Done(tried, tests))
    return place / "t.json"


def course(place):
    lines = [Moment(*CELL, 1, epoch, -2.0, -2.5, 0.5, float("nan"), -1.25) for epoch in (0, 1)]
    study.keep(place, CELL, 0.5, lines)
    return study.file_of(place, CELL)


def figures(place):
    cell = ("light", 0)
    file = experiment.file_of(place, cell)
    said = {"weight": 1.5, "word": "l", "path": [[1.0, 2.0]]}
    experiment.STORE.write(file, experiment.belongs(SCALES, cell, False), said)
    return file


def proofs(place):
    content = {**CONTENT, "claims": CONTENT["claims"][:2], "theorems": CONTENT["theorems"][:2]}
    (place / "r.json").write_bytes(records.seal(book.record.FORMAT, content, indent=1))
    return place / "r.json"


BITS = rng.integers(0, 2, (3, 4))
DIGITS = rng.integers(0, 256, (3, 2, 2), np.uint8)
LABELS = np.array([0, 9, 4], np.uint8)


def in_idx(array):
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def writes(name, content):
    def make(place):
        (place / name).write_bytes(content)
        return place / name

    return make


def in_npy(array):
    with tempfile.TemporaryFile() as file:
        np.save(file, array)
        file.seek(0)
        return file.read()


def zeros_and_ones(data):
    X = data.train
    whole = data.shape is None or data.shape[0] * data.shape[1] == X.shape[1]
    return X.ndim == 2 and X.size > 0 and X.dtype == np.float64 and set(np.unique(X)) <= {0.0, 1.0} and whole


def in_bytes(array):
    return isinstance(array, np.ndarray) and array.dtype == np.uint8


def of_ten_classes(digits):
    return all((part.y < 10).all() and part.X.min() >= 0 and part.X.max() <= 1 for part in (digits.train, digits.test))


def own_data(name, content):
    make = writes(name, content)
    return Kind(f"data: {name}", "datasets/files.py", make, lambda place: from_file(place / name), zeros_and_ones)


def own_idx(name, content, sound):
    return Kind(f"data: {name}", "datasets/mnist.py", writes(name, content), lambda place: idx(place / name), sound)


def own_digits(place):
    (place / "images").write_bytes(in_idx(DIGITS))
    (place / "labels").write_bytes(in_idx(LABELS))
    return place / "labels"


def read_digits(place):
    return mnist_from_idx(place / "images", place / "labels", (1, 1, 1))


KINDS = [
    *map(model, MODELS),
    Kind("model of the first version", "storage.py", of_the_first_version, with_a_warning, sound=is_a_model),
    *map(sums, CHUNKS),
    file_of_a_run(
        "run.json", "lab/run/description.py", lambda place: description.from_json(place / "run.json"),
        open=(*OPTIONAL, "versions"),
    ),
    file_of_a_run(
        "checkpoint.safetensors", "lab/run/loop.py", lambda place: loop.restore(place, DATA), open=(*ANY, *OPTIONAL)
    ),
    Kind(
        "tables: trials", "lab/tables/search.py", trials, lambda place: search.read(place / "t.json", SEARCH),
        open=("cross_validated", "valid_nll", "steps"),
    ),
    Kind("study: course", "lab/study/run.py", course, lambda place: study.kept(place, CELL, 0.5)),
    Kind(
        "measure: figures", "lab/claims/experiment.py", figures,
        lambda place: experiment.kept(place, SCALES, ("light", 0), False), open=("figures",),
    ),
    Kind(
        "proofs: record", "book/record.py", proofs, lambda place: book.load(place / "r.json"),
        open=("chapters", "levels", "rewritten"),
    ),
    own_data("bits.npy", in_npy(BITS.astype(bool))),
    own_data("floats.npy", in_npy(np.asfortranarray(BITS.astype(">f4")))),
    own_data("pictures.npy", in_npy(BITS.reshape(3, 2, 2))),
    own_data("x.csv", "\n".join(",".join(map(str, row)) for row in BITS).encode()),
    own_idx("idx3-ubyte", in_idx(DIGITS), sound=in_bytes),
    own_idx("idx3-ubyte.GZ", gzip.compress(in_idx(DIGITS)), sound=None),  # gzip has a checksum
    Kind("data: MNIST's labels", "datasets/mnist.py", own_digits, read_digits, sound=of_ten_classes),
]  # fmt: skip
