"""The lecture's tables: the published figures, the search, and what is written of it."""

import csv

import numpy as np
import pytest
import sklearn.svm
from typer.testing import CliRunner

from tinygrad_dbn import datasets, learning
from tinygrad_dbn.cli import app
from tinygrad_dbn.datasets import Labelled, Part
from tinygrad_dbn.lab.tables import (
    TABLES,
    Search,
    as_text,
    machines,
    measure,
    problems,
    search,
    systems,
    tasks,
    write_all,
)
from tinygrad_dbn.lab.tables.search import Cell, Outcome, Trial
from tinygrad_dbn.learning import descent

DRAWN = {"hidden": 12, "pretraining_rate": 0.05, "pretraining_steps": 1, "rate": 0.1}


@pytest.fixture
def small(monkeypatch):
    """Every table's problems and networks, small enough for a test."""
    recipe = datasets.rectangles
    monkeypatch.setitem(problems.GENERATED, "rect", (recipe, (80, 40, 60), (60, 30, 50)))
    monkeypatch.setattr(search, "COMPILED", None)
    for name in ("MOST", "PATIENCE", "LEAST"):
        monkeypatch.setattr(systems, name, systems.Length(2))
    for name in ("SAA-3", "DBN-3", "SdA-3", "net-2"):
        run = systems.SYSTEMS[name].run
        draw = lambda rng, space: {**DRAWN, "rate": float(rng.uniform(0.05, 0.2))}
        monkeypatch.setitem(systems.SYSTEMS, name, tasks.System(draw, run))
    search._problem.cache_clear()
    yield
    search._problem.cache_clear()


def test_published_figures_are_the_lectures():
    assert TABLES["datasets"].published("convex", "SdA-3") == (19.06, 0.34)
    assert TABLES["datasets"].published("bg-rand", "DBN-3") == (6.73, 0.22)
    assert TABLES["depth"].published("rot", "RBM-3") == (8.80, 0.25)
    assert TABLES["depth"].published("basic", "net-4") == (4.47, 0.18)
    assert TABLES["depth"].published("rot", "autoencoder-1") == (11.43, 0.28)
    for table in TABLES.values():
        assert all(len(row) in (0, len(table.systems)) for row in table.figures.values())
        assert set(table.figures) <= set(problems.NAMES)
        assert set(table.systems) <= set(systems.SYSTEMS)


def test_published_intervals_are_those_of_50_000_examples():
    for table in TABLES.values():
        for row in table.figures.values():
            for error, interval in row:
                p = error / 100
                assert interval == pytest.approx(196 * np.sqrt(p * (1 - p) / 50_000), abs=0.012)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("full", [False, True])
def test_networks_of_one_table_are_drawn_from_the_same_widths(table, full):
    drawn = [
        {search.settings_of(Search("rect", name, full, seed), 0).get("hidden") for seed in range(40)}
        for name in table.systems
    ]
    widths = [each for each in drawn if each != {None}]
    assert len(widths) >= 3
    assert all(each == widths[0] for each in widths)
    assert len(widths[0]) == (3 if full else 2)
    for name in table.systems:
        given = {
            search.settings_of(Search("rect", name, full, seed, None, (5, 7)), 0).get("hidden") for seed in range(9)
        }
        assert given in ({5, 7}, {None})


@pytest.mark.parametrize("system", ["SVM", "SAA-3", "DBN-3", "SdA-3", "net-2"])
def test_a_search_goes_on_where_it_was_and_tests_each_choice_once(small, tmp_path, system, monkeypatch):
    ran = []
    honest = search._run
    monkeypatch.setattr(search, "_run", lambda *a, **k: ran.append(k.get("test", False)) or honest(*a, **k))
    times = systems.SYSTEMS[system].tries
    whole = measure(Search("rect", system), folder=tmp_path / "whole", trials=3)
    validated = search.BEST * problems.PARTS
    assert ran == [False] * (3 * times + validated) + [True] * problems.REPLICATES
    assert whole.tested == 50
    assert [test.replicate for test in whole.tests] == list(range(problems.REPLICATES))
    measure(Search("rect", system), folder=tmp_path / "parts", trials=2)
    ran.clear()
    parts = measure(Search("rect", system), folder=tmp_path / "parts", trials=3)
    # The third trial; parts of it if it is one of the best.
    assert ran.count(False) in [times + best * problems.PARTS for best in range(search.BEST + 1)]
    assert parts.tests == tuple(search.read(tmp_path / "parts" / f"rect {system}.json", Search("rect", system)).tests[
        t.replicate, t.trial] for t in parts.tests)  # fmt: skip
    ran.clear()
    assert measure(Search("rect", system), folder=tmp_path / "whole", trials=3) == whole
    assert ran == []


