"""A study's pictures, each for a light and a dark page."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..run.plots import figure_on_page, png
from .courses import RULES, Moment
from .measures import STEPS, Bias, Fall, Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LIGHT = {"ML": "#0072b2", "CD-1": "#d55e00", "CD-10": "#cc79a7", "PCD": "#009e73"}
_DARK = {"ML": "#56b4e9", "CD-1": "#f0a35e", "CD-10": "#e3a5c9", "PCD": "#2fc99b"}
_LINES = {"ML": "-", "CD-1": "--", "CD-10": "-.", "PCD": ":"}


def courses(moments: list[Moment], dark: bool = False) -> bytes:
    """PNG: log p against epochs of the first layer, a panel for each distribution, a line and a range for each rule."""
    names = list(dict.fromkeys(m.data for m in moments))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    with figure_on_page(dark, (3.4 * columns, 2.9 * rows + 0.5)) as (figure, colour):
        panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(panels, names, strict=False):
            here = [m for m in moments if m.data == name and m.layer == 1]
            for rule in (r for r in RULES if any(m.rule == r for m in here)):
                epochs, low, middle, high = _spread([m for m in here if m.rule == rule], "log_likelihood")
                shade = (_DARK if dark else _LIGHT)[rule]
                axes.fill_between(epochs + 1, low, high, color=shade, alpha=0.18, linewidth=0)
                axes.plot(epochs + 1, middle, _LINES[rule], color=shade, linewidth=1.7, label=rule)
            if name != "digits":  # the optimum of a sample is its memorisation, far above what is drawn
                axes.axhline(here[0].best_possible, color=colour["ink"], linestyle=(0, (1, 2)), linewidth=1.2)
            axes.set_xscale("log")
            axes.set_title(name, loc="left", fontsize=11)
            _finish(axes, colour)
        for axes in panels[len(names) - columns : len(names)]:
            axes.set_xlabel("epoch + 1")
        for axes in panels[::columns]:
            axes.set_ylabel("log p (nats)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        return png(figure)


def stacks(moments: list[Moment], dark: bool = False) -> bytes:
    """PNG: the second layer's training by exact maximum likelihood: log p and bound above, the gap below."""
    names = list(dict.fromkeys(m.data for m in moments))
    rule = "ML" if any(m.rule == "ML" for m in moments) else moments[0].rule
    with figure_on_page(dark, (2.1 * len(names) + 0.6, 4.4)) as (figure, colour):
        panels = figure.subplots(2, len(names), squeeze=False, height_ratios=(2, 1), sharex="col")
        for column, name in enumerate(names):
            here = [m for m in moments if m.data == name and m.layer == 2 and m.rule == rule and m.seed == 0]
            epochs = np.array([m.epoch for m in here]) + 1
            top, bottom = panels[0, column], panels[1, column]
            log_p, bound = ([getattr(m, what) for m in here] for what in ("log_likelihood", "bound"))
            top.fill_between(epochs, bound, log_p, color=colour["gap"], alpha=0.25, linewidth=0)
            top.plot(epochs, log_p, color=colour["train"], linewidth=1.8, label="log p, exact")
            top.plot(epochs, bound, "--", color=colour["heldout"], linewidth=1.6, label="variational bound")
            bottom.plot(epochs, [m.gap for m in here], ":", color=colour["optimum"], linewidth=2, label="gap KL(q‖p)")
            top.set_title(name.replace("bars-and-stripes", "bars, stripes"), loc="left", fontsize=10)
            bottom.set_xscale("log")
            bottom.set_xlabel("epoch + 1")
            bottom.set_ylim(bottom=0)
            for axes in (top, bottom):
                _finish(axes, colour)
                axes.tick_params(labelsize=8)
        panels[0, 0].set_ylabel("nats")
        panels[1, 0].set_ylabel("nats")
        pairs = [axes.get_legend_handles_labels() for axes in (panels[0, 0], panels[1, 0])]
        handles, labels = ([*a, *b] for a, b in zip(*pairs, strict=True))
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        return png(figure)


