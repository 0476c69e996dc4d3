"""`tinygrad-dbn explain`: every row of the table, read from the code that runs."""

import pytest
from typer.testing import CliRunner

from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.inspect import accuracy
from tinygrad_dbn.cli import app
from tinygrad_dbn.cli.examples import COMPOSITES


def run(*arguments):
    result = CliRunner().invoke(app, ["explain", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_sigmoid_is_explained():
    result = run("sigmoid")
    assert result.exit_code == 0
    title, *parts = result.stdout.split("\n\n")
    assert title == "sigmoid  1 / (1 + e^−x)"
    text = {part.split("\n")[0]: part for part in parts}
    assert list(text) == ["Source", "Formula", "Derivative ∂/∂x", "Domain", "Edges", "Accuracy", "Theorems"]
    assert "e = np.exp(-np.abs(x))" in text["Source"]
    assert "1/(1 + exp(-x))" in text["Formula"]
    assert "1/((1 + exp(-x))*(exp(x) + 1))" in text["Derivative ∂/∂x"]
    assert "-inf < x < inf" in text["Domain"]
    assert ["0.0", "0.5", "0.25"] in [line.split() for line in text["Edges"].splitlines()]
    assert text["Accuracy"].count("promised") == 6
    assert "every vjp is the transpose of the meaning's derivative" in text["Theorems"]
    assert "sigmoid' = σ(x) σ(−x) keeps its ulps" in text["Theorems"]


def test_branches_are_listed_with_their_conditions():
    text = run("relu").stdout
    assert "x   where x > 0" in text
    assert "0   where x < 0" in text


def test_all_takes_nothing_beside_it():
    result = run("sigmoid", "--all")
    assert result.exit_code == 2
    assert "leave the name and the other options out" in result.stderr


def test_latex():
    result = run("exp", "--latex")
    assert result.stdout == "y = e^{x}\n∂/∂x = e^{x}\n"


def test_an_unknown_op_gets_the_nearest_name():
    result = run("sigmod")
    assert result.exit_code == 2
    assert result.stderr == "tinygrad-dbn: there is no op 'sigmod'; did you mean sigmoid?\n"
    assert "known are abs, add," in run("qqqqqq").stderr


def test_without_flint_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tinygrad_dbn.autodiff.inspect.accuracy", None)
    text = run("exp").stdout
    assert "promised 1 ulp; not measured" in text
    assert "Theorems" in text


@pytest.mark.parametrize("name", ops.TABLE)
def test_every_row_can_be_explained(monkeypatch, name):
    quick = lambda op, dtype: accuracy.Worst(0.0, ())
    monkeypatch.setattr(accuracy, "worst_value", quick)
    monkeypatch.setattr(accuracy, "worst_derivative", quick)
    monkeypatch.setattr(accuracy, "worst_curvature", quick)
    result = run(name)
    assert result.exit_code == 0
    assert result.stdout.startswith(name)
    assert result.stdout.index("Source") < result.stdout.index("Theorems")


@pytest.mark.parametrize("name", [*(n for n, op in ops.TABLE.items() if not (op.kernel or op.sealed)), *COMPOSITES])
def test_what_works_on_arrays_shows_a_formula_and_a_derivative(name):
    text = run(name).stdout
    assert "\nFormula\n" in text
    assert "\nDerivative x̄\n" in text


def test_a_maximum_is_shown_on_its_branches():
    text = run("max").stdout
    assert "[g, 0]   where x_0 - x_1 > 0" in text
    assert "[0, g]   where x_0 - x_1 < 0" in text
