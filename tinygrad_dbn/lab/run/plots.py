"""The lab's three pictures: the curves of a training, samples, and the weights of the first layer."""

from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets import Dataset
from ...models import AnyRBM
from ..canvas import Axes, Colours, LinearSegmentedColormap, MaxNLocator, canvas, grid, png
from .chart import heights
from .record import Row

Images = NDArray[np.float64]


def curves(rows: tuple[Row, ...], data: Dataset, dark: bool = False, reference: tuple[Row, ...] = ()) -> bytes:
    """PNG: exact log p(x) and its bound over all epochs of all layers, and below them the KL gap.

    reference: the rows of the same training by exact maximum likelihood, drawn thin.
    """
    with canvas(dark, (7.2, 6.0)) as (figure, colour):
        axes, gap = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
        start = 0
        for layer, group in groupby(rows, key=lambda row: row.layer):
            part = list(group)
            x = [start + row.epoch for row in part]
            first = layer == rows[0].layer
            _layer_curves(axes, gap, x, part, colour, labelled=first)
            # A layer begins where the last one ended: the step at this line is the change of model.
            if not first:
                for panel in (axes, gap):
                    panel.axvline(start, color=colour["faint"], linewidth=1, zorder=0)
            axes.annotate(
                f"layer {layer}", (start, 1), xycoords=("data", "axes fraction"), xytext=(5, -5),
                textcoords="offset points", va="top", color=colour["ink"], alpha=0.75,
            )  # fmt: skip
            start = x[-1]
        _reference_curves(axes, reference, colour)
        if data.optimum is not None:
            axes.axhline(data.optimum, color=colour["optimum"], linestyle="-.", linewidth=1.4, label="best possible")
        axes.set_ylabel("mean per example (nats)")
        axes.set_title(f"{data.name}: exact log-likelihood, its bound, and the gap", loc="left", parse_math=False)
        gap.set_xlabel("epoch (all layers)")
        gap.set_ylabel("gap = KL(q‖p)")
        gap.set_ylim(bottom=0)
        gap.margins(x=0.015)
        gap.set_xlim(right=max(start, 1) * 1.015)
        _frame_heights(axes, rows, data, colour, reference)
        for panel in (axes, gap):
            grid(panel, colour)
        gap.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        # Below the axes, where it can cover no curve.
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return png(figure)


def samples(drawn: Images, data: Dataset, dark: bool = False) -> bytes:
    """PNG: examples spread evenly over the data on the left, as many samples of the network on the right."""
    count = min(len(drawn), len(data.train))
    shown = data.train[np.linspace(0, len(data.train) - 1, count).astype(int)]
    with canvas(dark, (9.0, 4.7)) as (figure, colour):
        black_and_white = (_colour_map(colour, "cell", "ink"), 0.0, 1.0)
        figure.get_layout_engine().set(wspace=0.06)
        for axes, images, title in zip(
            figure.subplots(1, 2), (shown, drawn[:count]), ("data", "samples of the network"), strict=True
        ):
            _mosaic(axes, _as_images(images, data.shape), colour, black_and_white, aspect=1.0)
            axes.set_title(title, loc="left")
        return png(figure)


def filters(rbm: AnyRBM, data: Dataset, dark: bool = False) -> bytes:
    """PNG: each first-layer hidden unit's weights as a picture, all on one scale about zero."""
    weights = np.asarray(rbm.W, dtype=np.float64)[:144]
    largest = float(np.abs(weights).max()) or 1.0
    with canvas(dark, (9.0, 3.6)) as (figure, colour):
        scale = (_colour_map(colour, "train", "cell", "heldout"), -largest, largest)
        axes = figure.add_subplot()
        image = _mosaic(axes, _as_images(weights, data.shape), colour, scale, aspect=2.5)
        hidden = len(rbm.W)
        some = f"the first {len(weights)} of {hidden}" if hidden > len(weights) else f"{hidden}"
        axes.set_title(f"first-layer weights of {some} hidden units", loc="left")
        bar = figure.colorbar(image, ax=axes, shrink=0.85, label="weight")
        bar.outline.set_visible(False)
        return png(figure)