@pytest.mark.parametrize("system", [s for s in TABLES["modules"].systems if s.split("-")[0] not in ("net", "SdA")])
def test_a_module_of_each_kind_learns_a_row_of_the_table(small, system):
    """Settings as they are drawn, but short. The same seed gives the same figures; labels not given play no part."""
    whole, labelled = search._task(Search("rect", system, labelled=50), 0)
    drawn = search.settings_of(Search("rect", system), 0)
    short = {"hidden": 12, "pretraining_steps": 1, "features": 10, "examples": 30, "steps": 2}
    settings = {name: short.get(name, value) for name, value in drawn.items()}
    first = search._run(Search("rect", system), settings, whole, labelled, 7, test=True)
    assert 0 < first.valid_nll < 3
    assert 0 <= first.test_error <= 1
    assert (first.steps == 0) == (system.split("-")[0] in ("kernel", "subspaces"))
    y = np.where(np.arange(60) < 50, whole.train.y, 0)
    other = Labelled(whole.name, Part(whole.train.X, y), *(whole.valid, whole.test), whole.shape, whole.classes, "")
    assert search._run(Search("rect", system), settings, other, labelled, 7, test=True) == first


def test_features_are_scaled_to_one_spread():
    rng = np.random.default_rng(0)
    X = rng.normal(3.0, 0.1, size=(50, 4))
    encode = machines.scaled(lambda X: 2 * X, X)
    found = encode(X)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    assert (found**2).sum(axis=1).mean() == pytest.approx(machines.SPREAD)
    np.testing.assert_allclose(encode(X[:1] + 1) - encode(X[:1]), (found[1] - found[0]).max() / (X[1] - X[0]).max())


def trial(number, nll, cross_validated=(), error=0.1):
    return Trial(number, {}, error, nll, 7, cross_validated)


def test_choices_go_by_nll_and_cross_validation_never_by_number(monkeypatch):
    """Errors are equal everywhere: a better nll wins over a lower number, and cross-validation over both."""
    tried = [trial(0, 0.5), trial(1, 0.4), trial(2, 0.3, (0.9, 0.8)), trial(3, 0.2, (0.95, 0.9))]
    assert [t.number for t in sorted(tried, key=lambda t: t.rank)] == [2, 3, 1, 0]
    monkeypatch.setattr(problems, "REPLICATES", 200)
    monkeypatch.setattr(search, "REPLICATES", 200)
    found = [t.number for t in search.choices(Search("rect", "SVM"), tried)]
    # The best is in a bootstrap sample of four with probability 1 − (3/4)⁴, the two best with 1 − (1/2)⁴.
    assert found.count(2) / 200 == pytest.approx(1 - 0.75**4, abs=0.1)
    assert (found.count(2) + found.count(3)) / 200 == pytest.approx(1 - 0.5**4, abs=0.06)
    equal = [t.number for t in search.choices(Search("rect", "SVM"), [trial(0, 0.5), trial(1, 0.5)])]
    assert 40 < equal.count(0) < 160


def test_the_best_few_are_cross_validated_where_the_validation_set_is_small(small, monkeypatch):
    tried = [trial(0, 0.5), trial(1, 0.2), trial(2, 0.3), trial(3, 0.1, (0.1,))]
    assert [t.number for t in search.doubtful(Search("rect", "SVM"), tried)] == [3, 1]
    assert search.doubtful(Search("rect", "SVM"), tried[:1]) == []  # there is nothing to choose
    monkeypatch.setattr(search, "SMALL", 30)
    assert search.doubtful(Search("rect", "SVM"), tried) == []


def test_trials_that_are_added_end_as_all_of_them_at_once(small, tmp_path, monkeypatch):
    """Two are cross-validated and then a better third is tried: it is chosen, though its number is the highest."""
    nll = {0: 0.5, 1: 0.4, 2: 0.3, 3: 0.2}
    monkeypatch.setitem(systems.SYSTEMS, "SVM", tasks.System(lambda rng, space: {}, systems.SYSTEMS["SVM"].run))
    monkeypatch.setattr(search, "_try", lambda s, number: Trial(number, {}, 0.1, nll[number], 1))
    # Cross-validation likes the first trial best, and is asked of the best two alone.
    monkeypatch.setattr(search, "_validate", lambda s, t: Trial(t.number, {}, 0.1, t.valid_nll, 1, (1 - t.valid_nll,)))
    monkeypatch.setattr(search, "_test", lambda s, t, r: Outcome(r, t.number, 0.1, 1))
    for trials in (2, 4):
        added = measure(Search("rect", "SVM"), folder=tmp_path / "added", trials=trials)
    at_once = measure(Search("rect", "SVM"), folder=tmp_path / "once", trials=4)
    assert added == at_once
    assert added.best.number == 2


