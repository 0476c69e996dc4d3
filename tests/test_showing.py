"""What values show of themselves: a line as repr, and a table in a notebook."""

import base64
import importlib
import pkgutil
import struct
import zlib
from dataclasses import dataclass, fields, is_dataclass
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.inspect.graph import graph
from tinygrad_dbn.lab.tables import TABLES
from tinygrad_dbn.showing import Shown, pictures

RNG = np.random.default_rng(0)
NET = td.FeedForward.init((16, 8, 10), RNG)
DBN = td.DBN.from_rbms([td.RBM.init(9, 6, RNG), td.RBM.init(6, 4, RNG)])
DATA = td.datasets.bars_and_stripes(3)
LABELLED = td.datasets.rectangles((20, 3, 4))
ANNEALED = td.exact.annealed(DBN.top, 5, np.linspace(0, 1, 3), RNG)
LINES = {
    "RBM(9 visible, 6 hidden)": td.RBM.init(9, 6, RNG),
    "DBN(9 visible, 6 and 4 hidden)": DBN,
    "DirectedLayer(9 visible, 6 hidden)": DBN.layers[0],
    "FeedForward(16–8–10, hidden sigmoid, output softmax)": NET,
    "FeedForward(3–2, output linear)": td.FeedForward.init((3, 2), RNG, output="linear"),
    "Autoencoder(9–6–2–6–9, tied, output sigmoid)": td.Autoencoder.init((9, 6, 2), RNG),
    "Dataset('bars-and-stripes:3 (distinct)', 14 examples of 9 bits)": DATA,
    "Labelled('rectangles', 2 classes, 20 to train, 3 to choose by, 4 to test)": LABELLED,
    "Part(4 examples of 784 features)": LABELLED.test,
    "Graph(2 steps, result: v2)": graph(lambda x: td.ops.exp(x).sum(), np.zeros(3)),
    "Stack(layers=())": td.learning.Stack(),
    f"Table({TABLES['datasets'].title!r}, 8 problems by 4 systems)": TABLES["datasets"],
}
NUMBERS = [td.exact.audit(DBN, DATA.train), td.exact.audit_layers(DBN, DATA.train), ANNEALED]


def test_what_holds_arrays_compares_by_identity():
    """Arrays have no one answer to ==, and no hash. Those that hold none are named here."""
    below = lambda cls: {cls}.union(*map(below, cls.__subclasses__()))
    ours = {cls for cls in below(Shown) if cls.__module__.startswith("tinygrad_dbn.") and is_dataclass(cls)}
    assert {cls.__name__ for cls in ours if cls.__eq__ is not object.__eq__} == {"Graph", "Table"}


@pytest.mark.parametrize("line", LINES)
def test_a_line_says_what_it_is(line):
    assert repr(LINES[line]) == line


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: type(value).__name__)
def test_a_line_of_figures_says_the_figures(value):
    line = repr(value)
    first = getattr(value, "log_likelihood", value.__dict__.get("log_partition"))
    assert f"log {'Z' if value is ANNEALED else 'p'} {np.mean(first):.4f}" in line
    assert "\n" not in line


def test_traced_and_symbolic_models_have_a_line_too():
    seen = []
    td.compile(lambda rbm: [seen.append(repr(rbm)), rbm.W.sum()][1])(DBN.top)
    td.grad(lambda rbm: [seen.append(repr(rbm)), rbm.W.sum()][1])(DBN.top)
    assert set(seen) == {"RBM(6 visible, 4 hidden)"}
    audit = td.exact.Audit(*[np.array([None], object)] * 4)
    assert repr(audit).startswith("Audit(log_likelihood=object (1,)")


def holding_arrays():
    """Every public dataclass of the package that compares by identity, since it holds arrays."""
    found = set()
    for module in pkgutil.walk_packages(td.__path__, "tinygrad_dbn."):
        if "__main__" not in module.name and ".compile." not in module.name and ".sums." not in module.name:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and is_dataclass(value) and value.__module__.startswith("tinygrad_dbn."):
                    frozen = value.__dataclass_params__.frozen and not value.__dataclass_params__.eq
                    if frozen and ".compile." not in value.__module__ and ".sums." not in value.__module__:
                        found.add(value)
    return sorted(found, key=lambda cls: cls.__qualname__)


KIND = holding_arrays()


@pytest.mark.parametrize("cls", KIND, ids=lambda cls: cls.__name__)
def test_every_dataclass_of_arrays_shows_itself(cls):
    assert issubclass(cls, Shown)
    assert "__repr__" in vars(cls)
    value = object.__new__(cls)
    for f in fields(cls):
        object.__setattr__(value, f.name, np.zeros((300, 300)))
    line = Shown._summary(value)
    assert line.count("float64 (300, 300)") == len(fields(cls))
    assert "\n" not in line


def test_the_kind_is_not_empty():
    assert len(KIND) >= 20
    assert {td.RBM, td.DBN, td.exact.Audit, td.datasets.Dataset, td.learning.Fit} <= {*KIND}


class Parsed(HTMLParser):
    """The text of some HTML, its tags, and whether every one is closed."""

    VOID = ("img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("value", [*LINES.values(), *NUMBERS], ids=lambda value: type(value).__name__)
def test_a_notebook_shows_a_table_or_a_drawing(value):
    parsed = Parsed(value._repr_html_())
    if "svg" in parsed.tags:
        assert "v1 = exp(x)" in parsed.text
        return
    assert repr(value) in parsed.text
    assert "table" in parsed.tags
    if not isinstance(value, type(TABLES["depth"])):
        for f in fields(value):
            assert f.name in parsed.text


def test_what_is_shown_is_escaped():
    text = "<script>alert(1)</script>\x1b[31m"
    for value in (
        td.datasets.Dataset(text, DATA.train, None, (3, 3), None, text),
        type(TABLES["depth"])(text, text, (text,), {text: ()}),
    ):
        parsed = Parsed(value._repr_html_())
        assert "script" not in parsed.tags
        assert "<script>alert(1)</script>\\x1b[31m" in parsed.text
        assert "\x1b" not in parsed.text


def test_a_dataset_shows_its_first_examples():
    encoded = DATA._repr_html_().split("base64,")[1].split('"')[0]
    png = base64.b64decode(encoded)
    width, height = struct.unpack(">II", png[16:24])
    at, content = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        content += body if kind == b"IDAT" else b""
        at += 12 + length
    image = np.frombuffer(zlib.decompress(content), np.uint8).reshape(height, width + 1)[:, 1:]
    shown = np.stack([image[:, 1 + 4 * k : 4 + 4 * k].ravel() for k in range(12)])
    np.testing.assert_array_equal(shown, 255 * (1 - DATA.train[:12]))
    assert pictures(DATA.train[:1], (3, 3)) != pictures(DATA.train[1:2], (3, 3))


def test_an_own_repr_is_kept():
    @dataclass(frozen=True, eq=False)
    class Own(Shown):
        x: int

        def __repr__(self):
            return "mine"

    assert repr(Own(1)) == "mine"
