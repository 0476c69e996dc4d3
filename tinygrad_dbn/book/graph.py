"""Which theorem rests on which, as SVG: those that rest on nothing at the bottom."""

from html import escape

from .record import Theorem

WIDTH, HEIGHT, GAP_X, GAP_Y = 230, 46, 18, 60


def dependency_graph(theorems: list[Theorem], links: dict[str, str]) -> str:
    """The SVG of the theorems that use others or are used. links: where each sentence's page is."""
    known = {t["sentence"]: t for t in theorems}
    edges = [(t["sentence"], used) for t in theorems for used in t["uses"] if used in known]
    names = list(dict.fromkeys(name for edge in edges for name in reversed(edge)))
    height: dict[str, int] = {}

    def rank(name: str) -> int:
        if name not in height:
            height[name] = 0
            height[name] = max((1 + rank(below) for above, below in edges if above == name), default=0)
        return height[name]

    rows: dict[int, list[str]] = {}
    for name in names:
        rows.setdefault(rank(name), []).append(name)
    place: dict[str, tuple[float, float]] = {}
    top = max(rows, default=0)
    per_row = 4
    y = 10.0
    for level in range(top, -1, -1):
        row = rows.get(level, [])
        for start in range(0, len(row), per_row):
            for k, name in enumerate(row[start : start + per_row]):
                place[name] = (10 + k * (WIDTH + GAP_X), y)
            y += HEIGHT + 22
        y += GAP_Y - 22
    lines = [
        f'<path d="M{place[a][0] + WIDTH / 2:.0f} {place[a][1] + HEIGHT} C {place[a][0] + WIDTH / 2:.0f} '
        f"{place[a][1] + HEIGHT + 30:.0f} {place[b][0] + WIDTH / 2:.0f} {place[b][1] - 30:.0f} "
        f'{place[b][0] + WIDTH / 2:.0f} {place[b][1]:.0f}"/>'
        for a, b in edges
    ]
    boxes = [_box(known[name], *place[name], links.get(name, "")) for name in names]
    width = 20 + per_row * WIDTH + (per_row - 1) * GAP_X
    return (
        f'<svg class="graph" viewBox="0 0 {width} {y:.0f}"><g class="edges">{"".join(lines)}</g>{"".join(boxes)}</svg>'
    )


def _box(theorem: Theorem, x: float, y: float, link: str) -> str:
    words, lines = theorem["sentence"].split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 36:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > 2:
        lines = [lines[0], lines[1] + " …"]
    text = "".join(
        f'<text x="{x + 8:.0f}" y="{y + 18 + 15 * k:.0f}">{escape(line)}</text>' for k, line in enumerate(lines)
    )
    title = f"{theorem['claim']}, level {theorem['level']}: {theorem['sentence']}"
    box = f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>'
    return f'<a href="{escape(link)}"><title>{escape(title)}</title>{box}{text}</a>'
