"""The empirical claims' experiments: how they are run, what they leave, and that each runs from data to picture."""

import csv
import inspect
import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from tinygrad_dbn.cli import app
from tinygrad_dbn.lab import canvas, code
from tinygrad_dbn.lab.claims import (
    EXPERIMENTS,
    Experiment,
    as_text,
    choosing,
    fitting,
    pictures,
    run,
    subspaces,
    write_all,
)
from tinygrad_dbn.lab.claims.choosing import best_of
from tinygrad_dbn.lab.claims.digits import small_digits
from tinygrad_dbn.lab.claims.experiment import Comparison
from tinygrad_dbn.lab.claims.fitting import mislabelled
from tinygrad_dbn.lab.claims.pictures import dots
from tinygrad_dbn.lab.code import code_of
from tinygrad_dbn.lab.study import course
from tinygrad_dbn.lab.tables.systems import SYSTEMS
from tinygrad_dbn.learning import Diverged, descent

ran = []


def weigh(condition, seed, quick):
    ran.append((condition, seed))
    return {"weight": {"light": 1.0, "heavy": 2.0 + seed}[condition], "word": condition[0]}


SCALES = Experiment(
    claim="Z1", title="Two <weights>", method="Weighed.", conditions=("light", "heavy"), seeds=3, measure=weigh,
    columns={"weight": "weight, kg", "word": "word"},
    comparisons=(Comparison("weight", "light", "heavy", says="light is lighter"),),
    draw=lambda results, dark: dots(results, ("light", "heavy"), "weight", "kg", dark),
)  # fmt: skip


@pytest.fixture(autouse=True)
def none_ran_yet():
    ran.clear()


def test_a_run_keeps_what_is_done(tmp_path):
    run(SCALES, tmp_path, seeds=1)
    assert ran == [("light", 0), ("heavy", 0)]
    seen = []
    results = run(SCALES, tmp_path, watch=seen.append)
    assert ran[2:] == [("light", 1), ("heavy", 1), ("light", 2), ("heavy", 2)]
    assert seen == ["light, seed 1", "heavy, seed 1", "light, seed 2", "heavy, seed 2"]
    assert results["heavy", 2] == {"weight": 4.0, "word": "h"}
    assert len(ran) == 6
    assert run(SCALES, tmp_path) == results
    assert len(ran) == 6


def test_figures_of_another_experiment_are_refused(tmp_path):
    run(SCALES, tmp_path, seeds=1)
    with pytest.raises(ValueError, match="is of quick False, not True; give another folder"):
        run(SCALES, tmp_path, seeds=1, quick=True)
    with pytest.raises(ValueError, match=r"is of code '\w{12}', not '\w{12}'; give another folder"):
        run(replace(SCALES, measure=subspaces.measure), tmp_path, seeds=1)
    (tmp_path / "light 0.json").write_text("{}")
    with pytest.raises(ValueError, match="carries no checksum"):
        run(SCALES, tmp_path, seeds=1)


def test_figures_are_of_the_code_that_made_them(tmp_path):
    """Not of its comments and docstrings."""

    def digest(text):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
        file.write_text(text)
        names = {}
        exec(compile(text, file, "exec"), names)
        return code_of(names["f"])

    first = digest('"""A."""\nEPOCHS = 3  # some\n\ndef f():\n    """B."""\n    return EPOCHS\n')
    assert first == digest('"""C."""\n# more\nEPOCHS = 3\ndef f():\n    return EPOCHS\n')
    assert first != digest('"""A."""\nEPOCHS = 4\n\ndef f():\n    """B."""\n    return EPOCHS\n')


