"""The site: where to start, a page for each chapter of the lecture, an index by function, the graph of theorems, the
engine's tutorial, and the library's pages."""

import re
from collections import Counter
from pathlib import Path

from ..extras import needing
from ..lab import page as html
from ..lab.outputs import write_all
from ..lab.page import escape
from . import api, links, prose
from .frame import page
from .graph import dependency_graph
from .record import LEVELS, Record, Theorem
from .source import highlighted, styles

HERE = Path(__file__).parent
SHOWN = ("models/", "learning/", "exact/", "autodiff/ops/", "autodiff/differentiate.py")
"""The source that a claim's page prints; the index by function lists everything that ran."""
HEADLINE = "digits.png"
"""The README's picture, which the first page shows too."""
Links = dict[str, str]
"""Where each theorem is, by its sentence."""

SEE_FOR_YOURSELF = (
    "<code>tinygrad-dbn prove H4 --coq h4.v</code> writes the theorems of a claim, and each step of their "
    "derivations, as a Coq file that stands alone. Read its definitions, and the statements after “What is proved”; "
    "<code>coqc h4.v</code> checks all of it and prints the axioms."
)


def write_site(record: Record, folder: Path, root: Path) -> list[Path]:
    """Write the pages and the pictures they show into the folder, each whole or not at all. Returns the paths.

    root: the folder of the repository. Raises ValueError where a link would lead nowhere.
    """
    of = {t["sentence"]: f"{_page_of(t)}#{_anchor(t)}" for t in record.theorems}
    found = {
        "index.html": _start(record, root),
        "lecture.html": ("The lecture, executed and proved", _lecture(record)),
        **{f"{k.lower()}.html": (f"{k}. {title}", _chapter(record, k, of)) for k, title in record.chapters.items()},
        "engine.html": ("The engine and the floats", _engine(record, of)),
        "functions.html": ("By function", _functions(record, of)),
        "graph.html": ("What rests on what", _graph(record, of)),
        **prose.tutorial(root),
        **api.pages(),
    }
    contents = {place: page(record, title, body, place).encode() for place, (title, body) in found.items()}
    contents["book.css"] = html.STYLE.encode() + (HERE / "book.css").read_bytes() + styles().encode()
    contents["book.js"] = (HERE / "book.js").read_bytes()
    for picture in sorted({HEADLINE, *(c["picture"] for c in record.claims if c["picture"])}):
        contents[picture] = (root / "docs" / picture).read_bytes()
    links.check(contents)
    return write_all(folder, contents)


# ---- Pages -----------------------------------------------------------------------------------------------------------


def _start(record: Record, root: Path) -> tuple[str, str]:
    title, text = prose.beginning(root)
    parts = (
        ("lecture.html", "The lecture, executed and proved", f"Claim by claim, in {len(record.theorems)} theorems."),
        ("tutorial.html", "The engine in four steps", "How the autodiff engine works, built up in code that runs."),
        ("api/tinygrad_dbn.html", "The library", "Every public function and class, with its source."),
    )
    cards = "".join(f'<li><a href="{place}">{name}</a> <span>{said}</span></li>' for place, name, said in parts)
    return title, f'<ul class="parts">{cards}</ul>{text}'


def _lecture(record: Record) -> str:
    count = Counter(t["state"] for t in record.theorems)
    refused, versions = (sum(t[key] for t in record.theorems) for key in ("refused", "versions"))
    seconds = sum(t["seconds"] for t in record.theorems)
    parts = [
        "<p>Hugo Larochelle’s lecture <i>Neural networks: deep learning</i>, claim by claim, and how each is known. "
        f"This book was written by the run itself: {count['proved']} theorems proved, {count['sampled']} sampled, "
        f"{count['refuted']} tempting ones refuted, {refused} of {versions} spoiled versions refused as false, in "
        f"{seconds:.0f} seconds.</p>",
        "<p>On a chapter’s page the keys j and k go from claim to claim.</p>",
        '<dl class="levels">',
        *(f"<dt>{_badge(level)}</dt><dd>{escape(text)}</dd>" for level, text in record.levels.items()),
        "</dl>",
    ]
    for letter, title in record.chapters.items():
        page = f"{letter.lower()}.html"
        parts.append(f'<h2><a href="{page}">{letter}. {escape(title)}</a></h2><ul class="claims">')
        for claim in (c for c in record.claims if c["number"].startswith(letter)):
            levels = sorted({t["level"] for t in record.about(claim["number"])}, key=LEVELS.index)
            badges = "".join(map(_badge, levels)) + ('<span class="badge">measured</span>' if claim["command"] else "")
            name = f"<b>{claim['number']}</b> {escape(claim['title'])}"
            parts.append(f'<li><a href="{page}#{claim["number"]}">{name}</a> <span>{badges}</span></li>')
        parts.append("</ul>")
    facts = sorted({fact for t in record.theorems for fact in t["trusts"]})
    parts.append("<h2>What must be trusted</h2><ul>")
    parts += [f"<li>{escape(part)}</li>" for part in [*record.trusted, *facts]]
    parts.append(f"</ul><p>{SEE_FOR_YOURSELF}</p>")
    return "".join(parts)