def test_a_machine_learns_from_no_more_labels_than_are_given(small, monkeypatch):
    fitted = []
    honest = sklearn.svm.SVC.fit
    monkeypatch.setattr(sklearn.svm.SVC, "fit", lambda self, X, y: fitted.append(len(y)) or honest(self, X, y))
    for labelled, learned in ((60, [60, 90]), (25, [25])):
        whole, _ = search._task(Search("rect", "SVM"), 0)
        for system in ("SVM", "kernel-1"):
            settings = {**search.settings_of(Search("rect", system), 0), "features": 10, "examples": 30}
            search._run(Search("rect", system), settings, whole, labelled, 0, test=True)
            assert fitted == learned, system
            fitted.clear()


def test_parts_of_a_cross_validation_choose_by_every_labelled_example_once():
    pictures = np.arange(30, dtype=np.float32)[:, None]
    part = lambda places: Part(pictures[places], np.array(places))
    whole = Labelled("w", part(list(range(20))), part(list(range(20, 26))), part([26]), (1, 1), 30, "")
    for labelled, known in ((20, set(range(26))), (8, {*range(8), *range(20, 26)})):
        seen = []
        for k in range(problems.PARTS):
            again, learned = problems.cross_validation(whole, labelled, k)
            assert again.test is whole.test
            assert set(again.train.y[:learned]) | set(again.valid.y) == known
            assert sorted([*again.train.y, *again.valid.y]) == list(range(26))
            np.testing.assert_array_equal(again.train.X[:, 0], again.train.y)
            seen += again.valid.y.tolist()
        assert sorted(seen) == sorted(known)


def test_nets_from_random_weights_take_as_many_steps_as_pre_training_and_fine_tuning_together(small):
    """Neither stops early: 5 epochs of at most 2 steps, and 3 layers of 4 steps of pre-training."""
    for kind in ("rect", "SdA-3"), ("rect", "net-3"):
        whole, labelled = search._task(Search(*kind), 0)
        settings = {**DRAWN, "pretraining_steps": 4}
        found = search._run(Search(*kind), settings, whole, labelled, 0)
        assert found.steps == 3 * 4 + 2 * learning.steps_per_epoch(60, systems.BATCH) == 16


def test_a_length_is_passes_or_steps_whichever_is_longer():
    assert systems.Length(60, 3600).over(3000) == 60
    assert systems.Length(60, 3600).over(1000) == 180
    assert systems.Length(60, 3600).over(10_001) == 60
    assert [learning.steps_per_epoch(n, 50) for n in (1, 50, 51)] == [1, 1, 2]


def test_machines_are_compared_by_a_loss_that_does_not_depend_on_their_scale():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40)
    d = 2.0 * y - 1 + rng.normal(size=40)
    grid = [np.logaddexp(0, -np.where(y == 1, d, -d) * s).mean() for s in np.geomspace(1e-3, 1e3, 20001)]
    assert machines.scaled_nll(d, y) == pytest.approx(min(grid), abs=1e-6)
    assert machines.scaled_nll(1e-2 * d, y) == pytest.approx(machines.scaled_nll(d, y), abs=1e-6)
    assert machines.scaled_nll(np.stack([-d / 2, d / 2], axis=1), y) == pytest.approx(min(grid), abs=1e-6)


def test_trials_of_another_search_are_refused(small, tmp_path):
    measure(Search("rect", "SVM"), folder=tmp_path, trials=1)
    with pytest.raises(ValueError, match="is of seed 0, not 1; give another folder"):
        measure(Search("rect", "SVM", seed=1), folder=tmp_path, trials=1)
    (tmp_path / "rect SVM.json").write_text("[")
    with pytest.raises(ValueError, match="carries no checksum"):
        measure(Search("rect", "SVM"), folder=tmp_path, trials=1)


def test_intervals_and_files(tmp_path):
    tests = tuple(Outcome(r, 1, error, 1000 + r) for r, error in enumerate((0.01, 0.02, 0.03)))
    cells = [Cell("rect", "SVM", 3, Trial(1, {"C": 1.0}, 0.03, 0.1, 0), tests, 10_000)]
    assert cells[0].percent == pytest.approx(2)
    assert cells[0].steps == 1001
    # Student's 97.5 % point with 2 degrees of freedom is 4.3027, and the standard error 1 % / √3.
    assert cells[0].interval == pytest.approx(4.302653 / np.sqrt(3))
    text, picture, page = (path.read_bytes() for path in write_all(TABLES["datasets"], cells, tmp_path, "a <note>"))
    (line,) = csv.DictReader(text.decode().splitlines())
    assert (line["error_percent"], line["published_percent"], line["trials"]) == ("2.0000", "2.15", "3")
    assert (line["replicates"], line["gradient_steps"]) == ("3", "1001")
    assert picture.startswith(b"\x89PNG")
    assert "a &lt;note&gt;" in page.decode()
    assert "2.00 ± 2.48" in page.decode()
    assert "its own random start, choice among the trials" in page.decode()


