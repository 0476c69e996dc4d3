"""The site: the book, the tutorial and the library's pages in one folder. Every link leads somewhere, every snippet is
run by a test, every public name is explained.
"""

import doctest
import importlib
import inspect
import pkgutil
import re
from html import unescape
from html.parser import HTMLParser
from types import ModuleType

import pytest

import tinygrad_dbn as td
from tests.running import ROOT
from tests.test_book import CONTENT
from tinygrad_dbn import book
from tinygrad_dbn.book import links, prose


class Page(HTMLParser):
    """Everything a page points to, every place in it, and every snippet that is not folded away."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.ids, self.snippets, self.inside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        self.targets += [found[key] for key in ("href", "src") if found.get(key)]
        if tag in ("pre", "details"):
            self.inside.append(tag)
            self.snippets += [""] if self.inside == ["pre"] else []

    def handle_endtag(self, tag):
        if tag in ("pre", "details"):
            self.inside.pop()

    def handle_data(self, data):
        if self.inside == ["pre"]:
            self.snippets[-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Every file of the site by its place, pages read."""
    record = book.Record(**CONTENT)
    folder = tmp_path_factory.mktemp("site")
    paths = book.write_site(record, folder, ROOT)
    places = {path.relative_to(folder).as_posix(): path for path in paths}
    return {place: path.read_text() if path.suffix != ".png" else "" for place, path in places.items()}


@pytest.fixture(scope="module")
def pages(site):
    return {place: Page(text) for place, text in site.items() if place.endswith(".html")}


def test_every_link_leads_somewhere(site, pages):
    assert {"index.html", "lecture.html", "h.html", "graph.html", "tutorial.html"} <= set(pages)
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for target in page.targets:
            assert not target.startswith(("http", "//")), "the site needs no network"
            if not target.startswith("data:"):
                file, _, place = target.partition("#")
                there = (ROOT / name).parent.joinpath(file).resolve().relative_to(ROOT).as_posix() if file else name
                assert there in site, f"{name} points to {target}"
                assert not place or place in pages[there].ids, f"{name} points to {target}"


def test_every_page_is_reached_from_the_first(pages):
    reached, ahead = set(), ["index.html"]
    while ahead:
        name = ahead.pop()
        if name in pages and name not in reached:
            reached.add(name)
            files = [t.partition("#")[0] for t in pages[name].targets if not t.startswith(("data:", "#"))]
            ahead += [(ROOT / name).parent.joinpath(f).resolve().relative_to(ROOT).as_posix() for f in files]
    assert reached == set(pages)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('<a href="none.html">', "a.html links to none.html, which is nowhere"),
        ('<a class="x" href="#none">', "a.html links to #none"),
        ('<a href="b/c.html#d"> <a href="b/c.html#e">', "a.html links to b/c.html#e"),
        ('<img alt="" src="none.png">', "a.html links to none.png"),
        ('<a href="https://x.org">', "a.html links to https"),
        ('<p id="x"><p id="x">', "a.html has 2 places called 'x'"),
    ],
)
def test_a_site_with_a_link_that_leads_nowhere_is_not_written(page, said):
    links.check({"a.html": b"<p>", "b/c.html": b'<p id="d"><a href="../a.html">'})
    with pytest.raises(ValueError, match=said):
        links.check({"a.html": page.encode(), "b/c.html": b'<p id="d">'})


def test_a_chapter_shows_a_theorem_its_claim_and_what_refuses_it(site):
    assert "x &lt;p&gt; &amp; q" in site["h.html"]
    assert "<math" in site["h.html"]
    assert "RBM.energy: + b → nothing" in site["h.html"]
    assert "F: 1, not 2" in site["h.html"]
    assert "free_energy" in site["functions.html"]


# ---- The library -----------------------------------------------------------------------------------------------------


def exported():
    """(the name that a user writes, its page, its place there) of everything public."""
    for name in td.__all__:
        value = getattr(td, name)
        if isinstance(value, ModuleType):
            yield f"td.{name}", f"api/tinygrad_dbn/{name}.html", None
            for key in value.__all__:
                yield f"td.{name}.{key}", f"api/tinygrad_dbn/{name}.html", key
        elif not hasattr(td.models, name):
            yield f"td.{name}", "api/tinygrad_dbn.html", name


