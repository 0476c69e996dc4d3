"""The pages of the library: every public name, with its signature, docstring and source.

pdoc writes them rather than Sphinx or MkDocs, because it shows docstrings as they stand, without a markup of their own,
follows `__all__`, takes the book's looks from one template, and brings three small packages instead of some twenty.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable
from inspect import getsourcelines, unwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import tinygrad_dbn

from ..autodiff.op import Op
from ..extras import needing
from .source import formatter

TOP = "tinygrad_dbn"
Places = dict[str, str]
"""Where a name is explained, as an address within the folder of these pages."""


def pages() -> dict[str, tuple[str, str]]:
    """For each page its place in the folder of the site: (title, HTML of its main part)."""
    with needing("the book", "pdoc"):
        from pdoc import render, render_helpers

    modules = _modules()
    places = _places(modules)
    render_helpers.formatter = formatter()
    render_helpers.markdown_extensions["fenced-code-blocks"] = {"cssclass": "highlight"}
    render.configure(docformat="markdown", search=False, template_directory=Path(__file__).parent / "templates")
    found = {}
    for name, module in modules.items():
        render.env.filters["references"] = _references(name, places)
        title = name.replace(f"{TOP}.", "td.")
        found[f"api/{_file(name)}"] = (title, render.html_module(module, modules))
    return found


def _modules() -> dict[str, Any]:
    """pdoc's picture of the package and of each module that it exports, by the name that a user writes."""
    with needing("the book", "pdoc"):
        from pdoc.doc import Class, Function, Module, Variable

    exported = {name: getattr(tinygrad_dbn, name) for name in tinygrad_dbn.__all__}
    below = {f"{TOP}.{name}": _public(value) for name, value in exported.items() if isinstance(value, ModuleType)}
    told = {id(value) for names in below.values() for value in names.values()}
    above = {k: v for k, v in exported.items() if id(v) not in told and not isinstance(v, ModuleType)}
    modules = {}
    for name, public in {TOP: above, **below}.items():
        face = ModuleType(name, (exported[name.rpartition(".")[2]] if name != TOP else tinygrad_dbn).__doc__)
        vars(face).update(public, __all__=list(public))
        module = modules[name] = Module(face)
        for key, doc in module.members.items():
            if isinstance(public[key], Op):  # pdoc takes it for a variable; it is called, and says what it is
                module.members[key] = row = Function(name, key, public[key], (name, key))
                lines, first = getsourcelines(unwrap(public[key].forward))
                row.source, row.source_lines = "".join(lines), (first, first + len(lines) - 1)
            elif isinstance(doc, Class):
                _settle(doc)
            elif isinstance(doc, Variable):
                doc.docstring = _said_below(key, public[key])
    return modules


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}


def _said_below(name: str, value: Any) -> str:
    """The docstring that stands below a variable, in the file that defines it; the others import it."""
    with needing("the book", "pdoc"):
        from pdoc.doc_ast import walk_tree

    files = [m for key, m in sys.modules.items() if key.startswith(f"{TOP}.") and vars(m).get(name) is value]
    return next(filter(None, (walk_tree(file).var_docstrings.get(name) for file in files)), "")


def _settle(shown: Any) -> None:
    """Tell of a class what it has from its bases within the package, and nothing that other packages gave it."""
    for key, member in list(shown.members.items()):
        if member.kind == "function" and not str(getattr(member.obj, "__module__", "")).startswith(TOP):
            if key != "__init__":
                del shown.members[key]
        elif member.taken_from[0].startswith(TOP):
            member.taken_from = (shown.modulename, f"{shown.qualname}.{key}")


def _file(name: str) -> str:
    return f"{name.replace('.', '/')}.html"


# ---- From a name in a docstring to the place where it is explained --------------------------------------------------


def _places(modules: dict[str, Any]) -> Places:
    """Every way in which a docstring may name something public; a short name only where it is a single thing's."""
    spelled: list[tuple[str, str]] = []
    for name, module in modules.items():
        short = name.removeprefix(TOP).lstrip(".")
        stems = ("td", name, *((short, f"td.{short}") if short else ()))
        spelled += [(way, _file(name)) for way in (name, f"td.{short}")]
        for key, doc in module.members.items():
            below = [f"{key}.{m.name}" for m in doc.own_members if m.docstring] if doc.kind == "class" else []
            for qualname in (key, *below):
                ways = {f"{stem}.{qualname}" for stem in stems}
                if name == TOP or qualname[0].isupper():  # a function's name alone is a common word: `mean`
                    ways.add(qualname)
                spelled += [(way, f"{_file(name)}#{qualname}") for way in ways]
    times = Counter(way for way, _ in spelled)
    return {way: place for way, place in spelled if times[way] == 1}


def _references(module: str, places: Places) -> Callable[[str, Any], Any]:
    """A filter of HTML for the page of a module: names in `code` become links to where they are explained."""
    from markupsafe import Markup

    up = "../" * module.count(".")

    def linked(html: str, doc: Any) -> Any:
        own = doc.signature.parameters if doc.kind == "function" else ()

        def link(found: re.Match[str]) -> str:
            if found[1] in own:
                return found[0]
            written, owner = found[1], doc.qualname.partition(".")[0]
            ways = (f"{module}.{owner}.{written}", f"{owner}.{written}", f"{module}.{written}", written)
            place = next((places[way] for way in ways if way in places), None)
            return f'<a href="{up}{place}">{found[0]}</a>' if place else found[0]

        return Markup(re.sub(r"<code>([A-Za-z_][\w.]*)(?:\([^<]*\))?</code>", link, html))

    return linked
