"""Whether every link of the site leads somewhere."""

import re
from collections import Counter
from collections.abc import Mapping
from posixpath import dirname, join, normpath

TAG = re.compile(r'<\w[^<>]* (?:id|href|src)="[^<>]*')  # an HTML parser takes a quarter of a minute for all the source
ATTRIBUTE = re.compile(r' (id|href|src)="([^"]*)"')


def check(contents: Mapping[str, bytes]) -> None:
    """Raises ValueError for a link or a picture that leads nowhere within the site, and for a place named twice.

    contents: each file by its place in the folder of the site. The site needs no network, so no link leaves it.
    """
    pages = {name: ATTRIBUTE.findall(" ".join(TAG.findall(text.decode()))) for name, text in contents.items()
             if name.endswith(".html")}  # fmt: skip
    places = {name: Counter(value for key, value in found if key == "id") for name, found in pages.items()}
    for name, found in pages.items():
        for place, times in places[name].items():
            if times > 1:
                raise ValueError(f"{name} has {times} places called {place!r}; call each otherwise")
        for target in {value for key, value in found if key != "id" and not value.startswith("data:")}:
            file, _, place = target.partition("#")
            there = normpath(join(dirname(name), file)) if file else name
            if there not in contents or (place and place not in places[there]):
                raise ValueError(f"{name} links to {target}, which is nowhere in the site; mend the link")
