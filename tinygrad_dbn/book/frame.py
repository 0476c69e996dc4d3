"""What stands around the main part of every page of the site: its style, and the way to the other pages."""

from ..lab import page as html
from .record import Record


def page(record: Record, title: str, body: str, here: str) -> str:
    """A whole page. title is text, body HTML; here: the page's own place in the folder of the site."""
    up = "../" * here.count("/")
    chapters = {f"{letter.lower()}.html": letter for letter in record.chapters}
    places = {"index.html": "Start", "lecture.html": "The lecture", **chapters}
    places |= {f"{name}.html": name for name in ("engine", "functions", "graph")}
    places |= {"tutorial.html": "Tutorial", "api/tinygrad_dbn.html": "Library"}
    return html.page(
        title,
        body.replace('<div class="highlight">', '<div class="highlight" tabindex="0">'),  # it scrolls, also by keys
        style=f'<link rel="stylesheet" href="{up}book.css">\n<link rel="icon" href="data:,">',
        above='<a class="skip" href="#main">to the text</a>\n'
        f'<nav aria-label="the site">{_links(places, here, up)}</nav>\n',
        below=f'<script src="{up}book.js"></script>\n',
    )


def _links(places: dict[str, str], here: str, up: str) -> str:
    def link(place: str, text: str) -> str:
        current = place == here or (place.startswith("api/") and here.startswith("api/"))
        return f'<a href="{up}{place}"{" aria-current=page" if current else ""}>{text}</a>'

    return "".join(link(*named) for named in places.items())
