"""Which theorem rests on which, as SVG: each stands above those it uses."""

from textwrap import shorten, wrap

from ..autodiff.inspect.layout import Box, svg
from .record import Theorem

LETTERS, LINES = 32, 2  # of a sentence in its box
WIDEST = 820  # pixels of a line of boxes: three of them


def dependency_graph(theorems: list[Theorem], links: dict[str, str]) -> str:
    """The SVG of the theorems that use others or are used. links: where each sentence's page is."""
    boxes = {t["sentence"]: _box(t, links.get(t["sentence"], "")) for t in theorems}
    for t in theorems:
        for used in t["uses"]:
            if used in boxes:
                boxes[t["sentence"]].join(boxes[used])
    return svg([box for box in boxes.values() if box.above or box.below], WIDEST)


def _box(theorem: Theorem, link: str) -> Box:
    lines = wrap(theorem["sentence"], LETTERS)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], shorten(" ".join(lines[LINES - 1 :]), LETTERS, placeholder=" …")]
    title = f"{theorem['claim']}, level {theorem['level']}: {theorem['sentence']}"
    return Box([("step", line.ljust(LETTERS)) for line in lines], link=link, title=title)
