"""Pages written in Markdown: how the README begins, and the engine's tutorial with the files it ends at."""

import re
from pathlib import Path

from ..extras import needing
from .source import as_html


def beginning(root: Path) -> tuple[str, str]:
    """(title, HTML) of what the README says before its chapters: what this is, and how to start it."""
    text = (root / "README.md").read_text().partition("\n## Five minutes")[0]
    title, body = _html(text)
    return title, body.replace('src="docs/', 'src="')


def tutorial(root: Path) -> dict[str, tuple[str, str]]:
    """The engine's tutorial and the files that it links to: (title, HTML) of each, by its place in the site."""
    docs = root / "docs"
    title, body = _html((docs / "engine.md").read_text())
    pages = {}

    def link(found: re.Match[str]) -> str:
        path = (docs / found[1]).resolve()
        file = path / "__init__.py" if path.is_dir() else path  # which says how to read the folder
        name = file.relative_to(root.resolve()).as_posix()
        pages[f"source/{name}.html"] = (name, as_html(file.read_text()))
        return f'href="source/{name}.html"'

    body = re.sub(r'href="(\.\./[^"]+)"', link, body)
    return {"tutorial.html": (title, body), **pages}


def _html(text: str) -> tuple[str, str]:
    """A page in Markdown whose first line is its title."""
    with needing("the book", "markdown2"):
        from markdown2 import markdown

    title, _, body = text.removeprefix("# ").partition("\n")
    extras = {"code-friendly": None, "fenced-code-blocks": {"cssclass": "highlight"}, "tables": None}
    html = str(markdown(body, extras=extras))
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return title, html
