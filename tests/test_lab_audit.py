"""lab --audit: exact figures of the trained model, the same bits for the same seed, and no figure dropped silently."""

import json
from html import escape
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import reseal
from tests.random_models import random_rbm
from tests.running import command
from tinygrad_dbn.datasets import load
from tinygrad_dbn.lab.run import folder, plots, report
from tinygrad_dbn.lab.run.audit import examine
from tinygrad_dbn.lab.run.audit import plots as audit_plots
from tinygrad_dbn.lab.run.audit.report import entries
from tinygrad_dbn.lab.run.description import Arguments
from tinygrad_dbn.lab.run.loop import restore, run

ARGUMENTS = Arguments("bars-and-stripes:2", (4, 3, 2), epochs=2, seed=0, rule="cd", k=1, rate=0.05, batch=2, audit=True)
DATA = load(ARGUMENTS.data)
NAMES = [
    "log_partition",
    "annealed",
    "annealed_backwards",
    "entropy",
    "divergence",
    "layers",
    "factorial",
    "ceiling",
    "optimum",
    "bias_of_cd_in_layer_1",
    "bias_of_cd_in_layer_2",
]


def ignore(row):
    pass


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished")
    assert run(ARGUMENTS, DATA, out, ignore)
    return out


@pytest.fixture(scope="module")
def found(finished):
    return json.loads((finished / "audit.json").read_text())


@pytest.fixture
def undrawn(monkeypatch):
    for name in ("curves", "samples", "filters"):
        monkeypatch.setattr(plots, name, lambda *_: b"a picture")
    monkeypatch.setattr(audit_plots, "audit", lambda *_: b"a picture")


def stack(*sizes, scale=1.0):
    """The layers of a random DBN, and the DBN."""
    rng = np.random.default_rng(0)
    rbms = [random_rbm(d, h, scale, scale, rng) for d, h in pairwise(sizes)]
    return rbms, td.DBN.from_rbms(rbms)


def test_a_run_with_audit_leaves_every_named_file(finished):
    assert sorted(p.name for p in finished.iterdir()) == sorted(set(folder.FILES) - {folder.CHECKPOINT})


def test_every_examination_is_there_and_a_small_model_is_refused_none(found):
    assert list(found) == NAMES
    assert not [name for name in NAMES if "refused" in found[name]]


def test_the_figures_are_those_of_the_saved_model(finished, found):
    model = td.load(finished / "model.safetensors")
    log_p = td.exact.log_likelihood(model, DATA.train)
    every = np.exp(td.exact.log_likelihood(model, td.exact.states(4)))
    h = td.exact.states(model.top.W.shape[0])
    v = td.exact.states(model.top.W.shape[1])
    log_z = np.log(np.exp(v @ model.top.b + (h @ (model.top.W @ v.T + model.top.c[:, None]))).sum())
    expected = {
        ("log_partition", "exact"): log_z,
        ("entropy", "model"): -(every * np.log(every)).sum(),
        ("entropy", "data"): np.log(6),
        ("divergence", "kl"): DATA.optimum - log_p.mean(),
        ("optimum", "distance"): DATA.optimum - log_p.mean(),
        ("layers", "log_likelihood"): log_p.mean(),
        ("ceiling", "room"): found["ceiling"]["bound"] - td.exact.bound(model, DATA.train).mean(),
        ("factorial", "gap"): found["factorial"]["recovered"] + found["factorial"]["gap_left"],
    }
    for (name, figure), value in expected.items():
        assert found[name][figure] == pytest.approx(value, abs=1e-10), (name, figure)
    layers = found["layers"]
    assert layers["log_likelihood"] == pytest.approx(layers["bound"] + sum(layers["kl"]), abs=1e-12)
    assert found["factorial"]["recovered"] >= 0


def test_an_interval_holds_the_exact_value_or_is_said_to_miss_it(found):
    exact = found["log_partition"]["exact"]
    for name in ("annealed", "annealed_backwards"):
        estimates = found[name]["estimates"]
        assert [each["temperatures"] for each in estimates] == list(examine.TEMPERATURES)
        for each in estimates:
            assert each["holds"] == (each["low"] <= exact <= each["high"])
            assert abs(each["log_partition"] - exact) < 0.5


def test_the_bias_is_that_of_the_public_expected_update_and_goes_to_zero():
    rbms, model = stack(4, 3, 2)
    found = examine.examine(model, rbms, DATA, 0)
    gradient = td.exact.gradient(rbms[0], DATA.train)
    for each in found["bias_of_cd_in_layer_1"]["curve"]:
        angle = td.exact.compare(td.exact.expected_cd(rbms[0], DATA.train, each["k"]), gradient).angle
        assert each["angle"] == pytest.approx(angle, abs=1e-6)
    for layer in (1, 2):
        angles = [each["angle"] for each in found[f"bias_of_cd_in_layer_{layer}"]["curve"]]
        assert angles[0] > 1
        assert angles[-1] < angles[0] / 10


