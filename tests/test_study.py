"""The study: its courses against the exact laboratory, its cells kept one by one, and what it writes."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import tinygrad_dbn as td
from tinygrad_dbn import datasets, exact, learning
from tinygrad_dbn.cli import app
from tinygrad_dbn.lab import study
from tinygrad_dbn.lab.study import courses, effects, run

SUBJECT = study.SUBJECTS["bars-and-stripes:2"]


COLOURS = study.SUBJECTS["colourings:5-softmax"]


@pytest.mark.parametrize("rule", study.RULES)
def test_softmax_units_learn_by_every_rule_what_units_of_zeros_and_ones_learn_too(rule):
    found = study.course(COLOURS, rule, seed=1, scale=0.1)
    ends = [[m for m in found if m.layer == layer][-1] for layer in (1, 2)]
    X = datasets.colourings(5).train
    lowest = td.CategoricalRBM.for_data(X, 12, np.random.default_rng([1, 0]), 3, COLOURS.scale)
    assert found[0].log_likelihood == exact.log_likelihood(lowest, X).mean()
    assert found[0].log_likelihood + 0.2 < ends[0].log_likelihood < -np.log(30)
    assert found[0].best_possible == pytest.approx(-np.log(30))
    assert all(-1e-12 < m.gap < 5 for m in found)
    assert {m.data for m in found} == {"colourings:5-softmax"}


@pytest.mark.parametrize("rule", study.RULES)
def test_a_course_is_a_greedy_training_measured_exactly(rule):
    found = study.course(SUBJECT, rule, seed=1, scale=0.005)
    assert {m.layer for m in found} == {1, 2}
    assert {m.epoch for m in found} == courses.moments(10)
    name, _, k = rule.lower().partition("-")
    X = datasets.bars_and_stripes(2).train
    *_, last = learning.greedy(
        X, SUBJECT.sizes, seed=1, epochs=10, rule=name, k=int(k or 1), batch=SUBJECT.batch, decay=SUBJECT.decay,
        rate=SUBJECT.rate * courses.RATES.get(rule, 1.0), scale=SUBJECT.scale,
    )  # fmt: skip
    end = found[-1]
    assert end.log_likelihood == exact.log_likelihood(last.model, X).mean()
    assert end.gap == pytest.approx(end.log_likelihood - exact.bound(last.model, X).mean(), abs=1e-12)
    assert all(m.gap > -1e-12 for m in found)
    assert all(m.log_likelihood <= m.best_possible for m in found)
    assert end.best_possible == pytest.approx(-np.log(6))


def test_a_figure_above_the_optimum_ends_the_study(monkeypatch):
    monkeypatch.setattr(courses.exact, "log_likelihood", lambda model, X: np.zeros(len(X)))
    with pytest.raises(exact.AboveOptimum):
        study.course(SUBJECT, "ML", seed=0, scale=0.001)


def test_digits_have_held_out_figures():
    subject = courses.Subject("digits", (64, 4, 3), 1, 0.05, 200)
    found = study.course(subject, "CD-1", seed=0)
    assert all(np.isfinite(m.heldout_log_likelihood) for m in found)
    assert all(np.isnan(m.heldout_log_likelihood) for m in study.course(SUBJECT, "CD-1", seed=0, scale=0.001))


def test_the_bias_of_cd_falls_with_k_and_is_worst_late():
    """Means over three seeds, with margins that a machine's last bits do not reach: seeds differ by some 3 degrees."""
    found = [effects.bias((100, 200), seed) for seed in range(3)]
    assert all([b.epoch for b in one] == [100, 200] for one in found)
    early, late = np.mean([[b.angles[:4] for b in one] for one in found], axis=0)
    assert (np.diff(late) < [-5, -5, -2]).all()
    assert (np.diff(early[:3]) < -1).all()
    assert late[0] > early[0] + 5
    assert all(late.log_likelihood > early.log_likelihood + 0.5 for early, late in found)


def test_coverage_has_its_own_interval():
    low, high = effects.coverage(19, 20)
    assert low == pytest.approx(0.7513, abs=1e-4)  # Clopper & Pearson's table
    assert high == pytest.approx(0.9987, abs=1e-4)
    assert effects.coverage(0, 1)[0] == 0.0
    assert effects.coverage(1, 1)[1] == 1.0


