"""The shipped source that a page speaks about, as HTML with line numbers."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

from ..extras import needing

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def highlighted(place: str) -> tuple[str, str]:
    """(the name, HTML of the source) of a function given as "exact/states.py:20 states"; no HTML where it is gone."""
    file, _, rest = place.partition(":")
    line, _, name = rest.partition(" ")
    text = (PACKAGE / file).read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= int(line) <= (node.body[0].lineno) and node.name == name.split(".")[-1]:
                source = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                return f"{file} · {name}", as_html(source, first)
    return f"{file} · {name}", ""


def as_html(source: str, first: int = 1) -> str:
    """Python source, whose first line has the number `first`."""
    with needing("the book", "pygments"):
        from pygments import highlight
        from pygments.lexers import PythonLexer

    html: str = highlight(source, PythonLexer(), formatter(linenostart=first))
    return html


def formatter(**options: Any) -> Any:
    """How every page of the book prints source."""
    with needing("the book", "pygments"):
        from pygments.formatters import HtmlFormatter

    return HtmlFormatter(linenos="inline", wrapcode=True, **options)


def styles() -> str:
    """Colours of the source for light and dark pages, all of them readable on the page's own paper."""
    with needing("the book", "pygments"):
        from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    inside = "\n".join(line for line in dark.splitlines() if line.startswith(".highlight"))
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {inside} }}"