def bias(found: list[Bias], dark: bool = False) -> bytes:
    """PNG: the angle between expected CD-k and the gradient against k, at several moments of a training."""
    with figure_on_page(dark, (8.4, 4.0)) as (figure, colour):
        axes = figure.add_subplot()
        for one, name, marker in zip(found, ("train", "heldout", "optimum"), "os^", strict=False):
            label = f"after {one.epoch} epochs, log p {one.log_likelihood:.2f}"
            axes.plot(STEPS, one.angles, color=colour[name], marker=marker, markersize=5, linewidth=1.7, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(STEPS, [str(k) for k in STEPS])
        axes.minorticks_off()
        axes.set_ylim(bottom=1e-4)  # below is rounding
        axes.set_xlabel("k, rounds of Gibbs sampling")
        axes.set_ylabel("angle to the gradient (degrees)")
        axes.legend(frameon=False, fontsize=9)
        _finish(axes, colour)
        return png(figure)


def intervals(found: list[Interval], dark: bool = False) -> bytes:
    """PNG: every interval as a bar around its estimate, the exact log Z at zero."""
    counts = sorted({one.temperatures for one in found})
    with figure_on_page(dark, (8.4, 1.2 + 2.3 * len(counts))) as (figure, colour):
        panels = figure.subplots(len(counts), 2, sharex=True, sharey="row", squeeze=False)
        for row, count in enumerate(counts):
            for column, way in enumerate(("forwards (AIS)", "backwards (reverse AIS)")):
                axes = panels[row, column]
                here = [one for one in found if one.temperatures == count and one.backwards == bool(column)]
                for i, one in enumerate(here):
                    shade = colour["train"] if one.holds else colour["heldout"]
                    axes.plot([i, i], [one.low, one.high], color=shade, linewidth=1.6)
                    axes.plot(i, one.centre, "." if one.holds else "x", color=shade, markersize=5)
                axes.axhline(0, color=colour["optimum"], linestyle="-.", linewidth=1.2)
                axes.set_title(f"{count} temperatures, {way}", loc="left", fontsize=10)
                axes.set_xticks([])
                _finish(axes, colour)
            panels[row, 0].set_ylabel("− exact log Z (nats)")
        return png(figure)


def fall(found: Fall, dark: bool = False) -> bytes:
    """PNG: a bound that rises at every step, and the likelihood above it that falls."""
    with figure_on_page(dark, (8.4, 3.8)) as (figure, colour):
        axes = figure.add_subplot()
        steps = np.arange(len(found.bound))
        axes.fill_between(steps, found.bound, found.log_likelihood, color=colour["gap"], alpha=0.25, linewidth=0)
        axes.plot(steps, found.log_likelihood, color=colour["train"], linewidth=1.8, label="log p, exact")
        axes.plot(steps, found.bound, "--", color=colour["heldout"], linewidth=1.6, label="variational bound")
        peak = int(np.argmax(found.log_likelihood))
        axes.annotate(
            "the likelihood falls from here", (peak, found.log_likelihood[peak]), xytext=(14, 10),
            textcoords="offset points", color=colour["ink"], fontsize=9,
        )  # fmt: skip
        axes.set_ylim(found.bound[min(9, len(steps) - 1)], max(found.log_likelihood) + 0.04)
        axes.set_xlabel("steps of exact ascent on the bound")
        axes.set_ylabel("nats")
        axes.legend(frameon=False, loc="lower right")
        _finish(axes, colour)
        return png(figure)


def _spread(moments: list[Moment], what: str) -> tuple[Any, Any, Any, Any]:
    """(epochs, lowest, median, highest) over the seeds."""
    epochs = np.array(sorted({m.epoch for m in moments}))
    table = np.array([[getattr(m, what) for m in moments if m.epoch == epoch] for epoch in epochs])
    return epochs, table.min(axis=1), np.median(table, axis=1), table.max(axis=1)


def _finish(axes: "Axes", colour: dict[str, str]) -> None:
    axes.grid(axis="y", color=colour["faint"], linewidth=0.6, alpha=0.6)
