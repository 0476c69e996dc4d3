"""The command line: one clear line for every bad input, and runs that can be stopped, killed and resumed."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import history, reseal
from tests.running import command, python
from tinygrad_dbn import files
from tinygrad_dbn.lab.run import record

TINY = ["--data", "bars-and-stripes:2", "--layers", "4-3-2", "--epochs", "2"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(*words, status=2):
    """The one line that bad input is answered with."""
    result = command("lab", *words)
    assert result.exit_code == status, result.output
    assert result.output.startswith("tinygrad-dbn: ")
    assert result.output.count("\n") == 1
    return result.output


def started(*words):
    """The program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tinygrad_dbn.cli", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_version_and_help():
    assert command("--version").output == f"tinygrad-dbn {td.__version__}\n"
    assert "lab" in command("--help").output
    text = command("lab", "--help").output
    for option in ["data", "layers", "epochs", "seed", "rule", "k", "rate", "batch", "audit", "out", "force", "resume"]:
        assert f"--{option}" in text


def test_a_run_in_a_pipe_prints_plain_lines_and_writes_its_folder(tmp_path):
    result = command("lab", *TINY, "--out", tmp_path / "out")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "DBN 4-3-2 on bars-and-stripes:2 (distinct)"
    assert len(lines) == 1 + 6 + 1
    assert lines[-1].endswith("report.html")
    assert "\x1b" not in result.output
    rows = history(tmp_path / "out" / "history.csv")
    assert f"log p train {rows[-1].train_log_likelihood:9.4f}" in lines[-2]
    assert "max |residual|" in lines[-2]


def test_without_out_each_run_gets_a_new_folder(tmp_path):
    for _ in range(2):
        assert command("lab", *TINY[:4], "--epochs", 1).exit_code == 0
    folders = list((tmp_path / "runs").iterdir())
    assert len(folders) == 2
    assert all("bars-and-stripes-2" in folder.name for folder in folders)


