"""The curves of a training as SVG in the report: to be pointed at, in the page's colours, at two widths.

What is drawn, and in which order, `Line` says; `page.js` shows the figures of the epoch that is pointed at.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from math import ceil, floor, log10
from typing import NamedTuple

from ...datasets import Dataset
from ..canvas import DARK, LIGHT
from ..page import escape, minus
from .record import Row

WIDE, NARROW = 832, 358  # of the drawing, in the pixels of a page and of a telephone; so letters are never scaled down
HIGH, LOW, BETWEEN = 300, 130, 46  # heights: of the panel above, of the gap's own below, and of what is between
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 22, 40


class Line(NamedTuple):
    """A curve: the colour and dashes it is drawn with, its name, and its value in a row."""

    colour: str
    dashes: str
    name: str
    value: Callable[[Row], float | None]


ABOVE = (
    Line("train", "", "log p(x), train", lambda row: row.train_log_likelihood),
    Line("train", "2 3", "bound, train", lambda row: row.train_bound),
    Line("heldout", "7 4", "log p(x), held out", lambda row: row.heldout_log_likelihood),
)
BELOW = (
    Line("train", "", "gap = KL(q‖p), train", lambda row: row.train_kl),
    Line("heldout", "7 4", "gap, held out", lambda row: row.heldout_kl),
)
BESIDE = (
    Line("fourth", "", "exact maximum likelihood, train", lambda row: row.train_log_likelihood),
    Line("fourth", "7 4", "exact maximum likelihood, held out", lambda row: row.heldout_log_likelihood),
)


def figure(rows: tuple[Row, ...], data: Dataset, reference: tuple[Row, ...], caption: str) -> str:
    """The curves as HTML, once for wide screens and once for narrow ones, with a legend and the words below."""
    colours = "".join(f"--{name}: {value};" for name, value in LIGHT.items())
    night = "".join(f"--{name}: {value};" for name, value in DARK.items())
    legend = "".join(_key(line) for line in _lines(rows, reference))
    optimum = "" if data.optimum is None else _key(Line("optimum", "8 3 2 3", "best possible", lambda row: None))
    return (
        f"<style>figure.chart {{ {colours} }} @media (prefers-color-scheme: dark) {{ figure.chart {{ {night} }} }}"
        f'</style>\n<figure class="chart">\n{_svg(rows, data, reference, WIDE, "wider")}\n'
        f"{_svg(rows, data, reference, NARROW, 'narrower')}\n"
        '<output aria-live="polite">Point at an epoch, or go through them with ← and →.</output>\n'
        f"<p class='legend'>{legend}{optimum}</p><figcaption>{escape(caption)}</figcaption></figure>"
    )


def heights(rows: Sequence[Row], data: Dataset, reference: Sequence[Row]) -> tuple[float, float, float | None]:
    """The lowest and the highest log-likelihood or bound to draw; and that of an untrained start far below, if any.

    The picture shows what training changed: such a start is named at the edge, not drawn to scale.
    """
    figures = [[v for line in ABOVE if (v := line.value(row)) is not None] for row in rows]
    start = min(figures[0])
    later = [v for row in figures[1:] for v in row] or [start]
    beside = [v for row in reference for line in BESIDE if (v := line.value(row)) is not None]
    top = max(*later, start, *beside, *([] if data.optimum is None else [data.optimum]))
    bottom = min(later)
    if len(rows) > 2 and top - start > 1.5 * (top - bottom):
        return bottom, top, start
    return min(bottom, start), top, None


def ticks(low: float, high: float, about: int) -> list[float]:
    """Some `about` round numbers between two: a step is 1, 2 or 5 times a power of ten.

    >>> ticks(-20.3, -17.9, 4)
    [-20.0, -19.0, -18.0]
    """
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    return [round(i * step, 12) for i in range(ceil(low / step), floor(high / step) + 1)]


def _lines(rows: Sequence[Row], reference: Sequence[Row]) -> list[Line]:
    """The curves that have figures, but for those of the gap, whose colours are the same."""
    beside = [line for line in BESIDE if reference and line.value(reference[0]) is not None]
    return [line for line in ABOVE if line.value(rows[0]) is not None] + beside


def _key(line: Line) -> str:
    return (
        f'<span><svg width="26" height="8" aria-hidden="true"><path d="M0 4H26" stroke="var(--{line.colour})" '
        f'stroke-dasharray="{line.dashes}"/></svg> {escape(line.name)}</span>'
    )


def _svg(rows: Sequence[Row], data: Dataset, reference: Sequence[Row], width: int, kind: str) -> str:
    layers = [list(group) for _, group in groupby(rows, key=lambda row: row.layer)]
    places = list(_places(layers))
    end = max(max(places), 1)

    def across(epoch: float) -> float:
        return LEFT + (width - LEFT - RIGHT) * epoch / end

    low, high, start = heights(rows, data, reference)
    room = (high - low) or 1.0
    low, high = low - 0.08 * room, high + 0.13 * room  # above: the layers' names
    upper = _panel("mean per example (nats)", low, high, TOP, HIGH, width)
    deepest = max([v for row in rows for line in BELOW if (v := line.value(row)) is not None] + [1e-9]) * 1.08
    second = TOP + HIGH + BETWEEN
    lower = _panel("gap = KL(q‖p) (nats)", 0.0, deepest, second, LOW, width)
    parts = [upper, lower]
    for number, first in enumerate(_firsts(layers)):
        parts.append(f'<text x="{across(first) + 4:.1f}" y="{TOP + 14}">layer {layers[number][0].layer}</text>')
        if number:
            x = across(first)
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{TOP + HIGH}M{x:.1f} {second}V{second + LOW}"/>')
    if data.optimum is not None:
        y = _height(data.optimum, low, high, TOP, HIGH)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{width - RIGHT}" stroke="var(--optimum)" stroke-dasharray="8 3 2 3"/>')
    for line, limits, some in (
        *((line, (low, high, TOP, HIGH), rows) for line in ABOVE),
        *((line, (0.0, deepest, second, LOW), rows) for line in BELOW),
        *((line, (low, high, TOP, HIGH), reference) for line in BESIDE),
    ):
        parts += _curves(line, some, across, limits)
    if start is not None:
        said = f"before training: {minus(f'{start:.2f}')} ↓"
        parts.append(f'<text x="{LEFT + 6}" y="{TOP + HIGH - 8}">{said}</text>')
    foot = second + LOW
    for tick in ticks(0, end, 4 if width == NARROW else 8):
        if tick == int(tick):
            parts.append(f'<text x="{across(tick):.1f}" y="{foot + 16}" text-anchor="middle">{tick:.0f}</text>')
    parts.append(f'<text x="{width - RIGHT}" y="{foot + 34}" text-anchor="end">epoch (all layers)</text>')
    parts.append(f'<path class="at" d="M0 {TOP}V{TOP + HIGH}M0 {second}V{foot}" visibility="hidden"/>')
    at = escape(json.dumps([round(across(place), 1) for place in places]))
    says = escape(json.dumps([_says(row) for row in rows], ensure_ascii=False))
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {foot + BOTTOM}" tabindex="0" role="img" '
        f'aria-label="{escape(f"{data.name}: exact log-likelihood, its bound, and the gap between them")}" '
        f'data-x="{at}" data-says="{says}">{"".join(parts)}</svg>'
    )


def _firsts(layers: list[list[Row]]) -> list[int]:
    """Where each layer begins: at the last epoch of the one below, for an untrained layer changes the model there."""
    firsts, end = [], 0
    for layer in layers:
        firsts.append(end)
        end += layer[-1].epoch
    return firsts


def _places(layers: list[list[Row]]) -> Iterator[int]:
    return (first + row.epoch for first, layer in zip(_firsts(layers), layers, strict=True) for row in layer)


def _height(value: float, low: float, high: float, top: int, height: int) -> float:
    return top + height * (high - value) / (high - low)


def _panel(name: str, low: float, high: float, top: int, height: int, width: int) -> str:
    """The name of a panel, and its grid with figures."""
    found = [f'<text x="4" y="{top - 7}">{name}</text>']
    for tick in ticks(low, high, max(2, height // 55)):
        y = _height(tick, low, high, top, height)
        found.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{width - RIGHT}"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{minus(f"{tick:g}")}</text>')
    return "".join(found)


def _curves(
    line: Line, rows: Sequence[Row], across: Callable[[float], float], limits: tuple[float, float, int, int]
) -> list[str]:
    """A path for each layer; what lies below the panel is left out. A single epoch is a dot."""
    layers = [list(group) for _, group in groupby(rows, key=lambda row: row.layer)]
    found = []
    for first, layer in zip(_firsts(layers), layers, strict=True):
        points = [
            (across(first + row.epoch), _height(value, *limits))
            for row in layer
            if (value := line.value(row)) is not None and value >= limits[0]
        ]
        if len(points) == 1:
            found.append(f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3" fill="var(--{line.colour})"/>')
        elif points:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            found.append(f'<path d="M{path}" stroke="var(--{line.colour})" stroke-dasharray="{line.dashes}"/>')
    return found


def _says(row: Row) -> str:
    figures = [f"{line.name} {value:z.4f}" for line in (*ABOVE, *BELOW) if (value := line.value(row)) is not None]
    return minus(f"layer {row.layer}, epoch {row.epoch}: " + "; ".join(figures)) + " nats"