def test_and_of_the_code_of_every_module_that_it_imports(tmp_path, monkeypatch):
    files = {
        "__init__": "from . import d",
        "a": "from .b import g\n\ndef f():\n    return g()\n",
        "b": "import math\n\ndef g():\n    from . import c\n    return c.N\n",
        "c": "N = 1",
        "d": "M = 1",
    }
    package = tmp_path / "pk"
    package.mkdir()
    monkeypatch.setattr(code, "PACKAGE", package)

    def digest(**other):
        code._module.cache_clear()
        for name, text in (files | other).items():
            (package / f"{name}.py").write_text(text)
        names = {"__name__": "pk.a"}
        exec(compile("def f(): ...", package / "a.py", "exec"), names)  # which imports nothing
        return code_of(names["f"])

    first = digest()
    assert first == digest(c='"""Says more."""\nN = 1  # a number', d="M = 2")
    for name, text in {"a": "\ndef f():\n    return 1\n", "b": files["b"] + "K = 2\n", "c": "N = 2"}.items():
        assert first != digest(**{name: text}), name
    code._module.cache_clear()


def test_all_that_is_kept_goes_by_the_file_of_its_own_code():
    """Some of these functions are wrapped by what is written elsewhere, as `one_thread` does."""
    of = [e.measure for e in EXPERIMENTS.values()] + [s.run for s in SYSTEMS.values()] + [course]
    files = {code_of(f): inspect.unwrap(f).__code__.co_filename for f in of}
    assert len(files) == len({*files.values()}) == len({inspect.unwrap(f).__module__ for f in of})
    assert all("/lab/" in Path(file).as_posix() for file in files.values())


def test_outcomes_are_paired_and_name_their_interval(tmp_path):
    (comparison,) = SCALES.comparisons
    # Differences 1, 2, 3: mean 2, standard error 1 / √3, Student's 97.5 % point with 2 degrees of freedom 4.3027.
    text = comparison.outcome(run(SCALES, tmp_path))
    half = 4.302653 / np.sqrt(3)
    interval = f"95 % interval [{2 - half:.4g}, {2 + half:.4g}]"
    assert text == f"light is lighter: 3 of 3 seeds, by 2 on average, {interval}: these seeds leave it open"
    clear = {(c, s): {"weight": w + s / 100} for s in range(3) for c, w in (("light", 1.0 + s / 50), ("heavy", 2.0))}
    assert comparison.outcome(clear).endswith(": so it is")
    assert Comparison("weight", "heavy", "light").outcome(clear).endswith(": the opposite is so")
    turned = Comparison("weight", "light", "heavy", lower=False)
    assert turned.outcome(run(SCALES, tmp_path)).startswith("weight: light against heavy: 0 of 3 seeds, by -2")
    assert comparison.outcome(run(SCALES, tmp_path, seeds=1)) == "light is lighter: 1 of 1 seeds, by 1"


def test_what_is_written(tmp_path):
    table, picture, page = (p.read_bytes() for p in write_all(SCALES, run(SCALES, tmp_path), tmp_path))
    rows = list(csv.reader(table.decode().splitlines()))
    assert rows[0] == ["condition", "seed", "weight", "word"]
    assert ["heavy", "1", "3.0", "h"] in rows
    assert picture.startswith(b"\x89PNG")
    assert "Two &lt;weights&gt;" in page.decode()
    assert "3.00 [2.00, 4.00]" in page.decode()
    assert as_text(SCALES, run(SCALES, tmp_path)).row_count == 2


