"""The experiments' pictures, each for a light or a dark page. Every seed is drawn."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np

from ..canvas import Axes, Colours, Patch, canvas, colormaps, grid, png, series
from .experiment import Figures, Results


def dots(results: Results, conditions: Sequence[str], figure: str, label: str, dark: bool) -> bytes:
    """PNG: a dot for every seed of every condition, a bar at their mean."""
    with canvas(dark, (7.5, 0.9 + 0.55 * len(conditions))) as (page, colour):
        _dots(page.add_subplot(), results, conditions, figure, label, colour)
        return png(page)


def pairs(
    results: Results, groups: Sequence[tuple[str, Sequence[str]]], figures: Sequence[str], label: str, dark: bool
) -> bytes:
    """PNG: a panel for each group of conditions, a line for each seed through what it measured under each of them.

    Of several figures, each has a colour and line style of its own, named in the first panel.
    """
    with canvas(dark, (4.2 * len(groups), 3.8)) as (page, colour):
        for axes, (title, conditions) in zip(page.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
            for figure, (shade, mark, line) in zip(figures, series(len(figures)), strict=True):
                for seed in _seeds(results):
                    values = [results[condition, seed][figure] for condition in conditions]
                    look: Any = {"color": colour[shade], "marker": mark, "linestyle": line}
                    label_once = figure if seed == 0 and len(figures) > 1 else None
                    axes.plot(values, alpha=0.7, linewidth=1.2, markersize=4, label=label_once, **look)
            if len(figures) > 1 and title == groups[0][0]:
                axes.legend(frameon=False)
            names = [c.removeprefix(title + ": ").replace(", ", ",\n") for c in conditions]
            axes.set_xticks(range(len(conditions)), names)
            axes.margins(x=0.12)
            axes.set_title(title, loc="left", fontsize=11)
            axes.set_ylabel(label)
            grid(axes, colour)
        return png(page)


def curves(
    results: Results, lines: dict[str, list[tuple[float, str]]], figure: str, labels: tuple[str, str], dark: bool
) -> bytes:
    """PNG: a line for each name through the means of its (place, condition) pairs; seeds as marks."""
    with canvas(dark, (7.5, 4.2)) as (page, colour):
        axes = page.add_subplot()
        for (name, points), (shade, mark, _) in zip(lines.items(), series(len(lines)), strict=True):
            places = [place for place, _ in points]
            table = np.array([[results[c, seed][figure] for seed in _seeds(results)] for _, c in points])
            axes.plot(places, table.mean(axis=1), color=colour[shade], linewidth=1.8, marker=mark, label=name)
            axes.plot(places, table, mark, color=colour[shade], markersize=3, alpha=0.6, linestyle="none")
        axes.set_xscale("log")
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.legend(frameon=False)
        grid(axes, colour)
        return png(page)


def courses(results: Results, conditions: Sequence[str], figure: str, labels: tuple[str, str], dark: bool) -> bytes:
    """PNG: a line for every seed of every condition through its (place, value) pairs, values on a logarithmic axis."""
    with canvas(dark, (7.5, 4.6)) as (page, colour):
        axes = page.add_subplot()
        for condition, (shade, mark, line) in zip(conditions, series(len(conditions)), strict=True):
            for seed in _seeds(results):
                x, y = np.array(results[condition, seed][figure]).T
                look: Any = {"color": colour[shade], "marker": mark, "linestyle": line, "markersize": 3}
                axes.plot(x, y, linewidth=1.3, alpha=0.8, label=condition if seed == 0 else None, **look)
        axes.set_yscale("log")
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.legend(frameon=False)
        grid(axes, colour)
        return png(page)


def layers(results: Results, conditions: Sequence[str], dark: bool) -> bytes:
    """PNG: the gradient's mean length in each layer, every seed, and dashed what it cannot exceed."""
    with canvas(dark, (7.5, 4.2)) as (page, colour):
        axes = page.add_subplot()
        for condition, (shade, mark, _) in zip(conditions, series(len(conditions)), strict=True):
            for seed in _seeds(results):
                found = results[condition, seed]
                places = np.arange(1, len(found["lengths"]) + 1)
                label = condition if seed == 0 else None
                axes.plot(places, found["lengths"], color=colour[shade], marker=mark, markersize=4, label=label)
                label = f"{condition}: at most" if seed == 0 else None
                axes.plot(places, found["bounds"], "--", color=colour[shade], linewidth=1, alpha=0.7, label=label)
        axes.set_yscale("log")
        axes.set_xticks(places)
        axes.set_xlabel("layer, the output last")
        axes.set_ylabel("mean |∇ of −log f(x)_y in a|, nats")
        axes.legend(frameon=False, fontsize=9)
        grid(axes, colour)
        return png(page)


