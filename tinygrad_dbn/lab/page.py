"""The lab's pages: each needs no network, and is light or dark as its reader's screen is."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..showing import escape as escape

SCRIPT = f"<script>{Path(__file__).with_name('page.js').read_text()}</script>\n"
"""For a page with a chart: it goes below the main part."""
STYLE = Path(__file__).with_name("page.css").read_text()


def minus(text: str) -> str:
    """A number as text, with the sign that is as wide as a plus instead of a hyphen."""
    return text.replace("-", "\u2212")


def page(title: str, body: str, *, style: str = f"<style>{STYLE}</style>", above: str = "", below: str = "") -> str:
    """A whole page of HTML. `title` is text, and the others are HTML; above, below: what is around the main part."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"{style}\n</head>\n<body>\n{above}"
        f'<main id="main" tabindex="-1">\n<h1>{escape(title)}</h1>\n{body}\n</main>\n{below}</body>\n</html>\n'
    )


def figure(light: bytes, dark: bytes, text: str, *, caption: bool = True) -> str:
    """A picture, given as PNG for light and for dark pages, with what it shows in words, as its caption or unseen."""
    day, night = (f"data:image/png;base64,{b64encode(png).decode()}" for png in (light, dark))
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{night}">'
        f'<img alt="{escape(text)}" src="{day}"></picture>'
        + (f"<figcaption>{escape(text)}</figcaption>" if caption else "")
        + "</figure>"
    )


def table(headings: Sequence[str], *groups: Iterable[Sequence[str]]) -> str:
    """A table that scrolls within the page. headings are text; each group has rows of HTML cells, the first a heading.

    A line is drawn between groups.
    """
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    bodies = "".join(f"<tbody>{''.join(map(_row, group))}</tbody>" for group in groups)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>{bodies}</table></div>'


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
