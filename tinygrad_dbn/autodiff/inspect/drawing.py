"""A graph drawn as SVG, by hand: layers by longest path, order by barycentres, boxes of fixed-width letters.

An edge that passes layers by gets an empty place in each, so that it runs between the boxes and not behind them.
"""

from dataclasses import dataclass, field
from html import escape

from .graph import Graph, Node, barred

_LETTER, _LINE, _PAD, _GAP, _RISE = 7.3, 18, 10, 28, 44  # pixels, at a font of 12
_SWEEPS = 8

_STYLE = """
svg { color-scheme: light dark; background: #ffffff; }
text { font: 12px ui-monospace, 'DejaVu Sans Mono', Consolas, monospace; }
rect { fill: #f4f6fa; stroke: #8a94a6; }
.input rect { fill: #e6f0e6; } .result rect { stroke: #b3541e; stroke-width: 2; }
text { fill: #1c2330; } .rule { fill: #9a3d0c; } .shape { fill: #667085; }
path { fill: none; stroke: #8a94a6; stroke-width: 1.3; }
@media (prefers-color-scheme: dark) {
  svg { background: #14181f; } rect { fill: #212833; stroke: #6b7688; } .input rect { fill: #22352a; }
  text { fill: #e4e8ef; } .rule { fill: #f0a070; } .shape { fill: #98a2b3; } .result rect { stroke: #f0a070; }
}
"""


@dataclass(eq=False)
class _Place:
    """Where a node is drawn, or where an edge passes its layer: then there is no node."""

    node: Node | None
    layer: int
    above: list["_Place"] = field(default_factory=list)
    below: list["_Place"] = field(default_factory=list)
    x: float = 0.0  # of the middle
    top: float = 0.0

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(class, text) for each line of the box."""
        if self.node is None:
            return []
        rules = [("rule", f"{barred(name)} += {formula}") for name, formula in self.node.derivatives]
        return [("step", f"{self.node}   [{self.node.kind}]"), *rules]

    @property
    def width(self) -> float:
        longest = max((sum(letter != "\u0304" for letter in text) for _, text in self.lines), default=0)
        return longest * _LETTER + 2 * _PAD if self.node else 6

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 12 if self.node else 0


def svg(graph: Graph) -> str:
    """A box for each step, inputs above, light or dark as its reader's screen is: the text of an SVG file."""
    layers = _layers(graph)
    _order(layers)
    width, height = _positions(layers)
    paths, boxes = [], []
    for layer in layers:
        bottom = max(place.top + place.height for place in layer)
        for place in layer:
            for end in place.below:
                paths.append(_edge(place, end, bottom))
            if place.node is not None:
                boxes.append(_box(place, place.node.name in graph.outputs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}">\n<style>{_STYLE}</style>\n' + "\n".join(paths + boxes) + "\n</svg>\n"
    )


def _layers(graph: Graph) -> list[list[_Place]]:
    """The places of each layer: a step stands one below the lowest of its inputs, an input just above its first use."""
    nodes = {node.name: node for node in graph.nodes}
    depth: dict[str, int] = {}
    for node in graph.nodes:
        depth[node.name] = 1 + max((depth[name] for name in node.inputs if name in nodes), default=-1)
    for node in graph.nodes:
        if node.op is None:
            depth[node.name] = min((depth[n.name] for n in graph.nodes if node.name in n.inputs), default=1) - 1
    layers: list[list[_Place]] = [[] for _ in range(1 + max(depth.values()))]
    places = {name: _Place(node, depth[name]) for name, node in nodes.items()}
    for place in places.values():
        layers[place.layer].append(place)
    for name, place in places.items():
        for source in dict.fromkeys(n for n in nodes[name].inputs if n in nodes):
            last = places[source]
            for layer in range(last.layer + 1, place.layer):
                passing = _Place(None, layer)
                layers[layer].append(passing)
                _join(last, passing)
                last = passing
            _join(last, place)
    return layers


def _join(upper: _Place, lower: _Place) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _order(layers: list[list[_Place]]) -> None:
    """Sort each layer by the mean position of its neighbours, down and up in turns: few edges then cross."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            at = {place: i for row in layers for i, place in enumerate(row)}

            def middle(place: _Place, down: bool = down, at: dict[_Place, int] = at) -> float:
                near = place.above if down else place.below
                return sum(at[n] for n in near) / len(near) if near else at[place]

            layer.sort(key=middle)


def _positions(layers: list[list[_Place]]) -> tuple[float, float]:
    """Set every place's x and top, each row centred; returns the size of the whole."""
    top = float(_PAD)
    full = max(sum(place.width for place in layer) + _GAP * (len(layer) - 1) for layer in layers)
    for layer in layers:
        taken = sum(place.width for place in layer) + _GAP * (len(layer) - 1)
        x = _PAD + (full - taken) / 2
        for place in layer:
            place.x, place.top = x + place.width / 2, top
            x += place.width + _GAP
        top += max(place.height for place in layer) + _RISE
    return full + 2 * _PAD, top - _RISE + _PAD


def _edge(start: _Place, end: _Place, bottom: float) -> str:
    """From below a box straight down to the end of its layer, then in a curve to the next."""
    bend = (bottom + end.top) / 2
    down = f"M{start.x:.1f} {start.top + start.height:.1f}V{bottom:.1f}"
    return f'<path d="{down}C{start.x:.1f} {bend:.1f} {end.x:.1f} {bend:.1f} {end.x:.1f} {end.top:.1f}"/>'


def _box(place: _Place, is_result: bool) -> str:
    assert place.node is not None
    kind = " ".join(filter(None, ["input" if place.node.op is None else "", "result" if is_result else ""]))
    left = place.x - place.width / 2
    rect = f'<rect x="{left:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" rx="5"/>'
    texts = [
        f'<text class="{name}" x="{left + _PAD:.1f}" y="{place.top + 18 + i * _LINE:.1f}">{escape(text)}</text>'
        for i, (name, text) in enumerate(place.lines)
    ]
    return f'<g class="{kind}">{rect}{"".join(texts)}</g>'