def _frame_heights(
    axes: Axes, rows: tuple[Row, ...], data: Dataset, colour: Colours, reference: tuple[Row, ...]
) -> None:
    """Show what training changed: an untrained start far below is named at the edge, not drawn to scale."""
    bottom, top, start = heights(rows, data, reference)
    if start is not None:
        axes.annotate(
            f"before training: −{-start:.2f} ↓", (0, 0), xycoords=("axes fraction", "axes fraction"), xytext=(8, 6),
            textcoords="offset points", color=colour["ink"], alpha=0.75,
            bbox={"color": colour["paper"], "pad": 2},
        )  # fmt: skip
    height = (top - bottom) or 1.0
    axes.set_ylim(bottom - 0.08 * height, top + 0.13 * height)  # above: the layers' names


def _layer_curves(axes: Axes, gap: Axes, x: list[int], rows: list[Row], colour: Colours, labelled: bool) -> None:
    def label(text: str) -> str:
        return text if labelled else "_"

    exact = [row.train_log_likelihood for row in rows]
    bound = [row.train_bound for row in rows]
    dots = "o" if len(rows) <= 30 else ""  # a single epoch must be seen too
    style: dict[str, Any] = {"marker": dots, "markersize": 3, "linewidth": 1.8}
    gaps = [row.train_kl for row in rows]
    gap.fill_between(x, 0, gaps, color=colour["gap"], alpha=0.3, linewidth=0)
    gap.plot(x, gaps, color=colour["train"], **style)
    axes.plot(x, exact, color=colour["train"], label=label("log p(x), train"), **style)
    axes.plot(x, bound, color=colour["train"], linestyle=":", label=label("bound, train"), **style)
    heldout = [value for row in rows if (value := row.heldout_log_likelihood) is not None]
    if heldout:
        axes.plot(x, heldout, color=colour["heldout"], linestyle="--", label=label("log p(x), held out"), **style)


def _reference_curves(axes: Axes, rows: tuple[Row, ...], colour: Colours) -> None:
    """Exact maximum likelihood over the epochs of all layers: the first of a layer stands where the last one ended."""
    layers = [list(group) for _, group in groupby(rows, key=lambda row: row.layer)]
    epochs = max((row.epoch for row in rows), default=0)
    for part, line in (("train", "-"), ("heldout", "--")):
        for number, layer in enumerate(layers):
            values = [getattr(row, f"{part}_log_likelihood") for row in layer]
            if None in values:
                continue
            said = {"train": "train", "heldout": "held out"}[part]
            axes.plot(
                [number * epochs + row.epoch for row in layer], values, line, color=colour["fourth"], linewidth=1.1,
                label=f"exact maximum likelihood, {said}" if number == 0 else "_",
            )  # fmt: skip


def _as_images(examples: Images, shape: tuple[int, int] | None) -> Images:
    """(N, D) as (N, height, width); an example that is no picture becomes a strip one pixel high."""
    height, width = shape or (1, examples.shape[1])
    return examples.reshape(len(examples), height, width)


def _mosaic(axes: Axes, images: Images, colour: Colours, scale: tuple[Any, float, float], aspect: float) -> Any:
    """Lay N pictures out in a block `aspect` times as wide as high, with thin lines between them."""
    count, height, width = images.shape
    # As near to the aspect wanted as can be without leaving many cells of the last line empty.
    columns = min(
        range(1, count + 1),
        key=lambda n: abs(np.log(n * width / (-(-count // n) * height * aspect))) + 3 * (-count % n) / count,
    )
    lines = -(-count // columns)
    # What holds no number is left transparent, and the axes' own colour shows as the lines.
    block = np.full((lines * (height + 1) + 1, columns * (width + 1) + 1), np.nan)
    for index, picture in enumerate(images):
        top, left = index // columns * (height + 1) + 1, index % columns * (width + 1) + 1
        block[top : top + height, left : left + width] = picture
    colours, low, high = scale
    image = axes.imshow(block, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_facecolor(colour["faint"])
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return image


def _colour_map(colour: Colours, *names: str) -> LinearSegmentedColormap:
    """A matplotlib colour map through the page's named colours."""
    return LinearSegmentedColormap.from_list("-".join(names), [colour[name] for name in names])