def _chapter(record: Record, letter: str, links: Links) -> str:
    body = []
    for claim in (c for c in record.claims if c["number"].startswith(letter)):
        number, name = claim["number"], escape(claim["title"])
        found = record.about(number)
        also = [t for t in found if t["claims"][0] != number]
        body += [
            f'<section class="claim" id="{number}" tabindex="-1"><h2>{number}. {name}</h2>',
            f'<div class="statement" tabindex="0" role="group" aria-label="statement of {number}">',
            f"{_mathematics(claim['statement'])}</div>",
            *(_theorem(record, t, links) for t in found if t not in also),
        ]
        if also:
            body.append(f"<p>Also decided by:</p>{_list(also, links)}")
        if claim["command"]:
            body.append(f"<p>Measured by <code>{escape(claim['command'])}</code>.</p>")
            body.append(f'<figure><img src="{claim["picture"]}" alt="{name}, measured" loading="lazy"></figure>')
        body.append("</section>")
    return "".join(body)


def _engine(record: Record, links: Links) -> str:
    text = (
        "<p>What the chapters rest on: that every op is what it says, to how many units in the last place, that its "
        "derivatives are its meaning’s.</p>"
    )
    about = "".join(_theorem(record, t, links) for t in record.theorems if _page_of(t) == "engine.html")
    return text + about


def _functions(record: Record, links: Links) -> str:
    """What is known about each shipped function: the theorems whose run called it."""
    known: dict[str, dict[str, list[Theorem]]] = {}
    for t in record.theorems:
        for place in t.get("executed", ()):
            file, _, rest = place.partition(":")
            name = rest.partition(" ")[2]
            if not name.split(".")[-1].startswith("_"):
                known.setdefault(file, {}).setdefault(name, []).append(t)
    parts = ["<p>Every shipped function that a theorem ran, and the theorems that ran it.</p>"]
    for file in sorted(known):
        parts.append(f"<h2><code>{escape(file)}</code></h2>")
        for name, found in sorted(known[file].items()):
            parts.append(_details(f"<code>{escape(name)}</code> · {len(found)}", _list(found, links)))
    return "".join(parts)


def _graph(record: Record, links: Links) -> str:
    text = (
        "<p>Each theorem stands above those it uses; those that stand alone are left out. A box leads to its page.</p>"
    )
    drawing = dependency_graph(record.theorems, links)
    region = f'<div class="wide" tabindex="0" role="region" aria-label="graph of theorems">{drawing}</div>'
    return text + region


# ---- Their parts -----------------------------------------------------------------------------------------------------


def _theorem(record: Record, t: Theorem, links: Links) -> str:
    uses = "; ".join(
        f'<a href="{links[fact]}">{escape(fact)}</a>' if fact in links else escape(fact)
        for fact in (*t["trusts"], *t["uses"])
    )
    above = "; ".join(_link(other, links) for other in record.theorems if t["sentence"] in other["uses"])
    spoiled = "".join(_spoiled(t, name) for name in t["spoiled"])
    steps = "".join(f"<li><code>{escape(step.partition('. ')[2])}</code></li>" for step in t.get("derivation", ()))
    source = [highlighted(place) for place in t.get("executed", ()) if place.startswith(SHOWN)]
    shown = "".join(_details(escape(name), html) for name, html in source if html)
    return (
        f'<article id="{_anchor(t)}"><h3>{_badge(t["level"])} {escape(t["sentence"])}</h3>'
        f'<p class="soft">{t["state"].capitalize()}: {escape(record.levels[t["level"]])}. Sizes: {escape(t["sizes"])}. '
        f"<code>{escape(t['where'])}</code>, {t['seconds']:.2f} s.{_checked(t)}</p>"
        + (f"<p>Traced from: <code>{escape(', '.join(t['traced']))}</code>.</p>" if t["traced"] else "")
        + (f"<p>Rests on: {uses}.</p>" if uses else "")
        + (f"<p>Used by: {above}.</p>" if above else "")
        + _details(f"{t['refused']} of {t['versions']} spoiled versions refused", f"<ul>{spoiled}</ul>")
        + _details("the derivation, step by step", steps and f'<ol class="steps">{steps}</ol>')
        + _details("the shipped source that it ran", shown)
        + "</article>"
    )


def _checked(t: Theorem) -> str:
    return {"": "", "Coq": " Checked by Coq."}.get(t["checked"], " Not checked by Coq: the kernel alone says so.")


def _spoiled(t: Theorem, name: str) -> str:
    """A spoiled version: what it changes, and what shows that it is false."""
    refusal = t["refusals"][name]
    return (
        f"<li>{escape(name)} <code>{escape(t['rewritten'].get(name, ''))}</code><br>"
        f'<span class="soft">{escape(": ".join(filter(None, (refusal["what"], refusal["witness"]))))}</span></li>'
    )


def _badge(level: str) -> str:
    return f'<span class="badge {level.lower()}" title="level {level}">{level}</span>'


def _details(summary: str, html: str) -> str:
    return f"<details><summary>{summary}</summary>{html}</details>" if html else ""


def _link(t: Theorem, links: Links) -> str:
    return f'<a href="{links[t["sentence"]]}">{escape(t["sentence"])}</a>'


def _list(theorems: list[Theorem], links: Links) -> str:
    items = "".join(f"<li>{_badge(t['level'])} {_link(t, links)}</li>" for t in theorems)
    return f'<ul class="also">{items}</ul>'


def _page_of(t: Theorem) -> str:
    letter: str = t["claims"][0][0]
    return f"{letter.lower()}.html" if letter.isupper() else "engine.html"


def _anchor(t: Theorem) -> str:
    return re.sub(r"\W+", "-", t["where"].removeprefix("proofs/test_")).strip("-")


def _mathematics(latex: str) -> str:
    with needing("the book", "latex2mathml"):
        from latex2mathml.converter import convert

    return str(convert(latex, display="block"))
