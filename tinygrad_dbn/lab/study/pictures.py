"""A study's pictures, each for a light or a dark page."""

from typing import Any

import numpy as np

from ..canvas import Colours, canvas, grid, png, series
from .courses import RULES, Moment
from .effects import STEPS, Bias, Estimate, Fall, by_setting

_STYLES: dict[str, tuple[str, Any]] = {
    "ML": ("train", "-"),
    "CD-1": ("heldout", "--"),
    "CD-10": ("fourth", "-."),
    "PCD": ("optimum", ":"),
    "Centred": ("gap", (0, (5, 1, 1, 1, 1, 1))),
    "PT": ("ink", (0, (1, 3))),
}
"""The colour and the line of each rule."""


def courses(moments: list[Moment], dark: bool = False) -> bytes:
    """PNG: log p against epochs of the first layer, a panel for each distribution, a line and a range for each rule."""
    names = list(dict.fromkeys(m.data for m in moments))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    with canvas(dark, (3.4 * columns, 2.9 * rows + 0.5)) as (figure, colour):
        panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(panels, names, strict=False):
            here = [m for m in moments if m.data == name and m.layer == 1]
            for rule in (r for r in RULES if any(m.rule == r for m in here)):
                epochs, low, middle, high = _over_seeds([m for m in here if m.rule == rule], "log_likelihood")
                name_of_colour, line = _STYLES[rule]
                shade = colour[name_of_colour]
                axes.fill_between(epochs + 1, low, high, color=shade, alpha=0.18, linewidth=0)
                axes.plot(epochs + 1, middle, color=shade, linestyle=line, linewidth=1.7, label=rule)
            if name != "digits":  # the optimum of a sample is its memorisation, far above what is drawn
                axes.axhline(here[0].best_possible, color=colour["ink"], linestyle=(0, (1, 2)), linewidth=1.2)
            axes.set_xscale("log")
            axes.set_title(name, loc="left", fontsize=11)
            grid(axes, colour)
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
    with canvas(dark, (2.1 * len(names) + 0.6, 4.4)) as (figure, colour):
        panels = figure.subplots(2, len(names), squeeze=False, height_ratios=(2, 1), sharex="col")
        for column, name in enumerate(names):
            here = [m for m in moments if m.data == name and m.layer == 2 and m.rule == rule and m.seed == 0]
            epochs = np.array([m.epoch for m in here]) + 1
            top, bottom = panels[0, column], panels[1, column]
            log_p, bound = ([getattr(m, what) for m in here] for what in ("log_likelihood", "bound"))
            _gap(top, epochs, log_p, bound, colour)
            bottom.plot(epochs, [m.gap for m in here], ":", color=colour["optimum"], linewidth=2, label="gap KL(q‖p)")
            top.set_title(name.replace("bars-and-stripes", "bars, stripes"), loc="left", fontsize=10)
            bottom.set_xscale("log")
            bottom.set_xlabel("epoch + 1")
            bottom.set_ylim(bottom=0)
            for axes in (top, bottom):
                grid(axes, colour)
                axes.tick_params(labelsize=8)
        panels[0, 0].set_ylabel("nats")
        panels[1, 0].set_ylabel("nats")
        pairs = [axes.get_legend_handles_labels() for axes in (panels[0, 0], panels[1, 0])]
        handles, labels = ([*a, *b] for a, b in zip(*pairs, strict=True))
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        return png(figure)


def bias(found: list[Bias], dark: bool = False) -> bytes:
    """PNG: the angle between expected CD-k and the gradient against k, at several moments of a training."""
    with canvas(dark, (8.4, 4.0)) as (figure, colour):
        axes = figure.add_subplot()
        for one, (shade, marker, _) in zip(found, series(len(found)), strict=True):
            label = f"after {one.epoch} epochs, log p {one.log_likelihood:.2f}"
            axes.plot(STEPS, one.angles, color=colour[shade], marker=marker, markersize=5, linewidth=1.7, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(STEPS, [str(k) for k in STEPS])
        axes.minorticks_off()
        axes.set_ylim(bottom=1e-4)  # below is rounding
        axes.set_xlabel("k, rounds of Gibbs sampling")
        axes.set_ylabel("angle to the gradient (degrees)")
        axes.legend(frameon=False, fontsize=9)
        grid(axes, colour)
        return png(figure)


def intervals(found: list[Estimate], dark: bool = False) -> bytes:
    """PNG: every interval as a bar around its estimate, the exact log Z at zero."""
    settings = by_setting(found)
    lines = len(settings) // 2
    with canvas(dark, (8.4, 1.2 + 2.3 * lines)) as (figure, colour):
        panels = figure.subplots(lines, 2, sharex=True, sharey="row", squeeze=False)
        for axes, ((count, backwards), here) in zip(panels.flat, settings.items(), strict=True):
            for i, one in enumerate(here):
                shade, marker = (colour["train"], ".") if one.interval.holds else (colour["heldout"], "x")
                ends = [one.interval.low - one.exact, one.interval.high - one.exact]
                axes.plot([i, i], ends, color=shade, linewidth=1.6)
                axes.plot(i, one.interval.log_partition - one.exact, marker, color=shade, markersize=5)
            axes.axhline(0, color=colour["optimum"], linestyle="-.", linewidth=1.2)
            way = "backwards (reverse AIS)" if backwards else "forwards (AIS)"
            axes.set_title(f"{count} temperatures, {way}", loc="left", fontsize=10)
            axes.set_xticks([])
            grid(axes, colour)
        for axes in panels[:, 0]:
            axes.set_ylabel("− exact log Z (nats)")
        return png(figure)


def fall(found: Fall, dark: bool = False) -> bytes:
    """PNG: a bound that rises at every step, and the likelihood above it that falls."""
    with canvas(dark, (8.4, 3.8)) as (figure, colour):
        axes = figure.add_subplot()
        steps = np.arange(len(found.bound))
        _gap(axes, steps, found.log_likelihood, found.bound, colour)
        peak = int(np.argmax(found.log_likelihood))
        axes.annotate(
            "the likelihood falls from here", (peak, found.log_likelihood[peak]), xytext=(14, 10),
            textcoords="offset points", color=colour["ink"], fontsize=9,
        )  # fmt: skip
        axes.set_ylim(found.bound[min(9, len(steps) - 1)], max(found.log_likelihood) + 0.04)
        axes.set_xlabel("steps of exact ascent on the bound")
        axes.set_ylabel("nats")
        axes.legend(frameon=False, loc="lower right")
        grid(axes, colour)
        return png(figure)


def _gap(axes: Any, x: Any, log_p: Any, bound: Any, colour: Colours) -> None:
    """log p above its bound, and the gap shaded between them."""
    axes.fill_between(x, bound, log_p, color=colour["gap"], alpha=0.25, linewidth=0)
    axes.plot(x, log_p, color=colour["train"], linewidth=1.8, label="log p, exact")
    axes.plot(x, bound, "--", color=colour["heldout"], linewidth=1.6, label="variational bound")


def _over_seeds(moments: list[Moment], what: str) -> tuple[Any, Any, Any, Any]:
    """(epochs, lowest, median, highest) over the seeds."""
    epochs = np.array(sorted({m.epoch for m in moments}))
    table = np.array([[getattr(m, what) for m in moments if m.epoch == epoch] for epoch in epochs])
    return epochs, table.min(axis=1), np.median(table, axis=1), table.max(axis=1)
