"""`explain --graph`: traces, the rules read off them, and the drawing."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.inspect.graph import graph
from tinygrad_dbn.cli import app
from tinygrad_dbn.cli.examples import COMPOSITES


def run(*arguments):
    return CliRunner().invoke(app, ["explain", *arguments])


def rules(f, *args):
    return [rule for node in graph(f, *args).nodes for rule in node.derivatives]


def test_rules_are_read_off_the_rows():
    assert rules(td.ops.sigmoid, np.ones(2)) == [("x", "v̄1 · sigmoid_slope(x)")]
    assert rules(lambda a, b: a @ b, np.ones((2, 3)), np.ones((3, 1))) == [("a", "v̄1 @ bᵀ"), ("b", "aᵀ @ v̄1")]
    assert rules(td.ops.stop_gradient, np.ones(2)) == []


def test_brackets_keep_the_meaning():
    assert rules(lambda x: td.ops.softmax(x), np.ones(2)) == [("x", "(v̄1 − sum(v̄1 · v1, axis=0, keepdims=True)) · v1")]


def test_a_model_is_named_by_its_paths():
    net = td.FeedForward.init((3, 4, 2), np.random.default_rng(0))
    traced = graph(lambda net: net.nll(np.ones((5, 3)), [0, 1, 1, 0, 1]).mean(), net)
    assert [n.name for n in traced.nodes[:4]] == [f"net.{part}[{i}]" for part in ("weights", "biases") for i in (0, 1)]
    assert traced.nodes[-1].name == traced.outputs[0]


def test_a_gradient_is_traced_like_any_function():
    inner = graph(td.grad(td.ops.softplus), 0.3)
    assert "sigmoid_slope(x)" in inner.text()


def test_the_drawing_has_a_box_for_every_node_and_none_overlap():
    traced = graph(lambda x, y: (td.ops.exp(x) * y + x / y).sum(), np.ones((2, 2)), np.ones(2))
    root = ElementTree.fromstring(traced.svg())
    space = "{http://www.w3.org/2000/svg}"
    boxes = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in root.iter(f"{space}rect")]
    assert len(boxes) == len(traced.nodes) == 7
    for i, (x, y, w, h) in enumerate(boxes):
        for X, Y, W, H in boxes[:i]:
            assert x + w <= X or x >= X + W or y + h <= Y or y >= Y + H
    assert "exp(x)" in "".join(root.itertext())


@pytest.mark.parametrize("name", [*(n for n, op in td.ops.TABLE.items() if not op.sealed), *COMPOSITES])
def test_every_example_is_traced(name):
    result = run("--graph", name)
    assert result.exit_code == 0, result.output
    assert re.search(r"^result: v\d+$", result.stdout, re.MULTILINE)


def test_a_function_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine_for_graph.py").write_text("def loss(a, b):\n    return (a * b).sum()\n")
    (tmp_path / "loss.svg.part").write_text("a file of mine")
    monkeypatch.chdir(tmp_path)
    result = run("mine_for_graph:loss", "--shape", "2,3", "--shape", "3", "--svg", "loss.svg")
    assert result.exit_code == 0
    assert "b̄ += sum(v̄1 · a, axis=(0,))" in result.stdout
    ElementTree.parse(tmp_path / "loss.svg")
    assert (tmp_path / "loss.svg.part").read_text() == "a file of mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch:f"], "write MODULE:FUNCTION"),
        (["--graph", "sigmod"], "there is no op 'sigmod'"),
        (["--graph", "exp", "--shape", "a"], "write lengths joined by commas"),
        (["--graph", "matmul", "--shape", "2,3", "--shape", "2,3"], "other shapes are given with --shape"),
        (["exp", "--svg", "no/such/folder/x.svg"], "No such file"),
        (["exp", "--svg", "/dev/null"], "cannot write /dev/null: it is a device, pipe or socket; name a file"),
    ],
)
def test_refusals(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