def trajectories(paths: Sequence[tuple[tuple[str, int], Any]], dark: bool) -> bytes:
    """PNG: nets in the plane, from pale at the start to strong at the end; a ring where each ends."""
    names = list(dict.fromkeys(condition for (condition, _), _ in paths))
    styles = series(len(names))
    with canvas(dark, (7.5, 6.0)) as (page, colour):
        axes = page.add_subplot()
        for (condition, _), path in paths:
            shade, mark, _ = styles[names.index(condition)]
            x, y = path.T
            axes.plot(x, y, color=colour[shade], linewidth=0.5, alpha=0.4)
            axes.scatter(x, y, s=8, marker=mark, color=colour[shade], alpha=np.linspace(0.15, 0.9, len(path)))
            axes.scatter(x[-1], y[-1], s=46, marker=mark, facecolors="none", edgecolors=colour["ink"])
        for name, (shade, mark, _) in zip(names, styles, strict=True):
            axes.plot([], [], mark, color=colour[shade], label=name)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.legend(frameon=False)
        axes.spines[:].set_visible(False)
        return png(page)


def dots_codes_and_digits(
    results: Results,
    groups: Sequence[Sequence[str]],
    coded: Sequence[str],
    shown: dict[str, str],
    dark: bool,
) -> bytes:
    """PNG: test errors of all seeds, a panel for each group; the two numbers of every test digit of seed 0, one panel a
    condition; and of seed 0 a digit of each class, below it what is made of it: shown has the conditions by what their
    rows are called.
    """
    with canvas(dark, (9.0, 10.2)) as (page, colour):
        rows = page.add_gridspec(3, 2, height_ratios=(1, 2, 1.1))
        for column, conditions in enumerate(groups):
            title = conditions[0].split(":")[0]
            axes = page.add_subplot(rows[0, column])
            _dots(axes, results, conditions, "test", "½|x − x̂|² on test digits", colour)
            axes.set_yticks(range(len(conditions)), [c.removeprefix(f"{title}: ") for c in conditions])
            axes.set_title(title, loc="left", fontsize=11)
        for column, condition in enumerate(coded):
            _codes(page.add_subplot(rows[1, column]), results[condition, 0], condition, dark)
        axes = page.add_subplot(rows[2, :])
        found = [results[condition, 0] for condition in shown.values()]
        pictures = [found[0]["digits"], *(figures["reconstructions"] for figures in found)]
        side = isqrt(len(pictures[0][0]))
        mosaic = np.array(pictures).reshape(len(pictures), -1, side, side).transpose(0, 2, 1, 3)
        axes.imshow(
            mosaic.reshape(len(pictures) * side, -1), cmap="gray" if dark else "gray_r", vmin=0, vmax=1,
            interpolation="nearest",
        )  # fmt: skip
        axes.set_yticks([side * (k + 0.5) for k in range(len(pictures))], ["digits not trained on", *shown])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return png(page)


def dots_and_codes(
    results: Results, conditions: Sequence[str], label: str, coded: Sequence[str], names: Sequence[str], dark: bool
) -> bytes:
    """PNG: the figure `shared` of all seeds above; below, the two numbers of every test example of seed 0, one panel a
    condition. An example is written as the number of its class; names: of the classes, for a legend.
    """
    with canvas(dark, (max(8.4, 4.2 * len(coded)), 7.2)) as (page, colour):
        rows = page.add_gridspec(2, len(coded), height_ratios=(1, 2))
        _dots(page.add_subplot(rows[0, :]), results, conditions, "shared", label, colour)
        for column, condition in enumerate(coded):
            _codes(page.add_subplot(rows[1, column]), results[condition, 0], condition, dark)
        shades = [Patch(color=_digit(k, dark), label=f"{k} {name}") for k, name in enumerate(names)]
        page.legend(handles=shades, loc="outside lower center", ncols=len(names), frameon=False)
        return png(page)