def test_every_public_name_is_explained_once(site, pages):
    names = list(exported())
    assert len(names) > 200
    for name, page, place in names:
        if place is not None:
            assert pages[page].ids.count(place) == 1, name
            (section,) = re.findall(rf'<section class="api" id="{place}">(.*?)</section>', site[page], re.DOTALL)
            assert re.search(r'<div class="docstring">\s*<p>\S', section.partition('<div class="api"')[0]), name


def test_no_page_has_a_name_that_is_not_public(pages):
    places = {(page, place) for _, page, place in exported() if place}
    found = {(name, i) for name, page in pages.items() if name.startswith("api/") for i in page.ids}
    found = {(name, i) for name, i in found if "." not in i and not re.search(r"-\d+$", i) and i != "main"}
    assert found == places


def test_what_an_op_is_called_with_is_what_its_page_says(site):
    said = re.findall(r'<section class="api" id="(\w+)">.*?<div class="signature-of.*?>(.*?)</div>', site[
        "api/tinygrad_dbn/ops.html"], re.DOTALL)  # fmt: skip
    text = {name: " ".join(unescape(re.sub(r"<.*?>", "", html)).split()) for name, html in said}
    assert text["sum"] == "def sum(x, /, axis=None, keepdims=False):"
    assert text["where"] == "def where(condition, x, y, /):"
    for op in td.ops.TABLE.values():
        kinds = [p.kind for p in inspect.signature(op).parameters.values()]
        assert kinds.count(inspect.Parameter.POSITIONAL_ONLY) == (op.arity or 0)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("models.html", '<a href="../tinygrad_dbn/exact.html#sample"><code>exact.sample</code></a>'),
        ("estimators.html", '<a href="../tinygrad_dbn/models.html#RBM"><code>td.RBM</code></a>'),
        ("datasets.html", '<a href="../tinygrad_dbn/datasets.html#load"><code>load("bars-and-stripes:3")</code></a>'),
        ("exact.html", '<a href="../tinygrad_dbn/exact.html#states"><code>states</code></a>'),
    ],
)
def test_names_in_docstrings_are_links(page, link, site):
    assert link in site[f"api/tinygrad_dbn/{page}"]


def test_a_parameter_is_no_link(site):
    models = site["api/tinygrad_dbn/models.html"]
    (section,) = re.findall(r'<div class="api" id="RBM.sample">.*?<details>', models, re.DOTALL)
    assert "<code>mean</code>" in section
    assert "<code>mean</code></a>" not in section


# ---- Snippets --------------------------------------------------------------------------------------------------------


def run_by_doctest():
    """The source of every example that pytest runs as a doctest."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(td.__path__, "tinygrad_dbn."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            for test in finder.find(module, module.__name__):
                yield from (example.source for example in test.examples)


def test_every_snippet_is_one_that_a_test_runs(pages):
    run = set(run_by_doctest())
    engine = (ROOT / "docs" / "engine.md").read_text()  # all of it is run by test_tutorial.py
    begin = (ROOT / "README.md").read_text().partition("\n## Five")[0]  # its commands: test_package.py
    counts = dict.fromkeys(("api", "tutorial", "start"), 0)
    for name, page in pages.items():
        for snippet in page.snippets:
            if name.startswith("api/"):
                counts["api"] += 1
                examples = doctest.DocTestParser().get_examples(snippet)
                assert examples, f"{name} shows what is no example: {snippet}"
                for example in examples:
                    assert example.source in run, f"{name} shows an example that no test runs: {example.source}"
            elif name in ("tutorial.html", "index.html"):
                counts["tutorial" if name == "tutorial.html" else "start"] += 1
                words = " ".join((engine if name == "tutorial.html" else begin).split())
                assert " ".join(snippet.split()) in words, f"{name} shows {snippet}"
            else:
                assert name.startswith("source/"), f"{name} shows {snippet}"
    assert counts["api"] > 30
    assert counts["tutorial"] > 9
    assert counts["start"] == 2


def test_the_tutorial_leads_to_the_source_as_it_is(site):
    shown = prose.tutorial(ROOT)
    assert len(shown) > 6
    for place in shown:
        if place != "tutorial.html":
            source = (ROOT / place.removeprefix("source/").removesuffix(".html")).read_text()
            (lines,) = re.findall(r'<div class="highlight".*?<pre>(.*?)</pre>', site[place], re.DOTALL)
            text = unescape(re.sub(r"<.*?>", "", re.sub(r'<span class="linenos">.*?</span>', "", lines)))
            assert text.strip() == source.strip()
