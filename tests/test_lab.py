"""The lab: exact records, folders that are never overwritten, and runs that resume to the same bits."""

import csv
import errno
import html.parser
import json
import os
import signal
import struct
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import history, reseal
from tinygrad_dbn import files, storage
from tinygrad_dbn.datasets import load
from tinygrad_dbn.lab.run import folder as folders
from tinygrad_dbn.lab.run import live, plots, record, report
from tinygrad_dbn.lab.run.description import Arguments, check_cost
from tinygrad_dbn.lab.run.loop import State, restore, run
from tinygrad_dbn.lab.run.reference import reference, settings, within_reach
from tinygrad_dbn.learning import greedy

ARGUMENTS = Arguments("bars-and-stripes:2", (4, 3, 2), epochs=2, seed=0, rule="cd", k=1, rate=0.05, batch=2)
DATA = load(ARGUMENTS.data)
TOTAL = 6  # two layers, each before training and after two epochs
BITS = ("history.csv", "model.safetensors")
FILES = set(folders.FILES) - set(folders.AUDIT)  # without --audit
PICTURES = ("curves.png", "samples.png", "filters.png")


def ignore(row):
    pass


def go(folder, state=None, show=ignore, arguments=ARGUMENTS, data=DATA):
    return run(arguments, data, folder, show, state)


def bits(folder, names=BITS):
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert go(folder)
    return folder


# What a run leaves.


def test_a_finished_run_leaves_exactly_the_named_files(finished):
    assert sorted(p.name for p in finished.iterdir()) == sorted(FILES - {folders.CHECKPOINT})


def test_the_history_is_the_exact_audit_of_the_saved_model(finished):
    rows = history(finished / "history.csv")
    assert [(row.layer, row.epoch) for row in rows] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    model = td.load(finished / "model.safetensors")
    assert rows[-1].train_log_likelihood == pytest.approx(td.exact.log_likelihood(model, DATA.train).mean(), rel=1e-13)
    assert rows[-1].train_bound == td.exact.bound(model, DATA.train).mean()
    for row in rows:
        assert row.residual < 1e-12
        assert row.train_log_likelihood == pytest.approx(row.train_bound + row.train_kl, abs=1e-12)
        assert row.train_log_likelihood <= DATA.optimum
        assert row.heldout_log_likelihood is None
    assert all(abs(row.train_kl) < 1e-12 for row in rows if row.layer == 1)  # an RBM's q is exact (claim I4)


def test_run_json_says_what_was_run_and_holds_the_only_times(finished):
    said = json.loads((finished / "run.json").read_text())
    assert said["finished"] is True
    assert said["arguments"]["layers"] == [4, 3, 2]
    assert said["arguments"]["seed"] == 0
    assert set(said["versions"]) == {"python", "numpy", "numba", "tinygrad_dbn"}
    assert said["data"]["optimum"] == DATA.optimum
    assert said["seconds"] > 0


def test_same_seed_same_bits_also_when_stopped_and_another_seed_others(finished, tmp_path):
    (tmp_path / "a").mkdir()
    go(tmp_path / "a", show=interrupt_after(4))
    go(tmp_path / "a", restore(tmp_path / "a", DATA))
    assert bits(tmp_path / "a", BITS + PICTURES) == bits(finished, BITS + PICTURES)
    (tmp_path / "b").mkdir()
    go(tmp_path / "b", arguments=Arguments(**{**vars(ARGUMENTS), "seed": 1}))
    assert (tmp_path / "b" / "history.csv").read_bytes() != (finished / "history.csv").read_bytes()


def test_exact_maximum_likelihood_stands_beside_from_the_same_start(finished):
    rows, beside = history(finished / "history.csv"), history(finished / folders.REFERENCE)
    assert [(row.layer, row.epoch) for row in beside] == [(row.layer, row.epoch) for row in rows]
    assert beside[0] == rows[0]
    assert beside[-1] != rows[-1]
    schedule = td.learning.linear(ARGUMENTS.epochs)
    settings = {"seed": 0, "epochs": 2, "rate": 0.05, "batch": 2, "schedule": schedule}
    for rule, last in (("ml", beside[-1]), ("cd", rows[-1])):
        dbn = td.learning.greedy_dbn(DATA.train, (4, 3, 2), rule=rule, **settings)
        assert td.exact.log_likelihood(dbn, DATA.train).mean() == pytest.approx(last.train_log_likelihood, rel=1e-12)
    assert f">{beside[-1].train_log_likelihood:.4f}<".replace("-", "−") in (finished / "report.html").read_text()