def _codes(axes: Axes, found: Figures, title: str, dark: bool) -> None:
    codes, classes = np.array(found["codes"]), np.array(found["classes"])
    for digit in range(classes.max() + 1):
        here = codes[classes == digit]
        axes.scatter(here[:, 0], here[:, 1], s=0)  # for the limits of the axes
        for x, y in here:
            axes.text(x, y, str(digit), fontsize=6.5, ha="center", va="center", color=_digit(digit, dark))
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])


def samples(panels: Sequence[tuple[str, Any, list[str]]], shape: tuple[int, int], below: str, dark: bool) -> bytes:
    """PNG: pictures of zeros to ones, ten in a column for each class, a panel for each (title, pictures, words).

    words: what stands below each of the ten columns; `below` says what it is.
    """
    with canvas(dark, (1.7 + 4.4 * len(panels), 5.2)) as (page, colour):
        for axes, (title, pictures, words) in zip(page.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            images = np.array(pictures).reshape(10, -1, *shape)  # class, sample
            mosaic = images.transpose(1, 2, 0, 3).reshape(images.shape[1] * shape[0], 10 * shape[1])
            axes.imshow(mosaic, cmap="gray" if dark else "gray_r", vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title, loc="left", fontsize=11)
            axes.set_xticks([shape[1] * (k + 0.5) for k in range(10)], words)
            axes.set_yticks([])
            if title == panels[0][0]:
                axes.annotate(below, (-0.02, 0), (0, -3.5), "axes fraction", "offset points", ha="right", va="top")
            axes.tick_params(length=0)
            axes.spines[:].set_color(colour["faint"])
        return png(page)


def filters(panels: Sequence[tuple[str, Any]], dark: bool) -> bytes:
    """PNG: a panel for each title, of filters (rows, columns, height, width), each scaled to its own largest weight."""
    with canvas(dark, (3.4 * len(panels), 4.6)) as (page, colour):
        for axes, (title, W) in zip(page.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _filters(axes, title, W, colour)
        return png(page)


def dots_and_filters(
    results: Results,
    groups: Sequence[tuple[str, Sequence[str]]],
    figure: str,
    label: str,
    panels: Sequence[tuple[str, Any]],
    dark: bool,
) -> bytes:
    """PNG: a column for each group of conditions: a dot for every seed of each, and below the group's filters."""
    with canvas(dark, (3.6 * len(groups), 4.8)) as (page, colour):
        above, below = page.subplots(2, len(groups), squeeze=False, height_ratios=(2, 1))
        for axes, (title, conditions) in zip(above, groups, strict=True):
            _dots(axes, results, conditions, figure, label, colour)
            names = [c.removeprefix(f"{title}: ") for c in conditions]
            axes.set_yticks(range(len(conditions)), names if title == groups[0][0] else [""] * len(names))
            axes.locator_params(axis="x", nbins=4)
            axes.set_title(title, loc="left", fontsize=11)
        for axes, (title, W) in zip(below, panels, strict=True):
            _filters(axes, title, W, colour)
        return png(page)


def _filters(axes: Axes, title: str, W: Any, colour: Colours) -> None:
    rows, columns, height, width = W.shape
    shown = np.full((rows, columns, height + 1, width + 1), np.nan)
    shown[..., :-1, :-1] = W / np.abs(W).max(axis=(2, 3), keepdims=True)
    mosaic = shown.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1))
    axes.imshow(mosaic, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(colour["faint"])


def _dots(axes: Axes, results: Results, conditions: Sequence[str], figure: str, label: str, colour: Colours) -> None:
    for height, condition in enumerate(conditions):
        values = np.array([results[condition, seed][figure] for seed in _seeds(results)])
        axes.plot(values, np.full(len(values), height), "o", color=colour["train"], alpha=0.65, markersize=6)
        axes.plot([values.mean()] * 2, [height - 0.25, height + 0.25], color=colour["ink"], linewidth=1.8)
    axes.set_yticks(range(len(conditions)), conditions)
    axes.invert_yaxis()
    axes.margins(y=0.15)
    axes.set_xlabel(label)
    grid(axes, colour, "x")


def _digit(digit: int, dark: bool) -> Any:
    red, green, blue, _ = colormaps["tab10"](digit)
    return tuple(0.4 + 0.6 * c if dark else 0.85 * c for c in (red, green, blue))


def _seeds(results: Results) -> list[int]:
    return sorted({seed for _, seed in results})