def test_a_users_file_is_trained_on_and_resumed_from(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(5))
    assert command("lab", "--data", "x.npy", "--layers", "5-2", "--epochs", 1, "--out", "o").exit_code == 0
    said = json.loads((tmp_path / "o" / "run.json").read_text())
    assert said["arguments"]["batch"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "digit"], "did you mean digits"),
        (["--data", "none.npy"], "none.npy: no such file"),
        (["--data", "parity:zero"], "positive integer"),
        (["--layers", "64,12,10"], "joined by hyphens"),
        (["--layers", "64"], "joined by hyphens"),
        (["--layers", "64-"], "joined by hyphens"),
        (["--layers=-64-12"], "joined by hyphens"),
        (["--layers", "64-12-x"], "joined by hyphens"),
        (["--layers", "64-0-10"], "at least one unit"),
        (["--layers", "16-12-10"], "begins with 16, but an example of digits has 64 bits; write --layers 64-12-10"),
        (["--data", "parity:6", "--layers", "64-3"], "write --layers 6-3"),
        (["--layers", "64-40-10"], "write smaller hidden layers"),
        (["--epochs", "0"], "--epochs is 0; write 1 or more"),
        (["--epochs", "-3"], "--epochs is -3"),
        (["--seed", "-1"], "--seed is -1; write 0 or more"),
        (["--k", "0"], "--k is 0"),
        (["--batch", "0"], "--batch is 0"),
        (["--rate", "0"], "--rate is 0.0; write a positive number"),
        (["--rate", "-0.1"], "--rate is -0.1"),
        (["--rate", "nan"], "--rate is nan"),
        (["--rate", "inf"], "--rate is inf"),
        (["--rule", "cb"], "did you mean cd?"),
        (["--rule", "ML"], "did you mean ml?"),
        (["--rule", "backprop"], "Known: cd (contrastive divergence), ml"),
        (["--resume"], "write --resume --out DIR"),
        (["--resume", "--out", "none"], "holds no run to resume"),
        (["--resume", "--force", "--out", "none"], "write one of them"),
    ],
)
def test_bad_input_is_answered_in_one_line_before_any_work(tmp_path, words, said):
    assert said in refused(*words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lab", "--epoch", "3"], "--epochs"),
        (["lab", "--sed", "3"], "--seed"),
        (["lba"], "lab"),
        (["lab", "--epochs", "three"], "--epochs"),
        (["lab", "surplus"], "surplus"),
        (["lab", "--epochs"], "--epochs"),
    ],
)
def test_misspelt_options_and_commands_name_the_nearest_right_one(words, said):
    result = command(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_faulty_file_is_named_with_its_place(tmp_path):
    (tmp_path / "x.csv").write_text("0,1\n0,2\n")
    assert "x.csv, line 2, column 2: '2' is neither 0 nor 1" in refused("--data", "x.csv")


def test_an_existing_folder_is_refused_and_stays_as_it_was(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "history.csv").write_text("mine")
    assert "is not empty" in refused(*TINY, "--out", "out")
    assert "even --force leaves them" in refused(*TINY, "--out", "out", "--force")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["history.csv"]
    assert (tmp_path / "out" / "history.csv").read_text() == "mine"
    assert "is a file" in refused(*TINY, "--out", "out/history.csv")


def test_force_replaces_a_run_and_keeps_what_the_user_added(tmp_path):
    assert command("lab", *TINY, "--out", "out").exit_code == 0
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = (tmp_path / "out" / "history.csv").read_bytes()
    assert command("lab", *TINY, "--out", "out", "--force", "--seed", 1).exit_code == 0
    assert (tmp_path / "out" / "history.csv").read_bytes() != before
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_finished_run_has_nothing_to_resume(tmp_path):
    command("lab", *TINY, "--out", "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    result = command("lab", "--resume", "--out", "out")
    assert result.exit_code == 0
    assert "nothing is left to do" in result.output
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before
    assert "--epochs is 9, but the run in out was started with 2" in refused("--resume", "--out", "out", "--epochs", 9)


def test_a_full_disk_is_one_line_with_the_way_on(tmp_path, monkeypatch):
    write, left = files.write_atomically, [6]

    def full(path, content):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, f"cannot write {path}: No space left on device")
        write(path, content)

    monkeypatch.setattr(files, "write_atomically", full)
    result = command("lab", *TINY, "--out", "out")
    assert result.exit_code == 1
    line = result.output.splitlines()[-1]
    assert "No space left on device" in line
    assert "tinygrad-dbn lab --resume --out out" in line
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert command("lab", "--resume", "--out", "out").exit_code == 0


def test_permission_denied_is_one_line(monkeypatch):
    from tinygrad_dbn.lab.run import folder

    def denied(*_):
        raise PermissionError(13, "Permission denied", "out")

    monkeypatch.setattr(folder, "create", denied)
    assert "out: Permission denied" in refused(*TINY, "--out", "out", status=1)


def test_missing_matplotlib_is_said_before_training(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'tinygrad_dbn[lab]'" in refused(*TINY)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def bug(*_):
        raise ValueError("a bug")

    monkeypatch.setattr(record, "measure", bug)
    with pytest.raises(ValueError, match="a bug"):
        command("lab", *TINY, "--out", "out")


# Names from outside.

NAMES = [b"caf\xe9.csv", b"\x1b[31mred\x07.csv", b"a\nb.csv", b"$x^2$ <b>.csv", "\u202egnp.csv".encode()]


def test_a_name_that_cannot_be_shown_is_escaped_wherever_it_is_shown_and_resumes(tmp_path):
    name = b"".join(NAMES)
    data = os.fsdecode(name)
    (tmp_path / data).write_text("0,1,1\n1,0,0\n1,1,1\n")
    process = started("lab", "--data", data, "--layers", "3-2-2", "--epochs", "1", "--out", f"out {data}")
    shown, said = process.communicate()
    assert process.returncode == 0, said
    out = tmp_path / f"out {data}"
    page = (out / "report.html").read_text()
    for text in (shown, said, page):
        assert "\x1b" not in text
        assert all(line.isprintable() for line in text.split("\n"))
    assert files.printable(data) in shown
    assert json.loads((out / "run.json").read_text())["arguments"]["data"] == data
    (line,) = re.findall("<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    words = subprocess.run(["bash", "-c", f"printf '%s\\n' {html.unescape(line)}"], capture_output=True).stdout
    assert b"--data\n" + name + b"\n" in words

    reseal(out / "run.json", lambda content: content.update(finished=False))
    again = started("lab", "--resume", "--out", f"out {data}")
    assert again.communicate()[1] == ""
    assert again.returncode == 0
    assert (out / "report.html").read_text().count("<code>") == page.count("<code>")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "words",
    [
        ["lab", "--data", "{}"],
        ["lab", "--data", "./{}.npy"],
        ["lab", "--resume", "--out", "{}"],
        ["lab", "--rule", "{}"],
        ["lab", "--layers", "{}"],
        ["explain", "{}"],
        ["explain", "{}:f"],
        ["explain", "sigmoid", "--svg", "none/{}"],
        ["explain", "sigmoid", "--graph", "--shape", "{}"],
        ["study", "--data", "{}"],
        ["study", "--out", "file/{}"],
        ["table", "{}"],
        ["table", "datasets", "--only", "{}"],
        ["measure", "{}"],
        ["book", "--record", "{}"],
        ["bench", "{}"],
    ],
)
def test_a_refusal_is_one_printable_line_whatever_was_given(tmp_path, words, name):
    (tmp_path / "file").write_text("")
    result = command(*(word.format(os.fsdecode(name)) for word in words))
    assert result.exit_code in (1, 2)
    line = result.output.splitlines()[-1]
    assert line.startswith("tinygrad-dbn: ")
    assert line.isprintable()
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    "words", [["lab", "--data"], ["lab", "--out"], ["lab", "--resume", "--out"], ["explain", "exp", "--svg"]]
)
def test_a_name_that_is_too_long_is_one_line(words):
    result = command(*words, "x" * 5000 + ".npy")
    assert result.exit_code in (1, 2)
    line = result.output.splitlines()[-1]
    assert line.startswith("tinygrad-dbn: ")
    assert len(line) < 600


# Real processes and real signals.

LONG = ["--data", "bars-and-stripes:2", "--layers", "4-3-2", "--epochs", "60"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    process = started("lab", *LONG, "--out", folder)
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    return folder


def stopped_after_some_epochs(kind):
    process = started("lab", *LONG, "--out", "out")
    for _ in range(12):
        process.stdout.readline()
    process.send_signal(kind)
    return process, process.communicate()[1]


def same_bits(one, other):
    return all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in ("history.csv", "model.safetensors")
    )


def test_ctrl_c_writes_what_is_finished_and_names_the_command_to_go_on(tmp_path, uninterrupted):
    process, said = stopped_after_some_epochs(signal.SIGINT)
    assert process.returncode == 130
    assert "tinygrad-dbn lab --resume --out out" in said
    assert "Traceback" not in said
    out = tmp_path / "out"
    assert json.loads((out / "run.json").read_text())["finished"] is False
    rows = history(out / "history.csv")
    assert 11 <= len(rows) < 122
    model = td.load(out / "model.safetensors")
    data = td.datasets.bars_and_stripes(2)
    assert td.exact.log_likelihood(model, data.train).mean() == pytest.approx(rows[-1].train_log_likelihood, rel=1e-13)
    for name in ("report.html", "curves.png", "samples.png", "filters.png"):
        assert (out / name).stat().st_size > 1000
    assert command("lab", "--resume", "--out", "out").exit_code == 0
    assert same_bits(out, uninterrupted)


def test_kill_9_loses_nothing_that_was_shown(tmp_path, uninterrupted):
    process, _ = stopped_after_some_epochs(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert command("lab", "--resume", "--out", "out").exit_code == 0
    assert same_bits(tmp_path / "out", uninterrupted)


def test_a_reader_that_leaves_ends_the_run_quietly(tmp_path):
    process = started("lab", *LONG, "--out", "out")
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
    assert (tmp_path / "out" / "checkpoint.safetensors").exists()


def test_start_up_is_light():
    modules = python("import sys, tinygrad_dbn; print(*sys.modules)").split()
    assert not {"sympy", "matplotlib", "sklearn", "rich", "typer"} & set(modules)


def test_the_clock_is_the_only_difference_between_equal_runs(tmp_path):
    command("lab", *TINY, "--out", "a")
    time.sleep(0.01)
    command("lab", *TINY, "--out", "b")
    for name in ("history.csv", "model.safetensors", "curves.png", "samples.png", "filters.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    first, second = (json.loads((tmp_path / x / "run.json").read_text()) for x in "ab")
    clock = {"seconds": 0, "sha256": ""}
    assert {**first, **clock} == {**second, **clock}