def test_a_table_without_published_figures_speaks_of_none(tmp_path):
    tests = tuple(Outcome(r, 1, error, 0) for r, error in enumerate((0.01, 0.02, 0.03)))
    cells = [Cell("basic", "kernel-2", 3, Trial(1, {"C": 1.0}, 0.03, 0.1, 0), tests, 10_000)]
    text, _, page = (path.read_bytes().decode(errors="replace") for path in write_all(
        TABLES["modules"], cells, tmp_path, ""))  # fmt: skip
    (line,) = csv.DictReader(text.splitlines())
    assert (line["error_percent"], line["published_percent"], line["published_interval"]) == ("2.0000", "", "")
    shown = as_text(TABLES["modules"], cells)
    assert list(shown.columns[-1].cells) == ["2.00 ± 2.48"]
    assert "paper" not in shown.caption
    assert "the paper's" not in page


def test_the_command_prints_both_figures_and_refuses_unknown_words(small, tmp_path):
    out = str(tmp_path / "out")
    run = CliRunner().invoke(
        app, ["table", "datasets", "--only", "rect,SVM", "--trials", "2", "--processes", "1", "--out", out]
    )
    assert run.exit_code == 0, run.output
    assert "(2.15)" in run.output
    assert "own random start" in " ".join(run.output.split())
    assert "trial 10/10" in run.output  # a line for each as it is done; five settings of an SVM for one of a net
    for arguments, message in [
        (["table", "dataset"], "write datasets, depth or modules"),
        (["table", "datasets", "--only", "rectangle"], "--only rectangle: known are"),
        *((["table", "datasets", f"--widths={w}"], "as 500,1000") for w in ("a", "0", "5,", "5,5", "-5")),
        (["table", "datasets", "--only", "rect,SVM", "--widths", "5"], "SVM: no hidden layers"),
    ]:
        run = CliRunner().invoke(app, arguments)
        assert run.exit_code == 2
        assert message in run.output


def test_replicates_test_every_example_once_and_never_those_that_were_chosen_by(small):
    pictures = np.arange(200, dtype=np.float32)[:, None] / 200
    whole = Labelled(
        "w", Part(pictures, np.zeros(200, int)), Part(1 - pictures[:3], np.zeros(3, int)), None, (1, 1), 1, ""
    )
    parts = [problems._fold(whole, replicate) for replicate in range(problems.REPLICATES)]
    assert sorted(len(part.test) for part in parts) == [66, 67, 67]
    np.testing.assert_array_equal(np.concatenate([part.test.X for part in parts]), pictures)
    for part in parts:
        assert not set(part.train.X.ravel()) & set(part.test.X.ravel())
        assert part.valid is whole.valid
    shares = [problems.problem("rect", False, replicate=replicate) for replicate in range(problems.REPLICATES)]
    all_of_it = problems.GENERATED["rect"][0]((60, 30, 50), 0)
    np.testing.assert_array_equal(np.concatenate([share.test.X for share in shares]), all_of_it.test.X)


def test_without_labels_examples_serve_pre_training_alone(small, monkeypatch):
    seen = {}
    honest_pretrain, honest_tune = systems.pretrain, systems.fine_tune
    monkeypatch.setattr(systems, "pretrain", lambda *a: seen.update(pretraining=len(a[2])) or honest_pretrain(*a))
    monkeypatch.setattr(systems, "fine_tune", lambda *a, **k: seen.update(tuning=len(a[1][1])) or honest_tune(*a, **k))
    search._try(Search("rect", "DBN-3", labelled=7), 0)
    assert seen == {"pretraining": 60, "tuning": 7}
    with pytest.raises(ValueError, match="70 labelled examples of 60"):
        search._try(Search("rect", "DBN-3", labelled=70), 0)


def test_trainings_are_compiled_from_the_first_step_on(small, monkeypatch):
    found = []

    def run(settings, task):
        found.append(descent._COMPILED.get())
        return tasks.Result(0.0, 0.0, 0, 0.0)

    monkeypatch.setitem(systems.SYSTEMS, "SVM", tasks.System(systems.SYSTEMS["SVM"].draw, run))
    for compiled in (True, None):
        monkeypatch.setattr(search, "COMPILED", compiled)
        search._run(Search("rect", "SVM"), {}, problems.problem("rect", False), 1, 0)
    assert found == [True, False]  # as it is within these tests
