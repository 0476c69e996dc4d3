"""The lecture's tables: the published figures, the search, and what is written of it."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tinygrad_dbn import datasets, learning
from tinygrad_dbn.cli import app
from tinygrad_dbn.datasets import Labelled, Part
from tinygrad_dbn.lab.tables import TABLES, Search, measure, problems, search, systems, write_all
from tinygrad_dbn.lab.tables.search import Cell, Trial

DRAWN = {"hidden": 12, "pretraining_rate": 0.05, "pretraining_epochs": 1, "rate": 0.1}


@pytest.fixture
def small(monkeypatch):
    """Every table's problems and networks, small enough for a test."""
    recipe = datasets.rectangles
    monkeypatch.setitem(problems.GENERATED, "rect", (recipe, (80, 40, 60), (60, 30, 50)))
    for name in ("SAA-3", "DBN-3", "SdA-3"):
        run = systems.SYSTEMS[name].run
        draw = lambda rng, full: {**DRAWN, "rate": float(rng.uniform(0.05, 0.2))}
        monkeypatch.setitem(systems.SYSTEMS, name, systems.System(draw, run))
    search._problem.cache_clear()
    with learning.uncompiled():
        yield
    search._problem.cache_clear()


def test_published_figures_are_the_lectures():
    assert TABLES["datasets"].published("convex", "SdA-3") == (19.06, 0.34)
    assert TABLES["datasets"].published("bg-rand", "DBN-3") == (6.73, 0.22)
    assert TABLES["depth"].published("rot", "RBM-3") == (8.80, 0.25)
    assert TABLES["depth"].published("basic", "net-4") == (4.47, 0.18)
    assert TABLES["depth"].published("rot", "autoencoder-1") == (11.43, 0.28)
    for table in TABLES.values():
        assert all(len(row) == len(table.systems) for row in table.figures.values())
        assert set(table.figures) <= set(problems.NAMES)
        assert set(table.systems) <= set(systems.SYSTEMS)


def test_published_intervals_are_those_of_50_000_examples():
    for table in TABLES.values():
        for row in table.figures.values():
            for error, interval in row:
                p = error / 100
                assert interval == pytest.approx(196 * np.sqrt(p * (1 - p) / 50_000), abs=0.012)


@pytest.mark.parametrize("system", ["SVM", "SAA-3", "DBN-3", "SdA-3"])
def test_a_search_goes_on_where_it_was_and_tests_once(small, tmp_path, system, monkeypatch):
    ran = []
    honest = search._run
    monkeypatch.setattr(search, "_run", lambda *a, test: ran.append((a[2], test)) or honest(*a, test=test))
    whole = measure(Search("rect", system), folder=tmp_path / "whole", trials=3)
    assert ran == [(0, False), (1, False), (2, False), (whole.chosen.number, True)]
    assert whole.tested == 50
    measure(Search("rect", system), folder=tmp_path / "parts", trials=1)
    ran.clear()
    parts = measure(Search("rect", system), folder=tmp_path / "parts", trials=3)
    assert parts == whole
    assert [number for number, test in ran if not test] == [1, 2]
    ran.clear()
    assert measure(Search("rect", system), folder=tmp_path / "parts", trials=3) == whole
    assert ran == []
    trials = json.loads((tmp_path / "whole" / f"rect {system}.json").read_text())["trials"]
    assert [t["test_errors"] is not None for t in trials] == [t["number"] == whole.chosen.number for t in trials]
    assert whole.chosen.valid_error == min(t["valid_error"] for t in trials)


def test_trials_of_another_search_are_refused(small, tmp_path):
    measure(Search("rect", "SVM"), folder=tmp_path, trials=1)
    with pytest.raises(ValueError, match="is of seed 0, not 1; give another folder"):
        measure(Search("rect", "SVM", seed=1), folder=tmp_path, trials=1)
    (tmp_path / "rect SVM.json").write_text("[")
    with pytest.raises(ValueError, match="carries no checksum"):
        measure(Search("rect", "SVM"), folder=tmp_path, trials=1)


def test_intervals_and_files(tmp_path):
    cells = [Cell("rect", "SVM", 3, Trial(1, {"C": 1.0}, 0.03, (0.01, 0.03)), 10_000)]
    assert cells[0].percent == 2
    assert cells[0].interval == pytest.approx(0.2744)
    text, picture, page = (path.read_bytes() for path in write_all(TABLES["datasets"], cells, tmp_path, "a <note>"))
    (line,) = csv.DictReader(text.decode().splitlines())
    assert (line["error_percent"], line["published_percent"], line["trials"]) == ("2.0000", "2.15", "3")
    assert picture.startswith(b"\x89PNG")
    assert "a &lt;note&gt;" in page.decode()
    assert "2.00 ± 0.27" in page.decode()


def test_the_command_prints_both_figures_and_refuses_unknown_words(small, tmp_path):
    out = str(tmp_path / "out")
    run = CliRunner().invoke(
        app, ["table", "datasets", "--only", "rect,SVM", "--trials", "2", "--processes", "1", "--out", out]
    )
    assert run.exit_code == 0, run.output
    assert "(2.15)" in run.output
    assert "trial 2/2" not in run.output  # a bar on terminals, nothing in pipes
    for arguments, message in [
        (["table", "dataset"], "write datasets or depth"),
        (["table", "datasets", "--only", "rectangle"], "--only rectangle: known are"),
    ]:
        run = CliRunner().invoke(app, arguments)
        assert run.exit_code == 2
        assert message in run.output


def test_folds_test_every_digit_once_and_never_those_that_were_chosen_by(monkeypatch):
    pictures = np.arange(200, dtype=np.float32)[:, None] / 200
    whole = Labelled(
        "w", Part(pictures, np.zeros(200, int)), Part(1 - pictures[:3], np.zeros(3, int)), None, (1, 1), 1, ""
    )
    parts = [problems._fold(whole, fold) for fold in range(problems.FOLDS)]
    assert [len(part.test) for part in parts] == [40] * 5
    np.testing.assert_array_equal(np.concatenate([part.test.X for part in parts]), pictures)
    for part in parts:
        assert not set(part.train.X.ravel()) & set(part.test.X.ravel())
        assert part.valid is whole.valid


def test_without_labels_examples_serve_pre_training_alone(small, monkeypatch):
    seen = {}
    honest_pretrain, honest_tune = systems.pretrain, systems.fine_tune
    monkeypatch.setattr(systems, "pretrain", lambda *a: seen.update(pretraining=len(a[2])) or honest_pretrain(*a))
    monkeypatch.setattr(systems, "fine_tune", lambda *a, **k: seen.update(tuning=len(a[1][1])) or honest_tune(*a, **k))
    search._try(Search("rect", "DBN-3", labelled=7), 0)
    assert seen == {"pretraining": 60, "tuning": 7}
    with pytest.raises(ValueError, match="70 labelled examples of 60"):
        search._try(Search("rect", "DBN-3", labelled=70), 0)
