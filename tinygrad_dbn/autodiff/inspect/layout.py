"""Boxes joined by curves, as SVG: layers by longest path, order by barycentres, boxes of fixed-width letters.

An edge that passes layers by gets an empty place in each, so that it runs between the boxes and not behind them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from html import escape

_LETTER, _LINE, _PAD, _GAP, _RISE = 7.3, 18, 10, 28, 44  # pixels, at a font of 12
_PASSING = 6  # pixels that an edge takes in a layer that it passes
_SWEEPS = 8

_STYLE = """
.graph { color-scheme: light dark; background: #ffffff; }
.graph text { font: 12px ui-monospace, 'DejaVu Sans Mono', Consolas, monospace; fill: #1c2330; }
.graph rect { fill: #f4f6fa; stroke: #8a94a6; }
.graph path { fill: none; stroke: #8a94a6; stroke-width: 1.3; }
.graph .input rect { fill: #e6f0e6; } .graph .result rect { stroke: #b3541e; stroke-width: 2; }
.graph .rule { fill: #9a3d0c; } .graph a:hover rect { stroke: #00599c; }
@media (prefers-color-scheme: dark) {
  .graph { background: #15181d; } .graph text { fill: #e4e8ef; }
  .graph rect { fill: #212833; stroke: #6b7688; } .graph .input rect { fill: #22352a; }
  .graph .result rect { stroke: #f0a070; } .graph .rule { fill: #f0a070; } .graph a:hover rect { stroke: #6cb6ff; }
}
"""


@dataclass(eq=False)
class Box:
    """A box of lines of text, each with its class; one without lines is where an edge passes a layer."""

    lines: Sequence[tuple[str, str]] = ()
    kind: str = ""
    """Its class."""
    link: str = ""
    title: str = ""
    """What is shown where the mouse rests on it, of a box with a link."""
    above: list["Box"] = field(default_factory=list)
    below: list["Box"] = field(default_factory=list)
    x: float = 0.0  # of the middle
    top: float = 0.0

    def join(self, lower: "Box") -> None:
        """Draw an edge from this box down to another."""
        self.below.append(lower)
        lower.above.append(self)

    @property
    def width(self) -> float:
        """In pixels. A combining bar stands above its letter and takes no room of its own."""
        longest = max((sum(letter != "\u0304" for letter in text) for _, text in self.lines), default=0)
        return longest * _LETTER + 2 * _PAD if self.lines else _PASSING

    @property
    def height(self) -> float:
        """In pixels; an edge that passes has none."""
        return len(self.lines) * _LINE + 12 if self.lines else 0


def svg(boxes: Sequence[Box], widest: float = math.inf) -> str:
    """The text of an SVG file of joined boxes, light or dark as its reader's screen is.

    A box stands below those that it is joined to from above; one with none of them just above its first one below.
    widest: a layer that is wider than so many pixels is broken into several lines.
    """
    layers = _layers(boxes)
    _order(layers)
    lines = [line for layer in layers for line in _lines(layer, widest)]
    width, height = _positions(lines)
    paths = [
        _edge(upper, lower, max(box.top + box.height for box in line))
        for line in lines
        for upper in line
        for lower in upper.below
    ]
    drawn = [_box(box) for line in lines for box in line if box.lines]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">\n<style>{_STYLE}</style>\n'
        + "\n".join(paths + drawn)
        + "\n</svg>\n"
    )


def _layers(boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes of each layer, with a place in every layer that an edge passes."""
    depth: dict[Box, int] = {}
    for box in TopologicalSorter({box: box.above for box in boxes}).static_order():
        depth[box] = 1 + max((depth[upper] for upper in box.above), default=-1)
    for box in boxes:
        if not box.above:
            depth[box] = min((depth[lower] for lower in box.below), default=1) - 1
    layers: list[list[Box]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for box in boxes:
        layers[depth[box]].append(box)
    for box in boxes:
        uppers, box.above = box.above, []
        for upper in uppers:
            upper.below.remove(box)
            last = upper
            for layer in layers[depth[upper] + 1 : depth[box]]:
                passing = Box()
                layer.append(passing)
                last.join(passing)
                last = passing
            last.join(box)
    return layers


def _order(layers: list[list[Box]]) -> None:
    """Sort each layer by the mean position of its neighbours, down and up in turns: few edges then cross."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            at = {box: i for row in layers for i, box in enumerate(row)}

            def middle(box: Box, down: bool = down, at: dict[Box, int] = at) -> float:
                near = box.above if down else box.below
                return sum(at[n] for n in near) / len(near) if near else at[box]

            layer.sort(key=middle)


def _lines(layer: list[Box], widest: float) -> list[list[Box]]:
    lines: list[list[Box]] = [[]]
    for box in layer:
        if lines[-1] and _width([*lines[-1], box]) > widest:
            lines.append([])
        lines[-1].append(box)
    return lines


def _width(line: list[Box]) -> float:
    return sum(box.width for box in line) + _GAP * (len(line) - 1)


def _positions(lines: list[list[Box]]) -> tuple[float, float]:
    """Set every box's x and top, each line centred; returns the size of the whole."""
    top = float(_PAD)
    full = max(map(_width, lines), default=0.0)
    for line in lines:
        x = _PAD + (full - _width(line)) / 2
        for box in line:
            box.x, box.top = x + box.width / 2, top
            x += box.width + _GAP
        top += max(box.height for box in line) + _RISE
    return full + 2 * _PAD, top - _RISE + _PAD


def _edge(upper: Box, lower: Box, bottom: float) -> str:
    """From below a box straight down to the end of its line, then in a curve to the next."""
    bend = (bottom + lower.top) / 2
    down = f"M{upper.x:.1f} {upper.top + upper.height:.1f}V{bottom:.1f}"
    return f'<path d="{down}C{upper.x:.1f} {bend:.1f} {lower.x:.1f} {bend:.1f} {lower.x:.1f} {lower.top:.1f}"/>'


def _box(box: Box) -> str:
    left = box.x - box.width / 2
    rect = f'<rect x="{left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>'
    texts = "".join(
        f'<text class="{name}" x="{left + _PAD:.1f}" y="{box.top + _LINE * (i + 1):.1f}">{escape(text)}</text>'
        for i, (name, text) in enumerate(box.lines)
    )
    drawn = f'<g class="{box.kind}">{rect}{texts}</g>'
    return f'<a href="{escape(box.link)}"><title>{escape(box.title)}</title>{drawn}</a>' if box.link else drawn
