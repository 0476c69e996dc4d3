"""What a run of the lab leaves: exact records, a page and pictures, and what it refuses before any work."""

import csv
import html
import html.parser
import json
import re
import struct
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import history
from tests.lab_runs import (
    ARGUMENTS,
    BITS,
    DATA,
    FILES,
    PICTURES,
    a_finished_run,
    bits,
    go,
    interrupt_after,
    undrawn,  # noqa: F401 – a fixture
)
from tinygrad_dbn.datasets import load
from tinygrad_dbn.lab.run import chart, live, plots, record, report
from tinygrad_dbn.lab.run import folder as folders
from tinygrad_dbn.lab.run.description import Arguments, check_cost
from tinygrad_dbn.lab.run.loop import restore
from tinygrad_dbn.lab.run.reference import reference, settings, within_reach
from tinygrad_dbn.learning import greedy


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return a_finished_run(tmp_path_factory.mktemp("finished"))


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
    assert len(page.sources) == 4
    assert text.count("data-says=") == 2  # the curves, wide and narrow
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
    text = (tmp_path / "out" / "report.html").read_text()
    assert text.count("<script") == 1  # the page's own
    assert "alert(1)" in text
    assert "<script>alert" not in text


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

    for rows in ((row,), tuple(replace(row, epoch=epoch) for epoch in range(3))):  # with nothing beside, and all equal
        text = chart.figure(rows, data, (), "a caption")
        assert text.count("<svg class=") == 2
        assert "nan" not in text
        assert json.loads(html.unescape(re.findall(r'data-says="(.*?)"', text)[0]))[0].startswith("layer 1, epoch 0: ")


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
