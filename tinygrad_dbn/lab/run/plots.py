"""The lab's three pictures, drawn for a light or a dark page.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles differ as well.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...datasets import Dataset
from .record import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...models import RBM

Images = NDArray[np.float64]

_LIGHT = {"paper": "#ffffff", "cell": "#ffffff", "ink": "#1b1f24", "faint": "#c9ced6", "train": "#0072b2",
          "heldout": "#d55e00", "gap": "#56b4e9", "optimum": "#009e73"}  # fmt: skip
_DARK = {"paper": "#15181d", "cell": "#15181d", "ink": "#e6e9ee", "faint": "#444b55", "train": "#56b4e9",
         "heldout": "#f0a35e", "gap": "#56b4e9", "optimum": "#2fc99b"}  # fmt: skip


def curves(rows: tuple[Row, ...], data: Dataset, dark: bool = False) -> bytes:
    """PNG: exact log p(x) and its bound over all epochs of all layers, the KL gap shaded between them."""
    with figure_on_page(dark, (7.2, 4.8)) as (figure, colour):
        from matplotlib.ticker import MaxNLocator

        axes: Axes = figure.add_subplot()
        start = 0
        for layer, group in groupby(rows, key=lambda row: row.layer):
            part = list(group)
            x = [start + row.epoch for row in part]
            first = layer == rows[0].layer
            _layer_curves(axes, x, part, colour, labelled=first)
            # A layer begins where the last one ended: the step at this line is the change of model.
            if not first:
                axes.axvline(start, color=colour["faint"], linewidth=1, zorder=0)
            axes.annotate(
                f"layer {layer}", (start, 1), xycoords=("data", "axes fraction"), xytext=(5, -5),
                textcoords="offset points", va="top", color=colour["ink"], alpha=0.75,
            )  # fmt: skip
            start = x[-1]
        if data.optimum is not None:
            axes.axhline(data.optimum, color=colour["optimum"], linestyle="-.", linewidth=1.4, label="best possible")
        axes.set_xlabel("epoch (all layers)")
        axes.set_ylabel("mean per example (nats)")
        axes.set_title(f"{data.name}: exact log-likelihood and its bound", loc="left", parse_math=False)
        axes.margins(x=0.015)
        axes.set_xlim(right=max(start, 1) * 1.015)
        _frame_heights(axes, rows, data, colour)
        axes.grid(axis="y", color=colour["faint"], linewidth=0.6, alpha=0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        # Below the axes, where it can cover no curve.
        figure.legend(
            loc="outside lower center", ncols=(len(axes.get_legend_handles_labels()[0]) + 1) // 2, frameon=False
        )
        return png(figure)


def samples(drawn: Images, data: Dataset, dark: bool = False) -> bytes:
    """PNG: examples spread evenly over the data on the left, as many samples of the network on the right."""
    count = min(len(drawn), len(data.train))
    shown = data.train[np.linspace(0, len(data.train) - 1, count).astype(int)]
    black_and_white = (_colour_map(dark, ("cell", "ink")), 0.0, 1.0)
    with figure_on_page(dark, (9.0, 4.7)) as (figure, colour):
        figure.get_layout_engine().set(wspace=0.06)
        for axes, images, title in zip(
            figure.subplots(1, 2), (shown, drawn[:count]), ("data", "samples of the network"), strict=True
        ):
            _mosaic(axes, _as_images(images, data.shape), colour, black_and_white, aspect=1.0)
            axes.set_title(title, loc="left")
        return png(figure)


def filters(rbm: "RBM", data: Dataset, dark: bool = False) -> bytes:
    """PNG: each first-layer hidden unit's weights as a picture, all on one scale about zero."""
    weights = np.asarray(rbm.W, dtype=np.float64)[:144]
    largest = float(np.abs(weights).max()) or 1.0
    scale = (_colour_map(dark, ("train", "cell", "heldout")), -largest, largest)
    with figure_on_page(dark, (9.0, 3.6)) as (figure, colour):
        axes = figure.add_subplot()
        image = _mosaic(axes, _as_images(weights, data.shape), colour, scale, aspect=2.5)
        hidden = len(rbm.W)
        some = f"the first {len(weights)} of {hidden}" if hidden > len(weights) else f"{hidden}"
        axes.set_title(f"first-layer weights of {some} hidden units", loc="left")
        bar = figure.colorbar(image, ax=axes, shrink=0.85, label="weight")
        bar.outline.set_visible(False)
        return png(figure)