def test_claims_and_comparisons_name_what_is_measured():
    for experiment in EXPERIMENTS.values():
        for comparison in experiment.comparisons:
            assert {comparison.better, comparison.worse} <= set(experiment.conditions)
            assert comparison.figure in experiment.columns
    assert {e.claim for e in EXPERIMENTS.values()} >= {
        "B3, B4",
        "B4",
        "C5",
        "C6",
        "E5",
        "F2, F3, F4, F5",
        "G4",
        "I7",
        "C2",
    }


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("vanishing", "pre-trained"),
        ("fitting", "wide net, wrong labels: Adam"),
        ("schedule", "linear to zero"),
        ("regions", "random"),
        ("dropout", "dropout"),
        ("autoencoder", "two numbers: PCA"),
        ("autoencoder", "28×28: RBMs, SGD"),
        ("documents", "autoencoder"),
        ("newton", "sparse start, Hessian-free"),
        ("newton", "RBMs, SGD"),
        ("updown", "64-12-10, exact log p: up-down"),
        ("width", "autoencoder 25"),
        ("clamped", "up-down, clamped"),
        ("embedding", "auxiliary 100"),
        ("subspaces", "still: two layers"),
        ("subspaces", "moving: one layer"),
    ],
)
def test_an_experiment_gives_its_figures_and_the_same_ones_again(name, condition):
    experiment = EXPERIMENTS[name]
    figures = experiment.measure(condition, 0, True)
    assert set(experiment.columns) <= set(figures)
    assert json.loads(json.dumps(figures)) == figures
    if name in ("vanishing", "updown"):  # the quickest: a seed decides everything
        assert experiment.measure(condition, 0, True) == figures
        assert experiment.measure(condition, 1, True) != figures


@pytest.mark.parametrize("case", [fitting.UNDER, fitting.OVER])
def test_an_optimiser_is_judged_by_what_it_minimises_and_a_regulariser_by_other_digits(case, monkeypatch):
    judged = []
    model = SimpleNamespace(nll=lambda X, y: judged.append((X, y)) or np.zeros(len(y)))

    def first(settings, train, loss, quick):
        loss(SimpleNamespace(model=model))
        return "0.1", train(settings[0])

    monkeypatch.setattr(fitting, "best_of", first)
    (X, y), _ = small_digits(0)
    trained = 1000 if case == fitting.UNDER else 400
    for cure in fitting.CURES:
        fitting.measure(f"{case}: {cure}", 0, True)
        (by, labels) = judged.pop()
        if cure in ("SGD", "Adam"):
            np.testing.assert_array_equal(by, X[:trained])
        else:
            np.testing.assert_array_equal(by, X[1000:])
            np.testing.assert_array_equal(labels, y[1000:])


@pytest.mark.parametrize("name", ["dropout", "embedding", "fitting", "schedule", "updown", "width"])
def test_no_name_in_a_picture_lies_over_another_one(name, monkeypatch):
    experiment, drawn = EXPERIMENTS[name], []
    keep = lambda page: drawn.append(page) or page.savefig(io.BytesIO()) or b""  # saved, for then names have places
    monkeypatch.setattr(pictures, "png", keep)
    results = {(c, 0): {column: 1.0 + n for column in experiment.columns} for n, c in enumerate(experiment.conditions)}
    experiment.draw(results, False)
    for axes in drawn[0].axes:
        for names in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [name.get_window_extent() for name in names if name.get_text()]
            for a, b in itertools.pairwise(boxes):
                assert not a.overlaps(b), (a, b)


def test_a_picture_draws_all_that_it_is_given():
    """Each of sixteen series in a style of its own, seventeen refused; and no picture chooses styles otherwise."""
    assert len(set(canvas.series(16))) == 16
    assert canvas.series(2) == canvas.series(5)[:2]
    results = {(str(n), 0): {"y": float(n), "lengths": [n + 1.0], "bounds": [n + 2.0]} for n in range(17)}
    drawings = {
        "curves": lambda n: pictures.curves(results, {str(k): [(1.0, str(k))] for k in range(n)}, "y", ("", ""), False),
        "courses": lambda n: pictures.courses(
            {(str(k), 0): {"c": [[0, k + 1.0], [1, k + 2.0]]} for k in range(n)},
            [str(k) for k in range(n)],
            "c",
            ("", ""),
            False,
        ),
        "layers": lambda n: pictures.layers(results, [str(k) for k in range(n)], False),
        "pairs": lambda n: pictures.pairs(
            {("a", 0): {str(k): float(k) for k in range(n)}}, [("a", ["a"])], [str(k) for k in range(n)], "", False
        ),
        "trajectories": lambda n: pictures.trajectories([((str(k), 0), np.ones((2, 2)) * k) for k in range(n)], False),
    }
    for name, draw in drawings.items():
        assert draw(4) != draw(5), name
        with pytest.raises(ValueError, match="17 series in a picture, which has styles for 16"):
            draw(17)
    for path in Path(canvas.__file__).parent.rglob("*.py"):
        assert "_MARKS" not in path.read_text() or path.name == "canvas.py", path


