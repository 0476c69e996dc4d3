"""What every picture of the lab is drawn on: a figure in the colours of a light or of a dark page.

The colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles differ as well.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from ..extras import needing

with needing("the lab", "matplotlib"):
    import matplotlib
    from matplotlib import colormaps
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

__all__ = [
    "DARK",
    "LIGHT",
    "Axes",  # as the names of classes below, from matplotlib: pictures take it from here, where its absence is said
    "Colours",
    "LinearSegmentedColormap",
    "MaxNLocator",
    "Patch",
    "Picture",
    "canvas",
    "colormaps",
    "grid",
    "light_and_dark",
    "png",
    "series",
]

Colours = dict[str, str]
"""A hexadecimal colour for each thing that is drawn."""

LIGHT: Colours = {"paper": "#ffffff", "cell": "#ffffff", "ink": "#1b1f24", "faint": "#c9ced6", "train": "#0072b2",
                  "heldout": "#d55e00", "gap": "#56b4e9", "optimum": "#009e73", "fourth": "#cc79a7"}  # fmt: skip
DARK: Colours = {"paper": "#15181d", "cell": "#15181d", "ink": "#e6e9ee", "faint": "#444b55", "train": "#56b4e9",
                 "heldout": "#f0a35e", "gap": "#56b4e9", "optimum": "#2fc99b", "fourth": "#e3a5c9"}  # fmt: skip
_SHADES, _MARKS = ("train", "heldout", "optimum", "fourth"), (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."))


def series(count: int) -> list[tuple[str, str, str]]:
    """Colour, marker and line style of each of `count` things that a picture compares: no two have all of them alike.

    Raises ValueError for more than there are styles to tell apart.
    """
    most = len(_SHADES) * len(_MARKS)
    if count > most:
        raise ValueError(f"{count} series in a picture, which has styles for {most}; draw several pictures")
    shades = len(_SHADES)
    return [(_SHADES[i % shades], *_MARKS[(i + i // shades) % len(_MARKS)]) for i in range(count)]


class Picture(NamedTuple):
    """One picture as PNG, for a light page and for a dark one."""

    light: bytes
    dark: bytes


def light_and_dark(draw: Callable[[bool], bytes]) -> Picture:
    """The picture that draw(dark) makes."""
    return Picture(draw(False), draw(True))


@contextmanager
def canvas(dark: bool, size: tuple[float, float]) -> Iterator[tuple[Any, Colours]]:
    """A figure of `size` inches in the page's colours. No window is opened, and matplotlib's settings are restored."""
    colour = DARK if dark else LIGHT
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


def grid(axes: Axes, colour: Colours, across: Literal["x", "y"] = "y") -> None:
    """Faint lines at the ticks of one axis."""
    axes.grid(axis=across, color=colour["faint"], linewidth=0.6, alpha=0.6)


def png(figure: Any) -> bytes:
    """The figure as PNG: equal pictures are equal bytes, since matplotlib's version and the date are left out."""
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