def test_the_reference_is_left_out_where_it_is_the_run_itself_or_takes_long():
    assert within_reach(ARGUMENTS, DATA)
    for change in ({"rule": "ml"}, {"layers": (4, 30, 30)}, {"epochs": 10**8}):
        other = Arguments(**{**vars(ARGUMENTS), **change})
        assert not within_reach(other, DATA)
        assert list(reference(other, DATA)) == []


def test_the_rate_of_a_layer_falls_to_zero_unless_it_is_to_stay():
    def lengths(schedule):
        """How far the weights of both layers go in each epoch."""
        arguments = Arguments(**{**vars(ARGUMENTS), "epochs": 10, "schedule": schedule, "rate": 0.01})
        found = list(greedy(DATA.train, (4, 3, 2), rule="ml", **settings(arguments)))
        return [
            [np.abs(b.rbms[-1].b - a.rbms[-1].b).sum() for a, b in pairwise(p for p in found if p.layer == layer)]
            for layer in (1, 2)
        ]

    for falling, steady in zip(lengths("linear"), lengths("constant"), strict=True):
        assert falling[0] == steady[0]
        assert falling[-1] < 0.5 * steady[-1]
    with pytest.raises(ValueError, match="--schedule is 'stepwise'; write linear or constant"):
        Arguments(**{**vars(ARGUMENTS), "schedule": "stepwise"})


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.sources += [value for key, value in attributes if key in ("src", "srcset", "href", "data", "action")]

    def handle_data(self, text):
        self.text += text


