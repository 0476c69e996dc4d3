"""The notebooks: their scripts run cell by cell, show what a notebook would, and make the notebooks that are kept."""

import ast
import importlib.util
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.name != "build.py")
NAMES = ["engine", "exact", "proofs"]


def cells(script):
    """The cells of code of a script in percent format, each as its syntax tree."""
    code = [part for part in script.read_text().split("# %%")[1:] if not part.startswith(" [markdown]")]
    return [ast.parse(part) for part in code]


def shown(cell, names):
    """Run a cell, and return what a notebook shows of its last expression."""
    *before, last = cell.body
    if not isinstance(last, ast.Expr):
        before, last = cell.body, None
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    value = last and eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return getattr(value, "_repr_html_", lambda: "" if value is None else repr(value))()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_runs_cell_by_cell(script, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(FOLDER)  # where Jupyter runs it
    monkeypatch.syspath_prepend(".")
    names = {"__name__": "__main__"}
    results = [shown(cell, names) for cell in cells(script)]
    assert len(results) >= 7
    assert sum("<table>" in text or "<svg" in text for text in results) + capsys.readouterr().out.count("\n") >= 3


def test_there_are_the_three():
    assert [path.stem for path in SCRIPTS] == NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_is_what_its_script_makes(script):
    pytest.importorskip("jupytext")
    nbformat = pytest.importorskip("nbformat")
    spec = importlib.util.spec_from_file_location("build", FOLDER / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    kept = script.with_suffix(".ipynb").read_text()
    assert kept == build.notebook(script), "write: python examples/notebooks/build.py"
    nbformat.validate(json.loads(kept))
    code = [cell for cell in json.loads(kept)["cells"] if cell["cell_type"] == "code"]
    assert len(code) == len(cells(script))
    assert all(cell["outputs"] == [] for cell in code)
