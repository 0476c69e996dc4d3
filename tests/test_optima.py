"""The best possible likelihood of each toy dataset, and the guard against figures above it."""

import numpy as np
import pytest

from tinygrad_dbn import datasets, exact, learning

TOYS = [
    *[(datasets.bars_and_stripes(n, c), f"bars-and-stripes:{{n}} ({c})", n)
      for n in (1, 2, 3, 4) for c in ("distinct", "doubled")],
    *[(datasets.labelled_shifter(n), "shifter:{n}", n) for n in (1, 4, 8)],
    *[(datasets.parity(n), "parity:{n}", n) for n in (1, 2, 8)],
    *[(datasets.colourings(n), "colourings:{n}", n) for n in (2, 3, 5, 8)],
]  # fmt: skip


@pytest.mark.parametrize(("data", "form", "n"), TOYS, ids=lambda v: getattr(v, "name", None))
def test_closed_forms_are_the_entropy_of_the_rows(data, form, n):
    assert form.format(n=n) == data.name
    assert exact.OPTIMA[form](n) == pytest.approx(exact.optimum(data), rel=1e-13, abs=1e-15)
    assert exact.optimum(data) == pytest.approx(data.optimum, rel=1e-13, abs=1e-15)


def test_every_toy_is_registered():
    assert {form for _, form, _ in TOYS} == set(exact.OPTIMA)


@pytest.mark.parametrize(
    ("n", "doubled", "distinct"), [(2, -1.73287, -1.79176), (3, -2.59930, -2.63906), (4, -3.37909, -3.40120)]
)
def test_published_figures(n, doubled, distinct):
    assert exact.optimum(datasets.bars_and_stripes(n, "doubled")) == pytest.approx(doubled, abs=5e-6)
    assert exact.optimum(datasets.bars_and_stripes(n, "distinct")) == pytest.approx(distinct, abs=5e-6)


def test_a_figure_above_the_optimum_is_an_error():
    data = datasets.bars_and_stripes(3)
    best = exact.optimum(data)
    assert exact.check_optimum(best, data) == best
    assert exact.check_optimum(best - 1, data.train) == best - 1
    with pytest.raises(exact.AboveOptimum, match=r"above -2.63906, .* bars-and-stripes:3 \(distinct\), 14 rows"):
        exact.check_optimum(best + 1e-6, data)
    # The optimum of the other convention is out of reach here: a figure names its own.
    with pytest.raises(exact.AboveOptimum):
        exact.check_optimum(exact.optimum(datasets.bars_and_stripes(3, "doubled")), data)
    with pytest.raises(ValueError, match="NaN"):
        exact.check_optimum(float("nan"), data)


def test_a_long_training_stays_below():
    data = datasets.bars_and_stripes(2)
    *_, last = learning.greedy(data.train, (4, 4), seed=0, epochs=1500, rule="ml", rate=0.5, batch=6)
    reached = exact.log_likelihood(last.rbms[0], data.train).mean()
    assert exact.optimum(data) - 0.1 < exact.check_optimum(float(reached), data) < exact.optimum(data)
    assert np.isclose(exact.kl_from_data(last.rbms[0], data.train), exact.optimum(data) - reached)
