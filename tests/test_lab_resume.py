"""Runs that are killed, stopped or out of disk, and go on to the same bits."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import history, reseal
from tests.lab_runs import (
    DATA,
    FILES,
    TOTAL,
    a_finished_run,
    bits,
    go,
    interrupt_after,
    undrawn,  # noqa: F401 – a fixture
)
from tinygrad_dbn import files, storage
from tinygrad_dbn.datasets import load
from tinygrad_dbn.lab.run import folder as folders
from tinygrad_dbn.lab.run import record
from tinygrad_dbn.lab.run.description import Arguments
from tinygrad_dbn.lab.run.loop import State, restore


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return a_finished_run(tmp_path_factory.mktemp("finished"))


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
