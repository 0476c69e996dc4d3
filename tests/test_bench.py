"""`tinygrad-dbn bench`: which script is run, with what, and what is said without the repository."""

import subprocess
import sys

import pytest

from tests.running import command
from tinygrad_dbn.cli import bench


def run(*arguments):
    return command("bench", *arguments)


def test_options_go_to_the_script(monkeypatch):
    module = sys.modules["tinygrad_dbn.cli.bench"]
    commands = []

    def record(command):
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(module.subprocess, "run", record)
    assert run("engine", "--quick", "--threads", "1").exit_code == 3
    assert commands == [[sys.executable, str(module.FOLDER / "engine.py"), "--quick", "--threads", "1"]]


def test_without_the_repository_it_says_where_they_are(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["tinygrad_dbn.cli.bench"], "FOLDER", tmp_path)
    result = run("exact")
    assert result.exit_code == 2
    assert "the benchmarks are in the repository" in result.stderr


def test_an_unknown_name():
    result = run("speed")
    assert result.exit_code == 2
    assert "known are engine, exact, gradient, kernels, learning, compiling" in result.stderr


@pytest.mark.parametrize(
    ("name", "option"), [("engine", "--quick"), ("exact", "--quick"), ("learning", "--only"), ("compiling", "--help")]
)
def test_the_scripts_know_their_options(name, option):
    module = sys.modules[bench.__module__]
    command = [sys.executable, str(module.FOLDER / module.SCRIPTS[name]), "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"usage: tinygrad-dbn bench {name}" in text
    assert option in text


def test_peers_need_neither_the_package_nor_what_it_needs():
    """`bench engine --python OTHER` runs the script where a peer is, and perhaps nothing but NumPy beside it."""
    missing = "import sys; sys.modules.update(dict.fromkeys(['threadpoolctl', 'tinygrad_dbn', 'scipy', 'rich']))"
    folder = str(sys.modules[bench.__module__].FOLDER)
    subprocess.run([sys.executable, "-c", f"{missing}; sys.path.insert(0, {folder!r}); import engine"], check=True)


@pytest.mark.parametrize(
    ("value", "goal", "said"),
    [
        (0.85, {"at_least": 0.85}, "goal at least 0.85: met"),
        (0.83, {"at_least": 0.85}, "goal at least 0.85: missed by 0.02"),
        (2.4, {"at_most": 2.5}, "goal at most 2.5: met"),
        (3.0, {"at_most": 2.5}, "goal at most 2.5: missed by 0.50"),
    ],
)
def test_a_row_is_marked_with_its_goal(value, goal, said, monkeypatch):
    monkeypatch.syspath_prepend(sys.modules[bench.__module__].FOLDER)
    import goals

    assert goals.mark(value, **goal) == said