def test_an_interval_is_said_to_hold_the_exact_value_where_it_does():
    for one in effects.estimates(4, temperatures=(3, 30)):
        assert one.interval.holds == (one.interval.low <= one.exact <= one.interval.high)


def test_the_bound_rises_at_every_step_while_the_likelihood_falls_at_some():
    found = effects.bound_up_likelihood_down(20)
    assert (np.diff(found.bound) > 0).all()
    assert (np.diff(found.log_likelihood) < 0).any()
    assert (np.array(found.bound) <= np.array(found.log_likelihood)).all()


ARGUMENTS = ["study", "--data", "bars-and-stripes:2,parity:4", "--rules", "ML,PCD", "--seeds", "2", "--processes", "1"]


@pytest.fixture
def short(monkeypatch):
    """Courses and measures cut to what a test needs."""
    honest, bias = run.course, effects.bias
    ran = []
    monkeypatch.setattr(
        run, "course", lambda s, rule, seed, scale: ran.append((s.name, rule, seed)) or honest(s, rule, seed, 0.002)
    )
    monkeypatch.setattr(effects, "bias", lambda: bias((2, 3, 4)))
    monkeypatch.setattr(effects, "estimates", lambda models, honest=effects.estimates: honest(2, temperatures=(3, 5)))
    monkeypatch.setattr(effects, "bound_up_likelihood_down", lambda honest=effects.bound_up_likelihood_down: honest(12))
    return ran


def test_the_command_writes_a_table_pictures_and_a_page_and_goes_on_where_it_was(short, tmp_path):
    out = tmp_path / "out"
    first = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(out)])
    assert first.exit_code == 0, first.output
    assert len(short) == 8
    rows = list(csv.DictReader((out / "courses.csv").read_text().splitlines()))
    assert {(r["data"], r["rule"], r["seed"]) for r in rows} == {
        (d, r, s) for d in ("bars-and-stripes:2", "parity:4") for r in ("ML", "PCD") for s in ("0", "1")
    }
    for name in ("courses", "stacks", "bias", "intervals", "fall"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert page.count("<figure>") == 5
    assert "hold the truth" in page
    assert "http" not in page.replace("http-equiv", "")

    before = (out / "courses.csv").read_bytes()
    (out / "courses" / "parity-4 PCD 1.json").unlink()
    short.clear()
    again = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(out)])
    assert again.exit_code == 0
    assert short == [("parity:4", "PCD", 1)]
    assert (out / "courses.csv").read_bytes() == before


def test_every_rule_and_distribution_is_in_the_report(short, tmp_path):
    out = tmp_path / "out"
    found = CliRunner().invoke(app, ["study", "--seeds", "1", "--processes", "1", "--out", str(out)])
    assert found.exit_code == 0, found.output
    assert short == [(name, rule, 0) for name in study.SUBJECTS for rule in study.RULES]
    page = (out / "report.html").read_text()
    assert all(f">{name}</" in page for name in (*study.SUBJECTS, *study.RULES))
    assert set(study.pictures._STYLES) == set(study.RULES)


def test_courses_of_another_study_are_refused(short, tmp_path):
    out = tmp_path / "out"
    arguments = ["study", "--data", "bars-and-stripes:2", "--rules", "ML", "--seeds", "1", "--out", str(out)]
    CliRunner().invoke(app, [*arguments, "--processes", "1"])
    refused = CliRunner().invoke(app, [*arguments, "--quick"])
    assert refused.exit_code == 2
    assert "is of scale 1.0, not 0.1; give another folder" in refused.output
    file = out / "courses" / "bars-and-stripes-2 ML 0.json"
    file.write_text(json.dumps({"scale": 1.0}))
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "carries no checksum" in refused.output


@pytest.mark.parametrize(
    ("option", "message"), [("--data=bas", "known are bars-and-stripes:2"), ("--rules=CD-2", "known are ML, CD-1")]
)
def test_unknown_words_are_refused(option, message):
    refused = CliRunner().invoke(app, ["study", option])
    assert refused.exit_code == 2
    assert message in refused.output