def test_a_fifth_of_the_labels_are_wrong_where_a_net_is_to_overfit():
    y = np.arange(400) % 10
    wrong = mislabelled(y, 0)
    assert (wrong != y).sum() == 80
    assert set(wrong) == set(range(10))
    assert (mislabelled(y, 1) != wrong).any()


def test_gratings_drift_in_their_direction_by_a_pixel_a_frame():
    still = subspaces.grating((9, 9), 0, 0.1, 0, 1.0)
    assert np.ptp(still, axis=0).max() < 1e-6  # a wave to the right is the same in every row
    assert np.ptp(still, axis=1).min() > 1
    moving = subspaces.grating((4, 9, 9), 4, 0.1, 3, 1.0)  # a quarter turn: downwards
    for before, after in itertools.pairwise(moving):
        np.testing.assert_allclose(after[1:], before[:-1], atol=1e-5)
    assert abs(moving.mean()) < 1e-6


def test_nets_from_random_weights_take_the_steps_of_pre_training_too(monkeypatch):
    """Counted where a descent takes them: the figure that is shown is what was done, under either start."""
    taken = []
    honest = descent._epoch
    count = lambda at, steps, first, data, draw, batch, *more: (
        taken.append(-(-len(data[0]) // batch)) or honest(at, steps, first, data, draw, batch, *more)
    )
    monkeypatch.setattr(descent, "_epoch", count)
    pairs = {"vanishing": ("random", "random, equal cost", "pre-trained"), "regions": ("random", "pre-trained"),
             "dropout": ("plain", "pre-trained"), "width": ("random 25", "RBM 25"),
             "autoencoder": ("8×8: random, SGD", "8×8: random, SGD, equal cost", "8×8: RBMs, SGD")}  # fmt: skip
    for name, conditions in pairs.items():
        for condition in conditions:
            taken.clear()
            assert EXPERIMENTS[name].measure(condition, 5, True)["steps"] == sum(taken), (name, condition)


def test_the_command(tmp_path):
    out = str(tmp_path / "out")
    line = ["measure", "vanishing", "--quick", "--seeds", "1", "--processes", "1", "--out", out]
    first = CliRunner().invoke(app, line)
    assert first.exit_code == 0, first.output
    assert "at equal cost, pre-training lowers the train error: " in first.output
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.json")}
    again = CliRunner().invoke(app, line).output  # without the lines for the figures that are kept
    said = {re.sub(r"^ *[\d.]+ s  ", "", line) for line in first.output.removesuffix(again).splitlines()}
    assert said == {path.stem.removesuffix(" 0") + ", seed 0" for path in kept}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    refused = CliRunner().invoke(app, ["measure", "vanish"])
    assert refused.exit_code == 2
    assert "known are vanishing, fitting, regions" in refused.output


def test_documents_of_ones_own(tmp_path):
    """A subfolder for each label; other texts are not taken for those that the kept figures are of."""
    for k in range(24):
        file = tmp_path / "texts" / ("sea" if k % 2 else "land") / f"{k}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(("water wave " if k % 2 else "hill road ") * (k + 1) + "under the sky")
    line = ["measure", "documents", "--quick", "--seeds", "1", "--processes", "1"]
    own = [*line, "--folder", str(tmp_path / "texts"), "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(app, own)
    assert first.exit_code == 0, first.output
    assert '"labels": ["land", "sea"]' in json.dumps(json.loads((tmp_path / "out" / "LSA 0.json").read_text()))
    assert "labelled by their subfolder: counts of the 2 000" in (tmp_path / "out" / "report.html").read_text()
    file.write_text("something else, water")
    for others in (own, [*line, "--out", str(tmp_path / "out")]):
        refused = CliRunner().invoke(app, others)
        assert refused.exit_code == 2
        assert "give another folder" in refused.output
    elsewhere = CliRunner().invoke(app, ["measure", "width", "--folder", str(tmp_path)])
    assert elsewhere.exit_code == 2
    assert "width has data of its own" in elsewhere.output
    missing = CliRunner().invoke(app, [*line, "--folder", str(tmp_path / "none")])
    assert missing.exit_code == 2
    assert "no such folder" in missing.output


def compiled_cell(condition, seed, *, quick):
    return {"weight": float(descent._COMPILED.get()), "word": ""}


def test_steps_are_compiled_at_full_size_alone(tmp_path):
    for quick, compiled in ((False, 1.0), (True, 0.0)):
        results = run(replace(SCALES, measure=compiled_cell), tmp_path / str(quick), seeds=1, quick=quick)
        assert {figures["weight"] for figures in results.values()} == {compiled}


def test_every_rate_that_an_experiment_chooses_is_chosen_by_best_of(monkeypatch):
    """Which is told to by each, so none of them judges a condition at another one's rate, or at the end of a range."""
    told = []
    monkeypatch.setattr(choosing, "_in_words", lambda losses: told.append(losses) or "chosen by best_of")
    with_rates = {name: experiment for name, experiment in EXPERIMENTS.items() if "rate" in experiment.columns}
    assert len(with_rates) > 6
    for name, experiment in with_rates.items():
        condition = next(c for c in experiment.conditions if not re.search("PCA|Hessian|normals", c))
        assert experiment.measure(condition, 0, True)["rate"] == "chosen by best_of", name
    assert [len(losses) for losses in told] == [1] * len(with_rates)  # of a quick run


@pytest.mark.parametrize(
    ("settings", "best", "words", "tried"),
    [
        ((0.1, 0.6, 9.0), 0.5, "0.6", [0.1, 0.6, 9.0]),
        ((1.0, 2.0), 8.4, "8", [1, 2, 4, 8, 16]),
        ((1.0, 2.0), 0.2, "0.25", [1, 2, 0.5, 0.25, 0.12]),
        ((1.0, 2.0), 1e9, "32 (highest)", [1, 2, 4, 8, 16, 32]),
        ((1.0, 2.0), 0.0, "0.058 (lowest)", [1, 2, 0.5, 0.25, 0.12, 0.058]),
        ((0.003, 0.01, 0.03), 0.0005, "0.0009", [0.003, 0.01, 0.03, 0.0009, 0.00027]),
    ],
)
def test_the_best_setting_lies_between_two_that_are_worse(settings, best, words, tried):
    """Where the best is at an end of what was tried, what lies beyond is tried too, while there is reason to."""
    seen = []
    found = best_of(settings, lambda s: seen.append(s) or s, lambda s: abs(np.log(s / best)) if best else s, False)
    assert found[0] == words
    assert seen == tried
    assert found[1] == float(words.split()[0])


def test_settings_at_which_a_training_diverges_are_worse_than_any():
    def train(rate):
        if rate > 1:
            raise Diverged(f"at {rate}", "before")
        return abs(rate - 0.5)

    assert best_of((0.1, 0.6, 9.0), train, float, quick=False) == ("0.6", pytest.approx(0.1))
    assert best_of((2.0, 4.0), train, float, quick=False) == ("0.5", 0.0)  # and lower ones are tried
    assert best_of((0.1, 0.6), train, float, quick=True) == ("0.1", 0.4)
    with pytest.raises(FloatingPointError, match=r"each of \(64\.0, 128\.0, 32\.0, 16\.0, 8\.0, 4\.0\)"):
        best_of((64.0, 128.0), train, float, quick=False)
    with pytest.raises(FloatingPointError, match=r"at 2 the training ends.*NaN"):
        best_of((2.0, 4.0), lambda rate: np.nan, float, quick=False)
