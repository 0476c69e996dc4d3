"""Folders of runs: never overwritten, never shared."""

from datetime import datetime

import pytest

from tests.lab_runs import (
    go,
    interrupt_after,
    undrawn,  # noqa: F401 – a fixture
)
from tinygrad_dbn.lab.run import folder as folders

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