def test_the_report_is_self_contained_and_names_figures_and_claims(finished):
    text = (finished / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert len(page.sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    for claim in ("H2", "H3", "H4", "I3", "I4", "G4"):
        assert claim in page.text
    for row in history(finished / "history.csv"):
        assert f">{row.train_log_likelihood:.4f}<".replace("-", "−") in text
    assert text.count("<tbody>") == 2  # one for each layer
    assert "tinygrad-dbn lab --data bars-and-stripes:2 --layers 4-3-2 --epochs 2" in page.text


@pytest.mark.usefixtures("undrawn")
def test_a_name_with_markup_stays_text_in_the_report(tmp_path):
    path = tmp_path / "<script>alert(1)&.npy"
    np.save(path, DATA.train)
    (tmp_path / "out").mkdir()
    go(tmp_path / "out", arguments=Arguments(**{**vars(ARGUMENTS), "data": str(path)}), data=load(str(path)))
    assert "<script" not in (tmp_path / "out" / "report.html").read_text()


def test_pictures_are_png_of_a_useful_size(finished):
    for name in ("curves", "samples", "filters"):
        content = (finished / f"{name}.png").read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", content[16:24])
        assert 900 <= width <= 2000
        assert 300 <= height <= 1500


@pytest.mark.parametrize("name", ["shifter:2", "parity:1", "bars-and-stripes:1"])
def test_data_without_pictures_and_of_one_row_is_drawn_too(name):
    data = load(name)
    rbm = td.RBM(np.zeros((1, data.width)), np.zeros(data.width), np.zeros(1))
    row = record.measure(1, 0, td.DBN.from_tied(rbm), data)
    for dark in (False, True):
        for png in (
            plots.curves((row,), data, dark),
            plots.samples(data.train, data, dark),
            plots.filters(rbm, data, dark),
        ):
            assert png[:4] == b"\x89PNG"


def test_drawing_leaves_matplotlibs_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.filters(td.RBM(np.ones((2, 4)), np.zeros(4), np.zeros(2)), DATA)
    assert dict(matplotlib.rcParams) == before


# The history file.

ROWS = (
    record.Row(1, 0, -0.1 - 0.2, -1e300, 5e-324, None, None, None, 0.0),
    record.Row(1, 1, float("-inf"), -0.0, 1 / 3, -2.0, -3.0, 1.0, 1e-17),
)


def test_history_round_trips_every_float_to_the_bit(tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(record.to_csv(ROWS))
    assert repr(history(path)) == repr(ROWS)
    with path.open(newline="") as lines:
        assert next(csv.DictReader(lines))["heldout_kl"] == ""


def test_tiny_negative_figures_are_not_shown_as_minus_zero():
    assert live.nats(-1e-17) == "0.0000"
    assert live.nats(None) == ""


# Stopping and going on. Drawing takes most of a tiny run's time, so most of these runs have no real pictures.


@pytest.fixture
def undrawn():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("curves", "samples", "filters"):
            patch.setattr(plots, name, lambda *_: b"a picture")
        yield


class Killed(BaseException):
    """Stands for kill -9: nothing in the lab can catch it."""


def stop_at(monkeypatch, call, error):
    """Raise `error` in the lab's `call`-th write of a file, leaving the half-written file that a kill leaves."""
    write, count = files.write_atomically, [0]

    def stopping(path, content):
        count[0] += 1
        if count[0] == call:
            if error is Killed:
                (Path(path).parent / f"{files.TEMPORARY_PREFIX}dead.tmp").write_bytes(content[:5])
            raise error
        write(path, content)

    monkeypatch.setattr(files, "write_atomically", stopping)


WRITES = 1 + 2 * TOTAL + 6  # run.json; history and checkpoint each epoch; model, pictures, report, run.json


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("call", range(2, WRITES + 1))
def test_killed_at_any_write_it_resumes_to_the_same_bits(finished, tmp_path, monkeypatch, call):
    stop_at(monkeypatch, call, Killed)
    with pytest.raises(Killed):
        go(tmp_path)
    monkeypatch.undo()
    assert json.loads((tmp_path / "run.json").read_text())["finished"] is False
    assert go(tmp_path, restore(tmp_path, DATA))
    assert bits(tmp_path) == bits(finished)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in finished.iterdir())


def interrupt_after(epochs):
    left = [epochs]

    def show(row):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    return show


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("epochs", range(1, TOTAL + 1))
def test_after_ctrl_c_the_folder_is_whole_up_to_the_last_epoch_and_resumes_to_the_same_bits(finished, tmp_path, epochs):
    assert not go(tmp_path, show=interrupt_after(epochs))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES - {folders.REFERENCE})
    said = json.loads((tmp_path / "run.json").read_text())
    assert said["finished"] is False
    rows = history(tmp_path / "history.csv")
    assert len(rows) == epochs
    assert said["last"]["train_log_likelihood"] == rows[-1].train_log_likelihood
    model = td.load(tmp_path / "model.safetensors")
    assert td.exact.log_likelihood(model, DATA.train).mean() == pytest.approx(rows[-1].train_log_likelihood, rel=1e-13)
    assert "was stopped" in (tmp_path / "report.html").read_text()

    assert go(tmp_path, restore(tmp_path, DATA))
    assert bits(tmp_path) == bits(finished)
    assert "was stopped" not in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("undrawn")
def test_ctrl_c_before_anything_is_finished_leaves_a_run_that_can_start(finished, tmp_path, monkeypatch):
    def never(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(record, "measure", never)
    assert not go(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
    monkeypatch.undo()
    assert restore(tmp_path, DATA) == State()
    assert go(tmp_path, restore(tmp_path, DATA))
    assert bits(tmp_path) == bits(finished)


class Dropper:
    """Python prints and drops what is raised in here."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_counts_even_where_python_drops_the_exception(tmp_path, monkeypatch):
    measure = record.measure

    def pressed_in_a_callback(*arguments):
        Dropper()
        return measure(*arguments)

    monkeypatch.setattr(record, "measure", pressed_in_a_callback)
    assert not go(tmp_path)
    assert len(history(tmp_path / "history.csv")) == 1


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("call", [1, 2, 5, WRITES])
def test_a_full_disk_is_an_os_error_and_the_run_can_go_on(finished, tmp_path, monkeypatch, call):
    stop_at(monkeypatch, call, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match="No space left"):
        go(tmp_path)
    monkeypatch.undo()
    assert go(tmp_path, restore(tmp_path, DATA) if call > 1 else None)
    assert bits(tmp_path) == bits(finished)


@pytest.mark.usefixtures("undrawn")
def test_resume_refuses_other_data_and_files_that_do_not_belong_together(tmp_path):
    go(tmp_path, show=interrupt_after(4))
    with pytest.raises(ValueError, match="data has changed"):
        restore(tmp_path, load("parity:4"))
    checkpoint, path = tmp_path / folders.CHECKPOINT, tmp_path / "run.json"
    kept, said = checkpoint.read_bytes(), path.read_bytes()
    storage.save(checkpoint, td.RBM(np.zeros((1, 1)), np.zeros(1), np.zeros(1)))
    with pytest.raises(ValueError, match="belongs to another run"):
        restore(tmp_path, DATA)
    checkpoint.write_bytes(b"junk")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        restore(tmp_path, DATA)
    checkpoint.write_bytes(kept)
    restore(tmp_path, DATA)
    path.write_text("{}")
    with pytest.raises(ValueError, match="carries no checksum"):
        restore(tmp_path, DATA)
    path.write_bytes(said.replace(b'"batch": 2', b'"batch": 3'))
    with pytest.raises(ValueError, match="damaged or changed"):
        restore(tmp_path, DATA)


OTHERS = {
    "layers": [4, 2, 2], "epochs": 3, "seed": 1, "rule": "pcd", "k": 2, "rate": 0.06, "batch": 3,
    "schedule": "constant",
}  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_a_checkpoint_belongs_to_all_that_decides_a_run(tmp_path):
    go(tmp_path, show=interrupt_after(4))
    path = tmp_path / "run.json"
    said = path.read_bytes()
    assert {*OTHERS, "data", "audit"} == set(Arguments.__dataclass_fields__)
    for name, value in OTHERS.items():
        reseal(path, lambda content, name=name, value=value: content["arguments"].update({name: value}))
        with pytest.raises(ValueError, match=r"checkpoint\.safetensors belongs to another run"):
            restore(tmp_path, DATA)
        path.write_bytes(said)
    assert restore(tmp_path, DATA).progress.layer == 2


def test_divergence_is_said_with_a_way_out(tmp_path, monkeypatch):
    diverged = record.Row(1, 1, float("nan"), 0.0, 0.0, None, None, None, 0.0)
    monkeypatch.setattr(record, "measure", lambda *_: diverged)
    with pytest.raises(FloatingPointError, match=r"write a --rate smaller than 0\.05"):
        go(tmp_path)


# Folders.

NOW = datetime(2024, 5, 6, 7, 8, 9)


def test_new_folders_are_named_by_time_and_data_and_never_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [str(folders.create(None, data, False, NOW)) for data in ("digits", "digits", "parity:4", "../a b.npy")]
    assert names == [
        "runs/20240506-070809-digits",
        "runs/20240506-070809-digits-2",
        "runs/20240506-070809-parity-4",
        "runs/20240506-070809-a-b",
    ]


def test_an_empty_or_missing_folder_is_taken(tmp_path):
    for folder in (tmp_path, tmp_path / "a" / "b"):
        assert folders.create(folder, "digits", False, NOW) == folder


def test_a_folder_that_holds_anything_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"--force.*--resume"):
        folders.create(tmp_path, "digits", False, NOW)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(FileExistsError, match="is a file"):
        folders.create(tmp_path / "notes.txt", "digits", True, NOW)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("undrawn")
def test_force_removes_the_labs_files_and_no_others(tmp_path):
    go(tmp_path, show=interrupt_after(2))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "sub").mkdir()
    folders.create(tmp_path, "digits", True, NOW)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "sub"]


@pytest.mark.parametrize("run_json", [None, "{}", '{"program": "other"}', "not json"])
def test_even_force_leaves_files_that_only_share_the_labs_names(tmp_path, run_json):
    (tmp_path / "model.safetensors").write_text("a year of training")
    if run_json is not None:
        (tmp_path / "run.json").write_text(run_json)
    with pytest.raises(FileExistsError, match="even --force leaves them"):
        folders.create(tmp_path, "digits", True, NOW)
    assert (tmp_path / "model.safetensors").read_text() == "a year of training"


def test_two_labs_never_write_into_one_folder(tmp_path):
    with folders.lock(tmp_path), pytest.raises(BlockingIOError, match="another lab"), folders.lock(tmp_path):
        pass
    with folders.lock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


# Costs.


def test_sizes_beyond_exact_sums_are_refused_before_any_work():
    for layers in ((64, 12, 10), (64, 12, 12, 5), (16, 8, 400), (9, 6)):
        check_cost(layers, 1797)
    for layers in ((64, 30, 10), (64, 12, 40, 2), (64, 5000, 2), (784, 26)):
        with pytest.raises(ValueError, match="seconds an epoch"):
            check_cost(layers, 1797)


def test_the_report_repeats_the_command_of_awkward_arguments():
    words = report.command({"data": "my data.csv", "layers": [3, 2], "rate": 1e-05})
    assert words == "tinygrad-dbn lab --data 'my data.csv' --layers 3-2 --rate 1e-05"
