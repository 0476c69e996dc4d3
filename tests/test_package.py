"""What a newcomer meets first: the import, the README, the layout."""

import ast
import re
import shlex
import subprocess
import sys
import textwrap

import pytest

from tests.running import ROOT, command, python

LAYERS = [
    *("cli", "book", "lab", "estimators", "storage", "learning", "exact"),
    *("models", "datasets", "autodiff", "records", "files", "extras"),
]


def test_import_is_light():
    heavy = ["sympy", "matplotlib", "sklearn", "numba", "rich", "typer", "flint"]
    program = f"import sys, tinygrad_dbn; print([m for m in {heavy} if m in sys.modules])"
    assert python(program) == "[]\n"


def test_the_readme_has_exactly_two_setup_commands():
    commands = re.findall(r"^pip install.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["pip install -e '.[lab]' && tinygrad-dbn lab", "pip install -e '.[test]' && pytest"]


WHAT_IT_SHOWS = {
    "td.hvp(": "assert np.linalg.norm(curvature.weights[0]) > 1e-3",
    "td.GaussianRBM.for_data(": "assert -4 < td.exact.log_likelihood(dbn, X).mean() < -2",
    "td.exact.audit(": "assert data.optimum - 0.3 < audit.log_likelihood.mean() < data.optimum",
    "td.learning.fine_tune(": "assert fit.best.valid_error < 0.2",
}
"""For each Python block of the README, by a call in it, what its reader would see at its end."""


@pytest.mark.parametrize("call", WHAT_IT_SHOWS)
def test_the_readmes_python_ends_where_it_should(call):
    blocks = re.findall(r"```python\n(import numpy.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == len(WHAT_IT_SHOWS)
    (block,) = (block for block in blocks if call in block)
    subprocess.run([sys.executable, "-c", f"{block}\n{WHAT_IT_SHOWS[call]}"], check=True, cwd=ROOT)


def test_the_readmes_commands_run(tmp_path):
    commands = re.findall(r"`tinygrad-dbn ((?:lab|explain) [^`]*)`", (ROOT / "README.md").read_text())
    assert len(commands) == 2
    for words in map(shlex.split, commands):
        short = ["--epochs", "1", "--out", str(tmp_path / "run")] if words[0] == "lab" else []
        assert command(*words, *short).exit_code == 0


def test_the_source_that_the_readme_prints_is_the_source():
    printed = re.findall(r"```python\n( *@row.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(printed) == 1
    table = (ROOT / "tinygrad_dbn" / "autodiff" / "ops" / "elementwise.py").read_text()
    assert f"\n\n{textwrap.dedent(printed[0]).rstrip()}\n\n\n" in table


def test_the_readmes_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert all((ROOT / link).exists() for link in links)


def test_imports_only_point_down():
    def layer(parts):
        return next((i for i, name in enumerate(LAYERS) if name in parts[:1]), None)

    found = 0
    for path in (ROOT / "tinygrad_dbn").rglob("*.py"):
        parts = path.relative_to(ROOT / "tinygrad_dbn").with_suffix("").parts
        here = layer(parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if here is None or not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            package = parts[: len(parts) - node.level]
            there = layer((*package, *(node.module or "").split("."))) if node.module else None
            targets = [there] if node.module else [layer((*package, alias.name)) for alias in node.names]
            for target in targets:
                if target is not None:
                    found += 1
                    assert target >= here, f"{path} imports up the layout: {ast.unparse(node)}"
    assert found > 20


def imports(path, modules):
    """The files of the package that a file imports from, also inside functions and for types alone."""
    package = path.relative_to(ROOT).with_suffix("").parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level], *(node.module or "").split(".")] if node.module else [
                *package[: len(package) - node.level]
            ]  # fmt: skip
            for alias in node.names:  # of a module, or a module of a package
                names = [".".join([*base, alias.name]), ".".join(base)]
                found.update(modules[name] for name in names[: 1 if names[0] in modules else 2] if name in modules)
    return found


def test_no_files_import_each_other_in_a_circle():
    files = [p for p in (ROOT / "tinygrad_dbn").rglob("*.py") if p.name != "__init__.py"]
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in files}
    waiting = {p: imports(p, modules) - {p} for p in files}
    assert sum(map(len, waiting.values())) > 300
    while waiting:
        grounded = [p for p, needs in waiting.items() if not needs & waiting.keys()]
        assert grounded, f"a circle among {sorted(p.relative_to(ROOT).as_posix() for p in waiting)}"
        for p in grounded:
            del waiting[p]