def test_the_second_layers_bias_is_about_the_aggregated_posterior():
    rbms, model = stack(4, 3, 2)
    x, p = examine.upward(rbms[:1], DATA)
    np.testing.assert_array_equal(x, td.exact.states(3))
    np.testing.assert_allclose(p, td.exact.ceiling(model, DATA.train).prior, atol=1e-14)


def test_what_is_too_large_is_listed_with_its_reason_in_words_and_picture():
    data = td.datasets.Dataset("wide", np.eye(3, 1200), None, None, None, "a test")
    rbms, model = stack(1200, 3, 2, scale=0.01)
    found = examine.examine(model, rbms, data, 0)
    refused = {name: each["refused"] for name, each in found.items() if "refused" in each}
    assert list(refused) == ["entropy", "optimum", "bias_of_cd_in_layer_1"]
    assert "2^1200 states" in refused["entropy"]
    assert "2^1200 states" in refused["bias_of_cd_in_layer_1"]
    assert "not known" in refused["optimum"]
    said = {title: text for title, _, text in entries(found)}
    assert len(said) == len(found)
    assert said["entropy of the model"] == f"Refused: {refused['entropy']}."
    nothing = {name: {"refused": "too large"} for name in NAMES}
    assert {text for *_, text in entries(nothing)} == {"Refused: too large."}
    for each in (found, nothing):
        assert audit_plots.audit(each, dark=True)[:4] == b"\x89PNG"


def test_a_figure_above_the_optimum_is_refused(monkeypatch):
    rbms, model = stack(4, 3, 2)
    monkeypatch.setattr(td.exact, "log_likelihood", lambda *_, **__: np.zeros(6))
    assert "no record but a mistake" in examine.examine(model, rbms, DATA, 0)["optimum"]["refused"]


def test_without_a_gradient_there_is_no_angle():
    zero = td.RBM(np.zeros((1, 2)), np.zeros(2), np.zeros(1))
    data = td.datasets.Dataset("all", td.exact.states(2), None, None, None, "a test")
    found = examine.examine(td.DBN.from_tied(zero), [zero], data, 0)
    assert "zero everywhere" in found["bias_of_cd_in_layer_1"]["refused"]


def test_the_report_has_a_sentence_and_a_claim_for_every_figure(finished, found):
    text = (finished / "report.html").read_text()
    assert "The model, examined exactly" in text
    for title, claims, sentence in entries(found):
        assert f'<dt>{escape(title)} <span class="claim">{claims}</span></dt>' in text
        assert escape(sentence) in text
    assert "--batch 2 --schedule linear --audit</code>" in text
    assert "--audit" not in report.command({**vars(ARGUMENTS), "audit": False})


@pytest.mark.usefixtures("undrawn")
def test_stopped_while_examining_it_resumes_to_the_same_bits(finished, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_dbn.lab.run.loop.examine", stop)
    assert not run(ARGUMENTS, DATA, tmp_path, ignore)
    assert not (tmp_path / "audit.json").exists()
    monkeypatch.setattr("tinygrad_dbn.lab.run.loop.examine", examine.examine)
    assert run(ARGUMENTS, DATA, tmp_path, ignore, restore(tmp_path, DATA))
    for name in ("audit.json", "history.csv", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()


TINY = ["lab", "--data", "bars-and-stripes:2", "--layers", "4-3-2", "--epochs", "2", "--batch", "2", "--out", "out"]


@pytest.mark.usefixtures("undrawn")
def test_the_flag_is_remembered(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "out" / "run.json"

    assert command(*TINY, "--audit").exit_code == 0
    assert json.loads(path.read_text())["arguments"]["audit"] is True
    reseal(path, lambda said: said.update(finished=False))
    (tmp_path / "out" / "audit.json").unlink()
    assert command("lab", "--resume", "--out", "out").exit_code == 0
    assert (tmp_path / "out" / "audit.json").read_bytes() == (finished / "audit.json").read_bytes()

    command(*TINY, "--force")
    reseal(path, lambda said: said.update(finished=False))
    refused = command("lab", "--resume", "--out", "out", "--audit")
    assert refused.exit_code == 2
    assert "--audit is True, but the run in out was started with False; leave it out" in refused.output
    assert command("lab", "--resume", "--out", "out").exit_code == 0
    assert json.loads(path.read_text())["arguments"]["audit"] is False