def _frame_heights(axes: "Axes", rows: tuple[Row, ...], data: Dataset, colour: dict[str, str]) -> None:
    """Show what training changed: an untrained start far below is named at the edge, not drawn to scale."""
    figures = [(row.train_log_likelihood, row.train_bound, row.heldout_log_likelihood) for row in rows]
    start = min(value for value in figures[0] if value is not None)
    later = [value for row in figures[1:] for value in row if value is not None] or [start]
    top = max(*later, start, *([] if data.optimum is None else [data.optimum]))
    bottom = min(later)
    if len(rows) > 2 and top - start > 1.5 * (top - bottom):
        axes.annotate(
            f"before training: −{-start:.2f} ↓", (1, 0), xycoords=("data", "axes fraction"), xytext=(8, 6),
            textcoords="offset points", color=colour["ink"], alpha=0.75,
            bbox={"color": colour["paper"], "pad": 2},
        )  # fmt: skip
    else:
        bottom = min(bottom, start)
    room = (top - bottom) or 1.0
    axes.set_ylim(bottom - 0.08 * room, top + 0.13 * room)  # above: the layers' names


def _layer_curves(axes: "Axes", x: list[int], rows: list[Row], colour: dict[str, str], labelled: bool) -> None:
    def label(text: str) -> str:
        return text if labelled else "_"

    exact = [row.train_log_likelihood for row in rows]
    bound = [row.train_bound for row in rows]
    dots = "o" if len(rows) <= 30 else ""  # a single epoch must be seen too
    style: dict[str, Any] = {"marker": dots, "markersize": 3, "linewidth": 1.8}
    axes.fill_between(x, bound, exact, color=colour["gap"], alpha=0.3, linewidth=0, label=label("gap = KL(q‖p)"))
    axes.plot(x, exact, color=colour["train"], label=label("log p(x), train"), **style)
    axes.plot(x, bound, color=colour["train"], linestyle=":", label=label("bound, train"), **style)
    heldout = [value for row in rows if (value := row.heldout_log_likelihood) is not None]
    if heldout:
        axes.plot(x, heldout, color=colour["heldout"], linestyle="--", label=label("log p(x), held out"), **style)


def _as_images(rows: Images, shape: tuple[int, int] | None) -> Images:
    """(N, D) as (N, height, width); an example that is no picture becomes a strip one pixel high."""
    height, width = shape or (1, rows.shape[1])
    return rows.reshape(len(rows), height, width)


def _mosaic(
    axes: "Axes", images: Images, colour: dict[str, str], scale: tuple[Any, float, float], aspect: float
) -> Any:
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


def _colour_map(dark: bool, names: tuple[str, ...]) -> Any:
    """A matplotlib colour map through the page's named colours."""
    from matplotlib.colors import LinearSegmentedColormap

    colour = _DARK if dark else _LIGHT
    return LinearSegmentedColormap.from_list("-".join(names), [colour[name] for name in names])


@contextmanager
def figure_on_page(dark: bool, size: tuple[float, float]) -> Iterator[tuple[Any, dict[str, str]]]:
    """A figure in the page's colours. No window, and matplotlib's own settings are left alone."""
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the lab draws with matplotlib: pip install 'tinygrad_dbn[lab]'") from error

    colour = _DARK if dark else _LIGHT
    text = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    background = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    look: dict[Any, Any] = {
        **matplotlib.rcParamsDefault,
        "backend": "agg",
        **dict.fromkeys(text, colour["ink"]),
        **dict.fromkeys(background, colour["paper"]),
        "axes.edgecolor": colour["faint"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 12,
        "axes.titlepad": 10,
        "font.size": 11,
    }
    with matplotlib.rc_context(look):
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, colour


def png(figure: Any) -> bytes:
    out = io.BytesIO()
    # Without the version and date that would make equal pictures unequal files.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
