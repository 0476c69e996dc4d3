"""What is shown while the lab works: a line for each part, which stays, and little that is drawn again."""

import io
import re

import pytest
from rich.console import Console

from tinygrad_dbn.lab import terminal
from tinygrad_dbn.lab.run import live
from tinygrad_dbn.lab.run.record import Row

ROWS = [
    Row(layer, epoch, -20 + epoch / 100, -21.0, 1 + epoch / 100, -22 - epoch / 100, -22.0, 1.0, 1e-15)
    for layer in (1, 2, 3)
    for epoch in range(101)
]
ERASED, ESCAPES = "\x1b[2K", re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def left(console):
    """The lines that a terminal still shows at the end: of each, what was written after it was erased last."""
    return [ESCAPES.sub("", line.rpartition(ERASED)[2]).rstrip() for line in console.file.getvalue().split("\n")]


@pytest.fixture(params=[40, 64, 80, 200])
def screen(request, monkeypatch):
    """A terminal of some width, whose text is read back."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=request.param, highlight=False)
    for module in (live, terminal):
        monkeypatch.setattr(module, "Console", lambda **_: console)
    return console


def test_every_epoch_of_every_layer_stays_and_little_is_drawn_again(screen):
    with live.screen("DBN", len(ROWS), tuple(ROWS[:50])) as show:
        for row in ROWS[50:]:
            show(row)
    assert len(screen.file.getvalue()) < 400 * len(ROWS)  # a table that is drawn again has more in twenty epochs
    lines = left(screen)
    found = [tuple(map(int, m.groups())) for line in lines if (m := re.match(r" +(\d) +(\d+) +-\d", line))]
    assert found == [(row.layer, row.epoch) for row in ROWS]
    assert sum(line.startswith("layer  epoch") for line in lines) == 3
    assert all(len(line) <= screen.width for line in lines if re.match(r" +\d +\d", line))
    held_out = f"{ROWS[-1].heldout_log_likelihood:.4f}"
    assert any(held_out in line for line in lines) == (screen.width >= 66)


def test_each_part_is_a_line_above_the_bar(screen):
    with terminal.progress(3) as done:
        for what in ("one", "two", "three"):
            done(what)
    lines = left(screen)
    assert [m[1] for line in lines if (m := re.match(r" *[\d.]+ s  (\w+)", line))] == ["one", "two", "three"]


def test_in_a_pipe_each_part_is_a_line_at_once(capsys):
    with terminal.progress(2) as done:
        done("\x1b[31mred")
        assert re.fullmatch(r" +\d+\.\d s  \S*red\n", capsys.readouterr().out)
