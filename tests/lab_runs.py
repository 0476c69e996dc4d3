"""A tiny run of the lab, for the tests of what it leaves, of stopping it, and of its folders."""

import pytest

from tinygrad_dbn.datasets import load
from tinygrad_dbn.lab.run import folder as folders
from tinygrad_dbn.lab.run import plots
from tinygrad_dbn.lab.run.description import Arguments
from tinygrad_dbn.lab.run.loop import run

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


def a_finished_run(folder):
    """The folder, with a run in it that nothing stopped."""
    assert go(folder)
    return folder


@pytest.fixture
def undrawn():
    """Drawing takes most of a tiny run's time; here pictures are not real."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("curves", "samples", "filters"):
            patch.setattr(plots, name, lambda *_: b"a picture")
        yield


def interrupt_after(epochs):
    """What shows a run's rows, and is stopped by Ctrl-C at the last of so many."""
    left = [epochs]

    def show(row):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    return show
